"""What stands around the cards of one page: head, summary, tags, problems, filters, the way to the other pages."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tagger.report import text
from tagger.report.card import RANK, shown, title_of
from tagger.report.markup import esc, opening, tag
from tagger.report.values import FaceRow, ReportItem, ReportSummary
from tagger.types import Verdict

TAGS_AT_ONCE = 30
PROBLEMS_OPEN = 6  # up to so many are shown without a click


@dataclass(slots=True)
class TagCount:
    """How many items have this tag, each counted once under its best verdict."""

    name: str
    key: int
    by_verdict: dict[Verdict, int] = field(default_factory=lambda: dict.fromkeys(RANK, 0))

    @property
    def items(self) -> int:
        return sum(self.by_verdict.values())


@dataclass(slots=True)
class Tally:
    """Running counts, of a page or of the whole report."""

    items: int = 0
    problems: int = 0
    tags: dict[str, TagCount] = field(default_factory=dict)

    def key_of(self, name: str) -> int:
        """The number of a tag, the same however it is capitalised."""
        return self.tags.setdefault(name.casefold(), TagCount(name, len(self.tags))).key

    def add(self, item: ReportItem) -> None:
        self.items += 1
        self.problems += item.error is not None
        best: dict[str, Verdict] = {}
        for one in shown(item.decisions):
            self.key_of(title_of(one))
            best.setdefault(title_of(one).casefold(), one.verdict)
        for name, verdict in best.items():
            self.tags[name].by_verdict[verdict] += 1

    def total(self, verdict: Verdict) -> int:
        return sum(count.by_verdict[verdict] for count in self.tags.values())


@dataclass(slots=True)
class Page:
    """One page: its counts, and the items that couldn't be looked at as (name, path, reason)."""

    number: int
    tally: Tally = field(default_factory=Tally)
    problems: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def file(self) -> str:
        return file_name(self.number)


def file_name(number: int) -> str:
    return "report.html" if number == 1 else f"report-{number}.html"


@cache
def _asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii") + "'"


def before(page: Page, pages: int, whole: Tally, summary: ReportSummary) -> str:
    """Everything up to the first card."""
    top = tag("a", esc(text.SKIP), class_="skip", href="#items")
    only_faces = bool(summary.faces) and not whole.items
    top += tag("header", _lede(page, whole, summary) + _notes(summary) + ("" if only_faces else _legend()))
    top += _faces(summary.faces) if page.number == 1 else ""
    if not only_faces:
        top += _pages(page, pages) + _tags(page, pages, whole) + _filters(page, pages)
    heading = tag("h2", esc(text.ITEMS), class_="hidden")
    empty = "" if page.tally.items or only_faces else tag("p", esc(text.NOTHING), class_="nothing")
    none = tag("p", esc(text.NO_MATCH), class_="nothing", id="none", hidden=True)
    return (
        f'<!doctype html>\n<html lang="en">\n{_head(page, summary)}\n<body>\n{top}\n'
        f'<main id="items" tabindex="-1">{heading}{empty}{none}<div id="cards">\n'
    )


def after(page: Page, pages: int, summary: ReportSummary) -> str:
    """Everything after the last card."""
    return f"</div></main>\n{_problems(page)}{_pages(page, pages)}{_about(summary)}\n</body>\n</html>\n"


def _head(page: Page, summary: ReportSummary) -> str:
    style, script = _asset("page.css"), _asset("page.js")
    # Whatever a name or a reason contains, the browser runs nothing but this script and asks nobody for anything.
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    title = summary.title + (f" · {text.PAGE.format(n=page.number)}" if page.number > 1 else "")
    return tag(
        "head",
        '<meta charset="utf-8">'
        + opening("meta", http_equiv="Content-Security-Policy", content=policy)
        + '<meta name="viewport" content="width=device-width, initial-scale=1">'
        + '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        + f'<link rel="icon" href="data:,"><title>{esc(title)}</title>'
        + f"<style>{style}</style><script>{script}</script>",
    )


def _lede(page: Page, whole: Tally, summary: ReportSummary) -> str:
    words = text.LEDE.format(
        items=text.counted(whole.items, "item", "items"),
        apply=text.counted(whole.total("apply"), "tag", "tags"),
        review=f"{whole.total('review'):,}",
    )
    if summary.seconds > 0:
        words += " " + text.TOOK.format(time=text.took(summary.seconds))
    lede = esc(words if whole.items or not summary.faces else text.ONLY_FACES)
    if whole.problems:
        broken = esc(text.BROKEN.format(n=f"{whole.problems:,}"))
        lede += " " + (tag("a", broken, href="#problems") if page.problems else broken)
    return tag("h1", tag("bdi", esc(summary.title))) + tag("p", lede, class_="lede")


def _notes(summary: ReportSummary) -> str:
    notes = "".join(tag("li", esc(note)) for note in summary.notes)
    return tag("ul", notes, class_="notes", aria_label=text.NOTES) if notes else ""


def _faces(rows: Sequence[FaceRow]) -> str:
    if not rows:
        return ""
    inner = "".join(tag("li", _face_row(row)) for row in rows)
    return tag("section", tag("h2", esc(text.PEOPLE)) + tag("ul", inner), class_="people")


