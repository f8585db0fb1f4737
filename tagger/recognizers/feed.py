"""Frames → the tensor a model wants. Hot: one resize and one pass over the pixels, into arrays that are kept."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tagger.resize import resized

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from tagger.catalogue import InputSpec
    from tagger.ports import Tensor
    from tagger.types import Frame, RgbArray


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a frame lies in the fed picture, in its pixels: undoes the resize for boxes."""

    left: float
    top: float
    width: float
    height: float

    def to_fractions(self, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Boxes (n, 4) xyxy in pixels of the fed picture → fractions of the frame, cut at its edges."""
        shift = np.array([self.left, self.top] * 2, np.float32)
        scale = np.array([self.width, self.height] * 2, np.float32)
        cut: npt.NDArray[np.float32] = np.clip((boxes - shift) / scale, 0.0, 1.0)
        return cut


class Feed:
    """Turns frames into batches as ``spec`` says. Safe in several threads: each has its own arrays."""

    def __init__(self, spec: InputSpec) -> None:
        self._spec = spec
        self._scale, self._shift = _affine(spec)
        self._own = threading.local()

    def __call__(self, frames: Sequence[Frame]) -> tuple[Tensor, list[Placement]]:
        """The batch, valid until this thread's next call, and where each frame lies in it."""
        batch = self._buffer(len(frames))
        placements = []
        for slot, frame in zip(batch, frames, strict=True):
            fitted, placement = _fit(frame.rgb, self._spec)
            placements.append(placement)
            self._write(fitted, slot)
        return batch, placements

    def _buffer(self, count: int) -> Tensor:
        width, height = self._spec.size
        kept: Tensor | None = getattr(self._own, "batch", None)
        if kept is None or len(kept) < count:
            one = (3, height, width) if self._spec.layout == "nchw" else (height, width, 3)
            kept = self._own.batch = np.empty((count, *one), self._spec.dtype)
        return kept[:count]

    def _write(self, fitted: RgbArray, slot: Any) -> None:
        pixels: Any = fitted[:, :, ::-1] if self._spec.colour == "bgr" else fitted
        scale, shift = self._scale, self._shift
        if self._spec.layout == "nchw":
            pixels = pixels.transpose(2, 0, 1)
            scale, shift = scale.reshape(3, 1, 1), shift.reshape(3, 1, 1)
        if self._spec.dtype == "uint8" or (np.all(scale == 1) and not shift.any()):
            slot[...] = pixels
            return
        np.multiply(pixels, scale if len(set(self._scale)) > 1 else self._scale[0], out=slot, casting="unsafe")
        if shift.any():
            np.add(slot, shift, out=slot, casting="unsafe")


def _affine(spec: InputSpec) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """(pixel · scale − mean) / std as one multiplication and one addition a channel, in the model's channel order."""
    std = np.array(spec.std, np.float64)
    return (spec.scale / std).astype(np.float32), (-np.array(spec.mean, np.float64) / std).astype(np.float32)


def _fit(rgb: RgbArray, spec: InputSpec) -> tuple[RgbArray, Placement]:
    width, height = spec.size
    if spec.resize == "stretch":
        return resized(rgb, width, height), Placement(0, 0, width, height)
    there_h, there_w = rgb.shape[:2]
    if spec.resize.endswith("crop"):
        wide = high = spec.short_side
        if spec.resize == "short-side-crop":
            ratio = spec.short_side / min(there_w, there_h)
            wide, high = max(width, round(there_w * ratio)), max(height, round(there_h * ratio))
        left, top = (wide - width) // 2, (high - height) // 2
        cropped = resized(rgb, wide, high)[top : top + height, left : left + width]
        return cropped, Placement(-left, -top, wide, high)
    ratio = min(width / there_w, height / there_h)
    wide, high = max(1, int(there_w * ratio)), max(1, int(there_h * ratio))
    left, top = (0, 0) if spec.resize == "letterbox-top-left" else ((width - wide) // 2, (height - high) // 2)
    canvas = np.full((height, width, 3), spec.pad, np.uint8)
    canvas[top : top + high, left : left + wide] = resized(rgb, wide, high)
    return canvas, Placement(left, top, there_w * ratio, there_h * ratio)
