"""Highlights of a scene: the best spans of the best people and tags, few enough to look at. A suggestion, no more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tagger.types import Decision

MOST = 6
_LONGEST_S = 30.0  # of a longer span the part around its best moment
_PEOPLE = "people"
_WHOLE = 0.8  # what is seen all the time for this share of the scene tells no moment from another


@dataclass(frozen=True, slots=True)
class Highlight:
    """``tag`` is what a marker of it hangs on: itself, or for a person the surest tag seen meanwhile ("": none)."""

    title: str
    tag: str
    from_s: float
    to_s: float
    probability: float


def highlights_of(decisions: Iterable[Decision], duration_s: float = 0.0, most: int = MOST) -> list[Highlight]:
    """People first, then tags by how sure they are, one span each before a second one; in the order of the scene.

    ``duration_s`` is the scene's (0: not known, then it ends where the last span does).
    """
    written = [d for d in decisions if d.verdict == "apply" and d.prediction.spans_s]
    end_s = duration_s or max((end for d in written for _, end in d.prediction.spans_s), default=0.0)
    timed = [d for d in written if d.prediction.feature == _PEOPLE or _longest(d) < _WHOLE * end_s]
    ranked = sorted(timed, key=lambda d: (d.prediction.feature != _PEOPLE, -d.prediction.probability))
    by_tag = [_spans(d, written) for d in ranked]
    chosen: list[Highlight] = []
    for turn in range(max(map(len, by_tag), default=0)):
        for spans in by_tag:
            if turn < len(spans) and len(chosen) < most and not any(_overlap(spans[turn], one) for one in chosen):
                chosen.append(spans[turn])
    return sorted(chosen, key=lambda one: one.from_s)


def _longest(decision: Decision) -> float:
    return max(end - begin for begin, end in decision.prediction.spans_s)


def _spans(decision: Decision, written: Sequence[Decision]) -> list[Highlight]:
    """Its spans, the one with the best moment first."""
    said = decision.prediction
    found = []
    for first, last in said.spans_s:
        inside = [e for e in said.evidence if first <= e.time_s <= last]
        best = max(inside, key=lambda e: e.score, default=None)
        middle = best.time_s if best else (first + last) / 2
        begin = max(first, min(middle - _LONGEST_S / 2, last - _LONGEST_S))
        end = min(last, begin + _LONGEST_S)
        tag = decision.tag if said.feature != _PEOPLE else _meanwhile(begin, end, written)
        one = Highlight(decision.tag, tag, round(begin, 2), round(end, 2), round(said.probability, 4))
        found.append((best.score if best else 0.0, end - begin, one))
    return [one for _, _, one in sorted(found, key=lambda row: row[:2], reverse=True)]


def _meanwhile(begin: float, end: float, written: Sequence[Decision]) -> str:
    """The surest tag that is seen then."""
    seen = [
        d
        for d in written
        if d.prediction.feature != _PEOPLE and any(a < end and b > begin for a, b in d.prediction.spans_s)
    ]
    return max(seen, key=lambda d: d.prediction.probability).tag if seen else ""


def _overlap(one: Highlight, other: Highlight) -> bool:
    """Whether they show mostly the same."""
    both = min(one.to_s, other.to_s) - max(one.from_s, other.from_s)
    return both > 0.5 * min(one.to_s - one.from_s, other.to_s - other.from_s)
