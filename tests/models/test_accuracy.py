"""How right the recognizers are on real pictures: goldens with tolerance, away from chance and from perfection.

The figures that hold out what was fitted are made by ``python -m bench.fit_calibration`` and stand in the yamls; here
the product's own path (weights → findings → probability) is held to them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from bench.builtins import heard_of, made, measured
from bench.fit_groups import SCENES, THEMES, Question, scene_questions, theme_questions
from tagger.catalogue import AnySpec, Source, fetch, load
from tagger.config import USUAL_REVIEW
from tagger.engines.onnx import OnnxEngine
from tagger.judgement.calibration import frame_scores, probability, roll_up
from tagger.recognizers import build
from tagger.recognizers.builtin import builtins
from tagger.types import Finding, Frame

MIRROR = os.environ.get("AI_TAGGER_MIRROR", "")
MEDIA = Path(os.environ.get("AI_TAGGER_TEST_MEDIA", ""))
HERE = Path(__file__).parent

pytestmark = [
    pytest.mark.skipif(not os.environ.get("AI_TAGGER_TEST_MEDIA"), reason="AI_TAGGER_TEST_MEDIA names no folder"),
    pytest.mark.slow,
]
needs_weights = pytest.mark.skipif(not MIRROR, reason="AI_TAGGER_MIRROR names no folder of weights")


def seen(path: Path) -> Frame:
    bgr = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR), np.uint8)
    return Frame(np.ascontiguousarray(bgr[:, :, ::-1]), 0.0, bgr.shape[1], bgr.shape[0])


def by_rule(model: str, paths: Iterable[str]) -> dict[str, dict[str, float]]:
    rule = next(rule for rule in builtins() if rule.model == model)
    return {path: {f.name: f.score for f in rule.recognise([seen(MEDIA / path)])[0]} for path in paths}


@pytest.fixture(scope="module")
def labelled() -> dict[str, list[str]]:
    lists: dict[str, list[str]] = yaml.safe_load((HERE / "labelled.yaml").read_text("utf-8"))
    return lists


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights")


@needs_weights
def test_objects_of_whole_pictures(weights: Path) -> None:
    truth = json.loads((MEDIA / "objects128" / "objects.json").read_text("utf-8"))
    catalogue = load()
    specs = [spec for spec in catalogue.preset("fast") if spec.feature == "objects"]
    found: dict[str, dict[str, tuple[Finding, ...]]] = {}
    for spec in specs:
        fetch(spec, weights, Source(MIRROR))
        recognizer = build(spec, weights, lambda path: OnnxEngine(path, "cpu"))
        found[spec.model] = {name: recognizer.recognise([seen(MEDIA / "objects128" / name)])[0] for name in truth}

    def right_and_found(models: list[str], least: float) -> tuple[float, float]:
        said = right = there = 0
        calibrations = catalogue.calibrations([s for s in specs if s.model in models], weights, {})
        for name, entry in truth.items():
            labels = {thing["label"] for thing in entry["objects"]}
            scores = {m: frame_scores(found[m][name], calibrations.models[m]) for m in models}
            for label in {label for of_model in scores.values() for label in of_model}:
                chance, calibrated = probability({m: scores[m].get(label, 0.0) for m in models}, label, calibrations)
                assert calibrated
                said += chance >= least
                right += chance >= least and label in labels
            there += len(labels)
        return right / said, right / there

    both = [spec.model for spec in specs]
    precision, recall = right_and_found(both, 0.90)
    assert precision >= 0.955
    assert recall >= 0.44
    precision, recall = right_and_found(both, USUAL_REVIEW["objects"])
    assert precision >= 0.83
    assert recall >= 0.66
    for model in both:
        precision, recall = right_and_found([model], 0.90)
        assert precision >= 0.93
        assert recall >= 0.22


@needs_weights
def test_scenes_roll_up_into_inside_and_outside(weights: Path) -> None:
    spec = load(HERE / "yaml").get("squeezenet-places365")
    fetch(spec, weights, Source(MIRROR))
    recognizer = build(spec, weights, lambda path: OnnxEngine(path, "cpu"))
    want = {"bamboo_forest": "forest", "desert": "desert", "football_field": "sports field"}
    right = groups = asked = 0
    pictures = sorted((MEDIA / "scenes").glob("*/*.jpg"))
    for path in pictures:
        (findings,) = recognizer.recognise([seen(path)])
        rolled = roll_up({finding.name: finding.score for finding in findings}, spec.members)
        inside = rolled.get("indoors", 0) > rolled.get("outdoors", 0)
        right += inside == (path.parent.name in {"auditorium", "kitchen"})
        if path.parent.name in want:
            asked += 1
            groups += rolled.get(want[path.parent.name], 0) >= 0.5
    assert right / len(pictures) >= 0.97
    assert groups / asked >= 0.70


@needs_weights
def test_themes_roll_up_into_animals(weights: Path) -> None:
    spec = load(HERE / "yaml").get("mobilenet-imagenet")
    fetch(spec, weights, Source(MIRROR))
    recognizer = build(spec, weights, lambda path: OnnxEngine(path, "cpu"))
    truth = json.loads((MEDIA / "objects128" / "objects.json").read_text("utf-8"))
    said = right = 0
    for name, entry in truth.items():
        labels = {thing["label"] for thing in entry["objects"]}
        (findings,) = recognizer.recognise([seen(MEDIA / "objects128" / name)])
        rolled = roll_up({finding.name: finding.score for finding in findings}, spec.members)
        for group in ("dog", "cat", "elephant", "bear", "airplane", "bus", "pizza"):
            said += rolled.get(group, 0) >= 0.5
            right += rolled.get(group, 0) >= 0.5 and group in labels
    assert right / said >= 0.90
    assert right >= 14


@needs_weights
@pytest.mark.parametrize(("name", "questions"), [(SCENES, scene_questions), (THEMES, theme_questions)])
def test_what_is_applied_of_scenes_and_themes_is_right(
    weights: Path, name: str, questions: Callable[[Path, AnySpec, Path], list[Question]]
) -> None:
    catalogue = load(HERE / "yaml")
    spec = catalogue.get(name)
    fetch(spec, weights, Source(MIRROR))
    calibrations = catalogue.calibrations([spec], weights, {})
    asked = [question for question in questions(MEDIA, spec, weights) if question.asked]
    said = [(q, *probability({spec.model: q.score}, q.group, calibrations)) for q in asked if q.score]
    applied = [q.truth for q, chance, calibrated in said if chance >= 0.90 and calibrated]
    assert sum(applied) / len(applied) >= 0.95
    assert sum(applied) / sum(q.truth for q in asked) >= 0.20


def test_the_built_in_recognizers_on_a_set_made_of_photographs() -> None:
    for label, of in measured(heard_of(made(MEDIA, 5))).items():
        assert of.right / of.applied >= 0.95, label
        assert of.right / of.true >= 0.50, label


def test_day_and_night(labelled: dict[str, list[str]]) -> None:
    asked = {kind: by_rule("day-night@1", labelled[kind]) for kind in ("day", "night", "inside")}
    said = [(kind, label) for kind, pictures in asked.items() for scores in pictures.values()
            for label, score in scores.items() if score >= 0.90]  # fmt: skip
    right = sum(kind == label for kind, label in said)
    assert right / len(said) >= 0.95
    assert right / len(asked["day"]) >= 0.55
    dark = labelled["day"][::3]
    nights = [_by_night(MEDIA / path, seed) for seed, path in enumerate(dark)]
    rule = builtins()[0]
    answers = [{f.name: f.score for f in found} for found in rule.recognise(nights)]
    assert np.mean([answer.get("night", 0) >= 0.70 for answer in answers]) >= 0.70
    assert not any(answer.get("day", 0) >= 0.70 for answer in answers)


def test_black_and_white(labelled: dict[str, list[str]]) -> None:
    everything = {path for kind in labelled.values() for path in kind}
    scores = by_rule("black-and-white@1", everything)
    said = {path for path, score in scores.items() if score.get("black and white", 0) >= 0.90}
    assert said == set(labelled["black_and_white"])


def test_toned_pictures_count_as_black_and_white(labelled: dict[str, list[str]]) -> None:
    sepia = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    rule = builtins()[1]
    heard = []
    for path in labelled["inside"][::4]:
        frame = seen(MEDIA / path)
        toned = np.clip(frame.rgb @ sepia.T, 0, 255).astype(np.uint8)
        (found,) = rule.recognise([Frame(toned, 0.0, frame.width, frame.height)])
        heard.append(bool(found) and found[0].score >= 0.70)
    assert np.mean(heard) >= 0.80


def test_blur_is_of_blurred_pictures_only(labelled: dict[str, list[str]]) -> None:
    rule = next(rule for rule in builtins() if rule.feature == "blur")
    sharp = [seen(MEDIA / path) for path in labelled["inside"][::4]]
    soft = [Frame(np.asarray(cv2.GaussianBlur(f.rgb, (0, 0), 5), np.uint8), 0.0, f.width, f.height) for f in sharp]
    assert np.mean([bool(found) and found[0].score >= 0.9 for found in rule.recognise(soft)]) >= 0.95
    assert np.mean([bool(found) and found[0].score >= 0.7 for found in rule.recognise(sharp)]) <= 0.02


def _by_night(path: Path, seed: int) -> Frame:
    """A picture of the day, darkened and bluish, with noise and a few lamps."""
    random = np.random.default_rng(seed)
    rgb = seen(path).rgb
    height, width = rgb.shape[:2]
    dark = (rgb / 255.0) ** random.uniform(1.3, 2.0) * random.uniform(0.1, 0.3) * 255 * np.array([0.85, 0.9, 1.1])
    dark += random.normal(0, 3, dark.shape)
    for _ in range(random.integers(0, 6)):
        at = (int(random.integers(width)), int(random.integers(height // 6, height)))
        cv2.circle(dark, at, int(random.integers(2, max(3, height // 60))), (255, 220, 160), -1)
    return Frame(np.clip(dark, 0, 255).astype(np.uint8), 0.0, width, height)
