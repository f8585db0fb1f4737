"""Pictures and a video for somebody's first look, drawn here: day and night, black and white, colourful."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

WIDTH, HEIGHT = 960, 640
VIDEO_WIDTH, VIDEO_HEIGHT, VIDEO_S, VIDEO_FPS = 640, 360, 6, 12

Colour = tuple[int, int, int]


def draw_demo(folder: Path) -> list[Path]:
    """Draw a dozen pictures and one video of six seconds into ``folder``; the files, in order.

    Files that are already there are kept as they are. Raises OSError when the folder can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, draw in _PICTURES.items():
        path = folder / f"{name}.jpg"
        if not path.exists():
            # Grain: without it, evenness would give a drawing away to every model that looks at texture.
            draw().filter(ImageFilter.GaussianBlur(0.8)).save(path, quality=90)
        paths.append(path)
    video = folder / _VIDEO
    if not video.exists():
        _draw_video(video)
    return [*paths, video]


def _sky(above: Colour, below: Colour, width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    share = np.linspace(0, 1, height)[:, None, None]
    rows = np.asarray(above) * (1 - share) + np.asarray(below) * share
    grain = np.random.default_rng(7).normal(0, 3, (height, width, 3))
    return Image.fromarray(np.clip(rows + grain, 0, 255).astype(np.uint8))


def _hills(image: Image.Image, base: float, rise: float, colour: Colour, waves: float = 1.5, phase: float = 0) -> None:
    width, height = image.size
    line = [
        (x, height * (base - rise * (0.6 * math.sin(waves * x / width * 6.3 + phase) + 0.4 * math.sin(x / 61 + phase))))
        for x in range(0, width + 8, 8)
    ]
    ImageDraw.Draw(image).polygon([*line, (width, height), (0, height)], fill=colour)


def _disc(image: Image.Image, x: float, y: float, radius: float, colour: Colour, glow: float = 0) -> None:
    width, height = image.size
    centre_x, centre_y, size = x * width, y * height, radius * height
    if glow:
        halo = Image.new("L", image.size, 0)
        reach = size * (1 + glow)
        ImageDraw.Draw(halo).ellipse((centre_x - reach, centre_y - reach, centre_x + reach, centre_y + reach), fill=150)
        image.paste(colour, mask=halo.filter(ImageFilter.GaussianBlur(size * glow / 2)))
    ImageDraw.Draw(image).ellipse((centre_x - size, centre_y - size, centre_x + size, centre_y + size), fill=colour)


def _clouds(image: Image.Image, colour: Colour = (250, 250, 252)) -> None:
    rng = np.random.default_rng(3)
    mask = Image.new("L", image.size, 0)
    pen = ImageDraw.Draw(mask)
    for x, y in ((0.15, 0.18), (0.5, 0.1), (0.72, 0.24)):
        for _ in range(14):
            left = (x + rng.normal(0, 0.05)) * image.width
            top = (y + rng.normal(0, 0.015)) * image.height
            size = rng.uniform(0.02, 0.06) * image.width
            pen.ellipse((left - size, top - size / 2, left + size, top + size / 2), fill=190)
    image.paste(colour, mask=mask.filter(ImageFilter.GaussianBlur(9)))


def _meadow() -> Image.Image:
    image = _sky((70, 140, 230), (190, 225, 250))
    _disc(image, 0.82, 0.16, 0.06, (255, 244, 190), glow=1.2)
    _clouds(image)
    _hills(image, 0.68, 0.06, (110, 160, 90))
    _hills(image, 0.8, 0.04, (80, 150, 50), phase=2)
    rng = np.random.default_rng(1)
    pen = ImageDraw.Draw(image)
    for _ in range(400):
        x, y = rng.uniform(0, WIDTH), rng.uniform(HEIGHT * 0.84, HEIGHT)
        colour = [(250, 210, 40), (240, 70, 90), (250, 250, 250)][int(rng.integers(3))]
        pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=colour)
    return image


def _mountains(above: Colour = (60, 130, 220), below: Colour = (215, 230, 245)) -> Image.Image:
    image = _sky(above, below)
    pen = ImageDraw.Draw(image)
    for left, top, right in ((-120, 210, 420), (240, 130, 760), (560, 240, 1120)):
        middle = (left + right) / 2
        pen.polygon([(left, 520), (middle, top), (right, 520)], fill=(105, 110, 125))
        pen.polygon([(middle, top), (middle - 62, top + 92), (middle, top + 70), (middle + 58, top + 95)], fill="white")
        pen.polygon([(middle, top), (right, 520), (middle + 30, 520)], fill=(85, 90, 108))
    _hills(image, 0.78, 0.03, (40, 85, 50), waves=3)
    return image


