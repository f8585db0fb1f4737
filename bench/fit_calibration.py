"""Fit what the detectors' scores mean, check it by cross-validation, and write it into ``models/*.yaml``.

    python -m bench.fit_calibration --media DIR [--mirror DIR] [--write]

``--media`` (or AI_TAGGER_TEST_MEDIA) holds ``objects/`` with a COCO ``instances_*.json`` and ``objects128/`` with
``objects.json``. Fitted are, for each model, the context weights and one logistic curve over all labels, and for the
jury of all models one curve over their scores. (Own curves or offsets for labels were tried: with so few pictures they
gain nothing.) Questions are pairs of a picture and a label: is it in the picture at all. Folds are by picture.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from tagger.catalogue import SHIPPED, AnySpec, Source, fetch, load
from tagger.config import USUAL_REVIEW
from tagger.engines.onnx import OnnxEngine
from tagger.evaluate.measure import LEAST, equal_mass
from tagger.judgement.calibration import Calibration, Context, Curve, Jury, context_terms, logit
from tagger.recognizers import build
from tagger.types import Frame, Label

MODELS = ("deimv2-femto", "yolox-nano")
JURY = "jury.objects.yaml"
_FOLDS, _REPEATS = 10, 10
_LEAST = (0.90, 0.70, USUAL_REVIEW["objects"])
_RIDGE = 1e-2

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Question:
    """Is ``label`` in ``picture``? ``truth`` says."""

    picture: str
    label: str
    truth: bool


@dataclass(frozen=True, slots=True)
class Table:
    """All questions as numbers. ``terms[model]`` is (questions, 4): logit of the best score, crowd, rival, area;
    where ``seen[model]`` is False the model found nothing of the label."""

    pictures: npt.NDArray[np.str_]
    truth: npt.NDArray[np.bool_]
    terms: Mapping[str, Floats]
    seen: Mapping[str, npt.NDArray[np.bool_]]

    def where(self, rows: npt.NDArray[np.bool_]) -> Table:
        """Some of the questions."""
        terms = {model: values[rows] for model, values in self.terms.items()}
        return Table(self.pictures[rows], self.truth[rows], terms, {m: v[rows] for m, v in self.seen.items()})

    def scores(self, model: str, context: Context) -> Floats:
        """Logit of the model's frame score for each question: what ``frame_scores`` gives in the product."""
        shifted = self.terms[model] @ np.array([1.0, context.crowd, context.rival, context.area])
        clipped: Floats = np.clip(np.where(self.seen[model], shifted, -np.inf), logit(0.0), logit(1.0))
        return clipped


@dataclass(frozen=True, slots=True)
class Fitted:
    """What one fold (or all) taught: each model's own calibration, and the jury."""

    models: Mapping[str, Calibration]
    jury: Jury


def truths(media: Path) -> dict[str, set[str]]:
    """Picture (relative path) → labels that are in it."""
    found: dict[str, set[str]] = {}
    for listing in (media / "objects").glob("instances_*.json"):
        coco = json.loads(listing.read_text("utf-8"))
        names = {category["id"]: category["name"] for category in coco["categories"]}
        pictures = {image["id"]: f"objects/{image['file_name']}" for image in coco["images"]}
        found |= {picture: set() for picture in pictures.values()}
        for thing in coco["annotations"]:
            found[pictures[thing["image_id"]]].add(names[thing["category_id"]])
    boxes = json.loads((media / "objects128" / "objects.json").read_text("utf-8"))
    for name, entry in boxes.items():
        found[f"objects128/{name}"] = {thing["label"] for thing in entry["objects"]}
    return {picture: labels for picture, labels in found.items() if (media / picture).is_file()}


