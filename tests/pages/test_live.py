"""Our pages in a running Stash, named by ``AI_TAGGER_LIVE_STASH`` (``AI_TAGGER_LIVE_LOGIN``, as name:password, where
it wants one; behind a proxy, with the path there), with this plugin installed, set up and run once.

What is asked for, said and made is taken back: the library is left as it was, but for the faces of the smallest unknown
group, which go when somebody is named and forgotten.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.pages.asking import until
from tests.pages.browsing import FAIL, barriers, gone, kept, listen, settled, too_wide, unreached

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route

pytestmark = pytest.mark.live

Ask = Callable[..., Any]
wide = pytest.mark.parametrize("context", [1400], indirect=True)
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
def context(request: pytest.FixtureRequest, browser: Browser, url: str) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": request.param, "height": 900})
    context.set_default_timeout(60_000)
    if login := os.environ.get("AI_TAGGER_LIVE_LOGIN"):
        name, _, password = login.partition(":")
        answer = context.request.post(f"{url}/login", form={"username": name, "password": password})
        assert answer.ok
    yield context
    context.close()


@pytest.fixture
def ask(context: BrowserContext, url: str) -> Ask:
    """Stash itself, of what pages are not asked."""

    def asked(query: str, **variables: object) -> Any:
        answer = context.request.post(f"{url}/graphql", data={"query": query, "variables": variables}).json()
        assert not answer.get("errors"), answer
        return answer["data"]

    return asked


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    complaints = listen(page)
    yield page
    assert not [text for text in complaints if not any(known in text for known in NOT_OURS)]


# Of what a theme of somebody's own changes, where our pages are on it.
LIGHT = """body, .card, .popover, .popover-header { background: #fff !important; color: #182026 !important }
.popover-body, .table, .nav-tabs .nav-link { color: #182026 } .text-muted { color: #4a5a66 !important }
a, .btn-link, .nav-tabs .nav-link.active { color: #0b5c9e } .btn-primary { background: #0b5c9e !important }
.btn-secondary, .form-control, .text-input { background: #e1e8ed !important; color: #182026 !important }
.badge-secondary { background: #394b59; color: #fff } .nav-tabs .nav-link.active { background: none !important }"""
NAME = "Live Test"
PERSON = f"""{{ findPerformers(performer_filter: {{ name: {{ value: "{NAME}", modifier: EQUALS }} }}) {{
    performers {{ id scene_count image_count }} }} }}"""
FOUND = re.compile(r"found [A-Z]|waits? for your look|found nothing new")


def first(page: Page, url: str, kind: str = "images") -> None:
    """Open what a list shows first: the newest image, the longest scene."""
    order = "sortby=created_at" if kind == "images" else "sortby=duration&sortdir=desc"
    page.goto(f"{url}/{kind}?{order}")
    page.goto(page.locator(f".{kind[:-1]}-card a[href*='/{kind}/']").first.evaluate("(link) => link.href"))
    page.locator(".ai-tagger-ask").wait_for()


def there(found: Locator, otherwise: str) -> None:
    """Skips where this library has nothing of the kind."""
    try:
        found.first.wait_for(timeout=10_000)
    except Exception:  # noqa: BLE001 (playwright's own is only there when playwright is)
        pytest.skip(otherwise)


def waiting(page: Page) -> int:
    return int(page.evaluate("AITagger.ask('waiting', {}).then((answer) => answer.review)"))


def tags(ask: Ask) -> dict[str, list[str]]:
    found = ask(
        "{ findImages(filter: { per_page: -1 }) { images { id tags { name } } }"
        " findScenes(filter: { per_page: -1 }) { scenes { id tags { name } } } }"
    )
    rows = [*found["findImages"]["images"], *({**row, "id": f"s{row['id']}"} for row in found["findScenes"]["scenes"])]
    return {row["id"]: sorted(tag["name"] for tag in row["tags"]) for row in rows}


def idle(ask: Ask) -> bool:
    return not ask("{ jobQueue { id } }")["jobQueue"]


@pytest.mark.parametrize("path", PAGES)
def test_our_pages_fit_have_no_barriers_and_survive_a_reload(page: Page, url: str, path: str) -> None:
    for _ in range(2):
        page.goto(f"{url}/plugins/ai_tagger{path}")
        settled(page)
    assert not too_wide(page)
    assert not barriers(page)
    page.add_style_tag(content=LIGHT)
    assert not barriers(page), "in a light theme"


@pytest.mark.parametrize("path", PAGES)
@wide
def test_all_that_can_be_pressed_is_reached_and_seen_by_keys(page: Page, url: str, path: str) -> None:
    page.goto(f"{url}/plugins/ai_tagger{path}")
    settled(page)
    assert not unreached(page)


@pytest.mark.parametrize("path", PAGES)
@wide
def test_a_plugin_that_fails_is_told_of_and_pages_recover(context: BrowserContext, url: str, path: str) -> None:
    def fail(route: Route) -> None:
        if "runPluginOperation" in (route.request.post_data or ""):
            route.fulfill(**FAIL)
        else:
            route.continue_()

    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.route("**/graphql", fail)
    page.goto(f"{url}/plugins/ai_tagger{path}")
    page.locator(".ai-tagger-page [role=alert]").first.wait_for()
    assert not barriers(page)
    page.unroute("**/graphql")
    again = page.get_by_role("button", name="Try again")
    if again.count():
        again.first.click()
    gone(page, ".ai-tagger-page [role=alert]")
    assert not broken


def test_an_image_is_asked_for_without_a_reload(page: Page, url: str) -> None:
    first(page, url)
    page.locator(".ai-tagger-ask").click()
    page.locator(".toast", has_text=FOUND).wait_for()
    page.locator(".ai-tagger-item").wait_for()
    assert not barriers(page, ".ai-tagger-panel")


@wide
def test_an_image_is_asked_for_during_a_scan(page: Page, ask: Ask, url: str) -> None:
    first(page, url)
    scan = "mutation { metadataScan(input: { rescan: true, scanGenerateCovers: true, scanGeneratePhashes: true }) }"
    job = ask(scan)["metadataScan"]
    try:
        until(lambda: not idle(ask))
        page.locator(".ai-tagger-ask").click()
        page.locator(".toast", has_text=FOUND).wait_for()
        if idle(ask):
            pytest.skip("scanning this library takes too little time for somebody to press a button meanwhile")
    finally:
        ask("mutation Stop($job: ID!) { stopJob(job_id: $job) }", job=job)
        until(lambda: idle(ask))


def test_the_menu_of_a_tag(page: Page, url: str) -> None:
    first(page, url)
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


def test_a_tag_shows_where_it_was_seen_by_keys_and_by_mouse(page: Page, url: str) -> None:
    first(page, url, "scenes")
    page.locator("a[data-rb-event-key=ai-tagger-panel]").click()
    name = page.locator(".ai-tagger-name").first
    there(name, "nothing was seen in the longest scene of this library")
    name.focus()
    page.locator(".popover .ai-tagger-frame img").wait_for()
    assert not barriers(page, ".popover")
    page.keyboard.press("Escape")
    gone(page, ".popover")
    page.mouse.move(0, 0)
    name.hover()
    page.locator(".popover .ai-tagger-frame img").wait_for()
    assert not too_wide(page)
    assert not barriers(page, ".ai-tagger-item")


def test_markers_are_made_and_taken_back(page: Page, ask: Ask, url: str) -> None:
    count = "{ findSceneMarkers(filter: { per_page: 0 }) { count } }"
    before = ask(count)["findSceneMarkers"]["count"]
    first(page, url, "scenes")
    page.locator("a[data-rb-event-key=ai-tagger-panel]").click()
    there(page.locator(".ai-tagger-markers"), "nothing of the longest scene of this library can become a marker")
    make = page.get_by_role("button", name="Make markers", exact=True)
    if not make.count():
        pytest.skip("the longest scene of this library has our markers already")
    make.click()
    page.get_by_role("button", name=re.compile("^Take .* back$")).wait_for()
    assert ask(count)["findSceneMarkers"]["count"] > before
    page.get_by_role("button", name=re.compile("^Take .* back$")).click()
    make.wait_for()
    assert ask(count)["findSceneMarkers"]["count"] == before


def test_the_timeline_jumps(page: Page, url: str) -> None:
    first(page, url, "scenes")
    spans = page.locator(".ai-tagger-spans button")
    there(spans, "nothing was seen in the longest scene of this library")
    spans.last.click()
    page.wait_for_function("document.querySelector('.scene-player-container video').currentTime > 0")
    assert not barriers(page, ".ai-tagger-timeline")


def test_an_answer_is_given_and_taken_back_by_keyboard(page: Page, url: str) -> None:
    page.goto(f"{url}/plugins/ai_tagger/review")
    there(page.locator(".ai-tagger-card"), "nothing waits for a review in this library")
    page.locator(".ai-tagger-card").first.focus()
    page.keyboard.press("n")
    page.locator(".ai-tagger-card.reject").wait_for()
    until(lambda: kept(page) == 0)
    page.keyboard.press("u")
    until(lambda: kept(page) == 0)
    assert page.locator(".ai-tagger-card.reject").count() == 0


@wide
def test_a_hundred_looks_by_keyboard(page: Page, ask: Ask, url: str) -> None:
    page.goto(f"{url}/plugins/ai_tagger/review")
    there(page.locator(".ai-tagger-card"), "nothing waits for a review in this library")
    before, written = waiting(page), tags(ask)
    if before < 110:
        pytest.skip("too little waits for a review in this library")
    cards = page.locator(".ai-tagger-card")
    said = page.locator(".ai-tagger-card:is(.accept, .reject)")
    cards.first.focus()
    for n in range(100):
        page.locator(".ai-tagger-card:focus:not(.accept, .reject)").wait_for()
        page.keyboard.press("yn"[n % 2])
    until(lambda: kept(page) == 0)
    assert said.count() == 100
    until(lambda: waiting(page) < before)
    for _ in range(100):
        page.keyboard.press("u")
    assert said.count() == 0
    until(lambda: kept(page) == 0, 180)  # A process each.
    until(lambda: waiting(page) == before and tags(ask) == written)


def test_two_tabs_answer_the_same_questions(context: BrowserContext, page: Page, url: str) -> None:
    other = context.new_page()
    for tab in (page, other):
        tab.goto(f"{url}/plugins/ai_tagger/review")
        there(tab.locator(".ai-tagger-card").nth(2), "too little waits for a review in this library")
    for tab, keys in ((page, "yyy"), (other, "nnn"), (page, "uuu"), (other, "uuu")):
        tab.bring_to_front()
        for key in keys:
            tab.keyboard.press(key)
        until(lambda: kept(page) == 0)
    for tab in (page, other):
        assert tab.locator(".ai-tagger-page [role=alert]").count() == 0
        assert tab.locator(".ai-tagger-card:is(.accept, .reject)").count() == 0


@wide
def test_somebody_is_named_and_forgotten(page: Page, ask: Ask, url: str) -> None:
    page.goto(f"{url}/plugins/ai_tagger/people")
    settled(page)
    groups = page.locator(".ai-tagger-group-card", has=page.get_by_role("button", name="Who is it?"))
    there(groups, "no unknown faces look alike in this library")
    before = groups.count()
    groups.last.focus()
    page.keyboard.press("w")
    page.locator(".ai-tagger-picker input:focus").wait_for()
    page.keyboard.type(NAME)
    page.get_by_text(f'Create "{NAME}"').wait_for()
    page.keyboard.press("Enter")
    person = page.get_by_label(NAME, exact=True)
    person.wait_for()

    def made() -> list[dict[str, Any]]:
        return list(ask(PERSON)["findPerformers"]["performers"])

    try:
        assert len(made()) == 1
        until(lambda: made()[0]["scene_count"] + made()[0]["image_count"] > 0)
        person.get_by_role("button", name="Forget").click()
        person.get_by_role("button", name="Really forget").click()
        person.wait_for(state="detached")
    finally:
        for performer in made():
            ask("mutation Gone($id: ID!) { performerDestroy(input: { id: $id }) }", id=performer["id"])
    assert groups.count() == before - 1, "whoever is forgotten is forgotten with their faces"


@wide
def test_a_run_is_undone_and_its_tags_come_again(page: Page, ask: Ask, url: str) -> None:
    page.goto(f"{url}/plugins/ai_tagger")
    settled(page)
    undo = page.get_by_role("row", name="library").get_by_role("button", name="Undo")
    there(undo, "no library run of this library can be undone")
    before = tags(ask)
    undo.first.click()
    page.get_by_role("button", name=re.compile("^Take .* back$")).click()
    until(lambda: tags(ask) != before and idle(ask))
    gone(page, ".ai-tagger-page .progress-bar")
    page.get_by_role("button", name="Tag library").click()
    until(lambda: tags(ask) == before and idle(ask))