def _face_row(row: FaceRow) -> str:
    shown = [base64.b64encode(crop).decode("ascii") for crop in row.crops]
    alt = text.FACE_OF.format(name=row.title)
    pictures = "".join(
        opening("img", src=f"data:image/jpeg;base64,{data}", alt=alt, width=56, height=56) for data in shown
    )
    more = tag("span", esc(text.MORE_FACES.format(n=f"{row.more:,}")), class_="quiet") if row.more else ""
    words = tag("b", tag("bdi", esc(row.title))) + " " + tag("span", esc(row.note), class_="quiet")
    return tag("p", words) + tag("div", pictures + more, class_="faces")


def _legend() -> str:
    return tag(
        "ul",
        "".join(
            tag("li", tag("span", esc(text.VERDICTS[verdict]), class_=f"mark {verdict}") + " " + esc(meaning))
            for verdict, meaning in text.VERDICT_MEANS.items()
        ),
        class_="legend",
    )


def _pages(page: Page, pages: int) -> str:
    if pages < 2:
        return ""
    links = " ".join(
        tag(
            "a",
            str(number),
            href=file_name(number),
            aria_label=text.PAGE.format(n=number),
            aria_current="page" if number == page.number else None,
        )
        for number in range(1, pages + 1)
    )
    return tag("nav", esc(text.PAGES) + " " + links, aria_label=text.PAGES)


def _problems(page: Page) -> str:
    if not page.problems:
        return ""
    rows = "".join(
        tag("li", tag("b", tag("bdi", esc(name))) + " " + tag("bdi", esc(path), class_="quiet") + tag("p", esc(reason)))
        for name, path, reason in page.problems
    )
    summary = tag("summary", tag("h2", esc(f"{text.PROBLEMS} ({len(page.problems):,})")))
    return tag(
        "details", summary + tag("ul", rows), class_="problems", id="problems", open=len(page.problems) <= PROBLEMS_OPEN
    )


def _tags(page: Page, pages: int, whole: Tally) -> str:
    counts = sorted(
        page.tally.tags.values(), key=lambda one: ([-n for n in one.by_verdict.values()], one.name.casefold())
    )
    if not counts:
        inner = tag("p", esc(text.NO_TAGS), class_="quiet")
    else:
        totals = whole.tags if pages > 1 else {}
        buttons = [_tag_button(one, totals) for one in counts]
        inner = tag("p", esc(text.TAGS_HINT), class_="quiet js-only")
        inner += tag("div", " ".join(buttons[:TAGS_AT_ONCE]), class_="tags")
        if rest := buttons[TAGS_AT_ONCE:]:
            more = tag("summary", esc(text.MORE_TAGS.format(n=f"{len(rest):,}")))
            inner += tag("details", more + tag("div", " ".join(rest), class_="tags"))
    return tag("section", tag("h2", esc(text.TAGS)) + inner, class_="alltags")


def _tag_button(one: TagCount, totals: Mapping[str, TagCount]) -> str:
    present = [(verdict, n) for verdict, n in one.by_verdict.items() if n]
    words = ", ".join(f"{n:,} {text.VERDICTS[verdict].lower()}" for verdict, n in present)
    inner = tag("bdi", esc(one.name)) + "".join(tag("span", f"{n:,}", class_=verdict) for verdict, n in present)
    if totals:
        total = totals[one.name.casefold()].items
        inner += tag("small", f"/{total:,}")
        words = f"{words}; {text.HERE_OF_ALL.format(here=f'{one.items:,}', total=f'{total:,}')}"
    label = f"{one.name}: {words}"
    return tag("button", inner, type="button", data_t=one.key, aria_pressed="false", aria_label=label, title=words)


def _filters(page: Page, pages: int) -> str:
    if not page.tally.items:
        return ""
    # autocomplete off: some browsers restore a form's state, and this page remembers nothing
    search = opening(
        "input", type="search", id="q", placeholder=text.SEARCH, aria_label=text.SEARCH, autocomplete="off"
    )
    choices = [("", text.ALL), *text.VERDICTS.items()]
    radios = "".join(
        tag(
            "label",
            opening("input", type="radio", name="v", value=value, checked=not value, autocomplete="off")
            + tag("span", esc(label)),
        )
        for value, label in choices
    )
    options = "".join(tag("option", esc(label), value=value) for value, label in text.SORTS.items())
    template = text.SHOWN_PAGES if pages > 1 else text.SHOWN
    status = tag("output", "", id="status", aria_live="polite", data_shown=template)
    return tag(
        "form",
        search
        + tag("fieldset", tag("legend", esc(text.SHOW), class_="hidden") + radios)
        + tag("select", options, id="sort", aria_label=text.SORT, autocomplete="off")
        + status
        + tag("button", esc(text.CLEAR), type="reset", id="clear", hidden=True),
        class_="filters js-only",
        id="filters",
    )


def _about(summary: ReportSummary) -> str:
    made = tag("time", esc(summary.made_at.replace("T", " ").replace("Z", " UTC")), datetime=summary.made_at)
    facts = [esc(text.MADE).replace("{at}", made)]
    facts += [f"{n:,} {esc(text.COUNTS.get(name, name.replace('_', ' ')))}" for name, n in summary.counts.items()]
    return tag(
        "footer",
        tag("h2", esc(text.ABOUT))
        + tag("p", " · ".join(facts))
        + _models(summary.models)
        + tag("p", esc(text.OFFLINE)),
    )


def _models(models: Sequence[tuple[str, str]]) -> str:
    if not models:
        return tag("p", esc(text.NO_MODELS))
    rows = "".join(tag("li", tag("b", esc(name)) + " " + esc(licence)) for name, licence in models)
    return tag("h3", esc(text.MODELS)) + tag("ul", rows)