def look(media: Path, pictures: Sequence[str], spec: AnySpec, folder: Path) -> dict[str, tuple[Label, ...]]:
    """What the model finds in every picture."""
    recognizer = build(spec, folder, OnnxEngine)
    found = {}
    for picture in pictures:
        bgr = cv2.imread(str(media / picture), cv2.IMREAD_COLOR)
        rgb = np.ascontiguousarray(np.asarray(bgr, np.uint8)[:, :, ::-1])
        found[picture] = recognizer.recognise([Frame(rgb, 0.0, rgb.shape[1], rgb.shape[0])])[0]
    return found


def tabulate(truth: Mapping[str, set[str]], found: Mapping[str, Mapping[str, Sequence[Label]]]) -> Table:
    """Every label that is in a picture or that any model found there, as a question."""
    asked = []
    for picture, labels in sorted(truth.items()):
        said = {finding.name for of_model in found.values() for finding in of_model[picture]}
        asked += [(picture, label, label in labels) for label in sorted(labels | said)]
    rows = {model: [_terms(label, seen[picture]) for picture, label, _ in asked] for model, seen in found.items()}
    return Table(
        np.array([picture for picture, _, _ in asked]),
        np.array([is_there for _, _, is_there in asked]),
        {model: np.array([row or (0.0,) * 4 for row in of_model]) for model, of_model in rows.items()},
        {model: np.array([row is not None for row in of_model]) for model, of_model in rows.items()},
    )


def _terms(label: str, findings: Sequence[Label]) -> tuple[float, float, float, float] | None:
    mine = [finding for finding in findings if finding.name == label]
    if not mine:
        return None
    best = max(mine, key=lambda finding: finding.score)
    return logit(best.score), *context_terms(best, mine, sorted(findings, key=lambda finding: -finding.score))


def regress(features: Floats, truth: npt.NDArray[np.bool_]) -> Floats:
    """Logistic regression by Newton's method, a little ridge on all but the intercept, which comes first."""
    x = np.concatenate([np.ones((len(features), 1)), features], axis=1)
    ridge = np.array([1e-6] + [_RIDGE] * features.shape[1])
    weights = np.zeros(x.shape[1])
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + np.diag(ridge), x.T @ (p - truth) + ridge * weights)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    return weights


def fit(table: Table) -> Fitted:
    """Each model's context and curve, then the jury over the models' scores."""
    models: dict[str, Calibration] = {}
    for model, seen in table.seen.items():
        w = regress(table.terms[model][seen], table.truth[seen])
        context = Context(*(round(float(v / w[1]), 3) for v in w[2:]))
        # Silence is a score too: all questions count here, also those where this model found nothing.
        curve = regress(table.scores(model, context)[:, None], table.truth)
        models[model] = Calibration(Curve(slope=float(curve[1]), intercept=float(curve[0])), context)
    said = np.stack([table.scores(model, how.context) for model, how in models.items()], axis=1)
    heard = np.any(list(table.seen.values()), axis=0)
    w = regress(said[heard], table.truth[heard])
    return Fitted(models, Jury(dict(zip(models, w[1:].tolist(), strict=True)), float(w[0])))


def judge(table: Table, fitted: Fitted) -> dict[str, Floats]:
    """Probability of each question by each model alone and by the jury."""
    said = {model: table.scores(model, how.context) for model, how in fitted.models.items()}
    odds = {model: how.curve.intercept + how.curve.slope * said[model] for model, how in fitted.models.items()}
    jury = fitted.jury
    odds["jury"] = jury.intercept + np.sum([weight * said[model] for model, weight in jury.weights.items()], axis=0)
    return {name: 1 / (1 + np.exp(-z)) for name, z in odds.items()}


