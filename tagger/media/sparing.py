"""Large HEIC and AVIF pictures, decoded and made smaller without a copy in full size.

Pillow keeps four bytes a pixel beside what the decoder holds: 105 MB for 12 megapixels of HEIC, 270 MB for 20 of AVIF
(10-bit, 4:4:4). Here the decoder's own picture is scaled: 58 and 150 MB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from av import VideoFrame

    from tagger.types import RgbArray


def heif_pixels(file: BinaryIO, full: tuple[int, int], size: tuple[int, int]) -> RgbArray | None:
    """The HEIF picture of ``full`` width and height, in ``size``, its own turns applied; None: not of that kind."""
    import av
    import pillow_heif

    file.seek(0)
    opened = pillow_heif.open_heif(file)
    primary = opened[opened.primary_index]
    pixels = np.asarray(primary)
    if primary.mode != "RGB" or pixels.shape != (full[1], full[0], 3):
        return None
    return _scaled(av.VideoFrame.from_numpy_buffer(pixels, "rgb24"), size)


def avif_pixels(file: BinaryIO, full: tuple[int, int], size: tuple[int, int]) -> RgbArray | None:
    """The AVIF picture of ``full`` width and height, in ``size``, as stored; None: its parts must be put together."""
    import av

    file.seek(0)
    try:
        with av.open(file, "r") as container:
            stream = container.streams.video[0]
            stream.thread_count = 1
            frame = next(container.decode(stream))
            return _scaled(frame, size) if (frame.width, frame.height) == full else None
    except (av.FFmpegError, StopIteration, IndexError):
        return None  # Pillow says what is wrong with it, if it can't read it either.


def _scaled(frame: VideoFrame, size: tuple[int, int]) -> RgbArray:
    smaller = frame.reformat(*size, format="rgb24", interpolation="AREA")
    return np.asarray(smaller.to_ndarray(), np.uint8)
