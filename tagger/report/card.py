"""One item as HTML: its frame with the evidence drawn over it, its tags, and why they are there."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

from tagger.report import text
from tagger.report.frames import CANVAS, Frames, choose, outline, stretches
from tagger.report.markup import esc, opening, tag
from tagger.report.values import ReportItem
from tagger.types import Decision, Verdict

RANK: dict[Verdict, int] = {"apply": 0, "review": 1, "keep": 2}
MOST_HINTS = 4  # chips of verdict "keep" on a card; all of them are under "why"
MOST_SPANS = 6


def shown(decisions: Sequence[Decision]) -> list[Decision]:
    """What a person sees, in order: apply, review, keep, each the surest first; never what was dropped."""
    visible = [one for one in decisions if one.verdict in RANK]
    return sorted(visible, key=lambda one: (RANK[one.verdict], -one.prediction.probability))


def title_of(decision: Decision) -> str:
    """The tag's name; of what maps to no tag, what was seen."""
    return decision.tag or decision.prediction.subject


def card(item: ReportItem, number: int, key_of: Callable[[str], int]) -> str:
    """The card of the ``number``-th item of its page; ``key_of`` gives a tag's number on the page."""
    decisions = shown(item.decisions)
    frames = choose(item.thumbs, decisions)
    name = tag("h3", tag("bdi", esc(item.name)), id=f"n{number}")
    head = name + tag("p", tag("span", _facts(item)), class_="say")
    problem = tag("p", esc(text.PARTLY.format(reason=item.public(item.error))), class_="problem") if item.error else ""
    body = _chips(decisions, number) + _reasons(item, decisions, frames, number, key_of) if decisions else _nothing()
    return tag(
        "article",
        _stage(item, decisions, frames) + tag("div", head + problem + body, class_="body"),
        class_="card",
        aria_labelledby=f"n{number}",
    )


def _nothing() -> str:
    return tag("p", esc(text.NO_ITEM_TAGS), class_="quiet")


def _facts(item: ReportItem) -> str:
    facts = [tag("bdi", esc(item.shown_path))]
    if item.width > 0 and item.height > 0:
        facts.append(f"{item.width}\N{MULTIPLICATION SIGN}{item.height}")
    if item.duration_s > 0:
        facts.append(text.clock(item.duration_s))
    return " · ".join(facts)


def _stage(item: ReportItem, decisions: Sequence[Decision], frames: Frames) -> str:
    if not frames.thumbs:
        return tag("div", tag("span", esc(text.NO_PICTURE)), class_="stage empty")
    pictures = "".join(_picture(item, frames, index) for index in range(len(frames.thumbs)))
    sized = item.width > 0 and item.height > 0
    height = max(1, round(CANVAS * item.height / item.width)) if sized else CANVAS
    drawn = tag(
        "svg",
        "".join(_outlines(one, k, frames, height) for k, one in enumerate(decisions)),
        class_="boxes",
        viewBox=f"0 0 {CANVAS} {height}",
        preserveAspectRatio=None if sized else "none",
        aria_hidden="true",
    )
    badge = tag("span", text.clock(frames.thumbs[0].time_s), class_="at") if item.kind == "video" else ""
    bar = _timeline(item, decisions) if item.kind == "video" else ""
    return tag("div", pictures + drawn + badge + bar, class_="stage" if sized else "stage stretched")


def _picture(item: ReportItem, frames: Frames, index: int) -> str:
    thumb = frames.thumbs[index]
    when = text.clock(thumb.time_s)
    return opening(
        "img",
        src="data:image/jpeg;base64," + base64.b64encode(thumb.jpeg).decode("ascii"),
        alt=text.FRAME_ALT.format(name=item.name, time=when) if item.kind == "video" else item.name,
        data_at=when if item.kind == "video" else None,
        decoding="async",
        hidden=index > 0,
    )


def _outlines(decision: Decision, k: int, frames: Frames, canvas_height: int) -> str:
    """One path for each frame with boxes of this decision: the page's script shows those of the frame in sight."""
    evidence = decision.prediction.evidence
    paths = []
    for index in range(len(frames.thumbs)):
        boxes = [one.box for one in evidence if one.box and frames.index_of(one) == index]
        if boxes:
            path = outline(boxes, canvas_height)
            paths.append(tag("path", d=path, class_=decision.verdict, data_k=k, data_f=index, hidden=index > 0))
    return "".join(paths)


