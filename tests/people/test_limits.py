"""The smallest face and the quality limit: what is below is left alone, unless somebody says whose it is."""

from __future__ import annotations

import numpy as np
import pytest

from tagger.library.people.judging import Wanted, whose
from tagger.people.judge import People
from tagger.people.likeness import Likeness
from tagger.people.templates import Known
from tagger.people_store import NewFace, Place, Said
from tagger.types import Box

ADA = np.eye(8, dtype=np.float32)[0]
KNOWN = People([Known("1", ADA[None], np.ones(1, np.float32))], Likeness(fitted=True))


def face(left: float, quality: float) -> NewFace:
    place = Place(0.0, Box(left, 0.1, left + 0.1, 0.3))
    return NewFace((place,), ADA.astype(np.float16).tobytes(), quality, 0.9)


@pytest.mark.parametrize(
    ("wanted", "width_px", "taken"),
    [
        (Wanted(), 1000, True),
        (Wanted(least_face_px=101), 1000, False),
        (Wanted(least_face_px=101), 0, True),  # Nobody knows how large the picture is.
        (Wanted(least_quality=0.5), 1000, True),
        (Wanted(least_quality=0.6), 1000, False),
    ],
)
def test_limits(wanted: Wanted, width_px: int, taken: bool) -> None:
    assert wanted.takes(face(0.1, 0.55), width_px) is taken
    assert wanted.to_keep.takes(face(0.1, 0.55), width_px), "it is kept, so that the limit can be lowered again"


def test_who_is_left_alone_is_nobody_and_in_nobodys_way() -> None:
    faces = [face(0.1, 0.9), face(0.6, 0.2)]
    both, alone = (
        whose(faces, (), KNOWN, Likeness(fitted=True)),
        whose(faces, (), KNOWN, Likeness(fitted=True), left={0}),
    )
    assert [one.person for one in both] == [1, 1], "as in a mirror"
    assert [(one.said, one.person) for one in alone] == [("ignored", 0), ("", 1)]
    said = [Said("is", "md5:1", faces[0].places, 1)]
    assert [one.said for one in whose(faces, said, KNOWN, Likeness(fitted=True), left={0, 1})] == ["is", "ignored"]
