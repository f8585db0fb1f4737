"""Fit what classifiers' roll-ups (scenes, themes) mean, check it by cross-validation, and write it into their yamls.

    python -m bench.fit_groups --media DIR [--mirror DIR] [--models DIR] [--write]

``--media`` (or AI_TAGGER_TEST_MEDIA) holds ``scenes/CLASS/*.jpg`` and the pictures of ``bench.fit_calibration``.
``--models`` holds the yamls of the two models that were run (``tests/models/yaml``, which is the default).

Questions are pairs of a picture and a group: is the picture that. Scenes: the classes' plain names and what is said of
them all (forest, sports field, indoors, outdoors), and the hard cases of ``places.yaml``. Themes: the groups of which
COCO's labels tell, and a few animals that none of the pictures show. One logistic curve for each model, all groups
together, two standard errors on the careful side. Folds are by picture.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml

from bench.fit_calibration import Floats, look, regress, truths
from tagger.catalogue import AnySpec, Source, fetch, load
from tagger.judgement.calibration import logit, roll_up
from tagger.types import Label

ROOT = Path(__file__).parent.parent
SCENES, THEMES = "squeezenet-places365", "mobilenet-imagenet"
INSIDE = {"auditorium", "kitchen"}
WIDER = {"bamboo forest": {"forest"}, "football field": {"sports field"}}
FOOD = {"banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake"}
ASKED_THEMES = ("dog", "cat", "bird", "horse", "boat", "food")
# Group → COCO's labels that mean it; none of the last four is in any of the pictures.
OF_COCO: Mapping[str, set[str]] = {
    **{name: {name} for name in (*ASKED_THEMES[:-1], "elephant", "bear", "airplane", "bus", "bicycle", "motorcycle")},
    **{name: {name} for name in ("umbrella", "clock", "train", "pizza", "car", "truck", "sheep", "bed", "book")},
    "food": FOOD,
    "fruit": {"banana", "apple", "orange"},
    "vegetable": {"broccoli", "carrot"},
    "cattle": {"cow"},
    "television": {"tv"},
    "phone": {"cell phone"},
    "computer": {"laptop", "keyboard", "mouse"},
    "furniture": {"chair", "couch", "bed", "dining table", "toilet"},
    **{name: set[str]() for name in ("big cat", "monkey", "wolf", "fox")},
}
_FOLDS, _REPEATS = 10, 10
_CAREFUL = 2.0  # standard errors

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Question:
    """Is ``picture`` a ``group``? ``score`` is the model's, ``truth`` says; ``asked``: it is measured."""

    picture: str
    group: str
    score: float
    truth: bool
    asked: bool


def scene_questions(media: Path, spec: AnySpec, weights: Path) -> list[Question]:
    """Of every picture of a class each class's plain name and what is said of them all; then the hard cases."""
    folders = {folder.name.replace("_", " "): folder for folder in (media / "scenes").iterdir() if folder.is_dir()}
    of_class = {str(p.relative_to(media)): name for name, folder in folders.items() for p in sorted(folder.glob("*"))}
    questions = []
    for picture, scores in _rolled(media, list(of_class), spec, weights).items():
        name = of_class[picture]
        true = {name, *WIDER.get(name, ()), "indoors" if name in INSIDE else "outdoors"}
        for group in sorted({*folders, "forest", "sports field", "indoors", "outdoors"}):
            questions.append(Question(picture, group, scores.get(group, 0.0), group in true, group in folders))
    hard = yaml.safe_load((ROOT / "bench" / "places.yaml").read_text("utf-8"))
    cases = [
        (f"{picture}.jpg", group, said == "is")
        for group, of_group in hard.items()
        for said, pictures in of_group.items()
        for picture in pictures
    ]
    seen = _rolled(media, sorted({picture for picture, _, _ in cases}), spec, weights)
    return questions + [Question(at, group, seen[at].get(group, 0.0), truth, False) for at, group, truth in cases]


def theme_questions(media: Path, spec: AnySpec, weights: Path) -> list[Question]:
    """Of every COCO picture each group that COCO knows; asked are the six on the pictures that show one of them."""
    truth = truths(media)
    questions = []
    for picture, scores in _rolled(media, sorted(truth), spec, weights).items():
        true = {group for group, labels in OF_COCO.items() if labels & truth[picture]}
        shown = bool(true & set(ASKED_THEMES))
        for group in OF_COCO:
            asked = shown and group in ASKED_THEMES
            questions.append(Question(picture, group, scores.get(group, 0.0), group in true, asked))
    return questions


