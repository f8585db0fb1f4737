"""Unknown faces → groups that are stable from run to run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from tagger.library.people.desk import Desk
from tagger.library.people.judging import vector_of
from tagger.people.grouping import FaceBatch, Grouper, Sides
from tagger.people_store import PeopleStore, Place, Spot, StoredFace, Unknown

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

_MOST_PAIRS = 5  # so many faces of each group stand for it when two are put together
_SURE_FROM, _SURE_AT = 0.60, 0.90  # clocks, dogs and doughnuts reach .85; clear faces .88 and more
_WRITTEN_AT_ONCE = 20_000


def gather(desk: Desk, always: bool = False) -> int:
    """Put every unknown face into a group; how many changed theirs. Nothing to do when no face is new."""
    count, fresh = desk.store.count_unknown(desk.model)
    if not count or not (always or fresh):
        return 0
    grouper, batch = open_groups(desk, count)
    return write_groups(desk, grouper, batch)


def open_groups(desk: Desk, count: int) -> tuple[Grouper, FaceBatch]:
    """All ``count`` unknown faces in groups, those of earlier runs first; and as they were before."""
    batch = _batch((face for face in desk.store.unknown(desk.model) if face.vector), count)
    words = _Words(desk.store, desk.model, batch)
    grouper = Grouper(desk.likeness, batch.vectors.shape[1])
    grouper.add(batch, words.together, words.apart, _side_by_side(desk.store, desk.model))
    return grouper, batch


def write_groups(desk: Desk, grouper: Grouper, batch: FaceBatch) -> int:
    """What changed is stored; how many faces. A kill in between costs nothing."""
    assert batch.groups is not None
    now = grouper.group_of(batch.ids)
    changed = np.nonzero(now != batch.groups)[0]
    for start in range(0, len(changed), _WRITTEN_AT_ONCE):
        some = changed[start : start + _WRITTEN_AT_ONCE]
        desk.store.set_groups(dict(zip(batch.ids[some].tolist(), now[some].tolist(), strict=True)))
    return len(changed)


def _batch(faces: Iterable[Unknown], count: int) -> FaceBatch:
    """One array that is filled as the faces come, so that a million of them are there only once."""
    ids, pictures = np.empty(count, np.int64), np.empty(count, np.int64)
    groups, qualities = np.empty(count, np.int64), np.empty(count, np.float32)
    vectors: npt.NDArray[np.float16] | None = None
    there = 0
    for i, face in enumerate(faces):
        if i >= count:  # Somebody put it there since we counted: it waits for the next time.
            continue
        there = i + 1
        if vectors is None:
            vectors = np.empty((count, len(face.vector) // 2), np.float16)
        vectors[i] = np.frombuffer(face.vector, np.float16)
        ids[i], groups[i], qualities[i] = face.id, face.group, trust(face.quality, face.score)
        pictures[i] = -1 if face.views > 1 else _number(face.fingerprint)
    assert vectors is not None
    return FaceBatch(ids[:there], vectors[:there], qualities[:there], pictures[:there], groups[:there])


def _number(fingerprint: str) -> int:
    """One a file, without a list of all files."""
    return int.from_bytes(blake2b(fingerprint.encode(), digest_size=7).digest())


def trust(quality: float, score: float) -> float:
    """A face's quality, and once more how sure it is to be one at all: what is none resembles others of its kind."""
    sure = (score - _SURE_FROM) / (_SURE_AT - _SURE_FROM)
    return quality * min(1.0, max(0.0, sure))


class _Words:
    """What persons said of places, for the faces that are there now."""

    def __init__(self, store: PeopleStore, model: str, batch: FaceBatch) -> None:
        ties, partings = store.ties(), store.partings()
        spots = [spot for pair in ties for spot in pair] + [s for p in partings for side in p for s in side]
        self._faces = store.faces_of(sorted({spot.fingerprint for spot in spots}), model)
        self._here = set(batch.ids.tolist()) if spots else set()
        self._known: dict[Spot, int] = {}
        pairs = [(self._at(one), self._at(other)) for one, other in ties]
        self.together = [(a, b) for a, b in pairs if a and b and a != b]
        self.apart: list[Sides] = []
        for parting in partings:
            one, other = ({face for spot in side if (face := self._at(spot))} for side in parting)
            if one - other and other - one:
                self.apart.append((sorted(one - other), sorted(other - one)))
        self._part_groups(batch)

    def _at(self, spot: Spot) -> int:
        """The unknown face that is there, 0 for none."""
        if spot not in self._known:
            found = (f.id for f in self._faces[spot.fingerprint] if f.id in self._here and f.spot.is_at(spot))
            self._known[spot] = next(found, 0)
        return self._known[spot]

    def _part_groups(self, batch: FaceBatch) -> None:
        """Both sides of a parting in one group (how ever they came there): the smaller side is gathered anew."""
        assert batch.groups is not None
        place = {int(face): i for i, face in enumerate(batch.ids)} if self.apart else {}
        for sides in self.apart:
            held: tuple[dict[int, list[int]], dict[int, list[int]]] = (defaultdict(list), defaultdict(list))
            for of_side, faces in zip(held, sides, strict=True):
                for face in faces:
                    of_side[int(batch.groups[place[face]])].append(face)
            for group in [g for g in held[0] if g > 0 and g in held[1]]:
                # A group has the number of one of its faces, which has to stay.
                _, _, leave = min((group in faces, len(faces), faces) for faces in (held[0][group], held[1][group]))
                batch.groups[[place[face] for face in leave]] = 0


def _side_by_side(store: PeopleStore, model: str) -> list[Sides]:
    """Two that are seen in one frame of a video are two people."""
    pairs: list[Sides] = []
    for _, tracks in store.tracks_of_files(model):
        times = [(face, _times(places)) for face, places in tracks]
        pairs += [([a], [b]) for k, (a, at) in enumerate(times) for b, others in times[k + 1 :] if at & others]
    return pairs


def _times(places: Sequence[Place]) -> frozenset[float]:
    return frozenset(place.time_s for place in places)


def halves(faces: Sequence[StoredFace]) -> tuple[list[int], list[int]]:
    """The two most different parts of a group: seeds as far apart as can be, every face to the nearer mean."""
    vectors = np.array([vector_of(f.face.vector) for f in faces])
    cosines = vectors @ vectors.T
    one, other = np.unravel_index(int(np.argmin(cosines)), cosines.shape)
    means = vectors[[one, other]]
    side = np.zeros(len(faces), np.int64)
    for _ in range(10):
        side = np.argmax(vectors @ means.T, axis=1)
        if not 0 < side.sum() < len(side):
            break
        means = np.array([vectors[side == k].mean(axis=0) for k in (0, 1)])
        means /= np.maximum(1e-9, np.linalg.norm(means, axis=1, keepdims=True))
    parts = [[f.id for f, k in zip(faces, side, strict=True) if k == which] for which in (0, 1)]
    large, small = sorted(parts, key=len, reverse=True)
    return large, small


def put_together(store: PeopleStore, one: Sequence[StoredFace], other: Sequence[StoredFace]) -> None:
    """These two groups are one person for ever, until somebody splits them."""
    best = [sorted(part, key=lambda f: -f.face.quality)[:_MOST_PAIRS] for part in (one, other)]
    store.put_together([(a, b) for a in best[0] for b in best[1]], [*one, *other])
