"""Known people as templates: for each the mean of the examples that agree, and every odd one by itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from tagger.people.likeness import Likeness

    Floats = npt.NDArray[np.float32]

_AT_ONCE = 2048
_LEAST_WEIGHT = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """One person's examples: ``vectors`` (n, d) of unit length, all of one embedder, ``qualities`` (n,) 0..1."""

    person_id: str
    vectors: Floats
    qualities: Floats
    example_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.vectors) == 0 or self.qualities.shape != (len(self.vectors),):
            raise ValueError(
                f"examples are (n, d) with n qualities, found {self.vectors.shape}, {self.qualities.shape}"
            )


@dataclass(frozen=True, slots=True)
class Near:
    """A person with the cosine to their nearest template, which is made of ``count`` examples."""

    person_id: str
    cosine: float
    count: int


class Templates:
    """All templates as one matrix ``vectors`` (t, d), t ≥ number of people."""

    def __init__(self, known: Sequence[Known], likeness: Likeness) -> None:
        self.person_ids = tuple(one.person_id for one in known)
        if len(set(self.person_ids)) != len(self.person_ids):
            raise ValueError("every person is given once")
        self._known = {one.person_id: one for one in known}
        # An example that is no nearer to the others than a stranger in twenty may be wrong, or another age.
        limit = likeness.threshold(1, budget=0.05)
        self._core = {one.person_id: agreeing(one.vectors, one.qualities, limit) for one in known}
        rows, owners, counts = [], [], []
        for index, one in enumerate(known):
            core = self._core[one.person_id]
            rows.append(mean_face(one.vectors[core], one.qualities[core]))
            rows += list(one.vectors[~core])
            owners += [index] * (1 + int((~core).sum()))
            counts += [int(core.sum())] + [1] * int((~core).sum())
        self.vectors: Floats = np.array(rows, np.float32) if rows else np.empty((0, 0), np.float32)
        self._owners = np.array(owners, np.int64)
        self._counts = np.array(counts, np.int64)
        self.alike = self._too_close(likeness)

    def nearest(
        self, vector: Floats, count: int, refused: frozenset[str] = frozenset(), only: frozenset[str] | None = None
    ) -> list[Near]:
        """People by their nearest template's cosine, the nearest first."""
        if not len(self.vectors):
            return []
        cosines = self.vectors @ np.asarray(vector, np.float32)
        if refused or only is not None:
            barred = [p in refused or (only is not None and p not in only) for p in self.person_ids]
            cosines = np.where(np.array(barred)[self._owners], -np.inf, cosines)
        most = min(len(cosines), 4 * count + 64)
        best = np.argpartition(-cosines, most - 1)[:most]
        people: dict[int, Near] = {}
        for row in best[np.lexsort((best, -cosines[best]))].tolist():
            owner = int(self._owners[row])
            if owner not in people and np.isfinite(cosines[row]):
                people[owner] = Near(self.person_ids[owner], float(cosines[row]), int(self._counts[row]))
        return list(people.values())[:count]

    def examples(self, person_id: str, vector: Floats, count: int = 3) -> tuple[tuple[str, float], ...]:
        """The person's nearest examples (ids, or their places as text) with cosines."""
        known = self._known[person_id]
        cosines = known.vectors.astype(np.float32) @ np.asarray(vector, np.float32)
        names = known.example_ids or tuple(str(place) for place in range(len(cosines)))
        return tuple((names[i], float(cosines[i])) for i in np.argsort(-cosines, kind="stable")[:count].tolist())

    def odd(self, person_id: str) -> tuple[str, ...]:
        """Examples that don't resemble the person's others."""
        known, core = self._known[person_id], self._core[person_id]
        names = known.example_ids or tuple(str(place) for place in range(len(core)))
        return tuple(name for name, agrees in zip(names, core.tolist(), strict=True) if not agrees)

    def _too_close(self, likeness: Likeness) -> dict[str, frozenset[str]]:
        close: dict[str, set[str]] = {}
        for start in range(0, len(self.vectors), _AT_ONCE):
            cosines = self.vectors[start : start + _AT_ONCE] @ self.vectors.T
            for row, column in zip(*np.nonzero(cosines >= likeness.twins), strict=True):
                one, other = int(self._owners[start + row]), int(self._owners[column])
                if one != other:
                    close.setdefault(self.person_ids[one], set()).add(self.person_ids[other])
        return {person: frozenset(others) for person, others in close.items()}


def mean_face(vectors: Floats, qualities: Floats) -> Floats:
    """The unit vector (d,) of several faces of one person, the better ones counting for more."""
    weights = np.maximum(np.asarray(qualities, np.float32), _LEAST_WEIGHT)
    total = weights @ np.asarray(vectors, np.float32)
    mean: Floats = (total / max(1e-12, float(np.linalg.norm(total)))).astype(np.float32)
    return mean


def agreeing(vectors: Floats, qualities: Floats, limit: float) -> npt.NDArray[np.bool_]:
    """Which examples resemble the others: the worst goes until each has a cosine ≥ ``limit`` to the rest's mean."""
    core = np.ones(len(vectors), bool)
    while core.sum() > 1:
        inside = np.nonzero(core)[0]
        weights = np.maximum(qualities[inside], _LEAST_WEIGHT)[:, None].astype(np.float32)
        weighted = vectors[inside].astype(np.float32) * weights
        rest = weighted.sum(axis=0) - weighted
        lengths = np.maximum(1e-12, np.linalg.norm(rest, axis=1))
        cosines = (rest * vectors[inside]).sum(axis=1) / lengths
        # Of two that disagree the poorer one is the odd one.
        worst = int(np.lexsort((qualities[inside], np.round(cosines, 6)))[0])
        if cosines[worst] >= limit:
            break
        core[inside[worst]] = False
    return core
