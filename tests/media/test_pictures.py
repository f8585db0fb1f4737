"""Pictures of every kind come out upright, in eight bits, with what is transparent laid on white."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tagger.errors import MediaError
from tagger.media.pictures import TooLargeError, read_picture
from tagger.media.sampler import ProcessMedia
from tagger.media.source import mapped
from tagger.media.videos import fit, spread
from tagger.types import Frame, ItemRef, MediaItem
from tests.drawn import corners, is_upright, turned_jpeg

BUDGET = 1 << 28


def read(body: bytes, max_side_px: int = 1280, budget_bytes: int = BUDGET) -> list[Frame]:
    return list(read_picture(io.BytesIO(body), max_side_px, budget_bytes))


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def drawn() -> Image.Image:
    return Image.fromarray(corners(200, 120))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("max_side_px", [1280, 60])
def test_a_turned_picture_is_upright(orientation: int, max_side_px: int) -> None:
    (frame,) = read(turned_jpeg(orientation), max_side_px)
    assert is_upright(frame)
    assert (frame.width, frame.height) == (240, 160)
    assert frame.rgb.shape[1] == min(240, max_side_px)


def sixteen_bits() -> bytes:
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    return saved(Image.fromarray(ramp), "PNG")


def half_transparent() -> Image.Image:
    image = drawn().convert("RGBA")
    alpha = np.full((120, 200), 255, np.uint8)
    alpha[60:, 100:] = 0  # the white corner is green underneath, and can't be seen
    pixels = np.asarray(image).copy()
    pixels[60:, 100:, :3] = (0, 120, 0)
    pixels[..., 3] = alpha
    return Image.fromarray(pixels)


def heif(image: Image.Image) -> bytes:
    import pillow_heif

    out = io.BytesIO()
    pillow_heif.from_pillow(image).save(out, quality=90)
    return out.getvalue()


KINDS: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: saved(drawn(), "JPEG", quality=95),
    "progressive JPEG": lambda: saved(drawn(), "JPEG", quality=95, progressive=True),
    "CMYK JPEG": lambda: saved(drawn().convert("CMYK"), "JPEG", quality=95),
    "PNG": lambda: saved(drawn(), "PNG"),
    "palette": lambda: saved(drawn().quantize(8), "PNG"),
    "GIF": lambda: saved(drawn().quantize(8), "GIF"),
    "alpha PNG": lambda: saved(half_transparent(), "PNG"),
    "alpha WebP": lambda: saved(half_transparent(), "WEBP", lossless=True),
    "WebP": lambda: saved(drawn(), "WEBP", quality=95),
    "AVIF": lambda: saved(drawn(), "AVIF", quality=95),
    "HEIC": lambda: heif(drawn()),
    "BMP": lambda: saved(drawn(), "BMP"),
    "TIFF": lambda: saved(drawn(), "TIFF", compression="tiff_lzw"),
    "JPEG 2000": lambda: saved(drawn(), "JPEG2000"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("max_side_px", [1280, 100])
def test_every_kind_shows_its_picture(kind: str, max_side_px: int) -> None:
    (frame,) = read(KINDS[kind](), max_side_px)
    assert is_upright(frame)
    assert (frame.width, frame.height, frame.time_s) == (200, 120, 0.0)
    assert frame.rgb.shape[1] == min(200, max_side_px)


def test_sixteen_bits_keep_their_scale() -> None:
    (frame,) = read(sixteen_bits())
    assert frame.rgb[0, 0, 0] == 0 and frame.rgb[-1, -1, 0] == 255
    assert abs(int(frame.rgb[32, 0, 0]) - 128) <= 2


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_an_animation_gives_a_few_frames_in_order(kind: str) -> None:
    shades = [Image.new("RGB", (64, 64), (shade, shade, shade)) for shade in range(0, 240, 20)]
    body = saved(shades[0], kind, save_all=True, append_images=shades[1:], duration=500)
    frames = read(body)
    assert [frame.time_s for frame in frames] == [0.5, 2.0, 3.5, 5.0]
    levels = [int(frame.rgb[32, 32, 0]) for frame in frames]
    assert all(abs(level - wanted) <= 6 for level, wanted in zip(levels, (20, 80, 140, 200), strict=True))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 4000), (4000, 1)])
def test_tiny_and_thin_pictures(width: int, height: int) -> None:
    (frame,) = read(saved(Image.new("RGB", (width, height), "red"), "PNG"))
    assert (frame.width, frame.height) == (width, height)
    assert max(frame.rgb.shape[:2]) <= 1280 and frame.rgb[0, 0, 0] == 255


def noisy_jpeg(**options: Any) -> bytes:
    noise = np.random.default_rng(1).integers(0, 255, (400, 400, 3), np.uint8)
    return saved(Image.fromarray(noise), "JPEG", quality=80, **options)


def test_what_is_there_of_a_cut_off_picture_is_shown() -> None:
    body = noisy_jpeg()
    (frame,) = read(body[: len(body) * 2 // 3])
    assert frame.rgb[:200].std() > 30
    with pytest.raises(MediaError, match="cut off"):
        read(body[: len(body) // 20])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (bytes(4000), "zeros"),
        (b"hello", "isn't a picture"),
        (b"%PDF-1.7", "PDF"),
        (b"<svg xmlns='x'/>", "SVG"),
        (b"\xff\x0a\xff\x07", "JPEG XL"),
        (b"PK\x03\x04aaaaaaaa", "archive"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "picture"),
    ],
)
def test_what_is_no_picture_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(MediaError, match=reason):
        read(body)


def test_too_many_pixels_are_refused_before_they_are_decoded_unless_they_reduce() -> None:
    large = Image.new("RGB", (6000, 6000), "red")
    with pytest.raises(TooLargeError, match="6000×6000"):
        read(saved(large, "PNG"), budget_bytes=64 << 20)
    (frame,) = read(saved(large, "JPEG"), budget_bytes=64 << 20)
    assert frame.rgb.shape == (1280, 1280, 3) and (frame.width, frame.height) == (6000, 6000)


@given(st.integers(1, 60000), st.integers(1, 60000), st.integers(1, 4000))
def test_fit_keeps_shape_and_never_enlarges(width: int, height: int, side_px: int) -> None:
    fitted = fit(width, height, side_px)
    assert min(fitted) >= 1 and max(fitted) <= max(1, min(side_px, max(width, height)))
    share = max(fitted) / max(width, height)
    assert all(abs(new - old * share) <= 1.5 for new, old in zip(fitted, (width, height), strict=True))


@given(st.floats(0, 1e6), st.integers(1, 200))
def test_spread_is_even_inside_and_within_budget(duration_s: float, budget: int) -> None:
    times = spread(duration_s, budget)
    assert min(4, budget) <= len(times) <= budget
    assert all(0 <= time_s <= duration_s for time_s in times) and times == sorted(times)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/data/a/b.jpg", "/mnt/a/b.jpg"),
        ("/data/films/x.mp4", "/films/x.mp4"),
        ("/database/x.jpg", "/database/x.jpg"),
        ("", ""),
    ],
)
def test_the_longest_whole_prefix_is_mapped(path: str, expected: str) -> None:
    assert mapped(path, {"/data": "/mnt", "/data/films/": "/films"}).replace(os.sep, "/") == expected


@pytest.mark.skipif("AI_TAGGER_TEST_MEDIA" not in os.environ, reason="AI_TAGGER_TEST_MEDIA names no folder of media")
def test_real_files_decode_or_say_why() -> None:
    folder = Path(os.environ["AI_TAGGER_TEST_MEDIA"])
    kinds = {".jpg": "image", ".heic": "image", ".avif": "image", ".webp": "image"}
    kinds |= {".mp4": "video", ".mov": "video", ".webm": "video", ".mkv": "video"}
    found = [path for path in sorted(folder.rglob("*")) if path.suffix in kinds and "small" not in path.parts]
    items = [
        MediaItem(
            ItemRef("image", str(path)), "video" if kinds[path.suffix] == "video" else "image", "", "x", str(path)
        )
        for path in found
    ]
    failed = {
        Path(chunk.item.path).name: chunk.error
        for chunk in ProcessMedia(workers=2).sample(items)
        if chunk.last and chunk.error
    }
    assert set(failed) <= {"quicktime-jpeg.mov"}, failed
