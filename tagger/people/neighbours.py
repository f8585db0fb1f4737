"""The nearest of up to millions of unit vectors, by faiss: exact while few, an inverted file of halves when many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import faiss
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Ints = npt.NDArray[np.int64]

_EXACT_UP_TO = 20_000
_LISTS_PER_ROOT = 4.0
_TRAINED_ON_A_LIST = 40
_PROBED_LISTS = 12
_AT_ONCE = 65_536


class Neighbours:
    """Vectors under numbers of ours; they may come, go and change. Not safe in several threads."""

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._exact = True
        self._index: Any = faiss.IndexIDMap2(faiss.IndexFlatIP(dimensions))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, numbers: Ints, vectors: Floats) -> None:
        """Take these in; numbers that are in already must be removed before."""
        for start in range(0, len(numbers), _AT_ONCE):
            self._index.add_with_ids(vectors[start : start + _AT_ONCE], numbers[start : start + _AT_ONCE])

    def remove(self, numbers: Ints) -> None:
        """Forget these; those that aren't in do no harm."""
        if len(numbers) and len(self):
            self._index.remove_ids(numbers)

    def refill(self, numbers: Ints, vectors: Floats) -> None:
        """Hold exactly these, in the form that suits their number; trained anew when the form changes."""
        if len(numbers) <= _EXACT_UP_TO:
            self._exact, self._index = True, faiss.IndexIDMap2(faiss.IndexFlatIP(self._dimensions))
        elif self._exact:
            self._exact, self._index = False, self._trained(vectors)
        else:
            self._index.reset()
        self.add(numbers, vectors)

    @property
    def outgrown(self) -> bool:
        """Whether it holds so many that :meth:`refill` would make it faster."""
        return self._exact and len(self) > 2 * _EXACT_UP_TO

    def nearest(self, vectors: Floats, count: int) -> tuple[Floats, Ints]:
        """Cosines and numbers (n, count) of the nearest, best first; -1 where there are fewer."""
        cosines = np.full((len(vectors), count), -1, np.float32)
        numbers = np.full((len(vectors), count), -1, np.int64)
        if len(self):
            for start in range(0, len(vectors), _AT_ONCE):
                some = slice(start, start + _AT_ONCE)
                cosines[some], numbers[some] = self._index.search(vectors[some], count)
        return cosines, numbers

    def _trained(self, vectors: Floats) -> Any:
        lists = int(_LISTS_PER_ROOT * np.sqrt(len(vectors)))
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
        step = max(1, len(vectors) // (lists * _TRAINED_ON_A_LIST))
        index.cp.niter = 8
        index.train(np.ascontiguousarray(vectors[::step]))
        return index
