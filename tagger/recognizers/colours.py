"""Names of colours: pixels → red, orange, yellow, green, cyan, blue, purple, pink, brown, black, grey, white."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from tagger.types import Box, RgbArray

COLOURS: Final = (
    "red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "brown", "black", "grey", "white",
)  # fmt: skip
_BLACK, _GREY, _WHITE, _BROWN, _PINK = (COLOURS.index(name) for name in ("black", "grey", "white", "brown", "pink"))
_HUE_ENDS: Final = ((7, "red"), (20, "orange"), (33, "yellow"), (82, "green"), (97, "cyan"), (128, "blue"),
                    (148, "purple"), (168, "pink"), (180, "red"))  # fmt: skip
_SIDE = 24


def colour_shares(rgb: RgbArray) -> npt.NDArray[np.float64]:
    """Share of each of :data:`COLOURS` among the pixels of ``rgb`` (h, w, 3); sums to 1."""
    hsv: Any = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    names = _TABLE[hsv[..., 0] >> 1, hsv[..., 1] >> 3, hsv[..., 2] >> 3]
    counts = np.bincount(names.ravel(), minlength=len(COLOURS))
    shares: npt.NDArray[np.float64] = counts / max(1, names.size)
    return shares


def box_colour(rgb: RgbArray, box: Box) -> tuple[str, float] | None:
    """The dominant colour of the inner part of ``box`` with its share, so that the background at its edges counts less.

    None for a box too small to say.
    """
    height, width = rgb.shape[:2]
    inset_x, inset_y = (box.x1 - box.x0) * 0.2, (box.y1 - box.y0) * 0.2
    left, right = int((box.x0 + inset_x) * width), int((box.x1 - inset_x) * width)
    top, bottom = int((box.y0 + inset_y) * height), int((box.y1 - inset_y) * height)
    if right - left < 3 or bottom - top < 3:
        return None
    inner: Any = rgb[top:bottom, left:right]
    if max(inner.shape[:2]) > _SIDE:
        inner = cv2.resize(inner, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    shares = colour_shares(inner)
    best = int(shares.argmax())
    return COLOURS[best], round(float(shares[best]), 2)


def _named(hue: int, saturation: int, value: int) -> int:
    """One colour: hue 0..179, saturation and value 0..255, as OpenCV has them."""
    if value < 46:
        return _BLACK
    # The darker a pixel, the more of its saturation is noise.
    if saturation < 34 + max(0, 110 - value) * 0.35:
        return _WHITE if value > 205 else _GREY
    name = next(name for end, name in _HUE_ENDS if hue < end)
    if name in {"orange", "red", "yellow"} and 5 <= hue < 25 and value < 165:
        return _BROWN
    if name == "red" and value > 190 and saturation < 120:
        return _PINK
    return COLOURS.index(name)


_TABLE: Final = np.array(
    [
        [[_named(hue * 2, saturation * 8 + 4, value * 8 + 4) for value in range(32)] for saturation in range(32)]
        for hue in range(90)
    ],
    np.uint8,
)
