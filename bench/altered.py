"""The faces of :mod:`bench.faces` in pictures that were spoilt: what still is known, and whether anybody is wrong.

    python -m bench.altered --media DIR [--mirror DIR] [--model mobilefacenet]

Each change is done to every portrait. Asked: the spoilt pictures, where the known people's are as they were. Known: the
other way round. Both: all are spoilt. Wrong counts every name written wrongly in any of these, strangers' included.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from bench.faces import (
    Change,
    Example,
    Gathered,
    gathered,
    hold_out,
    leave_one_out,
    portraits,
    recogniser,
    strangers,
    verdict,
)
from tagger.catalogue import Source
from tagger.people.likeness import Likeness

Picture = npt.NDArray[np.uint8]
_MOST_EXAMPLES = 4


def _clipped(values: npt.NDArray[np.floating]) -> Picture:
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def _turned(picture: Picture, degrees: float) -> Picture:
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _scaled(picture: Picture, by: float) -> Picture:
    how = cv2.INTER_AREA if by < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, None, fx=by, fy=by, interpolation=how), np.uint8)


def _squeezed(picture: Picture, quality: int) -> Picture:
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _noisy(picture: Picture, deviation: float) -> Picture:
    return _clipped(picture + np.random.default_rng(1).normal(0, deviation, picture.shape))


def _blurred(picture: Picture, share: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), share * picture.shape[0]), np.uint8)


CHANGES: Mapping[str, Change] = {
    "as they are": lambda p: p,
    "mirrored": lambda p: np.ascontiguousarray(p[:, ::-1]),
    "grey": lambda p: np.repeat(np.asarray(cv2.cvtColor(p, cv2.COLOR_BGR2GRAY), np.uint8)[:, :, None], 3, axis=2),
    "JPEG of quality 30": lambda p: _squeezed(p, 30),
    "JPEG of quality 10": lambda p: _squeezed(p, 10),
    "half as large": lambda p: _scaled(p, 0.5),
    "a quarter as large": lambda p: _scaled(p, 0.25),
    "twice as large": lambda p: _scaled(p, 2.0),
    "tilted by 8 degrees": lambda p: _turned(p, 8),
    "tilted by 15 degrees": lambda p: _turned(p, -15),
    "tilted by 30 degrees": lambda p: _turned(p, 30),
    "brighter, 1.6 times": lambda p: _clipped(p * 1.6),
    "darker, 0.4 times": lambda p: _clipped(p * 0.4),
    "darker, 0.2 times": lambda p: _clipped(p * 0.2),
    "faded": lambda p: _clipped(p * 0.35 + 90),
    "yellowed": lambda p: _clipped(p * np.array([0.6, 0.9, 1.2])),
    "blurred": lambda p: _blurred(p, 0.013),
    "noise of deviation 25": lambda p: _noisy(p, 25),
}


class Altered(NamedTuple):
    """``found`` faces; of these applied rightly, three ways; ``wrong`` names written, strangers' included."""

    found: int
    asked: int
    known: int
    both: int
    wrong: int
    groups: Gathered


def altered(plain: Sequence[Example], spoilt: Sequence[Example], others: Sequence[Example], like: Likeness) -> Altered:
    """Portraits as they are and spoilt, with strangers beside them."""
    ways = [
        leave_one_out(spoilt, like, _MOST_EXAMPLES, plain),
        leave_one_out(plain, like, _MOST_EXAMPLES, spoilt),
        leave_one_out(spoilt, like, _MOST_EXAMPLES),
    ]
    outside = [hold_out(spoilt, like, plain), hold_out(plain, like, spoilt), hold_out(spoilt, like)]
    said = [[i.person_id == truth for i, truth in rows if i and verdict(i) == "apply"] for rows in ways + outside]
    right = [rows.count(True) for rows in said]
    wrong = sum(rows.count(False) for rows in said)
    return Altered(len(spoilt), right[0], right[1], right[2], wrong, gathered(spoilt, others, like))


def main() -> None:
    parser = argparse.ArgumentParser(description="Faces in spoilt pictures.")
    parser.add_argument("--media", type=Path, default=os.environ.get("AI_TAGGER_TEST_MEDIA"))
    parser.add_argument("--mirror", default=os.environ.get("AI_TAGGER_MIRROR", ""))
    parser.add_argument("--model", default="mobilefacenet")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spec, recognizer = recogniser(args.model, Source(args.mirror), Path(folder))
        like, others = Likeness.of(spec.identity), strangers(args.media, recognizer)
        plain = portraits(args.media, recognizer)
        for name, change in CHANGES.items():
            seen = altered(plain, portraits(args.media, recognizer, change), others, like)
            print(
                f"{name:22} found {seen.found}; applied: asked {seen.asked}, known {seen.known}, both {seen.both}; "
                f"wrong {seen.wrong}; {seen.groups.pure:.1%} pure, {seen.groups.whole:.1%} gathered",
                flush=True,
            )


if __name__ == "__main__":
    main()
