"""Pictures and videos that tests draw, so that what is seen, where and when is known exactly."""

from __future__ import annotations

import colorsys
import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from tagger.types import Frame

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 30), (30, 30, 220), (255, 255, 255)
SECONDS_A_COLOUR = 1.0


def corners(width: int, height: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Red, green / blue, white: which way is up can be read from any size of it."""
    rgb = np.empty((height, width, 3), np.uint8)
    middle_y, middle_x = height // 2, width // 2
    rgb[:middle_y, :middle_x], rgb[:middle_y, middle_x:] = RED, GREEN
    rgb[middle_y:, :middle_x], rgb[middle_y:, middle_x:] = BLUE, WHITE
    return rgb


def is_upright(frame: Frame, tolerance: int = 40) -> bool:
    """Whether ``frame`` shows :func:`corners` the right way up."""
    height, width = frame.rgb.shape[:2]
    spots = [
        frame.rgb[int(height * y), int(width * x)].astype(int)
        for y, x in ((0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75))
    ]
    wanted = (RED, GREEN, BLUE, WHITE)
    return all(np.abs(spot - colour).max() <= tolerance for spot, colour in zip(spots, wanted, strict=True))


def turned_jpeg(orientation: int, width: int = 240, height: int = 160) -> bytes:
    """:func:`corners` stored the way a camera held at ``orientation`` (EXIF, 1..8) stores it."""
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = Image.fromarray(corners(width, height))
    if orientation in back:
        image = image.transpose(back[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92, exif=exif)
    return out.getvalue()


def colour_at(time_s: float) -> tuple[int, int, int]:
    """The colour that a drawn video's lower half has at ``time_s``: another hue each second."""
    red, green, blue = colorsys.hsv_to_rgb((int(time_s / SECONDS_A_COLOUR + 1e-6) * 0.31) % 1.0, 0.8, 0.85)
    return round(red * 255), round(green * 255), round(blue * 255)


def video_picture(time_s: float, width: int, height: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """White above, :func:`colour_at` below."""
    rgb = np.full((height, width, 3), 250, np.uint8)
    rgb[height // 2 :] = colour_at(time_s)
    return rgb


def shows(frame: Frame, time_s: float, tolerance: int = 45) -> bool:
    """Whether ``frame`` is upright and shows what :func:`video_picture` has at ``time_s``."""
    height, width = frame.rgb.shape[:2]
    above = frame.rgb[height // 4, width // 2].astype(int)
    below = frame.rgb[height * 3 // 4, width // 2].astype(int)
    return bool(above.min() > 250 - tolerance and np.abs(below - colour_at(time_s)).max() <= tolerance)


def steady(seconds: float, fps: int) -> list[float]:
    """Times of frames at a constant rate."""
    return [number / fps for number in range(round(seconds * fps))]


def draw_video(
    path: Path,
    times: Sequence[float] | None = None,
    *,
    width: int = 160,
    height: int = 120,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    keyframe_every: int = 10,
    turn: int = 0,
) -> Path:
    """A video with a frame at each of ``times`` (seconds; 8 s at 10 a second); the last lasts a tenth.

    ``turn`` (degrees, 90 or 180) stores it turned, with the display matrix that says so.
    """
    times = steady(8, 10) if times is None else times
    base = Fraction(1, 1000)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=10)
        stored = (height, width) if turn == 90 else (width, height)
        stream.width, stream.height = stored
        stream.pix_fmt, stream.time_base, stream.codec_context.time_base = pix_fmt, base, base
        stream.gop_size = keyframe_every
        stream.codec_context.options = {"sc_threshold": "0", "bf": "0", "preset": "ultrafast"}
        if turn:
            stream.set_display_rotation(turn)
        for time_s in times:
            rgb = video_picture(time_s, width, height)
            if turn:
                rgb = np.ascontiguousarray(np.rot90(rgb, -turn // 90))
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = round(time_s * 1000), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def draw_endless(path: Path) -> Path:
    """A WebM that doesn't say how long it is, as a live recording leaves it."""
    live = io.BytesIO()
    write_only = _WriteOnly(live)
    with av.open(write_only, "w", format="webm", options={"live": "1"}) as container:
        stream: Any = container.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 160, 120, "yuv420p", 10
        for number, time_s in enumerate(steady(8, 10)):
            frame = av.VideoFrame.from_ndarray(video_picture(time_s, 160, 120), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    path.write_bytes(live.getvalue())
    return path


class _WriteOnly:
    """A file that can't be gone back in, so that no duration can be filled in at its front."""

    def __init__(self, out: io.BytesIO) -> None:
        self._out = out

    def write(self, body: bytes) -> int:
        return self._out.write(body)


def cut(path: Path, share: float) -> Path:
    """The file at ``path`` without its end."""
    body = path.read_bytes()
    path.write_bytes(body[: int(len(body) * share)])
    return path


def draw_sprite(seconds: float) -> tuple[bytes, str]:
    """What Stash makes of such a video: a JPEG with 9×9 pictures, and the VTT with their times."""
    width, height, step_s = 160, 120, seconds / 81
    sheet = np.empty((9 * height, 9 * width, 3), np.uint8)
    lines = ["WEBVTT", ""]
    for number, (x, y) in enumerate(_places(width, height)):
        sheet[y : y + height, x : x + width] = video_picture(number * step_s, width, height)
        lines += [f"{_clock(number * step_s)} --> {_clock((number + 1) * step_s)}"]
        lines += [f"abc_sprite.jpg#xywh={x},{y},{width},{height}", ""]
    out = io.BytesIO()
    Image.fromarray(sheet).save(out, "JPEG", quality=90, subsampling=0)
    return out.getvalue(), "\n".join(lines)


def _places(width: int, height: int) -> Iterator[tuple[int, int]]:
    return ((column * width, row * height) for row in range(9) for column in range(9))


def _clock(time_s: float) -> str:
    minutes, seconds = divmod(time_s, 60)
    return f"{int(minutes) // 60:02}:{int(minutes) % 60:02}:{seconds:06.3f}"
