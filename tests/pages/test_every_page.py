"""What holds for each page: wide or narrow, light or dark, full or empty, with a server that fails, by keys alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.double import StashDouble
from tests.pages.browsing import FAIL, barriers, gone, serve, settled, too_wide, unreached
from tests.pages.filling import faces, filmed, waiting

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGES = ("", "/review", "/people", "/settings", "/no-such-page")
SIZES = [pytest.param(360, True, id="narrow dark"), pytest.param(1400, False, id="wide light")]
pytestmark = pytest.mark.usefixtures("worker_ends")


@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_pages_of_an_empty_library(stash: StashDouble, page: Page, width: int, dark: bool) -> None:
    complaints = serve(page, stash, [], dark)
    page.set_viewport_size({"width": width, "height": 800})
    for path in PAGES:
        page.goto(f"{stash.url}/plugins/ai_tagger{path}")
        settled(page)
        assert not too_wide(page), path
        assert not barriers(page), path
    assert not complaints


@pytest.mark.parametrize(
    ("width", "dark", "many"),
    [
        (360, True, 5000),
        (1400, False, 5000),
        pytest.param(360, False, 24, marks=pytest.mark.thorough),
        pytest.param(1400, True, 24, marks=pytest.mark.thorough),
    ],
    ids=["narrow dark 5000", "wide light 5000", "narrow light", "wide dark"],
)
def test_pages_of_a_library_of_which_much_waits(
    stash: StashDouble, page: Page, width: int, dark: bool, many: int
) -> None:
    waiting(stash, many)
    faces(stash)
    complaints = serve(page, stash, [], dark)
    page.set_viewport_size({"width": width, "height": 800})
    for path in PAGES:
        page.goto(f"{stash.url}/plugins/ai_tagger{path}")
        settled(page)
        assert not too_wide(page), path
        assert not barriers(page), path
    page.goto(f"{stash.url}/plugins/ai_tagger/review")
    page.get_by_text(f"{many:,}").first.wait_for()
    page.locator(".ai-tagger-card").nth(20).wait_for()
    page.locator(".ai-tagger-card").first.focus()
    for key in ("y", "n"):
        page.keyboard.press(key)
    page.get_by_role("button", name="What looks say of each tag").click()
    settled(page)
    assert not too_wide(page)
    assert not barriers(page), "with answers and numbers"
    page.get_by_role("button", name="One item with all its tags").click()
    page.locator(".ai-tagger-row").first.wait_for()
    assert not too_wide(page)
    assert not barriers(page), "one item"
    assert not complaints


@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_a_scene_and_an_image(stash: StashDouble, page: Page, width: int, dark: bool) -> None:
    scene, (image,) = filmed(stash), waiting(stash, 1)
    complaints = serve(page, stash, [scene.id], dark)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{stash.url}/scenes/{scene.id}")
    page.locator(".ai-tagger-spans button").first.wait_for()
    page.get_by_role("tab", name="AI", exact=True).click()
    page.locator(".ai-tagger-row").first.wait_for()
    page.locator(".ai-tagger-entry .badge").wait_for()  # It moves what is below, away from under the mouse.
    assert not barriers(page, "main")
    page.locator(".ai-tagger-name").first.hover()
    page.locator(".ai-tagger-frame img").wait_for()
    assert not barriers(page, ".popover")
    page.get_by_role("button", name="More: Dog").click()
    page.get_by_role("button", name="Never at all").wait_for()
    assert not barriers(page, ".ai-tagger-item")
    assert not too_wide(page)
    page.goto(f"{stash.url}/images/{image.id}")
    page.locator(".ai-tagger-row").first.wait_for()
    page.mouse.move(0, 0)
    assert not barriers(page, "main")
    assert not too_wide(page)
    assert not complaints


@pytest.mark.parametrize("path", PAGES)
def test_a_failing_server_is_told_of_and_pages_recover(stash: StashDouble, page: Page, path: str) -> None:
    waiting(stash, 3)
    serve(page, stash, [])
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.route("**/graphql", lambda route: route.fulfill(**FAIL))
    page.goto(f"{stash.url}/plugins/ai_tagger{path}")
    page.get_by_role("alert").first.wait_for()
    assert not barriers(page)
    page.unroute("**/graphql")
    again = page.get_by_role("button", name="Try again")
    if again.count():
        again.first.click()
    gone(page, ".ai-tagger-page [role=alert]")
    settled(page)
    assert not broken


@pytest.mark.parametrize("path", PAGES)
def test_all_that_can_be_pressed_is_reached_and_seen_by_keys(stash: StashDouble, page: Page, path: str) -> None:
    waiting(stash, 12)
    faces(stash)
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}/plugins/ai_tagger{path}")
    settled(page)
    assert not unreached(page)
    assert not complaints
