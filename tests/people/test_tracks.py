"""A face followed through a video."""

from __future__ import annotations

import numpy as np

from tagger.people.tracks import View, tracks
from tagger.types import Box
from tests.people.drawn import LIKENESS, Cast


def at(x: float) -> Box:
    return Box(x, 0.2, x + 0.1, 0.4)


def test_two_people_side_by_side_are_two_tracks_with_spans() -> None:
    cast = Cast(2)
    views = [
        View(float(t), at(0.1 + 0.01 * t if p == 0 else 0.6), cast.faces(p, 1)[0], 0.9)
        for t in range(10)
        for p in range(2)
        if p == 0 or t < 4
    ]
    found = tracks(views, LIKENESS, [float(t) for t in range(10)])
    assert [len(track.views) for track in found] == [10, 4]
    assert found[0].spans_s == ((0.0, 9.0),)
    assert found[1].spans_s == ((0.0, 3.0),)


def test_a_person_who_comes_back_elsewhere_is_the_same_track() -> None:
    cast = Cast(1)
    times = [0.0, 1.0, 2.0, 20.0, 21.0]
    views = [View(t, at(0.1 if t < 10 else 0.7), face, 0.9) for t, face in zip(times, cast.faces(0, 5), strict=True)]
    (track,) = tracks(views, LIKENESS, [float(t) for t in range(22)])
    assert track.spans_s == ((0.0, 2.0), (20.0, 21.0))


def test_a_cut_to_somebody_else_in_the_same_place_is_another_track() -> None:
    cast = Cast(2)
    opposite = cast.centres[1] - (cast.centres[1] @ cast.centres[0]) * cast.centres[0]
    faces = [cast.centres[0], cast.centres[0], opposite, opposite]
    views = [View(float(t), at(0.3), face / np.linalg.norm(face), 0.9) for t, face in enumerate(faces)]
    assert [track.views for track in tracks(views, LIKENESS)] == [(0, 1), (2, 3)]


def test_best_views_count_and_a_lone_one_counts_less() -> None:
    cast = Cast(1, alike=0.8)
    good, poor = cast.faces(0, 3), cast.faces(0, 3)
    views = [View(float(i), at(0.3), v, 0.9 if i < 3 else 0.05) for i, v in enumerate([*good, *poor])]
    (track,) = tracks(views, LIKENESS)
    (lone,) = tracks(views[:1], LIKENESS)
    assert track.best in (0, 1, 2)
    assert float(track.vector @ good.mean(axis=0)) > float(track.vector @ poor.mean(axis=0))
    assert lone.quality < track.quality
    assert tracks([], LIKENESS) == ()
