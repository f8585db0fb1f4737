"""Unknown faces → groups, one person each: stable, whatever the order, and never falling apart. Pure but for its index.

Groups are joined, never split, by themselves: again and again each group's nearest neighbour (by mean face) is sought,
and pairs that are each other's nearest are joined if they are nearer than strangers come by chance, given how many
groups there are (:meth:`Likeness.threshold`). Chains of look-alikes don't form, since means are compared; the order
hardly matters, since the nearest pairs go first whenever they came. What somebody decided (together, apart) holds, and
two faces of one picture are two people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tagger.people.joining import Edges, join_nearest, pair_keys
from tagger.people.likeness import Likeness
from tagger.people.means import Means
from tagger.people.neighbours import Neighbours

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Ints = npt.NDArray[np.int64]

Sides: TypeAlias = tuple[Sequence[int], Sequence[int]]  # faces of the one, and of the other
_NEIGHBOURS = 8
_BUDGET = 0.001  # share of groups that may take in a stranger
_BOTH_POOR = 0.35  # poor faces resemble each other: what two of quality 0 must be nearer by (measured on crowds)
_MOST_ROUNDS = 60
_LEAST_CROWD = 100  # with fewer groups than this the rule doesn't get laxer: the next ones may be look-alikes
_LOOK_OVER_AT = 0.8
_HOPE = 0.1
_REFILL_SHARE = 0.05
_LEAST_SHARED = 0.05
_LEAST_WEIGHT = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class FaceBatch:
    """``n`` faces of one embedder: ``ids`` (n,), ``vectors`` (n, d) unit, ``qualities`` (n,) 0..1.

    ``pictures`` (n,): faces with the same number ≥ 0 were seen in the same picture or frame; -1 says nothing.
    ``groups`` (n,): the group that a face is in already, from an earlier run; 0 or less for those in none.
    """

    ids: Ints
    vectors: npt.NDArray[np.floating]
    qualities: Floats
    pictures: Ints | None = None
    groups: Ints | None = None

    def __post_init__(self) -> None:
        count = len(self.ids)
        columns = (self.qualities, self.pictures, self.groups)
        if self.vectors.ndim != 2 or any(c is not None and c.shape != (count,) for c in (self.vectors[:, 0], *columns)):
            raise ValueError(f"{count} faces need as many vectors (n, d), qualities, pictures and groups")


@dataclass(frozen=True, slots=True)
class Grouped:
    """What an addition did: ``merged`` groups that were there before, old id → the id they go on under."""

    merged: Mapping[int, int] = field(default_factory=dict)


class Grouper:
    """All unknown faces of one embedder in groups. A group's id is that of its first face (the smallest id), for ever.

    When groups of an earlier run are joined, the larger one's id stays (of equal ones the older), and
    :class:`Grouped` says so. A face too poor to tell (``least_quality``) is in none (-1) unless it is put ``together``
    with others. Not safe in several threads.
    """

    def __init__(self, likeness: Likeness, dimensions: int, budget: float = _BUDGET) -> None:
        self._likeness, self._budget = likeness, budget
        self._ids = np.empty(0, np.int64)
        self._ascending = np.empty(0, np.int64)  # places by id
        self._parent = np.empty(0, np.int64)
        self._means = Means(dimensions)
        self._sizes = np.empty(0, np.int64)
        self._group_ids = np.empty(0, np.int64)
        self._settled = np.empty(0, np.int64)
        self._poor = np.empty(0, bool)
        self._best = np.empty(0, np.float32)
        self._pictures: dict[int, set[int]] = {}
        self._apart: dict[int, set[int]] = {}
        self._bars = 0
        self._index = Neighbours(dimensions)

    def __len__(self) -> int:
        return len(self._ids)

    def add(
        self,
        faces: FaceBatch,
        together: Iterable[Sequence[int]] = (),
        apart: Iterable[Sides] = (),
        beside: Iterable[Sides] = (),
    ) -> Grouped:
        """Take faces in and group them. ``together``: faces that are one person. ``apart``: nobody of the one side is
        anybody of the other; it comes before ``together``, and both hold for ever. ``beside``: seen beside each other,
        so two people, unless somebody put them together (a mirror). All may speak of faces that came before.

        Raises ValueError for a face that came twice.
        """
        first = self._append(faces)
        self._settled = np.where(self._parent == np.arange(len(self._parent)), self._settled, 0)
        for one, other in apart:
            self._bar(one, other)
        merged: dict[int, int] = {}
        touched = self._together(together, merged)
        for one, other in beside:
            self._bar(one, other)
        fresh = np.arange(first, len(self._ids))
        roots = np.unique(np.concatenate([self._find(fresh[~self._poor[fresh]]), np.array(touched, np.int64)]))
        self._reindex(roots)
        self._settle(roots, merged)
        live = self._find(np.arange(len(self._ids)))
        self._settled = np.bincount(live, minlength=len(live))
        return Grouped({old: self._last(new, merged) for old, new in merged.items()})

    def group_of(self, ids: Sequence[int] | Ints) -> Ints:
        """The group id of each face, -1 for faces too poor to be in one."""
        slots = self._places(np.asarray(ids, np.int64))
        roots = self._find(slots)
        loose = self._poor[slots] & (self._sizes[roots] == 1)
        named: Ints = np.where(loose, -1, self._group_ids[roots])
        return named

    def groups(self, least: int = 1) -> dict[int, list[int]]:
        """Group id → its faces' ids, ascending; groups of at least so many, the largest first."""
        named = self.group_of(self._ids)
        order = np.lexsort((self._ids, named))
        order = order[named[order] >= 0]
        edges = np.nonzero(np.diff(named[order], prepend=-2))[0].tolist()
        parts = zip(edges, [*edges, len(order)][1:], strict=True)
        found = {int(named[order[a]]): self._ids[order[a:b]].tolist() for a, b in parts if b - a >= least}
        return dict(sorted(found.items(), key=lambda entry: (-len(entry[1]), entry[0])))

    def mean(self, group_id: int) -> Floats:
        """The mean face (d,) of a group, for suggestions. Raises KeyError."""
        mean: Floats = self._means.of(np.array([self._root(group_id)]))[0]
        return mean

    # ------------------------------------------------------------ inside

    def _append(self, faces: FaceBatch) -> int:
        first, count = len(self._ids), len(faces.ids)
        numbers = faces.ids.astype(np.int64)
        slots = np.arange(first, first + count)
        ids = np.concatenate([self._ids, numbers])
        ascending = np.argsort(ids, kind="stable")
        if np.any(np.diff(ids[ascending]) == 0):
            raise ValueError("a face is added once")
        weights = np.maximum(faces.qualities, _LEAST_WEIGHT).astype(np.float32)
        self._ids, self._ascending = ids, ascending
        self._parent = np.concatenate([self._parent, slots])
        self._means.append(faces.vectors, weights)
        self._sizes = np.concatenate([self._sizes, np.ones(count, np.int64)])
        self._settled = np.concatenate([self._settled, np.zeros(count, np.int64)])
        self._group_ids = np.concatenate([self._group_ids, numbers])
        self._poor = np.concatenate([self._poor, faces.qualities < self._likeness.least_quality])
        self._best = np.concatenate([self._best, faces.qualities.astype(np.float32)])
        if faces.pictures is not None:
            self._note_pictures(slots, faces.pictures)
        if faces.groups is not None:
            self._restore(slots, faces.groups)
        return first

    def _note_pictures(self, slots: Ints, pictures: Ints) -> None:
        seen, place, count = np.unique(pictures, return_inverse=True, return_counts=True)
        shared = (count[place] > 1) & (seen[place] >= 0)
        for slot, picture in zip(slots[shared].tolist(), pictures[shared].tolist(), strict=True):
            self._pictures[slot] = {picture}

    def _restore(self, slots: Ints, groups: Ints) -> None:
        """Put faces where they were, without looking: the group with the id of one that is there already goes on."""
        kept = groups > 0
        names, first, place = np.unique(groups[kept], return_index=True, return_inverse=True)
        heads = slots[kept][first]
        known = (
            {int(self._group_ids[r]): int(r) for r in np.unique(self._find(np.arange(slots[0])))} if len(slots) else {}
        )
        for at, name in enumerate(names.tolist()):
            heads[at] = known.get(name, heads[at])
        members, roots = slots[kept], heads[place]
        joining = members != roots
        self._means.gather(members[joining], roots[joining])
        np.add.at(self._sizes, roots[joining], 1)
        np.maximum.at(self._best, roots[joining], self._best[members[joining]])
        self._parent[members] = roots
        self._group_ids[heads] = names
        self._settled[heads] = self._sizes[heads]
        self._poor[members] = False
        for slot, root in zip(members[joining].tolist(), roots[joining].tolist(), strict=True):
            if slot in self._pictures:
                self._pictures.setdefault(root, set()).update(self._pictures.pop(slot))

    def _find(self, slots: Ints) -> Ints:
        roots = self._parent[slots]
        while True:
            above = self._parent[roots]
            if np.array_equal(above, roots):
                self._parent[slots] = roots
                return roots
            roots = above

    def _root(self, face_id: int) -> int:
        return int(self._find(self._places(np.array([face_id])))[0])

    def _places(self, ids: Ints) -> Ints:
        """Where these faces are. Raises KeyError."""
        at = np.searchsorted(self._ids, ids, sorter=self._ascending)
        if np.any(at == len(self._ids)):
            raise KeyError("there is no such face")
        places: Ints = self._ascending[at]
        if not np.array_equal(self._ids[places], ids):
            raise KeyError("there is no such face")
        return places

    def _together(self, together: Iterable[Sequence[int]], merged: dict[int, int]) -> list[int]:
        touched = []
        for faces in together:
            for face in faces[1:]:
                one, other = self._root(faces[0]), self._root(face)
                if one != other and not self._said_apart(one, other):
                    self._join(np.array([one]), np.array([other]), merged)
            self._poor[self._places(np.array(faces, np.int64))] = False
            touched.append(self._root(faces[0]))
        return [int(root) for root in self._find(np.array(touched, np.int64))]

    def _bar(self, one: Sequence[int], other: Sequence[int]) -> None:
        """Each side gets a mark, and the group of any face of it; the marks of two sides differ in their last bit."""
        sides = [{self._root(face) for face in faces} for faces in (one, other)]
        for side, roots in enumerate(sides):
            for root in roots - sides[1 - side]:
                self._apart.setdefault(root, set()).add(self._bars + side)
        self._bars += 2

    def _said_apart(self, one: int, other: int) -> bool:
        mine, theirs = self._apart.get(one, set()), self._apart.get(other, set())
        few, many = sorted((mine, theirs), key=len)
        return any(mark ^ 1 in many for mark in few)

    def _barred(self, one: int, other: int) -> bool:
        """Whether two groups may not be joined: by a decision, or since they are seen side by side too often."""
        if self._said_apart(one, other):
            return True
        mine, theirs = self._pictures.get(one), self._pictures.get(other)
        if not mine or not theirs:
            return False
        # A mirror, a collage or a copied frame must not keep two halves of a large group apart for ever.
        allowed = _LEAST_SHARED * min(int(self._sizes[one]), int(self._sizes[other]))
        return len(mine & theirs) > allowed

    def _settle(self, active: Ints, merged: dict[int, int]) -> None:
        """Join what belongs together, starting from the groups that are new or have changed."""
        looked_over = len(self._index)
        for _ in range(_MOST_ROUNDS):
            if not len(active):
                if len(self._index) > _LOOK_OVER_AT * looked_over:
                    return
                # So many fewer groups that strangers come less near by chance: those left get another chance.
                looked_over, active = len(self._index), self._live()
            limit = self._limit()
            keys = []
            for some, cosines, near in self._index.nearest(active, self._means.of, _NEIGHBOURS + 1):
                # A mean that grows may come nearer than it is: keep what is close to the limit.
                hopeful = (near >= 0) & (near != some[:, None]) & (cosines >= limit - _HOPE)
                keys.append(pair_keys(np.repeat(some, near.shape[1])[hopeful.ravel()], near[hopeful]))
            edges = Edges.of_keys(keys)
            keys.clear()
            gone = join_nearest(
                edges, limit, self._find, self._compare, self._barred, lambda a, b: self._join(a, b, merged)
            )
            active = np.unique(self._find(gone))
            self._reindex(active, gone)

    def _compare(self, ones: Ints, others: Ints) -> Floats:
        """Cosine of the means of each pair, less what two poor ones have in common for that alone."""
        fair = self._means.cosines(ones, others) - _BOTH_POOR * (1 - np.maximum(self._best[ones], self._best[others]))
        adjusted: Floats = fair.astype(np.float32, copy=False)
        return adjusted

    def _limit(self) -> float:
        return self._likeness.threshold(max(_LEAST_CROWD, len(self._index)), budget=self._budget)

    def _live(self) -> Ints:
        """Groups that take part: roots, but for faces that are too poor to start one."""
        roots = self._parent == np.arange(len(self._parent))
        return np.nonzero(roots & ~(self._poor & (self._sizes == 1)))[0]

    def _join(self, ones: Ints, others: Ints, merged: dict[int, int]) -> None:
        """Join pairs of groups; no group is in two of them."""
        keys = [(-self._settled[r], self._group_ids[r]) for r in (ones, others)]
        first = (keys[0][0] < keys[1][0]) | ((keys[0][0] == keys[1][0]) & (keys[0][1] < keys[1][1]))
        kept, lost = np.where(first, ones, others), np.where(first, others, ones)
        was_there = self._settled[lost] > 0
        merged.update(
            zip(self._group_ids[lost[was_there]].tolist(), self._group_ids[kept[was_there]].tolist(), strict=True)
        )
        self._means.join(kept, lost)
        self._sizes[kept] += self._sizes[lost]
        self._best[kept] = np.maximum(self._best[kept], self._best[lost])
        self._settled[kept] += self._settled[lost]
        self._parent[lost] = kept
        for sets in (self._pictures, self._apart):
            if sets:
                for k, g in zip(kept.tolist(), lost.tolist(), strict=True):
                    if g in sets:
                        sets.setdefault(k, set()).update(sets.pop(g))

    def _reindex(self, roots: Ints, gone: Ints | None = None) -> None:
        """Bring the index up to date: these groups are new or have changed; ``gone`` were absorbed."""
        known = len(self._index)
        stale = roots if gone is None else np.unique(np.concatenate([roots, gone]))
        if len(stale) <= max(1000, _REFILL_SHARE * known) and not self._index.outgrown:
            self._index.remove(stale)
            self._index.add(roots, self._means.of)
            return
        live = self._live()
        self._index.refill(live, self._means.of)

    @staticmethod
    def _last(group: int, merged: Mapping[int, int]) -> int:
        while group in merged:
            group = merged[group]
        return group
