"""Our pages in a running Stash, named by ``AI_TAGGER_LIVE_STASH`` (``AI_TAGGER_LIVE_LOGIN``, as name:password, where
it wants one), with this plugin installed, set up and run once.

What is asked for, said and made is taken back: the library is left as it was.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ARGS, CHROMIUM
from tests.pages.asking import until
from tests.pages.browsing import barriers, kept, listen, settled, too_wide

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.live

PAGES = ("", "/review", "/people", "/settings", "/no-such-page")
# Casting; heatmaps, subtitles; jobs followed by a socket, where a proxy has none.
NOT_OURS = ("gstatic.com", "404", "ERR_NAME_NOT_RESOLVED", "ERR_INTERNET_DISCONNECTED", "WebSocket", "websocket")


@pytest.fixture(scope="session")
def url() -> str:
    url = os.environ.get("AI_TAGGER_LIVE_STASH")
    if not url:
        pytest.skip("AI_TAGGER_LIVE_STASH doesn't name a running Stash")
    return url.rstrip("/")


@pytest.fixture(params=[360, 1400])
def context(request: pytest.FixtureRequest, url: str) -> Iterator[BrowserContext]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        context = browser.new_context(viewport={"width": request.param, "height": 900})
        context.set_default_timeout(60_000)
        if login := os.environ.get("AI_TAGGER_LIVE_LOGIN"):
            name, _, password = login.partition(":")
            answer = context.request.post(f"{url}/login", form={"username": name, "password": password})
            assert answer.ok
        yield context
        browser.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    complaints = listen(page)
    yield page
    assert not [text for text in complaints if not any(known in text for known in NOT_OURS)]


def first(page: Page, listing: str, link: str) -> None:
    """Open what a list shows first."""
    page.goto(listing)
    page.goto(page.locator(link).first.evaluate("(link) => link.href"))
    page.locator(".ai-tagger-ask").wait_for()


@pytest.mark.parametrize("path", PAGES)
def test_our_pages_fit_have_no_barriers_and_survive_a_reload(page: Page, url: str, path: str) -> None:
    for _ in range(2):
        page.goto(f"{url}/plugins/ai_tagger{path}")
        settled(page)
    assert not too_wide(page)
    assert not barriers(page)


def test_an_image_is_asked_for_without_a_reload(page: Page, url: str) -> None:
    first(page, f"{url}/images?sortby=created_at", ".image-card a[href*='/images/']")
    page.locator(".ai-tagger-ask").click()
    page.locator(".toast-container .toast").wait_for()
    page.locator(".ai-tagger-item").wait_for()
    assert not barriers(page, ".ai-tagger-panel")


def test_the_menu_of_a_tag(page: Page, url: str) -> None:
    first(page, f"{url}/images?sortby=created_at", ".image-card a[href*='/images/']")
    more = page.get_by_role("button", name=re.compile("^More: "))
    more.first.wait_for()
    before = page.locator(".ai-tagger-row").all_inner_texts()
    more.first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Never here").first.wait_for()
    page.get_by_role("button", name="Never here").first.click()
    page.get_by_text("will never be put here again").wait_for()
    page.locator(".toast .ai-tagger-undo").last.click()
    page.get_by_text("Taken back.").wait_for()
    until(lambda: page.locator(".ai-tagger-row").all_inner_texts() == before)


def test_markers_are_made_and_taken_back(page: Page, url: str) -> None:
    first(page, f"{url}/scenes?sortby=duration&sortdir=desc", ".scene-card a[href*='/scenes/']")
    page.locator("a[data-rb-event-key=ai-tagger-panel]").click()
    page.locator(".ai-tagger-item").wait_for()
    if not page.get_by_role("button", name="Make markers").count():
        pytest.skip("nothing of the longest scene of this library can become a marker")
    page.get_by_role("button", name="Make markers").click()
    back = page.get_by_role("button", name=re.compile("^Take .* back$"))
    back.click()
    page.get_by_role("button", name="Make markers").wait_for()


def test_the_timeline_jumps(page: Page, url: str) -> None:
    first(page, f"{url}/scenes?sortby=duration&sortdir=desc", ".scene-card a[href*='/scenes/']")
    spans = page.locator(".ai-tagger-spans button")
    try:
        spans.first.wait_for(timeout=5_000)
    except Exception:  # noqa: BLE001 (playwright's own is only there when playwright is)
        pytest.skip("nothing was seen in the longest scene of this library")
    spans.last.click()
    page.wait_for_timeout(1500)
    assert page.evaluate("document.querySelector('.scene-player-container video').currentTime") > 0


def test_an_answer_is_given_and_taken_back_by_keyboard(page: Page, url: str) -> None:
    page.goto(f"{url}/plugins/ai_tagger/review")
    try:
        page.locator(".ai-tagger-card").first.wait_for(timeout=10_000)
    except Exception:  # noqa: BLE001
        pytest.skip("nothing waits for a review in this library")
    page.locator(".ai-tagger-card").first.focus()
    page.keyboard.press("n")
    page.locator(".ai-tagger-card.reject").wait_for()
    until(lambda: kept(page) == 0)
    page.keyboard.press("u")
    until(lambda: kept(page) == 0)
    assert page.locator(".ai-tagger-card.reject").count() == 0


def test_two_tabs_answer_the_same_questions(context: BrowserContext, page: Page, url: str) -> None:
    other = context.new_page()
    for tab in (page, other):
        tab.goto(f"{url}/plugins/ai_tagger/review")
        settled(tab)
        if tab.locator(".ai-tagger-card").count() < 3:
            pytest.skip("too little waits for a review in this library")
    for tab, keys in ((page, "yyy"), (other, "nnn"), (page, "uuu"), (other, "uuu")):
        tab.bring_to_front()
        for key in keys:
            tab.keyboard.press(key)
        until(lambda: kept(page) == 0)
    for tab in (page, other):
        assert tab.locator(".ai-tagger-page [role=alert]").count() == 0
        assert tab.locator(".ai-tagger-card:is(.accept, .reject)").count() == 0
