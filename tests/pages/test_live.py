"""Our pages in a running Stash, named by ``AI_TAGGER_LIVE_STASH``, with this plugin installed, set up and run once.

One image is asked for, one answer is given and taken back: the library is left as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.pages.browsing import ARGS, CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.live

NOT_OURS = ("gstatic.com", "404", "ERR_NAME_NOT_RESOLVED", "ERR_INTERNET_DISCONNECTED")  # casting; heatmaps, subtitles


@pytest.fixture
def url() -> str:
    url = os.environ.get("AI_TAGGER_LIVE_STASH")
    if not url:
        pytest.skip("AI_TAGGER_LIVE_STASH doesn't name a running Stash")
    return url.rstrip("/")


@pytest.fixture(params=[360, 1400])
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    complaints: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        page = browser.new_page(viewport={"width": request.param, "height": 900})
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        yield page
        browser.close()
    assert not [text for text in complaints if not any(known in text for known in NOT_OURS)]


@pytest.mark.parametrize("path", ["", "/review", "/people", "/settings", "/no-such-page"])
def test_our_pages_fit_and_survive_a_reload(page: Page, url: str, path: str) -> None:
    for _ in range(2):
        page.goto(f"{url}/plugins/ai_tagger{path}")
        page.get_by_role("heading", name="AI Tagger").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_an_image_is_asked_for_without_a_reload(page: Page, url: str) -> None:
    page.goto(f"{url}/images?sortby=created_at")
    link = page.locator(".image-card a[href*='/images/']").first
    page.goto(f"{url}/{(link.get_attribute('href') or '').removeprefix('/')}")
    page.locator(".ai-tagger-ask").click()
    page.locator(".toast-container .toast").wait_for()
    page.locator(".ai-tagger-item").wait_for()


def test_the_timeline_jumps(page: Page, url: str) -> None:
    page.goto(f"{url}/scenes?sortby=duration&sortdir=desc")
    page.locator(".scene-card a[href*='/scenes/']").first.click()
    page.locator(".ai-tagger-ask").wait_for()
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
    page.wait_for_timeout(4000)  # It is kept, and perhaps written.
    page.keyboard.press("u")
    page.wait_for_timeout(3000)
    assert page.locator(".ai-tagger-card.reject").count() == 0
