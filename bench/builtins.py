"""How right the recognizers without weights are: day and night, black and white, on a set made from photographs.

    python -m bench.builtins --media DIR [--out DIR] [--seed N]

``--media`` (or AI_TAGGER_TEST_MEDIA) holds the pictures that ``tests/models/labelled.yaml`` names by what they show.
The set, which ``--out`` keeps as pictures, in folders by what is true of them:

* ``day``: outdoor photographs by daylight, as they are; half of them again cropped to a random .6 to .9 of each side
  and made brighter or darker by up to a fifth.
* ``night``: the real ones, and every photograph of the day darkened (gamma 1.2 to 2.2, to a tenth to a third of the
  light, bluish or yellowish, with noise and up to eight lamps).
* ``neither``: photographs of rooms, as they are and with half of the light.
* ``grey``, ``toned``: photographs of all kinds without colour, by one of three mixtures of the channels, some with
  noise or strong contrast; and brown, in one of three strengths.
* ``coloured``: all that isn't black and white, as it is, and with .35 of its saturation.

Right is what is applied (.90) and true. Day and night say nothing of one another's folder, grey and toned are one.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import yaml

from tagger.recognizers.builtin import builtins
from tagger.types import Frame

RgbArray = npt.NDArray[np.uint8]
ROOT = Path(__file__).parent.parent
APPLIED = 0.90
GREYS = ((0.299, 0.587, 0.114), (0.8, 0.1, 0.1), (1 / 3, 1 / 3, 1 / 3))
# Rows give red, green, blue of a brown print from red, green, blue.
SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
TRUE_IN = {"day": {"day"}, "night": {"night"}, "black and white": {"grey", "toned"}}
ASKED_IN = {
    "day": {"day", "night", "neither"},
    "night": {"day", "night", "neither"},
    "black and white": {"grey", "toned", "coloured"},
}


def made(media: Path, seed: int) -> Iterator[tuple[str, str, RgbArray]]:
    """Folder, name and picture of the whole set."""
    lists = yaml.safe_load((ROOT / "tests" / "models" / "labelled.yaml").read_text("utf-8"))
    dice = np.random.default_rng(seed)
    for number, (path, rgb) in enumerate(_read(media, lists["day"])):
        yield "day", path, rgb
        if number % 2:
            yield "day", f"{path}-cropped", _cropped(rgb, dice)
        yield "night", f"{path}-darkened", _darkened(rgb, dice)
    for path, rgb in _read(media, lists["night"]):
        yield "night", path, rgb
    for path, rgb in _read(media, lists["inside"]):
        yield "neither", path, rgb
        yield "neither", f"{path}-dim", _bytes(rgb * 0.5)
    one_tone = set(lists["black_and_white"])
    everything = sorted({path for paths in lists.values() for path in paths})
    for number, (path, rgb) in enumerate(_read(media, everything)):
        if path in one_tone:
            yield "grey", path, rgb
            continue
        yield "coloured", path, rgb
        if number % 3 == 0:
            yield "coloured", f"{path}-pale", _saturated(rgb, 0.35)
        elif number % 3 == 1:
            yield "grey", f"{path}-grey", _grey(rgb, dice)
        else:
            yield "toned", f"{path}-toned", _toned(rgb, dice)


def _read(media: Path, paths: list[str]) -> Iterator[tuple[str, RgbArray]]:
    for path in paths:
        bgr = cv2.imread(str(media / path), cv2.IMREAD_COLOR)
        yield path, np.ascontiguousarray(np.asarray(bgr, np.uint8)[:, :, ::-1])


def _bytes(values: Any) -> RgbArray:
    rgb: RgbArray = np.clip(values, 0, 255).astype(np.uint8)
    return rgb


def _cropped(rgb: RgbArray, dice: np.random.Generator) -> RgbArray:
    height, width = rgb.shape[:2]
    share = dice.uniform(0.6, 0.9)
    h, w = int(height * share), int(width * share)
    top, left = int(dice.integers(height - h + 1)), int(dice.integers(width - w + 1))
    return _bytes(rgb[top : top + h, left : left + w] * dice.uniform(0.8, 1.2))


def _darkened(rgb: RgbArray, dice: np.random.Generator) -> RgbArray:
    tint = np.array([[0.85, 0.9, 1.1], [1.1, 0.95, 0.75]][int(dice.integers(2))])
    dark = (rgb / 255.0) ** dice.uniform(1.2, 2.2) * dice.uniform(0.1, 0.33) * 255 * tint
    dark += dice.normal(0, 3, dark.shape)
    height, width = rgb.shape[:2]
    for _ in range(int(dice.integers(0, 9))):
        at = (int(dice.integers(width)), int(dice.integers(height // 6, height)))
        cv2.circle(dark, at, int(dice.integers(2, max(3, height // 60))), (255, 220, 160), -1)
    return _bytes(dark)


def _saturated(rgb: RgbArray, share: float) -> RgbArray:
    grey = (rgb @ np.array(GREYS[0]))[:, :, None]
    return _bytes(grey + share * (rgb - grey))


def _grey(rgb: RgbArray, dice: np.random.Generator) -> RgbArray:
    grey = rgb @ np.array(GREYS[int(dice.integers(3))])
    grey = (grey - 128) * dice.uniform(0.7, 1.5) + 128 + dice.normal(0, dice.uniform(0, 8), grey.shape)
    return np.repeat(_bytes(grey)[:, :, None], 3, axis=2)


def _toned(rgb: RgbArray, dice: np.random.Generator) -> RgbArray:
    strength = (0.5, 0.75, 1.0)[int(dice.integers(3))]
    grey = (rgb @ np.array(GREYS[0]))[:, :, None]
    return _bytes(grey + strength * (rgb @ SEPIA.T - grey))


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one label, in pictures: asked, of which it is true, to which it is applied, and those that are right."""

    asked: int
    true: int
    applied: int
    right: int
    wrong: tuple[str, ...]


