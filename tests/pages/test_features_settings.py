"""Lists of tags, names for things, models in use: edited on the page, said of what they would change, kept by Stash."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tagger.config import load
from tagger.errors import ConfigError
from tests.double import StashDouble
from tests.line.drawing import picture
from tests.pages.asking import ask, item
from tests.pages.browsing import serve
from tests.pages.filling import filmed, waiting
from tests.pages.test_operations import BLACK_WHITE, looked_at

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.usefixtures("worker_ends")
NICKNAME = '"The Rock" Johnson'
ONE_NAME = "# mine, and it stays\ntags: {names: {black and white: Film noir}}\n"


def settings(stash: StashDouble) -> dict[str, Any]:
    return stash.data.settings.get("ai_tagger", {})


def rows(stash: StashDouble) -> dict[str, tuple[str, str]]:
    return {row["key"]: (row["value"], row["from"]) for row in ask(stash, "check")["settings"]}


def test_names_of_the_page_stand_beside_those_of_the_file_and_each_knows_its_origin(
    stash: StashDouble, tmp_path: Path, data: Path
) -> None:
    file = data / "config.yml"
    file.write_text(file.read_text() + ONE_NAME)
    before = file.read_text()
    stash.data.settings["ai_tagger"] = {"mapping": '{"day": ["Daytime", "Outdoors"]}'}
    ref = stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1))
    looked_at(stash, [item(ref)])
    assert "Film noir" in stash.tags_by_item()[ref]
    found = rows(stash)
    assert found["tags.names.black and white"] == ('"Film noir"', "config.yml")
    assert found["tags.names.day"] == ('["Daytime", "Outdoors"]', "Stash's settings")
    assert file.read_text() == before


def test_a_name_with_a_comma_is_one_name_and_a_dash_is_none() -> None:
    said = {"blacklist": '"Smith, John", Dog', "whitelist": "-"}
    tags = load(None, said).config.tags
    assert tags.blacklist == ["Smith, John", "Dog"] and tags.whitelist == []


@pytest.mark.parametrize("mapping", ["cat = Kitty", "[cat]", "{cat: Kitty", "cat"])
def test_a_mapping_that_is_none_is_refused_in_a_sentence(mapping: str) -> None:
    with pytest.raises(ConfigError, match="Stash's setting mapping"):
        load(None, {"mapping": mapping})


def test_what_was_seen_is_told_by_label_with_its_tag(stash: StashDouble) -> None:
    waiting(stash, 16, ("Dog", "Cat"))
    found = ask(stash, "labels")
    assert found["items"] == found["sampled"] == 17, "one of them can't be read"
    assert sum(entry["review"] for entry in found["labels"]) == 16
    assert {"feature", "label", "tag", "apply", "review", "seen"} == set(found["labels"][0])


def test_only_what_was_added_since_a_day_waits(stash: StashDouble) -> None:
    waiting(stash, 4)
    old = stash.data.items["image"]
    for one in list(old.values())[:3]:
        one.created_at = one.created_at.replace(year=2020)
    assert len(ask(stash, "review")["waiting"]) == 4
    assert len(ask(stash, "review", since="2021-01-31")["waiting"]) == 1
    assert ask(stash, "review", since="2999-01-01")["waiting"] == []
    assert "2026-01-31" in ask(stash, "review", since="yesterday")["problem"]


def test_lists_are_edited_by_keys_and_kept_by_stash(stash: StashDouble, page: Page, data: Path) -> None:
    file = data / "config.yml"
    file.write_text(file.read_text() + ONE_NAME)
    before = file.read_text()
    filmed(stash)
    stash.data.settings["ai_tagger"] = {"maxTags": 7}
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}/plugins/ai_tagger/settings")
    field = page.locator("#ai-tagger-add-blacklist")
    field.wait_for()
    field.fill("Dog")
    field.press("Enter")
    page.get_by_text("This would write about 0 tags and take about 1 back.").wait_for()
    for name in ("Smith, John", NICKNAME):
        field.fill(name)
        field.press("Enter")
    page.get_by_role("button", name="Save").press("Enter")
    page.get_by_role("button", name="Count exactly").wait_for()
    assert settings(stash) == {"maxTags": 7, "blacklist": 'Dog, "Smith, John", """The Rock"" Johnson"'}
    assert json.loads(rows(stash)["tags.blacklist"][0]) == ["Dog", "Smith, John", NICKNAME]
    page.get_by_role("button", name="Remove: Dog").press("Enter")
    page.get_by_role("button", name="Remove: Smith, John").press("Enter")
    page.get_by_role("button", name=f"Remove: {NICKNAME}").press("Enter")
    page.get_by_text("isn't reckoned in").wait_for()
    page.get_by_role("button", name="Save").press("Enter")
    page.get_by_role("button", name="Count exactly").wait_for()
    assert settings(stash)["blacklist"] == "-"
    assert rows(stash)["tags.blacklist"] == ("[]", "Stash's settings")
    assert file.read_text() == before and not complaints


def test_a_name_is_given_on_the_page_to_what_was_seen(stash: StashDouble, page: Page, tmp_path: Path) -> None:
    looked_at(stash, [item(stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1)))])
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}/plugins/ai_tagger/settings")
    page.get_by_label("What is seen").wait_for()
    page.get_by_label("What is seen").fill(BLACK_WHITE)
    page.get_by_label("Your tags", exact=True).fill("Film noir, Classic")
    page.get_by_label("Your tags", exact=True).press("Enter")
    page.get_by_text("This would write about 2 tags and take about 1 back.").wait_for()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Count exactly").wait_for()
    (label,) = json.loads(settings(stash)["mapping"]).items()
    assert label[0].lower() == BLACK_WHITE.lower() and label[1] == ["Film noir", "Classic"]
    page.get_by_role("button", name="Count exactly").click()
    page.get_by_text("would write 2 tags and take 1 back").wait_for()
    assert not complaints


def test_a_model_is_switched_off_and_on(stash: StashDouble, page: Page) -> None:
    filmed(stash)
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}/plugins/ai_tagger/settings")
    page.get_by_text("Each model").click()
    page.get_by_role("button", name="Use: yolox-nano").click()
    page.get_by_role("button", name="Use it: the next run gets it").click()  # It isn't here, so its cost is said first.
    page.get_by_role("button", name="Switch off: yolox-nano").click()
    page.get_by_role("button", name="Use: yolox-nano").wait_for()
    assert settings(stash)["skipModels"] != "-" and settings(stash)["useModels"] == "-"
    assert not complaints
