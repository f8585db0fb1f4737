"""What every video reader agrees on: the seam, how frames are spread, and how large they are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from tagger.media.source import Source
from tagger.types import Frame

SECONDS_A_FRAME = 5.0
FEWEST_FRAMES = 4


@dataclass(frozen=True, slots=True)
class Footage:
    """An opened video: ``duration_s`` as the decoder knows it (0.0 = unknown), and its frames as they are decoded."""

    duration_s: float
    frames: Iterator[Frame]


class Reader(Protocol):
    """A video → at most ``budget`` upright frames, spread over its length, by ascending time, long side limited.

    Raises MediaError from ``open``, or while the frames are drawn when not one of them could be decoded; a damaged
    video yields what decodes. ``frames`` owns the file: drawing it to the end or closing it closes the file.
    """

    def open(self, source: Source, budget: int, max_side_px: int) -> Footage: ...


def spread(duration_s: float, budget: int) -> list[float]:
    """Times in the middles of equal parts: one for each five seconds, at least four, at most ``budget``."""
    count = min(budget, max(FEWEST_FRAMES, math.ceil(duration_s / SECONDS_A_FRAME)))
    return [(number + 0.5) * duration_s / count for number in range(count)]


def fit(width: int, height: int, max_side_px: int) -> tuple[int, int]:
    """The size with the same shape whose long side is at most ``max_side_px``; never larger, never zero."""
    share = min(1.0, max_side_px / max(width, height, 1))
    return max(1, round(width * share)), max(1, round(height * share))
