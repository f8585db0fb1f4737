"""Our pages as a person uses them, in headless Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.double import StashDouble
from tests.line.drawing import picture
from tests.pages.asking import ask, item, until
from tests.pages.browsing import kept, serve
from tests.pages.test_operations import BLACK_WHITE, looked_at

if TYPE_CHECKING:
    from playwright.sync_api import Page

REVIEW = "thresholds: {apply: 1.0, review: 0.5}\n"


pytestmark = pytest.mark.usefixtures("worker_ends")


def test_an_image_is_tagged_by_its_button_and_shows_what_was_found(
    stash: StashDouble, page: Page, tmp_path: Path
) -> None:
    ref = stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1))
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}/images/{ref.id}")
    page.get_by_text("Nobody has looked at this yet.").wait_for()
    button = page.locator(".ai-tagger-ask")
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_text("found Black and white").wait_for()
    assert BLACK_WHITE in stash.tags_by_item()[ref]
    page.locator(".ai-tagger-name", has_text=BLACK_WHITE).focus()
    page.locator(".ai-tagger-frame img").wait_for()
    assert not complaints


def test_the_button_survives_a_redrawn_toolbar(stash: StashDouble, page: Page) -> None:
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}/scenes/1")
    page.locator(".ai-tagger-ask").wait_for()
    for _ in range(3):
        page.locator("#organized").click()
        page.locator(".ai-tagger-ask").wait_for()
    assert page.locator(".ai-tagger-ask").count() == 1
    assert not complaints


def test_a_review_needs_only_keys_and_its_answers_arrive(
    stash: StashDouble, page: Page, tmp_path: Path, data: Path
) -> None:
    (data / "config.yml").write_text((data / "config.yml").read_text() + REVIEW)
    refs = [stash.add_image(picture(tmp_path / f"{i}.jpg", colour=False, seed=i)) for i in range(4)]
    looked_at(stash, [item(ref) for ref in refs])
    assert ask(stash, "waiting")["review"] >= 4
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}/plugins/ai_tagger/review")
    page.select_option("select", BLACK_WHITE)
    page.locator(".ai-tagger-card").nth(3).wait_for()
    page.locator(".ai-tagger-card").first.focus()
    for key in ("y", "n", "y", "u"):
        page.keyboard.press(key)
    assert page.locator(".ai-tagger-card.accept").count() == 1
    assert page.locator(".ai-tagger-card.reject").count() == 1
    until(lambda: not kept(page))
    page.reload()
    page.select_option("select", BLACK_WHITE)
    page.locator(".ai-tagger-card").nth(1).wait_for()
    assert page.locator(".ai-tagger-card").count() == 2
    assert not complaints


def test_answers_survive_a_browser_that_is_closed_and_a_server_that_fails(
    stash: StashDouble, page: Page, tmp_path: Path, data: Path
) -> None:
    (data / "config.yml").write_text((data / "config.yml").read_text() + REVIEW)
    ref = stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1))
    looked_at(stash, [item(ref)])
    serve(page, stash, [])
    page.goto(f"{stash.url}/plugins/ai_tagger/review")
    page.select_option("select", BLACK_WHITE)
    page.locator(".ai-tagger-card").first.focus()
    page.route("**/graphql", lambda route: route.abort())
    page.keyboard.press("y")
    page.get_by_text("kept in this browser").wait_for()
    page.unroute("**/graphql")
    page.reload()
    until(lambda: not kept(page))
    (answered,) = [t for t in ask(stash, "item", items=[item(ref)])["tags"] if t["tag"] == BLACK_WHITE]
    assert answered["rule"] == "person.accepted"


def test_one_item_is_shown_with_all_its_tags_by_a_key(
    stash: StashDouble, page: Page, tmp_path: Path, data: Path
) -> None:
    (data / "config.yml").write_text((data / "config.yml").read_text() + REVIEW)
    refs = [stash.add_image(picture(tmp_path / f"{i}.jpg", colour=False, seed=i)) for i in range(3)]
    looked_at(stash, [item(ref) for ref in refs])
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}/plugins/ai_tagger/review")
    page.locator(".ai-tagger-card").first.focus()
    page.keyboard.press("i")
    page.get_by_text("1 of 3").wait_for()
    page.locator(".ai-tagger-row").first.wait_for()
    page.keyboard.press("ArrowRight")
    page.get_by_text("2 of 3").wait_for()
    assert not complaints


def test_other_thresholds_are_reckoned_before_they_are_saved(stash: StashDouble, page: Page, tmp_path: Path) -> None:
    ref = stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1))
    looked_at(stash, [item(ref)])
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}/plugins/ai_tagger/settings")
    page.get_by_label("Write tags from").fill("100")
    page.get_by_text("This would write about 0 tags").wait_for()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Count exactly").wait_for()
    assert not complaints


def test_german_is_spoken_where_stash_does(stash: StashDouble, page: Page) -> None:
    serve(page, stash, [], language="de-DE")
    page.goto(f"{stash.url}/plugins/ai_tagger/review")
    page.get_by_text("Nichts wartet auf deinen Blick.").first.wait_for()


def test_selected_scenes_are_asked_for(stash: StashDouble, page: Page) -> None:
    complaints = serve(page, stash, ["1", "2", "3"])
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or ""))
    page.goto(f"{stash.url}/scenes")
    page.get_by_label("choose 1").check()
    page.get_by_label("choose 3").check()
    page.get_by_role("button", name="Tag with AI").click()
    page.wait_for_timeout(500)
    (wish,) = [text for text in asked if '"ask"' in text]
    assert '"id":"1"' in wish and '"id":"3"' in wish and '"id":"2"' not in wish
    assert not complaints