Heard = list[tuple[str, str, dict[str, float]]]


def heard_of(pictures: Iterable[tuple[str, str, RgbArray]]) -> Heard:
    """Folder, name, and what is said of each picture."""
    rules = [rule for rule in builtins() if set(rule.labels) & TRUE_IN.keys()]
    heard = []
    for folder, name, rgb in pictures:
        frame = Frame(rgb, 0.0, rgb.shape[1], rgb.shape[0])
        heard.append(
            (folder, name, {found.name: found.score for rule in rules for found in rule.recognise([frame])[0]})
        )
    return heard


def measured(heard: Heard) -> dict[str, Measured]:
    """By label."""
    found = {}
    for label, true_in in TRUE_IN.items():
        asked = [(folder, name, said.get(label, 0.0)) for folder, name, said in heard if folder in ASKED_IN[label]]
        applied = [(folder in true_in, f"{folder}/{name}") for folder, name, score in asked if score >= APPLIED]
        true = sum(folder in true_in for folder, _, _ in asked)
        right = sum(is_true for is_true, _ in applied)
        wrong = tuple(name for is_true, name in applied if not is_true)
        found[label] = Measured(len(asked), true, len(applied), right, wrong)
    return found


def kept(pictures: Iterable[tuple[str, str, RgbArray]], folder: Path) -> Iterator[tuple[str, str, RgbArray]]:
    """The same pictures, written into the folder as they pass."""
    for kind, name, rgb in pictures:
        file = folder / kind / f"{name.replace('/', '-')}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), np.ascontiguousarray(rgb[:, :, ::-1]))
        yield kind, name, rgb


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--media", default=os.environ.get("AI_TAGGER_TEST_MEDIA", ""))
    parser.add_argument("--out", type=Path, help="keep the pictures in this folder")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    pictures = made(Path(options.media), options.seed)
    for label, of in measured(heard_of(kept(pictures, options.out) if options.out else pictures)).items():
        print(
            f"{label:16}{of.asked} pictures, {of.true} are; applied to {of.applied}, "
            f"{of.right / max(1, of.applied):.3f} right, {of.right / of.true:.3f} found; wrong:",
            *of.wrong,
        )


if __name__ == "__main__":
    main()
