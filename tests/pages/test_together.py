"""Two tabs, two people, and a run at work, all at the same time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.double import StashDouble
from tests.line.drawing import picture
from tests.pages.asking import ask, item, until
from tests.pages.browsing import kept, serve
from tests.pages.filling import waiting
from tests.pages.test_many import CARD, said

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.usefixtures("worker_ends")


def review(page: Page, stash: StashDouble) -> list[str]:
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}/plugins/ai_tagger/review")
    page.locator(CARD).nth(9).wait_for()
    page.locator(CARD).first.focus()
    return complaints


def press(page: Page, keys: str) -> None:
    page.bring_to_front()
    for key in keys:
        page.keyboard.press(key)


def places(page: Page) -> list[str]:
    """The ids of the images shown, in their order."""
    return [
        str(link).rsplit("/", 1)[-1]
        for link in page.locator(f"{CARD} a").evaluate_all("(all) => all.map((one) => one.href)")
    ]


@pytest.mark.parametrize("same_browser", [True, False], ids=["two tabs", "two people"])
def test_both_answer_the_same_questions_and_the_last_decision_wins(
    stash: StashDouble, browser: Browser, same_browser: bool
) -> None:
    refs = {ref.id: ref for ref in waiting(stash, 40)}
    contexts = [browser.new_context(), browser.new_context()]
    one = contexts[0].new_page()
    other = contexts[0 if same_browser else 1].new_page()
    complaints = review(one, stash), review(other, stash)
    assert places(one) == places(other)
    press(one, "yyyyyyyynn")
    until(lambda: kept(one) == 0)
    press(other, "nnnnyyyyyy")
    until(lambda: kept(other) == 0)
    answers = {ref.id: say for ref, say in said(stash, list(refs.values())).items()}
    assert answers == dict(zip(places(one)[:10], ["no"] * 4 + ["yes"] * 6, strict=True))
    press(one, "u")  # Taking back what somebody else said otherwise since is no mistake.
    press(other, "u")
    until(lambda: kept(one) == 0 and kept(other) == 0)
    assert complaints == ([], [])
    for page in (one, other):
        assert page.locator("[role=alert]").count() == 0
    for context in contexts:
        context.close()


def test_answers_of_two_tabs_without_a_server_are_all_kept(stash: StashDouble, browser: Browser) -> None:
    refs = waiting(stash, 40)
    context = browser.new_context()
    one, other = context.new_page(), context.new_page()
    review(one, stash)
    review(other, stash)
    for page in (one, other):
        page.route("**/graphql", lambda route: route.abort())
    press(one, "yyyyy")
    for _ in range(5):
        other.keyboard.press("ArrowRight")
    press(other, "nnnnn")
    for page in (one, other):
        page.bring_to_front()
        page.get_by_text("kept in this browser").wait_for()
    assert kept(one) == 10
    for page in (one, other):
        page.unroute("**/graphql")
        page.reload()
    until(lambda: kept(one) == 0)
    assert sorted(said(stash, refs).values()) == ["no"] * 5 + ["yes"] * 5
    context.close()


def test_answers_during_a_run(stash: StashDouble, page: Page, tmp_path: Path) -> None:
    drawn = picture(tmp_path / "drawn.jpg", colour=False, seed=1).read_bytes()
    for n in range(1000):
        (tmp_path / f"{n}.jpg").write_bytes(drawn + str(n).encode())  # Each another file of the same picture.
    refs = waiting(stash, 40, folder=str(tmp_path))
    complaints = review(page, stash)
    new = [stash.add_image(tmp_path / f"{n}.jpg") for n in range(40, 1000)]
    job = stash.start_task("Tag library")
    until(lambda: bool(ask(stash, "overview")["working"]))
    press(page, "ynynynynyn")
    until(lambda: kept(page) == 0)
    assert ask(stash, "overview")["working"], stash.log[-12:]
    page.goto(f"{stash.url}/images/{new[-1].id}")
    page.locator(".ai-tagger-ask").click()
    page.get_by_text("found Black and white").wait_for()
    assert stash.jobs.wait_ended(job, 120).status == "FINISHED"
    assert sorted(said(stash, refs).values()) == ["no"] * 5 + ["yes"] * 5
    tags = stash.tags_by_item()
    assert [ref for ref in new if "Black and white" not in tags[ref]] == []
    written = [ref for ref, say in said(stash, refs).items() if say == "yes"]
    until(lambda: all(len(stash.tags_by_item()[ref]) for ref in written))
    assert not complaints
    assert not [text for level, text in stash.log if level == "error"]
    assert ask(stash, "item", items=[item(new[-1])])["known"]