def _rolled(media: Path, pictures: Sequence[str], spec: AnySpec, weights: Path) -> dict[str, dict[str, float]]:
    found = look(media, pictures, spec, weights)
    scores = {at: {f.name: f.score for f in said if isinstance(f, Label)} for at, said in found.items()}
    return {picture: roll_up(of_labels, spec.members) for picture, of_labels in scores.items()}


def fit(scores: Floats, truth: Bools) -> tuple[float, float]:
    """Intercept and slope of the curve, two standard errors lower where it says .90: few pictures leave much open."""
    intercept, slope = regress(scores[:, None], truth)
    p = 1 / (1 + np.exp(-(intercept + slope * scores)))
    x = np.stack([np.ones(len(scores)), scores], axis=1)
    spread = np.linalg.inv((x * (p * (1 - p))[:, None]).T @ x)
    there = np.array([1.0, (logit(0.90) - intercept) / slope])
    return float(intercept - _CAREFUL * np.sqrt(there @ spread @ there)), float(slope)


def cross_validate(questions: Sequence[Question]) -> str:
    """Right and found at .90 and .70 of what is asked, held out by picture, mean of the repeats; and of all others."""
    scores = np.array([logit(q.score) for q in questions])
    truth = np.array([q.truth for q in questions])
    asked = np.array([q.asked for q in questions])
    pictures, picture_of = np.unique([q.picture for q in questions], return_inverse=True)
    totals = np.zeros(8)
    for repeat in range(_REPEATS):
        fold = (np.random.default_rng(repeat).permutation(len(pictures)) % _FOLDS)[picture_of]
        held_out = np.zeros(len(questions))
        for number in range(_FOLDS):
            intercept, slope = fit(scores[fold != number], truth[fold != number])
            held_out[fold == number] = 1 / (1 + np.exp(-(intercept + slope * scores[fold == number])))
        figures = [_right_and_found(held_out >= p, truth, of) for of in (asked, ~asked) for p in (0.90, 0.70)]
        totals += np.array(figures).ravel() / _REPEATS
    words = "apply (p >= .90) {:.3f} right, {:.3f} found; review and up (p >= .70) {:.3f} right, {:.3f} found"
    return f"{words.format(*totals[:4])}. All other questions: {words.format(*totals[4:])}"


def _right_and_found(said: Bools, truth: Bools, of: Bools) -> tuple[float, float]:
    return float(truth[said & of].mean()), float((said & truth & of).sum() / (truth & of).sum())


def write(spec: AnySpec, curve: tuple[float, float], how: str) -> None:
    """Replace the calibration in the model's yaml (its last block)."""
    kept = spec.yaml.read_text("utf-8").split("\ncalibration:\n")[0].rstrip("\n")
    block = f"calibration:\n  slope: {curve[1]:.2f}\n  intercept: {curve[0]:.2f}\n  fitted: >-\n    {how}\n"
    spec.yaml.write_text(f"{kept}\n{block}", "utf-8")


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description="Fit what the roll-ups of classifiers mean.")
    parser.add_argument("--media", default=os.environ.get("AI_TAGGER_TEST_MEDIA", ""))
    parser.add_argument("--mirror", default=os.environ.get("AI_TAGGER_MIRROR", ""))
    parser.add_argument("--models", type=Path, default=ROOT / "tests" / "models" / "yaml")
    parser.add_argument("--write", action="store_true", help="write the yamls; without it only print")
    arguments = parser.parse_args()
    media, catalogue = Path(arguments.media), load(arguments.models)
    for name, ask in ((SCENES, scene_questions), (THEMES, theme_questions)):
        spec = catalogue.get(name)
        with tempfile.TemporaryDirectory() as weights:
            fetch(spec, Path(weights), Source(arguments.mirror))
            questions = ask(media, spec, Path(weights))
        asked = [q for q in questions if q.asked]
        how = (
            f"bench.fit_groups, {len({q.picture for q in questions})} pictures, {len(questions)} questions; asked are "
            f"{len(asked)} with {sum(q.truth for q in asked)} yes; {_FOLDS}-fold cross-validation by picture, mean of "
            f"{_REPEATS}: {cross_validate(questions)}."
        )
        curve = fit(np.array([logit(q.score) for q in questions]), np.array([q.truth for q in questions]))
        print(f"{name}: intercept {curve[0]:.2f}, slope {curve[1]:.2f}. {how}")
        if arguments.write:
            write(spec, curve, how)


if __name__ == "__main__":
    main()
