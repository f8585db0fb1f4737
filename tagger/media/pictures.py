"""A picture's bytes → upright frames, through Pillow: one, or a few spread over an animation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from tagger.errors import MediaError
from tagger.media.sparing import avif_pixels, heif_pixels
from tagger.media.videos import fit
from tagger.types import Frame

if TYPE_CHECKING:
    from tagger.types import RgbArray

FRAMES_OF_AN_ANIMATION = 4
PIXELS_OF_AN_ANIMATION = 300_000_000  # each frame builds on the one before, so all up to the last must be decoded
ANIMATED = frozenset({"GIF", "WEBP", "PNG", "AVIF"})
USEFUL_SHARE = 0.25
_MUCH_LARGER = 1.5  # than asked for: then it is worth decoding it past Pillow
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
_BYTES_A_PIXEL = {"1": 1, "L": 1, "P": 1, "LA": 4, "I;16": 2, "I;16B": 2, "I;16L": 2}


class TooLargeError(MediaError):
    """More pixels than the memory budget holds, in a format that can't be reduced while decoding."""


class NoDecoderError(MediaError):
    """Not a picture that anything here can decode."""


def read_picture(file: BinaryIO, max_side_px: int, budget_bytes: int) -> Iterator[Frame]:
    """Upright frames of the picture in ``file`` (seekable), EXIF applied, long side at most ``max_side_px``.

    A still picture has one, at 0.0; an animation a few, spread, at their times. Transparency is laid on white.
    A file that is cut off yields what is there, if that is at least a quarter. Raises MediaError with the reason.
    """
    Image.MAX_IMAGE_PIXELS = None  # the budget below is the limit, with a reason that a person understands
    try:
        yield from _frames(file, max_side_px, budget_bytes)
    except (OSError, SyntaxError, ValueError, IndexError, EOFError) as error:
        if isinstance(error, UnidentifiedImageError):
            raise _unreadable(file) from None
        yield _salvaged(file, max_side_px, budget_bytes, error)


def _frames(file: BinaryIO, max_side_px: int, budget_bytes: int) -> Iterator[Frame]:
    with _opened(file) as image:
        count = getattr(image, "n_frames", 1) if image.format in ANIMATED else 1
        if count > 1:
            yield from _animation(image, count, max_side_px, budget_bytes)
            return
        size = fit(*image.size, max_side_px)
        sparing = image.format in ("HEIF", "AVIF") and image.mode == "RGB" and image.width >= _MUCH_LARGER * size[0]
        if sparing:
            _check_budget(image, image.size, budget_bytes)
            rgb = (heif_pixels if image.format == "HEIF" else avif_pixels)(file, image.size, size)
            if rgb is not None:
                yield _upright(Image.fromarray(rgb), image, 0.0, image.size)
                return
        yield _frame(image, 0.0, max_side_px, budget_bytes)


