"""What was measured, as lines, as JSON, and as one self-contained HTML page with a reliability diagram."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tagger.evaluate.measure import Bin, Confusion, Level, Measured
from tagger.figures import percent
from tagger.report.disk import plain_errors
from tagger.report.markup import esc, opening, tag

_WORDS = {"apply": "applied", "review": "applied or asked about", "keep": "everything stored"}
_SIDE, _EDGE = 320, 44
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6570; --line: #c9d0d8; --one: #1f6f54; --back: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8ecf0; --soft: #a2adb8; --line: #414a54; --one: #6fd0a8; --back: #14181c; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); margin: 2rem auto;
  max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
p.soft, td.soft, figcaption { color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
.confusions { display: grid; grid-template-columns: repeat(auto-fill, minmax(12rem, 1fr)); gap: 1rem; padding: 0; }
.confusions li { list-style: none; } .confusions img { width: 100%; border-radius: .4rem; display: block; }
svg { max-width: 26rem; width: 100%; height: auto; } svg text { fill: var(--soft); font-size: 11px; }
svg .axis, svg .ideal { stroke: var(--line); fill: none; } svg .ideal { stroke-dasharray: 4 4; }
svg .line { stroke: var(--one); fill: none; stroke-width: 2; } svg .dot { fill: var(--one); }
.scroll { overflow-x: auto; }
"""


_MEANING = (
    "right: of what it says, the share that is so; found: of all that is so, the share that it says; of the items: the "
    "share on which it says at least one tag that the comparison knows."
)


def lines(measured: Measured, against: str) -> list[str]:
    """For a person at a terminal."""
    found = [f"{measured.items:,} items with {measured.labels:,} true tags, against {against}."]
    for level in measured.levels:
        found.append(
            f"{_WORDS[level.verdict]:>24}: {_percent(level.precision)} right, {_percent(level.recall)} found, "
            f"{_percent(level.coverage)} of the items ({level.right:,} of {level.said:,})"
        )
    found.append(f"({_MEANING})")
    if measured.calibration_error is not None:
        found.append(
            f"Calibration error: {measured.calibration_error:.3f} (how sure it is and how often it is right are "
            f"{percent(measured.calibration_error, 1)} apart on average)"
        )
    for one in measured.confusions[:5]:
        found.append(f"Wrong {one.count:,} ×: “{one.said}” where it is {one.true} ({one.examples[0][0]})")
    return found


def as_json(measured: Measured, against: str) -> dict[str, Any]:
    """For a program."""
    levels = [
        {**asdict(level), "precision": level.precision, "recall": level.recall, "coverage": level.coverage}
        for level in measured.levels
    ]
    return {"against": against, **asdict(measured), "levels": levels}


def write_page(
    file: Path, measured: Measured, against: str, made_at: str, picture: Callable[[str], bytes | None]
) -> Path:
    """``picture`` gives a JPEG for a fingerprint. Raises StoreError when the file can't be written."""
    body = tag("h1", "How right the tags are")
    body += tag("p", esc(f"{measured.items:,} items, {measured.labels:,} true tags, against {against}."))
    body += _levels(measured.levels) + _reliability(measured.bins, measured.calibration_error)
    body += _confusions(measured.confusions, picture) + _tags(measured)
    body += tag("p", esc(f"Measured {made_at.replace('T', ' ').replace('Z', ' UTC')}; nothing was looked at again."),
                class_="soft")  # fmt: skip
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        + opening("meta", http_equiv="Content-Security-Policy",
                  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'")
        + '<link rel="icon" href="data:,"><title>How right the tags are</title>'
        + f"<style>{_STYLE}</style>"
    )  # fmt: skip
    page = f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'
    with plain_errors(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, encoding="utf-8")
    return file


def _percent(share: float | None) -> str:
    return "–" if share is None else percent(share, 1)


def _levels(levels: Sequence[Level]) -> str:
    head = "".join(tag("th", name, scope="col") for name in ("", "right", "found", "items with a tag", "said"))
    rows = "".join(
        tag(
            "tr",
            tag("td", esc(_WORDS[level.verdict]))
            + "".join(tag("td", _percent(share)) for share in (level.precision, level.recall, level.coverage))
            + tag("td", f"{level.right:,} of {level.said:,}"),
        )
        for level in levels
    )
    table = tag("div", tag("table", tag("thead", tag("tr", head)) + tag("tbody", rows)), class_="scroll")
    return table + tag("p", esc(_MEANING.replace("of the items:", "items with a tag:")), class_="soft")


def _reliability(bins: Sequence[Bin], error: float | None) -> str:
    if not bins or error is None:
        return ""
    title = tag("h2", "Do the scores mean what they say?")
    points = [(_EDGE + one.sure * _SIDE, 10 + (1 - one.right) * _SIDE) for one in bins]
    inner = f'<path class="axis" d="M{_EDGE} 10V{10 + _SIDE}H{_EDGE + _SIDE}"/>'
    inner += f'<path class="ideal" d="M{_EDGE} {10 + _SIDE}L{_EDGE + _SIDE} 10"/>'
    for step in range(0, 11, 2):
        at = step * _SIDE / 10
        inner += f'<text x="{_EDGE - 8}" y="{14 + _SIDE - at:.0f}" text-anchor="end">{step * 10}</text>'
        inner += f'<text x="{_EDGE + at:.0f}" y="{28 + _SIDE}" text-anchor="middle">{step * 10}</text>'
    inner += '<path class="line" d="M' + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + '"/>'
    for (x, y), one in zip(points, bins, strict=True):
        words = f"{one.count} predictions, {percent(one.sure)} sure, {percent(one.right)} right"
        inner += tag("circle", tag("title", esc(words)), class_="dot", cx=f"{x:.1f}", cy=f"{y:.1f}", r=5)
    inner += f'<text x="{_EDGE + _SIDE / 2}" y="{44 + _SIDE}" text-anchor="middle">how sure, in per cent</text>'
    svg = tag(
        "svg", inner, viewBox=f"0 0 {_SIDE + _EDGE + 20} {_SIDE + 54}", role="img",
        aria_label=f"Reliability diagram; calibration error {error:.3f}",
    )  # fmt: skip
    words = f"Right, in per cent, over how sure. On the dashed line both are equal. Calibration error {error:.3f}."
    return title + tag("figure", svg + tag("figcaption", esc(words)))


def _confusions(confusions: Sequence[Confusion], picture: Callable[[str], bytes | None]) -> str:
    if not confusions:
        return ""
    cards = ""
    for one in confusions:
        name, fingerprint = one.examples[0]
        jpeg = picture(fingerprint)
        image = (
            opening("img", src="data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii"), alt=name)
            if jpeg
            else ""
        )
        words = tag("b", esc(one.said)) + esc(f" where it is {one.true}")
        often = esc(f"{one.count:,} ×, up to {percent(one.surest)} sure")
        cards += tag("li", image + tag("p", words + tag("br") + often))
    return tag("h2", "What it takes for something else") + tag("ul", cards.replace("</br>", ""), class_="confusions")


def _tags(measured: Measured) -> str:
    head = "".join(tag("th", name, scope="col") for name in ("tag", "applied", "right", "there"))
    rows = "".join(
        tag("tr", tag("td", esc(one.name)) + "".join(tag("td", f"{n:,}") for n in (one.said, one.right, one.true)))
        for one in measured.tags
    )
    table = tag("div", tag("table", tag("thead", tag("tr", head)) + tag("tbody", rows)), class_="scroll")
    return tag("h2", "Tag by tag") + table if rows else ""
