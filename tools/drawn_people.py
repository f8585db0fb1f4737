"""Drawn people for the picture of the people page: ``python tools/drawn_people.py DATA_FOLDER``.

In a drawn demo library nobody has a face, so its store of people (in the data folder) is filled with drawn ones. A
store that has faces already is left alone.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageEnhance

sys.path.insert(0, str(Path(__file__).parents[1]))

from tagger.people_store import Example, NewFace, PeopleStore, Place
from tagger.types import Box, ItemRef, MediaItem

Rgb = tuple[int, int, int]
SIDE = 448  # drawn four times as large as it is kept, which smooths its edges
MODEL = "mobilefacenet@1"
WHERE = Place(0.0, Box(0.3, 0.1, 0.6, 0.5))
DIMENSIONS = 512


@dataclass(frozen=True, slots=True)
class Look:
    """How somebody is drawn; ``hair`` is short, long, bun or none."""

    skin: Rgb
    hair: str
    colour: Rgb
    shirt: Rgb
    glasses: bool = False
    beard: bool = False


ADA = Look((236, 188, 155), "bun", (92, 52, 30), (140, 40, 60))
OTTO = Look((198, 140, 104), "none", (60, 40, 30), (40, 90, 120), beard=True)
UNKNOWN = (
    (6, Look((241, 200, 170), "long", (214, 160, 80), (60, 110, 70))),
    (5, Look((120, 78, 52), "short", (24, 20, 20), (200, 150, 40), glasses=True)),
    (3, Look((160, 108, 76), "long", (38, 24, 20), (150, 70, 110), glasses=True)),
    (2, ADA),
)
KNOWN = (("Ada Drawn", ADA), ("Otto Drawn", OTTO))


def main() -> int:
    if len(sys.argv) != 2:
        sys.stderr.write((__doc__ or "") + "\n")
        return 2
    data = Path(sys.argv[1])
    (key,) = json.loads((data / "libraries.json").read_text("utf-8")).values()
    with closing(PeopleStore(data / "people.sqlite", key)) as store:
        if store.counts()["faces"]:
            sys.stderr.write(f"{data} has faces already, and they stay.\n")
            return 1
        _fill(store, np.random.default_rng(5))
    return 0


def _fill(store: PeopleStore, rng: np.random.Generator) -> None:
    centres = {look: _unit(rng.standard_normal(DIMENSIONS)) for _, look in (*UNKNOWN, *KNOWN)}
    for size, look in UNKNOWN:
        ids = [_add(store, rng, look, centres[look]) for _ in range(size)]
        store.set_groups(dict.fromkeys(ids, ids[0]))
    for name, look in KNOWN:
        person = store.person(name)
        for n in range(4):
            vector = _near(rng, centres[look])
            example = Example(0, person.id, MODEL, "named", "", f"md5:{name}{n}", WHERE, vector, 0.9, crop(look, rng))
            store.add_example(example)


def _add(store: PeopleStore, rng: np.random.Generator, look: Look, centre: npt.NDArray[np.float64]) -> int:
    number = store.counts()["faces"] + 1
    item = MediaItem(ItemRef("image", str(number)), "image", "", f"md5:drawn{number}", f"/drawn/{number}.jpg")
    return store.add_face(item, MODEL, NewFace((WHERE,), _near(rng, centre), 0.9, 0.9, crop=crop(look, rng)))


def _unit(vector: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return vector / float(np.linalg.norm(vector))


def _near(rng: np.random.Generator, centre: npt.NDArray[np.float64]) -> bytes:
    """A face as like the centre as faces of one person are like each other."""
    vector = _unit(0.8 * centre + 0.6 * _unit(rng.standard_normal(DIMENSIONS)))
    return vector.astype(np.float16).tobytes()


def crop(look: Look, rng: np.random.Generator) -> bytes:
    """One view of somebody as a JPEG of 112 pixels: light, place, tilt and mood differ."""
    ground = tuple(int(v) for v in rng.integers(60, 190, 3))
    image = Image.new("RGB", (SIDE, SIDE), ground)
    _draw(ImageDraw.Draw(image), look, float(rng.uniform(0.1, 1.0)))
    across, down = (int(v) for v in rng.integers(-18, 18, 2))
    image = image.rotate(
        float(rng.uniform(-9, 9)), Image.Resampling.BICUBIC, translate=(across, down), fillcolor=ground
    )
    image = ImageEnhance.Brightness(image).enhance(float(rng.uniform(0.88, 1.1)))
    if rng.random() < 0.2:
        image = image.convert("L").convert("RGB")
    kept = io.BytesIO()
    image.resize((112, 112), Image.Resampling.LANCZOS).save(kept, "JPEG", quality=88)
    return kept.getvalue()


def _draw(draw: ImageDraw.ImageDraw, look: Look, smile: float) -> None:
    middle, dark = SIDE // 2, _darker(look.skin, 0.8)
    if look.hair == "long":
        draw.rounded_rectangle((95, 60, 353, 400), 120, look.colour)
    if look.hair == "bun":
        draw.ellipse((174, 0, 274, 100), look.colour)
    draw.ellipse((60, 370, 388, 620), look.shirt)
    draw.rectangle((184, 330, 264, 400), dark)
    for x in (108, 314):
        draw.ellipse((x, 205, x + 28, 265), dark)
    draw.ellipse((120, 80, 328, 372), look.skin)
    if look.beard:
        draw.chord((124, 190, 324, 376), 10, 170, look.colour)
    if look.hair != "none":
        draw.chord((114, 48, 334, 270), 192, 348, look.colour)
    for x in (middle - 48, middle + 48):
        draw.ellipse((x - 20, 200, x + 20, 224), (250, 250, 250))
        draw.ellipse((x - 10, 201, x + 10, 223), (50, 40, 35))
        draw.line((x - 24, 182, x + 24, 178), _darker(look.colour, 0.8), 8)
        if look.glasses:
            draw.rounded_rectangle((x - 38, 184, x + 38, 240), 16, outline=(30, 30, 34), width=7)
    if look.glasses:
        draw.line((middle - 12, 206, middle + 12, 206), (30, 30, 34), 7)
    draw.line((middle, 220, middle - 10, 268, middle + 10, 270), dark, 7, "curve")
    depth = max(6.0, 34 * smile)
    box = (middle - 42, 306 - depth, middle + 42, 306 + depth)
    draw.arc(box, 20, 160, fill=(150, 60, 60), width=9)


def _darker(colour: Rgb, share: float) -> Rgb:
    red, green, blue = (int(part * share) for part in colour)
    return (red, green, blue)


if __name__ == "__main__":
    sys.exit(main())
