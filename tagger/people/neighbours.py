"""The nearest of up to millions of unit vectors, by faiss: exact while few, an inverted file of halves when many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Ints = npt.NDArray[np.int64]
    Vectors = Callable[[Ints], Floats]

_EXACT_UP_TO = 20_000
_LISTS_PER_ROOT = 4.0
_TRAINED_ON_A_LIST = 24
_PROBED_LISTS = 12
_AT_ONCE = 32_768


class Neighbours:
    """Vectors under numbers of ours; they may come, go and change. Not safe in several threads."""

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._exact = True
        self._index: Any = faiss.IndexIDMap2(faiss.IndexFlatIP(dimensions))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, numbers: Ints, vectors: Vectors) -> None:
        """Take these in; numbers that are in already must be removed before. ``vectors`` gives those of some numbers,
        so that they are never all there at once."""
        for start in range(0, len(numbers), _AT_ONCE):
            some = numbers[start : start + _AT_ONCE]
            self._index.add_with_ids(vectors(some), some)

    def remove(self, numbers: Ints) -> None:
        """Forget these; those that aren't in do no harm."""
        if len(numbers) and len(self):
            self._index.remove_ids(numbers)

    def refill(self, numbers: Ints, vectors: Vectors) -> None:
        """Hold exactly these, in the form that suits their number; trained anew when the form changes."""
        if len(numbers) <= _EXACT_UP_TO:
            self._exact, self._index = True, faiss.IndexIDMap2(faiss.IndexFlatIP(self._dimensions))
        elif self._exact:
            self._exact, self._index = False, self._trained(numbers, vectors)
        else:
            self._index.reset()
        self.add(numbers, vectors)

    @property
    def outgrown(self) -> bool:
        """Whether it holds so many that :meth:`refill` would make it faster."""
        return self._exact and len(self) > 2 * _EXACT_UP_TO

    def nearest(self, asked: Ints, vectors: Vectors, count: int) -> Iterator[tuple[Ints, Floats, Ints]]:
        """Some of ``asked`` at a time, with cosines and numbers (n, count) of their nearest, best first; -1 where there
        are fewer."""
        for start in range(0, len(asked) if len(self) else 0, _AT_ONCE):
            some = asked[start : start + _AT_ONCE]
            cosines, numbers = self._index.search(vectors(some), count)
            yield some, cosines, numbers

    def _trained(self, numbers: Ints, vectors: Vectors) -> Any:
        lists = int(_LISTS_PER_ROOT * np.sqrt(len(numbers)))
        index = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(self._dimensions),
            self._dimensions,
            lists,
            faiss.ScalarQuantizer.QT_fp16,
            faiss.METRIC_INNER_PRODUCT,
            False,
        )
        index.nprobe = _PROBED_LISTS
        # Every so many-th vector, not the first ones, which are of the first people.
        step = max(1, len(numbers) // (lists * _TRAINED_ON_A_LIST))
        index.cp.niter = 6
        index.cp.min_points_per_centroid = 1  # else faiss warns of fewer than it likes
        index.train(vectors(numbers[::step]))
        return index
