"""A face brought to where embedders expect it, and how far it can be relied on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from tagger.resize import resized

if TYPE_CHECKING:
    import numpy.typing as npt

    from tagger.recognizers.faces.detect import Found
    from tagger.types import RgbArray

SIDE_PX = 112
# ArcFace's reference points in 112 × 112 (InsightFace): right eye, left eye, nose, corners of the mouth.
REFERENCE: Final = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)], np.float32
)
_INNER = (slice(24, 104), slice(20, 92))  # eyes to chin, little of what is around
_LEVELS = 140.0  # between darkest and brightest; faces with fewer look alike to an embedder, whoever they are
_MOST_GAIN = 4.0
_SHARP_FROM, _SHARP_AT = 1.5, 5.5  # log of the Laplacian's variance: nothing to see, all there
_GRAIN_FROM, _GRAIN_AT = 4.0, 16.0  # deviation of noise, which would pass for sharpness; clear ones have 1 to 3
_GRAIN = np.array([(1, -2, 1), (-2, 4, -2), (1, -2, 1)], np.float32)  # blind to edges (Immerkær 1996); deviation × 6
_WIDTH_FROM_PX, _WIDTH_AT_PX = 14.0, 64.0
_TURNED_FROM, _TURNED_AT = 0.20, 0.75  # nose off the middle between the eyes, in eye distances
_SCORE_FROM, _SCORE_AT = 0.60, 0.90  # clocks, dogs and food reach .85, clear faces .9 and more


def aligned(rgb: RgbArray, points: npt.NDArray[np.float32]) -> RgbArray | None:
    """The face as (112, 112, 3); None when its points lie in no face's order (all in one place).

    A similarity by least median of squares: one misplaced point (a turned face's hidden corner) doesn't tilt it.
    """
    matrix = _similarity(points)
    if matrix is None:
        return None
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.5:
        # Sampling every third pixel of a large face would alias: shrink it first, by averaging.
        shrunk = 2 * scale
        height, width = rgb.shape[:2]
        size = (max(1, round(width * shrunk)), max(1, round(height * shrunk)))
        factors = np.array([size[0] / width, size[1] / height], np.float32)
        matrix, rgb = _similarity(points * factors), resized(rgb, *size)
        if matrix is None:
            return None
    face: Any = cv2.warpAffine(rgb, matrix, (SIDE_PX, SIDE_PX), flags=cv2.INTER_LINEAR)
    return face  # type: ignore[no-any-return]  # cv2 does not say its dtype


def _similarity(points: npt.NDArray[np.float32]) -> npt.NDArray[np.float64] | None:
    matrix: Any = cv2.estimateAffinePartial2D(points.astype(np.float32), REFERENCE, method=cv2.LMEDS)[0]
    if matrix is None or not np.isfinite(matrix).all() or np.hypot(matrix[0, 0], matrix[1, 0]) < 1e-3:
        return None
    return np.asarray(matrix, np.float64)


def evened(face: RgbArray) -> RgbArray:
    """An aligned face as embedders should see it: a dark or faded one with its contrast spread, others as they are."""
    low, high, gain = _spread(_inner(face))
    if gain == 1:
        return face
    spread: Any = np.clip((face.astype(np.float32) - (low + high) / 2) * gain + 127.5, 0, 255).astype(np.uint8)
    return spread  # type: ignore[no-any-return]


def _inner(face: RgbArray) -> Any:
    return cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)[_INNER].astype(np.float32)


def _spread(inner: Any) -> tuple[float, float, float]:
    """Its darkest and brightest level, and by what its contrast is to be multiplied."""
    low, high = np.percentile(inner, (1, 99)).tolist()
    return low, high, min(_MOST_GAIN, max(1.0, _LEVELS / max(1.0, high - low)))


def quality(face: RgbArray, found: Found) -> float:
    """0..1: the product of how large, sharp, clean, frontal and sure it is. ``face`` is the aligned one."""
    inner = _inner(face)
    sharp = _ramp(float(np.log1p(cv2.Laplacian(inner, cv2.CV_32F).var())), _SHARP_FROM, _SHARP_AT)
    grain = float(np.median(np.abs(cv2.filter2D(inner, -1, _GRAIN)))) / 0.6745 / 6 * _spread(inner)[2]
    clean = 1 - _ramp(grain, _GRAIN_FROM, _GRAIN_AT)
    large = _ramp(float(np.log(max(1.0, found.width_px))), np.log(_WIDTH_FROM_PX), np.log(_WIDTH_AT_PX))
    frontal = 1 - _ramp(turned(found.points), _TURNED_FROM, _TURNED_AT)
    sure = _ramp(found.score, _SCORE_FROM, _SCORE_AT)
    return round(float((large * sharp * clean * frontal * sure) ** 0.5), 3)


def turned(points: npt.NDArray[np.float32]) -> float:
    """How far the head is turned aside: 0 straight, about .5 half profile; the picture's own tilt doesn't count."""
    eyes = points[1] - points[0]
    distance = float(np.hypot(*eyes))
    mouth = (points[3] + points[4]) / 2
    middle = (points[0] + points[1]) / 2
    upright = mouth - middle
    length = float(np.hypot(*upright))
    if length < 1e-3:
        return 1.0
    # Eye distance shrinks when the head turns; the height of the face does not.
    aside = abs(float(upright[0] * (points[2] - middle)[1] - upright[1] * (points[2] - middle)[0])) / length
    return min(1.0, aside / max(0.4 * length, distance))


def _ramp(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low)))