def _animation(image: ImageFile.ImageFile, count: int, max_side_px: int, budget_bytes: int) -> Iterator[Frame]:
    reach = max(1, min(count, PIXELS_OF_AN_ANIMATION // max(1, image.width * image.height)))
    picks = min(FRAMES_OF_AN_ANIMATION, reach)
    wanted = {int((number + 0.5) * reach / picks) for number in range(picks)}
    time_s = 0.0
    for number in range(max(wanted) + 1):
        image.seek(number)
        if number in wanted:
            yield _frame(image, round(time_s, 3), max_side_px, budget_bytes)
        image.load()  # some formats know a frame's duration only then
        time_s += float(image.info.get("duration") or 0) / 1000


def _opened(file: BinaryIO) -> ImageFile.ImageFile:
    file.seek(0)
    head = file.read(12)
    file.seek(0)
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)
    return Image.open(file)


def _frame(image: ImageFile.ImageFile, time_s: float, max_side_px: int, budget_bytes: int) -> Frame:
    width, height = image.size
    size = fit(width, height, max_side_px)
    image.draft(None, size)  # only JPEG can; it never goes below the size asked for
    _check_budget(image, (width, height), budget_bytes)
    picture = _plain(image)
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    return _upright(picture, image, time_s, (width, height))


def _upright(picture: Image.Image, image: ImageFile.ImageFile, time_s: float, full: tuple[int, int]) -> Frame:
    """``picture``, made of ``image`` with ``full`` width and height, turned as that one's EXIF says."""
    width, height = full
    orientation = image.getexif().get(0x0112, 1)
    if orientation in range(2, 9):
        picture.getexif()[0x0112] = orientation
        picture = ImageOps.exif_transpose(picture)
        if orientation >= 5:
            width, height = height, width
    return Frame(np.asarray(picture), time_s, width, height)


def _check_budget(image: ImageFile.ImageFile, full: tuple[int, int], budget_bytes: int) -> None:
    stored = _BYTES_A_PIXEL.get(image.mode, 4)
    needed = image.width * image.height * (stored if image.mode in ("RGB", "L") else stored + 4)
    if image.format in ("WEBP", "HEIF", "AVIF"):
        needed *= 2  # their decoders hand over a whole picture of their own
    if image.info.get("progressive"):
        needed += full[0] * full[1] * 4  # all coefficients are held, however small the result
    if needed > budget_bytes:
        raise TooLargeError(
            f"the picture is too large to decode: {full[0]}×{full[1]} pixels take about {needed >> 20} MB "
            f"and the memory budget is {budget_bytes >> 20} MB"
        )


def _plain(image: Image.Image) -> Image.Image:
    """RGB with 8 bits, transparency laid on white."""
    if image.mode == "RGB" and "transparency" not in image.info:
        image.load()
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        seen = image.convert("RGBA")
        ground = Image.new("RGBA", seen.size, (255, 255, 255, 255))
        ground.alpha_composite(seen)
        return ground.convert("RGB")
    return image.convert("RGB")


def _eight_bits(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> RgbArray:
    """Brightness of any depth → 0..255. Whole numbers keep their scale, floating ones are spread over the range."""
    if values.dtype.kind == "f":
        clean = np.nan_to_num(values.astype(np.float32))
        low, high = float(clean.min()), float(clean.max())
        return ((clean - low) * (255 / (high - low or 1.0))).astype(np.uint8)
    whole = values.astype(np.int64)
    most = int(whole.max(initial=0))
    shift = 0 if most <= 0xFF else 8 if most <= 0xFFFF else 24
    small: RgbArray = np.clip(whole >> shift, 0, 255).astype(np.uint8)
    return small


def _salvaged(file: BinaryIO, max_side_px: int, budget_bytes: int, error: Exception) -> Frame:
    """What is there of a picture that doesn't decode to its end."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        with _opened(file) as image:
            frame = _frame(image, 0.0, max_side_px, budget_bytes)
            turned = image.getexif().get(0x0112, 1)
    except MediaError:
        raise
    except Exception as second:  # noqa: BLE001 - whatever a decoder says of a damaged file, it costs that file only
        raise MediaError(f"the picture is damaged or cut off: {second or error}") from None
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    if _share_decoded(frame.rgb, turned) < USEFUL_SHARE:
        raise MediaError("the picture is cut off: almost nothing of it is there")
    return frame


def _share_decoded(rgb: RgbArray, orientation: int) -> float:
    """Share of the stored rows before the even filling of what is missing, in a picture turned by ``orientation``."""
    stored = np.asarray(rgb if orientation < 5 else rgb.swapaxes(0, 1))
    if orientation in (3, 4, 7, 8):
        stored = stored[::-1]
    filling = np.abs(stored.astype(np.int16) - stored[-1]).max(axis=(1, 2)) <= 2
    kept = np.flatnonzero(~filling)
    return float(kept[-1] + 1) / len(stored) if len(kept) else 0.0


def _unreadable(file: BinaryIO) -> MediaError:
    file.seek(0)
    head = file.read(512)
    if not head:
        return MediaError("the file is empty")
    if head[:2] == b"\xff\x0a" or head[4:12] == b"JXL \r\n\x87\n":
        return NoDecoderError("JPEG XL can't be decoded here yet: no decoder for it is installed")
    if b"<svg" in head.lower():
        return NoDecoderError("it is a drawing (SVG), not a picture made of pixels")
    if head[:4] == b"%PDF":
        return NoDecoderError("it is a PDF document, not a picture")
    if head[:2] == b"PK":
        return NoDecoderError("it is an archive, not a picture")
    if not head.strip(b"\0"):
        return MediaError("the file holds nothing but zeros: its copy was interrupted")
    return NoDecoderError("it isn't a picture in a format that can be decoded, or it is damaged")