def _beach() -> Image.Image:
    image = _sky((60, 160, 235), (200, 235, 250))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 330, WIDTH, 470), fill=(20, 120, 170))
    for y in range(340, 470, 9):
        pen.line([(x, y + 3 * math.sin(x / 23 + y)) for x in range(0, WIDTH, 6)], fill=(70, 170, 205), width=2)
    _hills(image, 0.74, 0.012, (235, 250, 250))
    _hills(image, 0.76, 0.012, (235, 205, 150))
    _disc(image, 0.2, 0.18, 0.055, (255, 246, 200), glow=1.3)
    pen.polygon([(700, 420), (700, 300), (770, 410)], fill="white")
    pen.polygon([(660, 420), (790, 420), (765, 445), (690, 445)], fill=(190, 40, 40))
    return image


def _sunset() -> Image.Image:
    image = _sky((70, 40, 110), (255, 140, 60))
    _disc(image, 0.5, 0.62, 0.1, (255, 225, 130), glow=1.4)
    _hills(image, 0.7, 0.04, (60, 30, 60))
    _hills(image, 0.85, 0.03, (30, 16, 36), phase=1)
    return image


def _night() -> Image.Image:
    image = _sky((4, 6, 18), (14, 18, 42))
    rng = np.random.default_rng(5)
    pen = ImageDraw.Draw(image)
    for _ in range(260):
        left, top, light = rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT * 0.7), int(rng.uniform(120, 255))
        pen.ellipse((left, top, left + 2, top + 2), fill=(light, light, light))
    _disc(image, 0.75, 0.2, 0.06, (240, 238, 220), glow=0.8)
    _hills(image, 0.82, 0.04, (3, 6, 8))
    return image


def _city_at_night() -> Image.Image:
    image = _sky((6, 6, 20), (30, 22, 48))
    pen = ImageDraw.Draw(image)
    rng = np.random.default_rng(11)
    x = 0
    while x < WIDTH:
        width, height = int(rng.integers(60, 120)), int(rng.integers(160, 430))
        pen.rectangle((x, HEIGHT - height, x + width, HEIGHT), fill=(10, 10, 16))
        for left in range(x + 8, x + width - 12, 18):
            for top in range(HEIGHT - height + 10, HEIGHT - 20, 24):
                if rng.random() < 0.35:
                    pen.rectangle((left, top, left + 8, top + 12), fill=(250, 205, 110))
        x += width + 4
    return image


def _balloons() -> Image.Image:
    image = _sky((90, 170, 245), (225, 240, 255))
    pen = ImageDraw.Draw(image)
    colours = ("#e63946", "#ffb703", "#2a9d8f", "#8338ec", "#fb5607", "#ff006e")
    for number, (x, y, size) in enumerate(
        ((0.2, 0.35, 90), (0.45, 0.2, 70), (0.7, 0.4, 100), (0.88, 0.2, 55), (0.4, 0.62, 60), (0.1, 0.72, 45))
    ):
        left, top = x * WIDTH - size, y * HEIGHT - size
        pen.ellipse((left, top, left + 2 * size, top + 2.2 * size), fill=colours[number])
        middle = (left + size * 0.6, top, left + size * 1.4, top + 2.2 * size)
        pen.ellipse(middle, fill=colours[(number + 1) % len(colours)])
        pen.rectangle((x * WIDTH - 10, top + 2.35 * size, x * WIDTH + 10, top + 2.35 * size + 16), fill="#6b4423")
    return image


def _fruit() -> Image.Image:
    image = _sky((245, 236, 220), (225, 205, 180))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 430, WIDTH, HEIGHT), fill=(140, 92, 58))
    for x, colour in ((0.22, (200, 30, 40)), (0.4, (245, 150, 30)), (0.58, (120, 180, 40)), (0.76, (230, 200, 50))):
        pen.ellipse((x * WIDTH - 95, 480, x * WIDTH + 95, 512), fill=(105, 66, 40))
        _disc(image, x, 0.62, 0.14, colour)
        light = tuple(min(255, part + 60) for part in colour)
        pen.ellipse((x * WIDTH - 50, 335, x * WIDTH - 15, 365), fill=light)
        pen.line((x * WIDTH, 312, x * WIDTH + 14, 285), fill=(70, 45, 25), width=6)
    return image


