"""What every Recognizer does: families over fake engines, the built-in ones, and, with a mirror, real weights."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tagger.catalogue import Source, fetch, load, read
from tagger.catalogue.spec import SPEC, AnySpec
from tagger.engines.fake import FakeEngine
from tagger.engines.onnx import OnnxEngine
from tagger.ports import Recognizer
from tagger.recognizers import build
from tagger.recognizers.builtin import Builtin, builtins
from tagger.types import Frame

MIRROR = os.environ.get("AI_TAGGER_MIRROR", "")
YAMLS = Path(__file__).parents[1] / "models" / "yaml"
LABELS = ["one", "two", "three", "four"]


def drawn(seed: int, width: int, height: int) -> Frame:
    """A picture of coloured discs and bars."""
    random = np.random.default_rng(seed)
    rgb = np.full((height, width, 3), random.integers(30, 220, 3), np.uint8)
    for _ in range(6):
        colour = tuple(int(c) for c in random.integers(0, 255, 3))
        at = (int(random.integers(width)), int(random.integers(height)))
        cv2.circle(rgb, at, int(random.integers(2, max(3, height // 4))), colour, -1)
        cv2.rectangle(rgb, at, (at[0] + width // 5, at[1] + height // 8), colour[::-1], -1)
    return Frame(rgb, float(seed), width, height)


FRAMES = [
    drawn(seed, *size) for seed, size in enumerate([(320, 240), (240, 320), (64, 64), (900, 200), (3, 5), (1, 1)])
] + [Frame(np.zeros((120, 160, 3), np.uint8), 9.0, 160, 120)]


def _means(feeds: Mapping[str, Any]) -> Any:
    """One number a picture between 0 and 1, from its pixels alone."""
    return feeds["input"].reshape(len(feeds["input"]), -1).mean(axis=1) / 255


def _transformer(feeds: Mapping[str, Any]) -> dict[str, Any]:
    mean = _means(feeds)
    rows = np.array([[[0.5, 0.5, 0.2, 0.4], [0.1, 0.1, 0.9, 0.5]]] * len(mean), np.float32)
    logits = np.stack([np.stack([mean * k - 1 for k in (1, 2, 3, 4)], 1), np.full((len(mean), 4), -9.0)], 1)
    return {"boxes": rows, "logits": logits.astype(np.float32)}


def _named(feeds: Mapping[str, Any]) -> dict[str, Any]:
    mean = _means(feeds)
    boxes = np.array([[[-3.0, 2.0, 20.0, 40.0], [0.0, 0.0, 32.0, 32.0]]] * len(mean), np.float32)
    return {
        "boxes": boxes,
        "scores": np.stack([mean, mean / 2], 1).astype(np.float32),
        "labels": np.array([[0, 3]] * len(mean), np.int64),
    }


def _grid(feeds: Mapping[str, Any]) -> dict[str, Any]:
    mean = _means(feeds)
    grid = np.zeros((len(mean), 16 + 4 + 1, 5 + 4), np.float32)
    grid[:, 5, :5] = [0.5, 0.5, 0.0, 0.0, 1.0]
    grid[:, 5, 6] = mean
    grid[:, 17, :5] = [0.5, 0.5, 0.5, 0.5, 0.9]
    grid[:, 17, 8] = 0.8
    return {"output": grid}


def _scores(feeds: Mapping[str, Any]) -> dict[str, Any]:
    mean = _means(feeds)
    return {"scores": np.stack([mean * k for k in (4.0, -2.0, 1.0, 0.5)], 1).astype(np.float32)}


def _spec(family: str, **more: Any) -> AnySpec:
    spec = {
        "name": "fake",
        "revision": 1,
        "feature": "things",
        "family": family,
        "files": [{"path": __file__}],
        "input": {"size": [32, 32], "resize": "letterbox-top-left"},
        "labels": LABELS,
        "batch": 3,
    }
    return SPEC.validate_python(spec | more)


FAMILIES: dict[str, tuple[AnySpec, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "detection transformer, logits": (
        _spec("detection-transformer", outputs={"boxes": "boxes", "scores": "logits"}, scores="logits"),
        _transformer,
    ),
    "detection transformer, labels": (
        _spec(
            "detection-transformer",
            outputs={"boxes": "boxes", "scores": "scores", "labels": "labels"},
            boxes="xyxy-pixels",
            size_input="size",
        ),
        _named,
    ),
    "yolox": (_spec("yolox"), _grid),
    "softmax": (_spec("softmax-classifier", scores="logits"), _scores),
    "multi-label": (
        _spec("multi-label-classifier", scores="logits", thresholds={"one": 0.4, "two": 0.1}),
        _scores,
    ),
}
REAL = ["deimv2-femto", "yolox-nano", "squeezenet-places365", "mobilenet-imagenet"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="module", params=[*FAMILIES, *(rule.model for rule in builtins()), *REAL])
def recognizer(request: pytest.FixtureRequest, weights: Path) -> Recognizer:
    name: str = request.param
    if name in FAMILIES:
        spec, answer = FAMILIES[name]
        return build(spec, weights, lambda _: FakeEngine(answer))
    if name in REAL:
        if not MIRROR:
            pytest.skip("AI_TAGGER_MIRROR names no folder of weights")
        spec = load(YAMLS).get(name)
        fetch(spec, weights, Source(MIRROR))
        return build(spec, weights, lambda path: OnnxEngine(path, "cpu"))
    return next(rule for rule in builtins() if rule.model == name)


def test_says_what_it_is(recognizer: Recognizer) -> None:
    name, _, revision = recognizer.model.partition("@")
    assert name
    assert revision
    assert recognizer.feature
    assert recognizer.looks_at == ("thumbnail" if isinstance(recognizer, Builtin) else "frame")
    assert recognizer.batch >= 1


def test_findings_are_named_scored_ordered_and_inside_the_picture(recognizer: Recognizer) -> None:
    least = 0.002 if "classifier" in type(recognizer).__name__.lower() else 0.05
    for frame, findings in zip(FRAMES, recognizer.recognise(FRAMES), strict=True):
        scores = [finding.score for finding in findings]
        assert scores == sorted(scores, reverse=True)
        for finding in findings:
            assert finding.name
            assert least <= finding.score <= 1
            if finding.box is not None:
                assert 0 <= finding.box.x0 < finding.box.x1 <= 1
                assert 0 <= finding.box.y0 < finding.box.y1 <= 1
            if finding.colour is not None:
                assert 0 < finding.colour[1] <= 1, frame


def test_a_batch_says_what_single_frames_say(recognizer: Recognizer) -> None:
    together = recognizer.recognise(FRAMES)
    alone = [recognizer.recognise([frame])[0] for frame in FRAMES]
    for batched, single in zip(together, alone, strict=True):
        assert [finding.name for finding in batched] == [finding.name for finding in single]
        assert np.allclose([f.score for f in batched], [f.score for f in single], atol=2e-3)


def test_order_does_not_matter(recognizer: Recognizer) -> None:
    there = recognizer.recognise(FRAMES)
    back = recognizer.recognise(FRAMES[::-1])[::-1]
    for a, b in zip(there, back, strict=True):
        assert [f.name for f in a] == [f.name for f in b]
        assert np.allclose([f.score for f in a], [f.score for f in b], atol=2e-3)


def test_no_frames_no_findings_and_frames_stay_as_they_were(recognizer: Recognizer) -> None:
    assert recognizer.recognise([]) == []
    before = FRAMES[0].rgb.copy()
    recognizer.recognise(FRAMES[:1])
    assert np.array_equal(before, FRAMES[0].rgb)


def test_every_yaml_for_tests_is_read_as_strictly_as_the_shipped_ones() -> None:
    for path in YAMLS.glob("*.yaml"):
        assert read(path, own=True)
