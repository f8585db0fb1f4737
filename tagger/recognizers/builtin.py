"""Recognizers that need no weights: day or night, black and white, dominant colours, brightness, blur.

Their scores are probabilities already (``Calibration.exact``). All work on a thumbnail of the frame; the weights below
are logistic regressions on photographs that people labelled (docs/models.md says which and how well they hold).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from tagger.judgement.calibration import Calibration, logistic
from tagger.recognizers.colours import COLOURS, colour_shares
from tagger.types import Finding, Frame, Label

if TYPE_CHECKING:
    from tagger.types import RgbArray

_LEAST_SCORE = 0.05
_LEAST_SIDE_PX = 32
_LEAST_CONTRAST = 2.0  # standard deviation of all values, of 255


@dataclass(frozen=True, slots=True)
class Builtin:
    """A rule over the pixels of one frame: ``scores(rgb)`` gives the probability of each label it can say."""

    model: str
    feature: str
    labels: tuple[str, ...]
    scores: Callable[[RgbArray], Mapping[str, float]]
    looks_at: str = "thumbnail"  # made once for all of them: shrinking costs more than all their rules together
    batch: int = 8

    def recognise(self, frames: Sequence[Frame]) -> list[tuple[Finding, ...]]:
        """Labels with a probability from .05 up, best first."""
        return [self._one(frame) for frame in frames]

    def _one(self, frame: Frame) -> tuple[Finding, ...]:
        if min(frame.width, frame.height) < _LEAST_SIDE_PX or _contrast(frame.rgb) < _LEAST_CONTRAST:
            return ()  # An icon, a spacer, a blank frame: whatever was said of it would be true by accident.
        said = sorted(self.scores(frame.rgb).items(), key=lambda entry: (-entry[1], entry[0]))
        return tuple(Label(name, round(score, 4)) for name, score in said if score >= _LEAST_SCORE)


def _contrast(rgb: RgbArray) -> float:
    """Standard deviation of all values, of every fourth pixel each way. (numpy's own takes five times as long.)"""
    values: Any = np.ascontiguousarray(rgb[::4, ::4]).reshape(-1, 1)
    return float(cv2.meanStdDev(values)[1][0, 0])


def builtins() -> tuple[Builtin, ...]:
    """All of them. The first two are worth a tag; the others are looked at, and applied only when switched on."""
    return (
        Builtin("day-night@1", "day_night", ("day", "night"), _day_night),
        Builtin("black-and-white@1", "black_and_white", ("black and white",), _black_and_white),
        Builtin("colours@1", "colours", COLOURS, _colours),
        Builtin("brightness@1", "brightness", ("dark", "bright"), _brightness),
        Builtin("blur@1", "blur", ("blurry",), _blur),
    )


def builtin_calibrations() -> dict[str, Calibration]:
    """Their scores taken as they are, by model."""
    return {rule.model: Calibration(known=frozenset(rule.labels), exact=True) for rule in builtins()}


def _thumbnail(rgb: RgbArray, width: int, height: int) -> Any:
    small: Any = rgb
    while small.shape[1] >= 4 * width and small.shape[0] >= 4 * height:
        # Halving is an average over two by two pixels, which bilinear sampling does ten times as fast.
        small = cv2.resize(small, (small.shape[1] // 2, small.shape[0] // 2), interpolation=cv2.INTER_LINEAR)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_AREA)


# Blue and white at the top, green anywhere, little texture at the top, sky reaching down, saturation.
_DAY: Final = (5.804, 4.296, 12.489, 2.615, 3.531, -4.685)
_DAY_INTERCEPT: Final = -3.164
# Log median, log median of the top third, log of the 90th percentile (of brightness), share of dark pixels.
_NIGHT: Final = (-0.586, -0.359, -5.179, 3.431)
_NIGHT_INTERCEPT: Final = 24.902
_DRAWN = 0.6  # share of one shade (of 32,768) in a frame that nobody photographed
_NOTHING_TO_SEE = 16  # a frame whose 90th percentile is darker than this is black, not night


def _day_night(rgb: RgbArray) -> dict[str, float]:
    """Outdoors by daylight, or a night; indoors is neither, and neither is said."""
    small = _thumbnail(rgb, 64, 48)
    shades = (small >> 3).astype(np.int32) @ (1024, 32, 1)
    if np.bincount(shades.ravel()).max() > _DRAWN * shades.size:
        return {}  # Mostly one shade: a drawing, a slide, something cut out; no photograph of a sky.
    hsv = cv2.cvtColor(small, cv2.COLOR_RGB2HSV).astype(np.float32)
    hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    top = value[:16]
    tenth_brightest = float(np.percentile(value, 90))
    if tenth_brightest < _NOTHING_TO_SEE:
        return {}
    blue = (hue > 92) & (hue < 130) & (saturation > 45) & (value > 90)
    white = (saturation < 40) & (value > 170)
    green = (hue > 30) & (hue < 85) & (saturation > 50) & (value > 40)
    sky = np.cumprod(blue | ((saturation < 60) & (value > 150)), axis=0)
    texture = np.abs(np.diff(top, axis=0)).mean() + np.abs(np.diff(top, axis=1)).mean()
    of_day = (blue[:16].mean(), white[:16].mean(), green.mean(), texture / 40, sky.sum(axis=0).mean() / 48,
              saturation.mean() / 255)  # fmt: skip
    of_night = (np.log(np.median(value) + 4), np.log(np.median(top) + 4), np.log(tenth_brightest + 4),
                (value < 40).mean())  # fmt: skip
    night = logistic(_NIGHT_INTERCEPT + float(np.dot(_NIGHT, of_night)))
    day = logistic(_DAY_INTERCEPT + float(np.dot(_DAY, of_day)))
    # A dark picture is no day, however green it is.
    return {"day": day * (1.0 - night), "night": night}


def _black_and_white(rgb: RgbArray) -> dict[str, float]:
    """One tone only: grey, or sepia (brown of one hue whose strength follows the brightness), as old film has it.

    In CIELAB: grey when 95 % of the pixels have next to no chroma; sepia when the chroma is weak, warm, and all but a
    function of the lightness. Frames without contrast (a fade to black) are not said to be anything.
    """
    lab = cv2.cvtColor(_thumbnail(rgb, 64, 48).astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    lightness, chroma = lab[:, 0], lab[:, 1:]
    if lightness.std() < 4:
        return {}
    strength = np.linalg.norm(chroma, axis=1)
    grey = logistic(5.5 - 2.6 * float(np.percentile(strength, 95)))
    a, b = chroma.mean(axis=0)
    if not (b > 8 and abs(a) < b / 2 and strength.mean() < 28):
        return {"black and white": grey}
    # Twenty-four slices of equal lightness: in a toned picture each has one colour.
    slices = chroma[np.argsort(lightness)].reshape(24, -1, 2)
    off = np.linalg.norm(slices - np.median(slices, axis=1, keepdims=True), axis=2)
    return {"black and white": max(grey, logistic(2.2 * (5.2 - float(np.percentile(off, 90)))))}


def _colours(rgb: RgbArray) -> dict[str, float]:
    """A colour is dominant from about a third of the picture on."""
    shares = colour_shares(_thumbnail(rgb, 64, 64))
    return {name: logistic(14.0 * (float(share) - 0.33)) for name, share in zip(COLOURS, shares, strict=True)}


def _brightness(rgb: RgbArray) -> dict[str, float]:
    """Dark below a mean of about 50 of 255, bright above about 185."""
    mean = float(cv2.cvtColor(_thumbnail(rgb, 32, 32), cv2.COLOR_RGB2GRAY).mean())
    return {"dark": logistic((50 - mean) / 8), "bright": logistic((mean - 185) / 8)}


def _blur(rgb: RgbArray) -> dict[str, float]:
    """Edges that are gone: detail at 512 pixels, against the picture's own contrast."""
    longest = max(rgb.shape[:2])
    if longest < 256:
        return {}  # too small to know
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    if longest > 512:
        grey = cv2.resize(grey, None, fx=512 / longest, fy=512 / longest, interpolation=cv2.INTER_AREA)
    contrast = float(grey.std()) ** 2
    if contrast < 30:
        return {}
    detail = float(cv2.Laplacian(grey, cv2.CV_32F).var()) / contrast
    return {"blurry": logistic(-2.5 * (np.log(detail + 1e-4) - np.log(0.02)))}
