"""Frames → faces with vectors (:class:`FaceRecognizer`), or only where faces are (:class:`FaceFinder`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from tagger.recognizers.faces.align import aligned, quality
from tagger.recognizers.family import Family
from tagger.types import Box, Face, Finding, Frame

if TYPE_CHECKING:
    from tagger.catalogue import FaceDetectorSpec, FaceEmbedderSpec
    from tagger.recognizers.faces.detect import FaceDetector, Found
    from tagger.recognizers.faces.embed import FaceEmbedder
    from tagger.types import RgbArray

_NAME = "face"
_JPEG_QUALITY = 90


class FaceFinder(Family):
    """A face detector by itself: boxes for models that look at faces; no vectors, so nobody is recognised."""

    def __init__(self, spec: FaceDetectorSpec, detector: FaceDetector, batch: int) -> None:
        super().__init__(spec, batch)
        self._detector = detector

    def recognise(self, frames: Sequence[Frame]) -> list[tuple[Finding, ...]]:
        """Faces of each frame without vectors, best score first."""
        found = self._detector.find([frame.rgb for frame in frames])
        return [
            tuple(_face(frame, one, 0.0) for one in of_frame) for frame, of_frame in zip(frames, found, strict=True)
        ]


class FaceRecognizer(Family):
    """A detector and an embedder as one model; its name and revision are the embedder's."""

    def __init__(self, spec: FaceEmbedderSpec, detector: FaceDetector, embedder: FaceEmbedder, batch: int) -> None:
        super().__init__(spec, batch)
        self._detector = detector
        self._embedder = embedder

    def recognise(self, frames: Sequence[Frame]) -> list[tuple[Finding, ...]]:
        """Faces of each frame with vector, quality and crop, best score first."""
        found = self._detector.find([frame.rgb for frame in frames])
        upright = [
            (index, one, face)
            for index, of_frame in enumerate(found)
            for one in of_frame
            if (face := aligned(frames[index].rgb, one.points)) is not None
        ]
        vectors = self._embedder.vectors([face for _, _, face in upright]).astype(np.float16)
        results: list[list[Finding]] = [[] for _ in frames]
        for (index, one, face), vector in zip(upright, vectors, strict=True):
            results[index].append(_face(frames[index], one, quality(face, one), vector.tobytes(), _jpeg(face)))
        return [tuple(findings) for findings in results]


def _face(frame: Frame, found: Found, good: float, vector: bytes = b"", crop: bytes = b"") -> Face:
    height, width = frame.rgb.shape[:2]
    x0, y0, x1, y1 = (np.clip(found.box / np.array([width, height] * 2), 0, 1)).tolist()
    points = tuple((float(x) / width, float(y) / height) for x, y in found.points)
    return Face(_NAME, found.score, Box(x0, y0, x1, y1), None, points, vector, good, crop)


def _jpeg(face: RgbArray) -> bytes:
    done, data = cv2.imencode(".jpg", cv2.cvtColor(face, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not done:
        raise ValueError("an aligned face could not be encoded")
    return bytes(data.tobytes())
