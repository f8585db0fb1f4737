"""What happened to our tags: asked on the status page, and answered there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.double import StashDouble
from tests.line.drawing import picture
from tests.pages.asking import until
from tests.pages.browsing import serve
from tests.pages.test_operations import BLACK_WHITE

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.usefixtures("worker_ends")


@pytest.mark.parametrize(("button", "comes_again"), [("They got lost", True), ("I removed them", False)])
def test_the_page_asks_what_happened_to_tags_that_are_missing(
    stash: StashDouble, page: Page, tmp_path: Path, button: str, comes_again: bool
) -> None:
    refs = [stash.add_image(picture(tmp_path / f"{n}.jpg", colour=False, seed=n)) for n in range(6)]
    stash.run_task("Tag library")
    for ref in refs:
        stash.set_tags(ref, [])
    stash.run_task("Tag library")
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}/plugins/ai_tagger")
    page.get_by_text("of our tags are missing at once").wait_for()
    assert "operation_" not in page.inner_text("body")
    page.get_by_role("button", name=button).click()
    page.get_by_role("button", name=button).wait_for(state="detached")
    until(lambda: not stash.jobs.queued())
    stash.run_task("Tag library")
    assert [BLACK_WHITE in stash.tags_by_item()[ref] for ref in refs] == [comes_again] * 6
    assert not complaints
