"""Weighted sums of faces, a group each: what a group's mean face is made of, for up to millions of faces. Pure.

A face that is alone is kept as it came, in halves; only groups of several have a sum in full precision. So a million
faces of 512 numbers take one gigabyte, and not two or three.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Ints = npt.NDArray[np.int64]

_AT_ONCE = 16_384
_LEAST_ROOM = 1024


class Means:
    """Faces by their place 0, 1, 2 …; each is a group of its own until it is joined. Not safe in several threads."""

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._first = np.empty((0, dimensions), np.float16)  # Taken over as it came.
        self._later = np.empty((0, dimensions), np.float16)  # Longer than needed: room to grow without a copy.
        self._weights = np.empty(0, np.float32)
        self._lengths = np.empty(0, np.float32)
        self._row = np.empty(0, np.int64)  # Where the sum of a group of several is; -1 for a face alone.
        self._sums = np.empty((0, dimensions), np.float32)
        self._used = 0
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._weights)

    def append(self, vectors: npt.NDArray[np.floating], weights: Floats) -> None:
        """``vectors`` (n, d) of unit length; the first ones, when they are halves, are used where they lie."""
        count, there = len(vectors), len(self) - len(self._first)
        if not len(self) and vectors.dtype == np.float16:
            self._first = vectors.astype(np.float16, copy=False)
        else:
            if there + count > len(self._later):
                self._later = self._grown(self._later, there, count)
            self._later[there : there + count] = vectors
        self._weights = np.concatenate([self._weights, weights])
        self._lengths = np.concatenate([self._lengths, weights])
        self._row = np.concatenate([self._row, np.full(count, -1, np.int64)])

    def of(self, groups: Ints) -> Floats:
        """Mean faces (n, d), of unit length."""
        means = self._totals(groups)
        means /= np.maximum(1e-12, self._lengths[groups])[:, None]
        return means

    def cosines(self, ones: Ints, others: Ints) -> Floats:
        """Of the means of each pair (n,)."""
        found = np.empty(len(ones), np.float32)
        for start in range(0, len(ones), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            a, b = ones[some], others[some]
            dots = np.einsum("ij,ij->i", self._totals(a), self._totals(b))
            found[some] = dots / np.maximum(1e-12, self._lengths[a] * self._lengths[b])
        return found

    def join(self, kept: Ints, lost: Ints) -> None:
        """``lost[i]`` goes over into ``kept[i]``; no group is in two pairs."""
        for start in range(0, len(kept), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            self._put(kept[some], self._totals(kept[some]) + self._totals(lost[some]))
        rows = self._row[lost]
        self._free += rows[rows >= 0].tolist()
        self._row[lost] = -1

    def gather(self, members: Ints, heads: Ints) -> None:
        """Faces that are alone go over into the groups ``heads`` (n,), any number into one."""
        order = np.argsort(heads, kind="stable")
        members, heads = members[order], heads[order]
        for start in range(0, len(members), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            into, first = np.unique(heads[some], return_index=True)
            sums = np.add.reduceat(self._totals(members[some]), first, axis=0)
            self._put(into, self._totals(into) + sums)

    def _totals(self, groups: Ints) -> Floats:
        rows = self._row[groups]
        joined, first = rows >= 0, groups < len(self._first)
        totals = np.empty((len(groups), self._dimensions), np.float32)
        totals[joined] = self._sums[rows[joined]]
        for alone, vectors, before in (
            (~joined & first, self._first, 0),
            (~joined & ~first, self._later, len(self._first)),
        ):
            faces = groups[alone]
            totals[alone] = vectors[faces - before] * self._weights[faces, None]
        return totals

    def _put(self, groups: Ints, totals: Floats) -> None:
        without = groups[self._row[groups] < 0]
        if len(without):
            self._row[without] = self._rows(len(without))
        self._sums[self._row[groups]] = totals
        self._lengths[groups] = np.linalg.norm(totals, axis=1)

    def _rows(self, count: int) -> Ints:
        """Rows for sums: those that were given back, then new ones."""
        again = [self._free.pop() for _ in range(min(count, len(self._free)))]
        more = count - len(again)
        if self._used + more > len(self._sums):
            self._sums = self._grown(self._sums, self._used, more, len(self) // 2)
        self._used += more
        return np.array([*again, *range(self._used - more, self._used)], np.int64)

    def _grown(self, rows: npt.NDArray[Any], used: int, more: int, least: int = 0) -> npt.NDArray[Any]:
        room = max(_LEAST_ROOM, used // 4)
        # Memory that was never written to is no memory: what is asked for in advance is not copied later.
        larger = np.empty((max(used + more + room, least), self._dimensions), rows.dtype)
        larger[:used] = rows[:used]
        return larger
