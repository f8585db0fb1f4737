"""The values of the store of people; standard library only, vectors as bytes of float16."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from tagger.types import Box, ItemRef, Point

SayWhat: TypeAlias = Literal["is", "not", "ignored", "not_face"]

_SAME_IOU = 0.3
_OTHER_IOU = 0.1
_SAME_TIME_S = 1.0
_AROUND_S = 2.0


class Place(NamedTuple):
    """Where a face is: a time in a video (0.0 in a picture), and a box in fractions of the upright picture."""

    time_s: float
    box: Box


@dataclass(frozen=True, slots=True)
class NewFace:
    """One face of a picture, or one person followed through a video (``places``: all its views, the best first).

    ``vector`` is float16 of unit length, ``crop`` the aligned best view as JPEG, b"" when none is to be kept.
    """

    places: tuple[Place, ...]
    vector: bytes = field(repr=False)
    quality: float
    score: float
    landmarks: tuple[Point, ...] = ()
    spans_s: tuple[tuple[float, float], ...] = ()
    crop: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class StoredFace:
    """A face on record. ``group`` is 0 while it is in none; ``person`` and ``verdict`` are what was judged last."""

    id: int
    fingerprint: str
    model: str
    face: NewFace
    group: int = 0
    person: int = 0
    verdict: str = ""

    @property
    def best(self) -> Place:
        return self.face.places[0]

    @property
    def spot(self) -> Spot:
        return Spot(self.fingerprint, self.face.places)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a name. ``performer_id`` is the library's, "" while it has none. ``id`` is ours and stays."""

    id: int
    performer_id: str
    name: str
    examples: int = 0


@dataclass(frozen=True, slots=True)
class Example:
    """A face that counts as example of a person. ``source`` is how it came (performer, item, folder, named, drawn);
    ``origin`` is where from, for a person: a path, or an item."""

    id: int
    person: int
    model: str
    source: str
    origin: str
    fingerprint: str
    place: Place
    vector: bytes = field(repr=False)
    quality: float
    crop: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said, for ever: of a place in a file (``places``), or of a whole item (no places).

    ``person`` is 0 for "ignored" and "not_face". The file counts, and for whole items also the item's id. ``answer`` is
    the answer of a review that it came by (0: none); taken back there, it is taken back here.
    """

    what: SayWhat
    fingerprint: str
    places: tuple[Place, ...] = ()
    person: int = 0
    ref: ItemRef | None = None
    id: int = 0
    answer: int = 0


class Spot(NamedTuple):
    """A face by where it is: a file, and its places there."""

    fingerprint: str
    places: tuple[Place, ...]

    def is_at(self, other: Spot) -> bool:
        """Whether they are the same face."""
        return self.fingerprint == other.fingerprint and same_place(self.places, other.places)


class Parting(NamedTuple):
    """A person's word that nobody of the ``one`` side is anybody of the ``other``."""

    one: tuple[Spot, ...]
    other: tuple[Spot, ...]


class Unknown(NamedTuple):
    """A face that nobody is applied to, as gathering needs it; ``views`` is how many places it was seen at.

    ``group`` is 0 for one that was never gathered, -1 for one that is too poor to be in any.
    """

    id: int
    fingerprint: str
    views: int
    quality: float
    score: float
    vector: bytes
    group: int


class Group(NamedTuple):
    """Unknown faces that look like one person: ids of faces, the best first."""

    id: int
    faces: tuple[int, ...]


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    shared = Box(max(a.x0, b.x0), max(a.y0, b.y0), min(a.x1, b.x1), min(a.y1, b.y1))
    if shared.x1 <= shared.x0 or shared.y1 <= shared.y0:
        return 0.0
    return shared.area / (a.area + b.area - shared.area)


def same_place(one: Sequence[Place], other: Sequence[Place]) -> bool:
    """Whether two views, or two followed faces, of one file are the same face, whoever found them and however sampled.

    Views of about the same time tell by where they are. Two that were never sampled at about the same time are taken
    for the same when their times interleave: what somebody said of one of them must not be lost by other sampling.
    """
    told = [overlap(a.box, b.box) for a in one for b in other if abs(a.time_s - b.time_s) <= _SAME_TIME_S]
    if told:
        return max(told) >= _SAME_IOU or (len(told) > 1 and sum(told) / len(told) > _OTHER_IOU)
    if not one or not other:
        return False
    starts = max(min(p.time_s for p in one), min(p.time_s for p in other))
    ends = min(max(p.time_s for p in one), max(p.time_s for p in other))
    return starts <= ends + _AROUND_S
