"""The settings as somebody finds them: by what they want, with origins, and nothing is downloaded unasked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.double import StashDouble
from tests.line.conftest import NO_MODELS
from tests.line.drawing import picture
from tests.pages.asking import ask, item, until
from tests.pages.browsing import barriers, serve, settled, too_wide
from tests.pages.test_operations import BLACK_WHITE, looked_at

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.usefixtures("worker_ends")
SETTINGS = "plugins/ai_tagger/settings"
PRESET = "#ai-tagger-modelPreset"


@pytest.fixture
def stash(tmp_path: Path, plugin: Path) -> Iterator[StashDouble]:
    """Models come from their own addresses, which are only told here."""
    data = tmp_path / "stash" / "ai_tagger"
    data.mkdir(parents=True)
    (data / "config.yml").write_text(NO_MODELS)
    environment = {"AI_TAGGER_PYTHON": sys.executable, "AI_TAGGER_MIRROR": ""}
    with StashDouble(data_dir=data.parent, plugin_dir=plugin, environment=environment) as double:
        yield double


def opened(stash: StashDouble, page: Page, dark: bool = True) -> list[str]:
    page.set_default_timeout(30_000)
    complaints = serve(page, stash, [], dark)
    page.goto(f"{stash.url}/{SETTINGS}")
    page.locator(f"{PRESET}:enabled").wait_for()
    page.get_by_text("All settings").wait_for()
    return complaints


def asked_for(page: Page) -> list[str]:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    return sent


@pytest.mark.parametrize(("width", "dark"), [(360, True), (1400, False)], ids=["narrow dark", "wide light"])
def test_other_models_say_what_they_cost_and_wait_for_a_yes(
    stash: StashDouble, page: Page, tmp_path: Path, width: int, dark: bool
) -> None:
    looked_at(stash, [item(stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1)))])
    page.set_viewport_size({"width": width, "height": 800})
    complaints = opened(stash, page, dark)
    sent = asked_for(page)
    page.select_option(PRESET, "accurate")
    cost = page.get_by_role("group", name="Change to accurate models?")
    cost.wait_for()
    said = cost.inner_text()
    wanted = [
        one
        for one in ask(stash, "models")["models"]
        if "accurate" in one["presets"] and one["name"] not in NO_MODELS  # Those are switched off.
    ]
    assert len(wanted) == 3
    assert f"{round(sum(one['to_get'] for one in wanted) / 1e6)} MB will be downloaded from" in said
    for one in wanted:
        assert one["licence"] in said and all(host in said for host in one["hosts"])
    assert "looks at 1 item again" in said
    assert not barriers(page) and not too_wide(page)
    page.keyboard.press("Escape")
    until(lambda: page.locator(PRESET).input_value() == "fast")
    assert not any("configurePlugin" in text or "runPluginTask" in text for text in sent)
    assert "modelPreset" not in stash.data.settings.get("ai_tagger", {})
    assert not complaints


def test_a_preset_that_is_here_is_changed_to_after_a_yes(stash: StashDouble, page: Page, data: Path) -> None:
    file = data / "config.yml"
    file.write_text(file.read_text().replace("]", ", rfdetr-small, resnet18-places365, efficientnet-lite4]"))
    complaints = opened(stash, page)
    page.select_option(PRESET, "accurate")
    page.get_by_text("nothing is downloaded").wait_for()
    page.get_by_role("button", name="Change", exact=True).press("Enter")
    page.get_by_text("The accurate models are used from the next run on.").wait_for()
    assert stash.data.settings["ai_tagger"]["modelPreset"] == "accurate"
    until(lambda: page.locator("label[for=ai-tagger-modelPreset]").inner_text().endswith("set here"))
    assert not complaints


def test_a_model_is_got_only_after_its_cost_was_seen(stash: StashDouble, page: Page) -> None:
    complaints = opened(stash, page)
    sent = asked_for(page)
    page.get_by_text("Each model").click()
    page.get_by_role("button", name="Get: yolox-s").press("Enter")
    page.get_by_text("MB will be downloaded from").wait_for()
    page.get_by_role("button", name="Cancel: yolox-s").press("Enter")
    page.get_by_role("button", name="Get: yolox-s").wait_for()
    assert not any("runPluginTask" in text for text in sent)
    assert not complaints


def test_looking_for_people_again_says_what_it_gets(stash: StashDouble, page: Page, data: Path) -> None:
    (data / "config.yml").write_text("models: {skip: [deimv2-femto, yolox-nano]}\nfeatures: {people: 'off'}\n")
    complaints = opened(stash, page)
    until(lambda: page.locator("#ai-tagger-people").input_value() == "off")
    sent = asked_for(page)
    page.select_option("#ai-tagger-people", "review")
    page.get_by_text("MB will be downloaded from").wait_for()
    assert not any("configurePlugin" in text for text in sent)
    with page.expect_response(lambda answer: "AITaggerConfigure" in (answer.request.post_data or "")):
        page.get_by_role("button", name="Use it: the next run gets it").press("Enter")
    assert stash.data.settings["ai_tagger"]["people"] == "review"
    assert not complaints


def test_each_value_says_where_it_comes_from(stash: StashDouble, page: Page, data: Path) -> None:
    file = data / "config.yml"
    file.write_text(file.read_text() + "scope: {images: false}\nthresholds: {apply: 0.8}\n")
    stash.data.settings["ai_tagger"] = {"people": "review"}
    complaints = opened(stash, page)
    images = page.locator("#ai-tagger-skipImages")
    assert not images.is_checked() and images.is_disabled(), "what the file leaves out, this page can't add"
    assert page.locator("label[for=ai-tagger-skipImages]").inner_text().endswith("from config.yml")
    assert page.locator("label[for=ai-tagger-people]").inner_text().endswith("set here")
    assert page.locator("#ai-tagger-people").input_value() == "review"
    assert page.locator("label[for=ai-tagger-reviewPercent]").inner_text().endswith("as shipped")
    assert page.locator("#ai-tagger-applyPercent").get_attribute("placeholder") == "80"
    page.get_by_text("All settings").click()
    page.get_by_label("Search settings").fill("config.yml")
    rows = page.locator(".ai-tagger-all[open] tbody tr")
    until(lambda: rows.count() == 3)  # with the models that the fixture leaves out
    assert any("thresholds.apply" in text and "0.8" in text for text in rows.all_inner_texts())
    page.get_by_label("Search settings").fill("no such setting")
    until(lambda: rows.count() == 0)
    assert not barriers(page) and not complaints


def test_what_an_undo_took_back_is_reckoned_in(stash: StashDouble, page: Page, tmp_path: Path) -> None:
    stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1))
    ask(stash, "tag")
    written = stash.tags_by_item()
    ask(stash, "undo")
    assert any(BLACK_WHITE in tags for tags in written.values()) and not any(stash.tags_by_item().values())
    n = sum(map(len, written.values()))
    estimate: dict[str, Any] = ask(stash, "estimate", apply=85, review=70)
    assert (estimate["taken_back"], estimate["remove"]) == (n, 0)
    estimate = ask(stash, "estimate", apply=100, review=70)
    assert (estimate["taken_back"], estimate["remove"]) == (0, 0), "what isn't there can't be taken back"
    labels = ask(stash, "labels")
    assert labels["taken_back"] == n and not sum(entry["apply"] for entry in labels["labels"])
    complaints = opened(stash, page)
    page.get_by_label("Write tags from").fill("85")
    page.get_by_text("Besides, ").wait_for()
    assert not complaints


def test_a_misspelt_name_is_doubted_beside_its_list(stash: StashDouble, page: Page, tmp_path: Path) -> None:
    looked_at(stash, [item(stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1)))])
    complaints = opened(stash, page)
    field = page.locator("#ai-tagger-add-blacklist")
    field.fill("Blakc and white")
    field.press("Enter")
    page.get_by_role("button", name="Save").press("Enter")
    page.locator("section", has=field).locator(".ai-tagger-doubt", has_text=f"did you mean “{BLACK_WHITE}”").wait_for()
    assert not page.locator(".alert-warning").count()
    assert not barriers(page) and not complaints


def test_before_the_set_up_no_other_models_are_chosen(stash: StashDouble, page: Page) -> None:
    complaints = serve(page, stash, [], language="de-DE")
    page.goto(f"{stash.url}/{SETTINGS}")
    settled(page)
    assert page.get_by_role("heading", name="Modelle und Tempo").count() == 1
    assert not complaints