def cross_validate(table: Table) -> dict[str, str]:
    """For each model and the jury: right and found where tags are applied and where they wait for review, and the
    calibration error as ``evaluate`` has it; held out by picture, mean of the repeats."""
    pictures, picture_of = np.unique(table.pictures, return_inverse=True)
    totals: dict[str, Floats] = {}
    for repeat in range(_REPEATS):
        fold = (np.random.default_rng(repeat).permutation(len(pictures)) % _FOLDS)[picture_of]
        held_out: dict[str, Floats] = {}
        for number in range(_FOLDS):
            fitted = fit(table.where(fold != number))
            for name, answers in judge(table.where(fold == number), fitted).items():
                held_out.setdefault(name, np.zeros(len(fold)))[fold == number] = answers
        for name, answers in held_out.items():
            figures = [v for least in _LEAST for v in _right_and_found(answers >= least, table.truth)]
            figures.append(_error(answers, table.truth))
            totals[name] = totals.get(name, np.zeros(len(figures))) + np.array(figures) / _REPEATS
    words = (
        "; ".join(f"p >= {least:.2f} {{:.3f}} right, {{:.3f}} found" for least in _LEAST) + "; calibration error {:.3f}"
    )
    return {name: words.format(*total) for name, total in totals.items()}


def _error(answers: Floats, truth: npt.NDArray[np.bool_]) -> float:
    stored = answers >= LEAST
    bins = equal_mass(list(zip(answers[stored].tolist(), truth[stored].tolist(), strict=True)))
    return sum(one.count * abs(one.sure - one.right) for one in bins) / sum(one.count for one in bins)


def _right_and_found(said: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> tuple[float, float]:
    return float(truth[said].mean()), float((said & truth).sum() / truth.sum())


def write(fitted: Fitted, specs: Mapping[str, AnySpec], how: str, results: Mapping[str, str]) -> None:
    """Replace the calibration in each model's yaml (its last block), and the jury's file."""
    for model, calibration in fitted.models.items():
        path = specs[model].yaml
        kept = path.read_text("utf-8").split("\ncalibration:\n")[0].rstrip("\n")
        curve, context = calibration.curve, calibration.context
        block = [
            "calibration:",
            f"  slope: {curve.slope:.3f}",
            f"  intercept: {curve.intercept:.3f}",
            f"  crowd: {context.crowd:.3f}",
            f"  rival: {context.rival:.3f}",
            f"  area: {context.area:.3f}",
            f"  fitted: >-\n    {how} Alone: {results[model]}.",
        ]
        path.write_text("\n".join([kept, *block, ""]), "utf-8")
    members = "".join(f"  {specs[model].model}: {weight:.3f}\n" for model, weight in fitted.jury.weights.items())
    (SHIPPED / JURY).write_text(
        "# Written by python -m bench.fit_calibration: what these detectors' scores mean together.\n"
        f"jury: objects\nfeature: objects\nmodels:\n{members}intercept: {fitted.jury.intercept:.3f}\n"
        f"fitted: >-\n  {how} {results['jury']}.\n",
        "utf-8",
    )


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description="Fit what the detectors' scores mean.")
    parser.add_argument("--media", default=os.environ.get("AI_TAGGER_TEST_MEDIA", ""), required=False)
    parser.add_argument("--mirror", default=os.environ.get("AI_TAGGER_MIRROR", ""))
    parser.add_argument("--write", action="store_true", help="write the yamls; without it only print")
    arguments = parser.parse_args()
    media = Path(arguments.media)
    catalogue = load()
    specs = {name: catalogue.get(name) for name in MODELS}
    truth = truths(media)
    with tempfile.TemporaryDirectory() as weights:
        for spec in specs.values():
            fetch(spec, Path(weights), Source(arguments.mirror))
        found = {name: look(media, sorted(truth), spec, Path(weights)) for name, spec in specs.items()}
    table = tabulate(truth, found)
    results = cross_validate(table)
    how = (
        f"bench.fit_calibration on {len(truth)} COCO train2017 pictures with {table.truth.sum()} labels; "
        f"{_FOLDS}-fold cross-validation by picture, mean of {_REPEATS}."
    )
    print(how, *(f"{name}: {result}" for name, result in results.items()), sep="\n")
    if arguments.write:
        write(fit(table), specs, how, results)


if __name__ == "__main__":
    main()
