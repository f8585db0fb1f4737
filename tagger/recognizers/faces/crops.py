"""Crops that were kept → vectors of another embedder, without a look at the media."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from tagger.recognizers.faces.embed import FaceEmbedder

if TYPE_CHECKING:
    from tagger.catalogue import FaceEmbedderSpec
    from tagger.ports import Engine

_AT_ONCE = 64


def embed_crops(
    spec: FaceEmbedderSpec, folder: Path, engine_factory: Callable[[Path], Engine], crops: Sequence[bytes]
) -> list[bytes]:
    """Vectors (float16 bytes) of aligned faces given as JPEG. Raises EngineError."""
    embedder = FaceEmbedder(spec, engine_factory(spec.place(spec.weights, folder)))
    found: list[bytes] = []
    for start in range(0, len(crops), _AT_ONCE):
        pictures: list[Any] = [
            cv2.imdecode(np.frombuffer(crop, np.uint8), cv2.IMREAD_COLOR) for crop in crops[start : start + _AT_ONCE]
        ]
        faces = [np.ascontiguousarray(picture[:, :, ::-1]) for picture in pictures]
        found += [vector.tobytes() for vector in embedder.vectors(faces).astype(np.float16)]
    return found
