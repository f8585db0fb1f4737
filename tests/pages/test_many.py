"""A long sitting: a thousand decisions, and a browser that is closed in the middle of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tagger.types import ItemRef
from tests.double import StashDouble
from tests.pages.asking import ask, until
from tests.pages.browsing import kept, serve
from tests.pages.filling import open_store, waiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.usefixtures("worker_ends")
CARD = ".ai-tagger-card"
# One key after the other as fast as the page keeps up; the time from each key to the picture that shows it.
PRESS = """async (keys) => {
    const took = [];
    for (const key of keys) {
        while (!document.activeElement.matches(".ai-tagger-card:not(.accept):not(.reject)"))
            await new Promise((go) => setTimeout(go, 20));
        const from = performance.now();
        document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
        took.push(performance.now() - from);
    }
    return took.sort((one, other) => one - other);
}"""


def said(stash: StashDouble, refs: list[ItemRef]) -> dict[ItemRef, str]:
    """What is kept of each item's answer: "yes" or "no"."""
    with open_store(stash) as store:
        return {one.question.ref: one.say for one in store.answers() if one.question.ref in refs}


@pytest.mark.slow
def test_a_thousand_decisions_in_a_sitting(stash: StashDouble, page: Page, thorough: bool) -> None:
    many = 1000 if thorough else 200
    refs = waiting(stash, 5000)
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}/plugins/ai_tagger/review")
    page.locator(CARD).nth(20).wait_for()
    page.locator(CARD).first.focus()
    page.set_default_timeout(300_000)
    took = page.evaluate(PRESS, ["y", "n"] * (many // 2))
    median, p95 = took[many // 2], took[many * 95 // 100]
    print(f"key to picture: median {median:.0f} ms, p95 {p95:.0f} ms, most {took[-1]:.0f} ms")
    until(lambda: kept(page) == 0)
    answers = said(stash, refs)
    assert len(answers) == many
    assert list(answers.values()).count("yes") == many // 2
    assert ask(stash, "waiting")["review"] == 5000 - many
    assert not complaints


def test_what_was_shown_as_said_survives_a_closed_browser(stash: StashDouble, browser: Browser) -> None:
    refs = waiting(stash, 30)
    context = browser.new_context()
    page = context.new_page()
    serve(page, stash, [])
    page.goto(f"{stash.url}/plugins/ai_tagger/review")
    page.locator(CARD).first.focus()
    for _ in range(10):
        page.keyboard.press("y")
    assert page.locator(f"{CARD}.accept").count() == 10
    left = context.storage_state()  # What a browser that dies now leaves behind.
    page.close(run_before_unload=False)
    context.close()
    later = browser.new_context(storage_state=left).new_page()
    complaints = serve(later, stash, [])
    # A minute later: nobody who still lives would have left them so long.
    later.add_init_script("const now = Date.now; Date.now = () => now() + 120000;")
    later.goto(f"{stash.url}/scenes")
    until(lambda: kept(later) == 0)
    assert list(said(stash, refs).values()) == ["yes"] * 10
    assert not complaints
    later.context.close()


def test_a_changed_mind_while_answers_are_on_their_way(stash: StashDouble, page: Page) -> None:
    refs = waiting(stash, 20)
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}/plugins/ai_tagger/review")
    page.locator(CARD).first.focus()
    page.keyboard.press("y")
    with page.expect_request(lambda request: '"answer"' in (request.post_data or "")):
        pass
    for key in ("ArrowLeft", "n"):  # While the yes is being sent.
        page.keyboard.press(key)
    until(lambda: kept(page) == 0)
    assert list(said(stash, refs).values()) == ["no"]
    for key in ("ArrowLeft", "u"):
        page.keyboard.press(key)
    until(lambda: kept(page) == 0)
    assert said(stash, refs) == {}
    assert page.locator(f"{CARD}.reject").count() == 0
    assert not complaints
