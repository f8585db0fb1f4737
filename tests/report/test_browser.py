"""The report in a real browser: it shows, filters, sorts, can be used by keyboard, and loads nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tagger.report import write_report
from tests.report.sample import SUMMARY, items

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def browser(chromium: Browser) -> Browser:
    return chromium


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(tmp_path_factory.mktemp("report"), items(40), SUMMARY)


def opened(browser: Browser, report: Path, **options: Any) -> Iterator[Page]:
    context = browser.new_context(**options)
    page = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    yield page
    context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    yield from opened(browser, report, viewport={"width": 1400, "height": 900})


def shown(page: Page) -> list[str]:
    names: list[str] = page.eval_on_selector_all(".card:not([hidden]) h3", "all => all.map(e => e.textContent)")
    return names


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1400])
def test_it_fits_any_width_and_is_readable_in_light_and_dark(
    browser: Browser, report: Path, width: int, scheme: Any
) -> None:
    for page in opened(browser, report, viewport={"width": width, "height": 800}, color_scheme=scheme):
        page.locator("details").first.locator("summary").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert contrast(page, ".chip.apply") >= 4.5
        assert contrast(page, ".chip.review") >= 4.5
        assert contrast(page, ".say") >= 4.5


def contrast(page: Page, selector: str) -> float:
    """WCAG contrast of an element's text against what is painted behind it."""
    ratio: float = page.evaluate(
        """selector => {
          const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
          const over = (colours) => { canvas.clearRect(0, 0, 1, 1);
            for (const c of colours) { canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); }
            return canvas.getImageData(0, 0, 1, 1).data; };
          const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map(v => { v /= 255;
            return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
            return .2126 * x + .7152 * y + .0722 * z; };
          const element = document.querySelector(selector), grounds = [];
          for (let e = element; e; e = e.parentElement) grounds.unshift(getComputedStyle(e).backgroundColor);
          const a = light(over([...grounds, getComputedStyle(element).color])), b = light(over(grounds));
          return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        }""",
        selector,
    )
    return ratio


def test_without_scripts_every_item_and_reason_is_there(browser: Browser, report: Path) -> None:
    for page in opened(browser, report, java_script_enabled=False, viewport={"width": 1400, "height": 900}):
        assert page.locator(".card").count() == 38
        assert page.locator(".tags").is_visible()
        assert not page.locator("#filters").is_visible()
        card = page.locator(".card").first
        card.locator("summary").click()
        assert card.locator("li").first.is_visible()


def until(page: Page, holds: Callable[[list[str]], bool]) -> list[str]:
    """The names shown, as soon as they are what is waited for (the page's own policy forbids to wait inside it)."""
    for _ in range(200):
        if holds(names := shown(page)):
            return names
        page.wait_for_timeout(25)
    raise AssertionError(f"never came: {names[:5]} …")


def test_filters_by_tag_verdict_and_text_work_together(page: Page) -> None:
    assert len(shown(page)) == 38
    page.get_by_role("button", name="Night:").click()
    night = until(page, lambda names: len(names) < 38)
    assert page.locator("#status").text_content() == f"{len(night)} of 38 shown"
    page.get_by_label("Search names and tags").fill("HIKE")
    assert until(page, lambda names: len(names) < len(night)) == [one for one in night if one.startswith("hike")]
    page.locator("#filters").get_by_text("Review", exact=True).click()
    until(page, lambda names: not names)
    assert page.get_by_text("Nothing matches").is_visible()
    page.get_by_role("button", name="Clear").click()
    until(page, lambda names: len(names) == 38)
    assert page.get_by_role("button", name="Night:").get_attribute("aria-pressed") == "false"


def test_filtered_by_a_tag_each_card_shows_where_it_is(page: Page) -> None:
    page.get_by_role("button", name="Beach:").click()
    until(page, lambda names: len(names) < 38)
    assert page.locator(".card:not([hidden]) .at").all_text_contents()[:4] == ["0:33"] * 4
    page.get_by_role("button", name="Beach:").click()
    until(page, lambda names: len(names) == 38)
    assert page.locator(".card .at").first.text_content() == "0:05"


def test_sorts_by_name_as_people_count_and_by_score(page: Page) -> None:
    page.get_by_label("Sort").select_option("name")
    names = until(page, lambda names: names[0].startswith("evening"))
    assert names.index("walk along the shore 7.mp4") < names.index("walk along the shore 13.mp4")
    page.get_by_role("button", name="Person:").click()
    page.get_by_label("Sort").select_option("surest")
    until(page, lambda now: now != names)
    rows = page.locator(".card li", has=page.locator("b", has_text="Person"))
    shares: list[float] = rows.evaluate_all("all => all.map(row => Number(row.dataset.p))")
    assert len(shares) == 38
    assert shares == sorted(shares, reverse=True)


def test_a_tag_shows_its_frame_its_boxes_its_time_and_why(page: Page) -> None:
    card = page.locator(".card", has=page.locator(".time")).first
    beach, person = card.locator(".chip", has_text="Beach"), card.locator(".chip", has_text="Person")
    path = card.locator(".say").text_content()
    assert card.locator(".at").text_content() == "0:05"
    beach.hover()
    assert card.locator(".at").text_content() == "0:33"
    assert card.locator(".stage img:visible").count() == 1
    assert "Seen in 1 of 12 frames" in (card.locator(".say").text_content() or "")
    person.hover()
    assert card.locator(".boxes path.on:visible").count() == 1
    page.mouse.move(1, 1)
    assert card.locator(".at").text_content() == "0:05"
    assert card.locator(".say").text_content() == path
    assert card.locator(".on").count() == 0


def test_keyboard_alone_reaches_tags_reasons_and_moments(page: Page) -> None:
    card = page.locator(".card", has=page.locator(".time")).first
    card.locator(".chip").first.focus()
    assert card.locator(".chip.on").count() == 1
    page.keyboard.press("Enter")
    assert card.locator(".chip").first.get_attribute("aria-pressed") == "true"
    why = card.locator(".chip").first.get_attribute("aria-describedby")
    assert "Seen in 4 of 12" in (page.locator(f"#{why}").text_content() or "")
    card.locator("summary").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    while not page.evaluate("document.activeElement.matches('.moment')"):
        page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert card.locator(".at").text_content() == page.evaluate("document.activeElement.textContent") == "0:19"


def test_two_thousand_items_filter_without_waiting(browser: Browser, tmp_path: Path) -> None:
    many = write_report(tmp_path, islice(cycle(list(items(60))), 2000), SUMMARY)
    for page in opened(browser, many, viewport={"width": 1400, "height": 900}):
        took: float = page.evaluate(
            """async () => { const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
            await frame(); const start = performance.now(); document.querySelectorAll(".tags button")[2].click();
            await frame(); await frame(); return performance.now() - start; }"""
        )
        assert len(shown(page)) < 1000
        assert took < 1000, f"{took:.0f} ms"