def _street() -> Image.Image:
    image = _sky((120, 180, 235), (220, 230, 240))
    pen = ImageDraw.Draw(image)
    for x, top, colour in ((0, 150, "#b5651d"), (190, 90, "#c9ada7"), (400, 200, "#9a8c98"), (590, 120, "#e0a458")):
        pen.rectangle((x, top, x + 180, 480), fill=colour)
        for left in range(x + 20, x + 150, 50):
            for y in range(top + 25, 420, 65):
                pen.rectangle((left, y, left + 28, y + 38), fill="#dceefb", outline="#444444", width=3)
    pen.rectangle((0, 480, WIDTH, HEIGHT), fill="#55585e")
    for x in range(20, WIDTH, 150):
        pen.rectangle((x, 560, x + 80, 570), fill="#f1f1f1")
    pen.rounded_rectangle((330, 460, 620, 540), 24, fill="#c1121f")
    pen.polygon([(390, 462), (430, 405), (540, 405), (575, 462)], fill="#8fb8d8")
    for x in (395, 555):
        pen.ellipse((x - 34, 508, x + 34, 576), fill="#1b1b1e")
        pen.ellipse((x - 14, 528, x + 14, 556), fill="#bbbbbb")
    pen.rectangle((840, 330, 862, 480), fill="#5c4033")
    _disc(image, 0.886, 0.46, 0.11, (60, 130, 60))
    return image


def _snow() -> Image.Image:
    image = _mountains((150, 175, 205), (230, 236, 244))
    _hills(image, 0.72, 0.03, (246, 248, 252))
    rng = np.random.default_rng(2)
    pen = ImageDraw.Draw(image)
    for middle in (120, 300, 700, 850):
        for level in range(3):
            top, reach = 400 + level * 40, 34 + level * 18
            pen.polygon([(middle, top), (middle - reach, top + 66), (middle + reach, top + 66)], fill=(45, 80, 66))
    for _ in range(300):
        left, y, size = rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT), rng.uniform(2, 6)
        pen.ellipse((left, y, left + size, y + size), fill="white")
    return image


def _grey(draw: Callable[[], Image.Image]) -> Callable[[], Image.Image]:
    return lambda: ImageOps.autocontrast(draw().convert("L")).convert("RGB")


_PICTURES: dict[str, Callable[[], Image.Image]] = {
    "meadow": _meadow,
    "mountains": _mountains,
    "beach": _beach,
    "sunset": _sunset,
    "night sky": _night,
    "city at night": _city_at_night,
    "balloons": _balloons,
    "fruit": _fruit,
    "street": _street,
    "snow": _snow,
    "mountains in black and white": _grey(_mountains),
    "street in black and white": _grey(_street),
}
_VIDEO = "a day in six seconds.mp4"
FILES = (*(f"{name}.jpg" for name in _PICTURES), _VIDEO)
"""What :func:`draw_demo` draws, by name."""


def _draw_video(path: Path) -> None:
    with av.open(str(path), "w") as container:
        # MPEG-4 part 2 needs no encoder with a licence of its own, so every build of FFmpeg has it.
        stream = container.add_stream("mpeg4", rate=VIDEO_FPS)
        stream.width, stream.height, stream.pix_fmt = VIDEO_WIDTH, VIDEO_HEIGHT, "yuv420p"
        stream.bit_rate, stream.gop_size = 1_500_000, VIDEO_FPS
        for number in range(VIDEO_S * VIDEO_FPS):
            picture = _hour(number / (VIDEO_S * VIDEO_FPS))
            frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, VIDEO_FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _hour(share: float) -> Image.Image:
    """A landscape from morning (0) through noon into the night (1)."""
    light = max(0.0, math.sin(math.pi * min(1.0, share * 1.5)))

    def lit(dark: Colour, bright: Colour) -> Colour:
        red, green, blue = (round(low + (high - low) * light**0.6) for low, high in zip(dark, bright, strict=True))
        return red, green, blue

    image = _sky(lit((4, 6, 20), (80, 155, 240)), lit((20, 18, 45), (205, 230, 250)), VIDEO_WIDTH, VIDEO_HEIGHT)
    if share < 0.66:
        _disc(image, 0.1 + share * 1.2, 0.75 - 0.6 * light, 0.07, (255, 240, 180), glow=1.0)
    else:
        _disc(image, 0.15 + (share - 0.66), 0.25, 0.05, (235, 235, 225))
    _hills(image, 0.7, 0.07, lit((6, 10, 14), (100, 150, 90)))
    _hills(image, 0.85, 0.04, lit((3, 6, 8), (70, 140, 50)), phase=2)
    return image
