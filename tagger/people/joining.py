"""Joining pairs of groups that are each other's nearest, over a list of candidate pairs, until none is left. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Ints = npt.NDArray[np.int64]

_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Pairs of groups, each once: ``low`` < ``high`` (n,)."""

    low: Ints
    high: Ints

    @classmethod
    def of(cls, ones: Ints, others: Ints) -> Edges:
        """From pairs in any order, with repetitions; a group with itself is no pair."""
        return cls.of_keys([pair_keys(ones, others)])

    @classmethod
    def of_keys(cls, parts: Sequence[Ints]) -> Edges:
        """From what :func:`pair_keys` made of them, part by part: of millions of pairs this takes a third."""
        keys = np.unique(np.concatenate([np.empty(0, np.int64), *parts]))
        return cls(keys >> 32, keys & 0xFFFFFFFF)


def pair_keys(ones: Ints, others: Ints) -> Ints:
    """A number for each pair, whichever comes first; none for a group with itself."""
    keys: Ints = ((np.minimum(ones, others) << 32) | np.maximum(ones, others))[ones != others]
    return keys


def join_nearest(
    edges: Edges,
    limit: float,
    find: Callable[[Ints], Ints],
    compare: Callable[[Ints, Ints], Floats],
    barred: Callable[[int, int], bool],
    join: Callable[[Ints, Ints], None],
) -> Ints:
    """Join pairs whose ``compare`` is ≥ ``limit``, mutual nearest first; every group that took part."""
    cosines = _cosines(edges, compare)
    touched: list[Ints] = []
    while True:
        chosen = _mutual(edges, cosines, limit)
        refused = np.array(
            [barred(int(a), int(b)) for a, b in zip(edges.low[chosen], edges.high[chosen], strict=True)], bool
        )
        if len(chosen) == 0:
            return np.unique(np.concatenate(touched)) if touched else np.empty(0, np.int64)
        cosines[chosen[refused]] = -np.inf
        chosen = chosen[~refused]
        if not len(chosen):
            continue
        ones, others = edges.low[chosen], edges.high[chosen]
        join(ones, others)
        touched += [ones, others]
        edges, cosines = _contracted(edges, cosines, np.concatenate([ones, others]), find, compare)


def _cosines(edges: Edges, compare: Callable[[Ints, Ints], Floats]) -> Floats:
    cosines = np.empty(len(edges.low), np.float32)
    for start in range(0, len(cosines), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        cosines[some] = compare(edges.low[some], edges.high[some])
    return cosines


def _mutual(edges: Edges, cosines: Floats, limit: float) -> Ints:
    """Places of pairs that are the best of both their groups, each group at most once."""
    near = np.nonzero(cosines >= limit)[0]
    if not len(near):
        return near
    best = np.full(int(edges.high[near].max()) + 1, -np.inf, np.float32)
    np.maximum.at(best, edges.low[near], cosines[near])
    np.maximum.at(best, edges.high[near], cosines[near])
    mutual = near[(cosines[near] == best[edges.low[near]]) & (cosines[near] == best[edges.high[near]])]
    # Copies of a file tie: of pairs that share a group only the first goes now.
    ends = np.stack([edges.low[mutual], edges.high[mutual]], axis=1).ravel()
    first = np.zeros(len(ends), bool)
    first[np.unique(ends, return_index=True)[1]] = True
    places: Ints = mutual[first.reshape(-1, 2).all(axis=1)]
    return places


def _contracted(
    edges: Edges, cosines: Floats, joined: Ints, find: Callable[[Ints], Ints], compare: Callable[[Ints, Ints], Floats]
) -> tuple[Edges, Floats]:
    """The same pairs between what the groups have become; only what changed is compared again."""
    changed = np.zeros(int(edges.high.max()) + 1, bool)
    changed[joined] = True
    stale = changed[edges.low] | changed[edges.high]
    renewed = Edges.of(find(edges.low[stale]), find(edges.high[stale]))
    kept = ~stale
    fresh = _cosines(renewed, compare)
    low, high = np.concatenate([edges.low[kept], renewed.low]), np.concatenate([edges.high[kept], renewed.high])
    return Edges(low, high), np.concatenate([cosines[kept], fresh])
