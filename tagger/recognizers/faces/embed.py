"""Aligned faces → unit vectors, by any embedder of ArcFace's kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tagger.recognizers.faces.align import evened
from tagger.recognizers.feed import Feed
from tagger.types import Frame

if TYPE_CHECKING:
    import numpy.typing as npt

    from tagger.catalogue import FaceEmbedderSpec
    from tagger.ports import Engine
    from tagger.types import RgbArray


class FaceEmbedder:
    """One embedder. Safe in several threads."""

    def __init__(self, spec: FaceEmbedderSpec, engine: Engine) -> None:
        self._engine = engine
        self._feed = Feed(spec.input)
        self._input = spec.input.name
        self._output = spec.outputs.vector
        self._batch = spec.batch

    def vectors(self, faces: Sequence[RgbArray]) -> npt.NDArray[np.float32]:
        """(n, dimensions), each of length 1, from aligned faces (112, 112, 3). Raises EngineError."""
        rows = []
        frames = [Frame(evened(face), 0.0, face.shape[1], face.shape[0]) for face in faces]
        for start in range(0, len(frames), self._batch):
            fed, _ = self._feed(frames[start : start + self._batch])
            outputs = self._engine.infer({self._input: fed})
            raw: Any = outputs[self._output] if self._output else next(iter(outputs.values()))
            rows.append(np.asarray(raw, np.float32).reshape(len(fed), -1))
        return unit(np.concatenate(rows)) if rows else np.empty((0, 0), np.float32)


def unit(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Each row (…, d) at length 1; a row of zeros stays."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    scaled: npt.NDArray[np.float32] = (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled
