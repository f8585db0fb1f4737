"""Trying before anything is written: what was found is shown as pictures, and how a run goes on is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tagger.types import Scope
from tests.double import StashDouble
from tests.line.drawing import picture
from tests.pages.asking import ask, until
from tests.pages.browsing import barriers, serve, settled, too_wide
from tests.pages.filling import open_store
from tests.pages.test_operations import BLACK_WHITE

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.usefixtures("worker_ends")
HOME = "plugins/ai_tagger"


def try_it(stash: StashDouble) -> None:
    assert not ask(stash, "try").get("problem")


@pytest.mark.parametrize(("width", "dark"), [(360, True), (1400, False)], ids=["narrow dark", "wide light"])
def test_what_was_tried_is_seen_before_anything_is_written(
    stash: StashDouble, page: Page, tmp_path: Path, width: int, dark: bool
) -> None:
    grey = stash.add_image(picture(tmp_path / "grey.jpg", colour=False, seed=1))
    stash.add_image(picture(tmp_path / "coloured.jpg", colour=True, seed=2))
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    stash.add_image(str(broken))
    try_it(stash)
    complaints = serve(page, stash, [], dark)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{stash.url}/{HOME}")
    page.get_by_role("heading", name="What it found").wait_for()
    card = page.locator(".ai-tagger-found li", has_text="grey.jpg")
    card.wait_for()
    assert (card.locator("img").get_attribute("src") or "").startswith("data:image/jpeg;base64,")
    assert BLACK_WHITE in card.locator(".ai-tagger-would.apply").all_inner_texts()[0]
    assert card.locator("a").get_attribute("href") == f"/images/{grey.id}"
    assert page.locator(".ai-tagger-found li").count() == 2
    page.get_by_role("button", name=f"{BLACK_WHITE} 1").press("Enter")
    until(lambda: page.locator(".ai-tagger-found li").count() == 1)
    page.get_by_text("1 could not be read").click()
    page.get_by_text("broken.jpg:").wait_for()
    assert not barriers(page) and not too_wide(page)
    assert not any(stash.tags_by_item().values()), "trying writes nothing"
    assert not complaints


def test_who_keeps_no_pictures_sees_none(stash: StashDouble, page: Page, tmp_path: Path, data: Path) -> None:
    (data / "config.yml").write_text((data / "config.yml").read_text() + "keep: {thumbs: false}\n")
    stash.add_image(picture(tmp_path / "grey.jpg", colour=False, seed=1))
    try_it(stash)
    assert [item["picture"] for item in ask(stash, "tried")["items"]] == [""]
    assert b"base64" not in (data / "try" / "seen.json").read_bytes()
    serve(page, stash, [])
    page.goto(f"{stash.url}/{HOME}")
    page.get_by_text("No pictures are kept").wait_for()
    assert not page.locator(".ai-tagger-page img").count()


def begun(stash: StashDouble, done: int, total: int) -> int:
    """A run over the library that has been at work for 100 seconds."""
    with open_store(stash) as store:
        run = store.begin_run("tag", Scope())
        store.checkpoint(run.id, {}, {"passed": done})
        since = (datetime.now(UTC) - timedelta(seconds=100)).isoformat(timespec="seconds")
        store.remember("going tag", json.dumps({"run": run.id, "total": total, "done": 0, "since": since}))
    return run.id


def test_an_interrupted_run_says_where_it_goes_on(stash: StashDouble, page: Page) -> None:
    run = begun(stash, 400, 1000)
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}/{HOME}")
    page.get_by_text(f"Run {run} was interrupted at 400 of 1,000 items.").wait_for()
    assert not barriers(page)
    page.get_by_role("button", name="Go on").press("Enter")
    until(lambda: ask(stash, "overview")["runs"][0]["state"] == "done")
    settled(page)
    page.get_by_text("was interrupted").wait_for(state="hidden")
    assert not complaints


def test_how_long_a_run_takes_yet_follows_from_what_it_did(stash: StashDouble) -> None:
    begun(stash, 400, 1000)
    going = ask(stash, "overview")["going"]
    assert (going["done"], going["total"], going["operation"]) == (400, 1000, "tag")
    assert going["a_second"] == pytest.approx(4.0, abs=0.5)
    assert going["left_s"] == pytest.approx(150.0, rel=0.15)
