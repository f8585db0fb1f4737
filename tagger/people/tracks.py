"""Faces in the frames of one video → tracks: one person followed, best views combined, spans kept. Pure.

Frames are sampled seconds apart, so a face is followed by where it is only between neighbouring frames, by what it
looks like across any gap. Two faces of one frame are never one track.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tagger.people.templates import mean_face
from tagger.types import Box

if TYPE_CHECKING:
    import numpy.typing as npt

    from tagger.people.likeness import Likeness

    Floats = npt.NDArray[np.float32]

_BEST_VIEWS = 5
_SAME_PLACE_IOU = 0.3
_UNLIKE = 0.10  # in the same place, but below this it is somebody else (about a stranger's cosine)
_LEAST_GAP_S = 1.0
_GAP_STEPS = 2.5
_CROWD = 20  # people that a video may show: how near a stranger may come by chance


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One face in one frame: ``vector`` (d,) of unit length."""

    time_s: float
    box: Box
    vector: Floats
    quality: float


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One person in a video: places of its views in what was given, in time order; ``best`` the place of the best.

    ``vector`` combines the best views; ``quality`` is what they reach together; ``spans_s`` are the stretches seen.
    """

    views: tuple[int, ...]
    best: int
    vector: Floats
    quality: float
    spans_s: tuple[tuple[float, float], ...]


def tracks(views: Sequence[View], likeness: Likeness, times_s: Sequence[float] = ()) -> tuple[Track, ...]:
    """Tracks of all faces of a video, the longest first; ``times_s`` are all frames looked at (else those of faces)."""
    step_s = _step(sorted(set(times_s) or {view.time_s for view in views}))
    order = sorted(range(len(views)), key=lambda i: (views[i].time_s, views[i].box))
    strands = _followed(views, order, step_s)
    strands = _reunited(views, strands, likeness)
    made = [_track(views, strand, step_s) for strand in strands]
    return tuple(sorted(made, key=lambda t: (-len(t.views), t.views)))


def _step(times_s: Sequence[float]) -> float:
    """How far a face may be followed by its place alone, in seconds."""
    gaps = np.diff(np.array(times_s, float))
    return max(_LEAST_GAP_S, _GAP_STEPS * float(np.median(gaps))) if len(gaps) else _LEAST_GAP_S


def _followed(views: Sequence[View], order: Sequence[int], step_s: float) -> list[list[int]]:
    """Strands through neighbouring frames: nearly the same place, and not unlike; the best overlaps first."""
    strands: list[list[int]] = []
    by_time: dict[float, list[int]] = {}
    for i in order:
        by_time.setdefault(views[i].time_s, []).append(i)
    for time_s, present in by_time.items():
        open_ = [s for s in strands if 0 < time_s - views[s[-1]].time_s <= step_s]
        pairs = sorted(
            ((_overlap(views[s[-1]].box, views[i].box), k, i) for k, s in enumerate(open_) for i in present),
            key=lambda pair: (-pair[0], pair[1], pair[2]),
        )
        taken: set[int] = set()
        used: set[int] = set()
        for overlap, k, i in pairs:
            if overlap < _SAME_PLACE_IOU or k in used or i in taken:
                continue
            if float(views[open_[k][-1]].vector @ views[i].vector) >= _UNLIKE:
                open_[k].append(i)
                used.add(k)
                taken.add(i)
        strands += [[i] for i in present if i not in taken]
    return strands


def _reunited(views: Sequence[View], strands: list[list[int]], likeness: Likeness) -> list[list[int]]:
    """Strands of one person joined, the nearest first; never two that are seen in the same frame."""
    means = [_combined(views, strand) for strand in strands]
    alive = set(range(len(strands)))
    cosines = np.array([m for m, _ in means]) @ np.array([m for m, _ in means]).T if strands else np.empty((0, 0))
    times = [{views[i].time_s for i in strand} for strand in strands]
    while True:
        best, pair = 0.0, None
        for a in alive:
            for b in alive:
                if a < b and not times[a] & times[b]:
                    quality = min(means[a][1], means[b][1])
                    spare = float(cosines[a, b]) - likeness.threshold(_CROWD, quality)
                    if quality >= likeness.least_quality and spare >= best:
                        best, pair = spare, (a, b)
        if pair is None:
            return [sorted(strands[k], key=lambda i: views[i].time_s) for k in sorted(alive)]
        a, b = pair
        strands[a], times[a] = strands[a] + strands[b], times[a] | times[b]
        alive.discard(b)
        means[a] = _combined(views, strands[a])
        cosines[a] = [float(m @ means[a][0]) for m, _ in means]
        cosines[:, a] = cosines[a]


def _combined(views: Sequence[View], strand: Sequence[int]) -> tuple[Floats, float]:
    """The mean of the best views, and their mean quality."""
    best = sorted(strand, key=lambda i: (-views[i].quality, i))[:_BEST_VIEWS]
    qualities = np.array([views[i].quality for i in best], np.float32)
    return mean_face(np.array([views[i].vector for i in best]), qualities), float(qualities.mean())


def _track(views: Sequence[View], strand: Sequence[int], step_s: float) -> Track:
    vector, quality = _combined(views, strand)
    quality *= 1 - 0.5 ** len(strand)  # What is a face in one frame only is often none.
    spans: list[list[float]] = []
    for i in strand:
        time_s = views[i].time_s
        if spans and time_s - spans[-1][1] <= step_s:
            spans[-1][1] = time_s
        else:
            spans.append([time_s, time_s])
    best = max(strand, key=lambda i: (views[i].quality, -i))
    return Track(tuple(strand), best, vector, quality, tuple((a, b) for a, b in spans))


def _overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    shared = Box(max(a.x0, b.x0), max(a.y0, b.y0), min(a.x1, b.x1), min(a.y1, b.y1))
    if shared.x1 <= shared.x0 or shared.y1 <= shared.y0:
        return 0.0
    return shared.area / (a.area + b.area - shared.area)
