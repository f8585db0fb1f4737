"""Which of an item's frames a card shows, and what is drawn over them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tagger.types import Box, Decision, Evidence, Thumb

ITEM_BYTES = 160 * 1024  # of JPEG an item; its first frame may be larger
MOST_FRAMES = 8
SAME_FRAME_S = 0.1  # evidence and its thumbnail come from one frame: only rounding may lie between them
FINEST = 200  # parts a timeline is drawn in: gaps narrower than one of them can't be seen
CANVAS = 1000  # width of the drawing's own coordinates


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of a card; the first is the one shown at rest."""

    thumbs: tuple[Thumb, ...]

    def index_of(self, evidence: Evidence) -> int | None:
        """The frame that this evidence was seen in, None when it isn't among those shown."""
        for index, thumb in enumerate(self.thumbs):
            if abs(thumb.time_s - evidence.time_s) <= SAME_FRAME_S:
                return index
        return None


def choose(thumbs: Sequence[Thumb], decisions: Sequence[Decision]) -> Frames:
    """The frames worth their bytes: the best evidence of each decision in turn, then the second best …"""
    every = Frames(tuple(thumb for thumb in thumbs if thumb.jpeg))
    depth = max((len(one.prediction.evidence) for one in decisions), default=0)
    wanted = [
        index
        for rank in range(depth)
        for one in decisions
        if rank < len(one.prediction.evidence) and (index := every.index_of(one.prediction.evidence[rank])) is not None
    ]
    chosen: list[Thumb] = []
    spent = 0
    for index in dict.fromkeys(wanted or range(min(1, len(every.thumbs)))):
        thumb = every.thumbs[index]
        if not chosen or spent + len(thumb.jpeg) <= ITEM_BYTES:
            chosen.append(thumb)
            spent += len(thumb.jpeg)
        if len(chosen) == MOST_FRAMES:
            break
    return Frames(tuple(chosen))


def outline(boxes: Iterable[Box], canvas_height: int) -> str:
    """The boxes as one SVG path on a canvas of CANVAS by ``canvas_height``."""
    parts = []
    for box in boxes:
        x0, x1 = (_within(v * CANVAS, CANVAS) for v in (box.x0, box.x1))
        y0, y1 = (_within(v * canvas_height, canvas_height) for v in (box.y0, box.y1))
        parts.append(f"M{x0} {y0}H{x1}V{y1}H{x0}z")
    return "".join(parts)


def _within(value: float, most: int) -> int:
    return round(max(0.0, min(float(most), value)))


def stretches(spans_s: Iterable[tuple[float, float]], duration_s: float) -> str:
    """Spans as one SVG path on a canvas of CANVAS by 1; a moment is widened until it can be seen."""
    if duration_s <= 0:
        return ""
    least = CANVAS // FINEST
    drawn: list[list[int]] = []
    for a, b in sorted(spans_s):
        start = min(_within(a / duration_s * CANVAS, CANVAS), CANVAS - least)
        end = max(_within(b / duration_s * CANVAS, CANVAS), start + least)
        if drawn and start - drawn[-1][1] < least:
            drawn[-1][1] = max(drawn[-1][1], end)
        else:
            drawn.append([start, end])
    return "".join(f"M{start} 0H{end}V1H{start}z" for start, end in drawn)
