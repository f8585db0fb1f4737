"""Unknown faces → groups that are stable from run to run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from tagger.library.people.desk import Desk
from tagger.library.people.judging import vector_of
from tagger.people.grouping import FaceBatch, Grouper
from tagger.people_store import PeopleStore, Place, StoredFace, same_place
from tagger.people_store.codec import places_of

_MOST_PAIRS = 5  # so many faces of each half stand for it when two groups are kept apart


def gather(desk: Desk, always: bool = False) -> int:
    """Put every unknown face into a group; how many changed theirs. Nothing to do when no face is new."""
    rows = [row for row in desk.store.unknown(desk.model) if row[4]]
    if not rows or not (always or any(row[5] == 0 for row in rows)):
        return 0
    places = {row[0]: places_of(row[2]) for row in rows}
    files: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        files[row[1]].append(row[0])
    numbers = {fingerprint: number for number, fingerprint in enumerate(files)}
    grouper = Grouper(desk.likeness, len(vector_of(rows[0][4])))
    batch = FaceBatch(
        np.array([row[0] for row in rows], np.int64),
        np.array([vector_of(row[4]) for row in rows]),
        np.array([row[3] for row in rows], np.float32),
        np.array([-1 if len(places[row[0]]) > 1 else numbers[row[1]] for row in rows], np.int64),
        np.array([row[5] or -1 for row in rows], np.int64),
    )
    together, apart = _ties(desk.store, files, places)
    for faces in files.values():
        apart += _side_by_side(faces, places)
    grouper.add(batch, together, apart)
    groups = grouper.group_of(batch.ids)
    now = {int(i): max(0, int(group)) for i, group in zip(batch.ids, groups, strict=True)}
    changed = {row[0]: now[row[0]] for row in rows if now[row[0]] != row[5]}
    desk.store.set_groups(changed)
    return len(changed)


def _ties(
    store: PeopleStore, files: dict[str, list[int]], places: dict[int, tuple[Place, ...]]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """What persons said of pairs of places, as pairs of faces that are there now."""
    together: list[tuple[int, int]] = []
    apart: list[tuple[int, int]] = []
    for one_person, fingerprint, here, other_fingerprint, there in store.ties():
        one = next((i for i in files.get(fingerprint, ()) if same_place(places[i], here)), None)
        other = next((i for i in files.get(other_fingerprint, ()) if same_place(places[i], there)), None)
        if one is not None and other is not None and one != other:
            (together if one_person else apart).append((one, other))
    return together, apart


def _side_by_side(faces: Sequence[int], places: dict[int, tuple[Place, ...]]) -> list[tuple[int, int]]:
    """Two that are seen in one frame of a video are two people."""
    times = {i: {place.time_s for place in places[i]} for i in faces if len(places[i]) > 1}
    return [(a, b) for a in times for b in times if a < b and times[a] & times[b]]


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


def keep_apart(store: PeopleStore, one: Sequence[StoredFace], other: Sequence[StoredFace]) -> None:
    """These two parts are different people for ever, with any model."""
    best = [sorted(part, key=lambda f: -f.face.quality)[:_MOST_PAIRS] for part in (one, other)]
    store.tie(False, [(a, b) for a in best[0] for b in best[1]])


def put_together(store: PeopleStore, one: Sequence[StoredFace], other: Sequence[StoredFace]) -> None:
    """These two groups are one person for ever."""
    best = [sorted(part, key=lambda f: -f.face.quality)[:_MOST_PAIRS] for part in (one, other)]
    store.tie(True, [(a, b) for a in best[0] for b in best[1]])