def _timeline(item: ReportItem, decisions: Sequence[Decision]) -> str:
    if item.duration_s <= 0:
        return ""
    paths = "".join(
        tag("path", d=path, class_=one.verdict, data_k=k)
        for k, one in enumerate(decisions)
        if (path := stretches(one.prediction.spans_s, item.duration_s))
    )
    return _bar(paths)


def _bar(paths: str, label: str | None = None) -> str:
    return tag(
        "svg",
        paths,
        class_="time",
        viewBox=f"0 0 {CANVAS} 1",
        preserveAspectRatio="none",
        role="img" if label else None,
        aria_label=label,
        aria_hidden=None if label else "true",
    )


def _chips(decisions: Sequence[Decision], number: int) -> str:
    chips: list[str] = []
    names: set[str] = set()
    hints = 0
    for k, one in enumerate(decisions):
        name = title_of(one)
        hints += one.verdict == "keep"
        if name.casefold() in names or (one.verdict == "keep" and hints > MOST_HINTS):
            continue
        names.add(name.casefold())
        score = text.percent(one.prediction.probability)
        chips.append(
            tag(
                "button",
                f"{tag('bdi', esc(name))} {tag('span', score)}",
                type="button",
                class_=f"chip {one.verdict}",
                data_k=k,
                aria_label=text.CHIP.format(name=name, percent=score, verdict=text.VERDICTS[one.verdict]),
                aria_describedby=f"w{number}-{k}",
                aria_pressed="false",
            )
        )
    return tag("p", " ".join(chips), class_="chips")


def _reasons(
    item: ReportItem, decisions: Sequence[Decision], frames: Frames, number: int, key_of: Callable[[str], int]
) -> str:
    rows = "".join(
        tag(
            "li",
            _reason(item, one, frames, f"w{number}-{k}"),
            class_=one.verdict,
            data_t=key_of(title_of(one)),
            data_p=f"{one.prediction.probability:.4f}",
            data_f=next((f for e in one.prediction.evidence if (f := frames.index_of(e)) is not None), 0),
        )
        for k, one in enumerate(decisions)
    )
    return tag("details", tag("summary", esc(text.WHY)) + tag("ol", rows))


def _reason(item: ReportItem, decision: Decision, frames: Frames, ident: str) -> str:
    prediction = decision.prediction
    name = title_of(decision)
    facts = [text.percent(prediction.probability), text.VERDICTS[decision.verdict], prediction.feature]
    if prediction.label.casefold() not in (name.casefold(), ""):
        facts.append(text.LABEL.format(label=prediction.label))
    head = tag("b", tag("bdi", esc(name))) + " " + tag("span", esc(" · ".join(facts)), class_="quiet")
    parts = [tag("p", head), tag("p", esc(item.public(decision.why)), id=ident)]
    if path := stretches(prediction.spans_s, item.duration_s):
        spans = _spans(prediction.spans_s)
        parts.append(_bar(tag("path", d=path, class_=decision.verdict), text.TIMELINE.format(spans=spans)))
        parts.append(tag("p", esc(text.SEEN_AT.format(spans=spans)), class_="quiet"))
    parts.append(_moments(decision, frames))
    parts.append(tag("p", esc(", ".join(prediction.models)), class_="quiet model"))
    return "".join(parts)


def _spans(spans_s: Sequence[tuple[float, float]]) -> str:
    times = [
        text.clock(a) if text.clock(a) == text.clock(b) else f"{text.clock(a)}–{text.clock(b)}" for a, b in spans_s
    ]
    named = list(dict.fromkeys(times))
    rest = [text.MORE_SPANS.format(n=len(named) - MOST_SPANS)] if len(named) > MOST_SPANS else []
    return ", ".join(named[:MOST_SPANS] + rest)


def _moments(decision: Decision, frames: Frames) -> str:
    """Buttons for the frames in which this was seen, where there is more than one to choose from."""
    indexes = {i for one in decision.prediction.evidence if (i := frames.index_of(one)) is not None}
    if len(frames.thumbs) < 2 or not indexes:
        return ""
    times = {i: text.clock(frames.thumbs[i].time_s) for i in sorted(indexes, key=lambda i: frames.thumbs[i].time_s)}
    buttons = (tag("button", time, type="button", class_="moment", data_f=i) for i, time in times.items())
    return tag("p", f"{esc(text.LOOK)} " + " ".join(buttons), class_="quiet moments")
