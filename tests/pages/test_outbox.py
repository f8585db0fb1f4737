"""Answers on their way: nothing of them is lost, none counts twice, and what is taken back is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.double import StashDouble
from tests.pages.asking import until
from tests.pages.browsing import kept, serve
from tests.pages.filling import open_store, waiting
from tests.pages.test_many import CARD, said

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.usefixtures("worker_ends")
REVIEW = "/plugins/ai_tagger/review"
KEPT_HERE = "kept in this browser"
# A browser's clock may be as coarse as it likes.
ONE_MOMENT = "const now = Date.now(); Date.now = () => now;"


def on(page: Page, mode: str, *handlers: str) -> list[str]:
    """What becomes of the page's next requests of this kind, one handler each: "lost" is answered to nobody, "full" has
    the plugin say so, "hangs" is never answered, "goes" goes its way, as all further ones do. Those that were met."""
    met: list[str] = []

    def handle(route: Route) -> None:
        if f'"mode":"{mode}"' not in (route.request.post_data or "") or len(met) == len(handlers):
            route.fallback()
            return
        met.append(handlers[len(met)])
        if met[-1] == "lost":
            route.fetch()
            route.abort()
        elif met[-1] == "full":
            route.fulfill(json={"data": {"runPluginOperation": {"problem": "The disk is full: free some space."}}})
        elif met[-1] == "goes":
            route.fallback()

    page.route("**/graphql", handle)
    return met


def reviewing(page: Page, stash: StashDouble, cards: int) -> list[str]:
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}{REVIEW}")
    page.locator(CARD).nth(cards - 1).wait_for()
    page.locator(CARD).first.focus()
    return complaints


def acts(stash: StashDouble) -> int:
    with open_store(stash) as store:
        return len(store.acts(1000))


def test_many_answers_of_one_moment_are_all_kept(stash: StashDouble, page: Page) -> None:
    waiting(stash, 30)
    page.add_init_script(ONE_MOMENT)
    reviewing(page, stash, 30)
    page.route("**/graphql", lambda route: route.abort())
    for key in ("End", "Y"):
        page.keyboard.press(key)
    accepted = page.locator(f"{CARD}.accept").count()
    assert accepted >= 25 and kept(page) == accepted


@pytest.mark.parametrize("at_once", [True, False], ids=["taken back while nobody knows", "taken back later"])
def test_an_answer_of_which_the_page_never_heard_is_taken_back_as_a_whole(
    stash: StashDouble, page: Page, at_once: bool
) -> None:
    refs = waiting(stash, 8)
    reviewing(page, stash, 8)
    met = on(page, "answer", "lost")
    page.keyboard.press("y")
    page.get_by_text(KEPT_HERE).wait_for()
    assert met == ["lost"] and len(said(stash, refs)) == 1
    if not at_once:
        until(lambda: kept(page) == 0)
    for key in ("ArrowLeft", "u"):
        page.keyboard.press(key)
    until(lambda: kept(page) == 0)
    assert said(stash, refs) == {} and acts(stash) == 1


def test_taking_back_is_tried_until_the_plugin_has_done_it(stash: StashDouble, page: Page) -> None:
    refs = waiting(stash, 8)
    reviewing(page, stash, 8)
    met = on(page, "withdraw", "full", "lost")
    page.keyboard.press("y")
    until(lambda: kept(page) == 0)
    for key in ("ArrowLeft", "u"):
        page.keyboard.press(key)
    page.get_by_text(KEPT_HERE).wait_for()
    assert len(said(stash, refs)) == 1, "the disk was full"
    until(lambda: kept(page) == 0)
    assert said(stash, refs) == {} and met == ["full", "lost"]


def test_a_tab_that_is_duplicated_leaves_the_answers_of_the_other_alone(stash: StashDouble, page: Page) -> None:
    refs = waiting(stash, 8)
    complaints = reviewing(page, stash, 8)
    on(page, "answer", "hangs")
    for _ in range(3):
        page.keyboard.press("y")
    with page.expect_popup() as opened:
        page.evaluate("window.open('about:blank') && null")  # It gets a copy of what this tab keeps for itself.
    serve(opened.value, stash, [])
    with opened.value.expect_request(lambda request: '"review"' in (request.post_data or "")):
        opened.value.goto(f"{stash.url}{REVIEW}")
    opened.value.locator(CARD).first.wait_for()
    opened.value.wait_for_timeout(2000)
    assert said(stash, refs) == {} and kept(page) == 3
    page.reload()  # The tab itself knows what it left.
    until(lambda: kept(page) == 0)
    assert list(said(stash, refs).values()) == ["yes"] * 3 and acts(stash) == 3
    assert not complaints
    opened.value.close()


def test_one_answer_that_is_refused_holds_up_none(stash: StashDouble, page: Page) -> None:
    refs = waiting(stash, 8)
    reviewing(page, stash, 8)
    page.evaluate("""() => {
        AITagger.outbox.add("nothing", { do: "guess", places: [] });
        AITagger.outbox.withdraw("nothing else");
    }""")
    page.keyboard.press("y")
    until(lambda: kept(page) == 0)
    assert list(said(stash, refs).values()) == ["yes"] and page.get_by_text(KEPT_HERE).count() == 0


def test_keys_behind_the_last_card_do_no_harm_while_more_is_on_its_way(stash: StashDouble, page: Page) -> None:
    waiting(stash, 8)
    complaints = serve(page, stash, [])
    met = on(page, "review", "goes", "hangs")
    page.goto(f"{stash.url}{REVIEW}")
    page.locator(CARD).nth(7).wait_for()
    page.locator(CARD).first.focus()
    cards = page.locator(CARD).count()
    for _ in range(cards):
        page.keyboard.press("y")
    assert page.locator(f"{CARD}.accept").count() == cards and met == ["goes", "hangs"]
    assert page.locator(f"{CARD}[tabindex='0']").count() == 1
    for key in ("Y", "N", "i"):
        page.keyboard.press(key)
    page.locator(".ai-tagger-one .ai-tagger-row").first.wait_for()
    assert not complaints
