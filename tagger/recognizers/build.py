"""A model of the catalogue → a recognizer that is ready, and the check that a yaml and its weights fit each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from tagger.catalogue import (
    AnySpec,
    ClassifierSpec,
    DetectionTransformerSpec,
    FaceDetectorSpec,
    FaceEmbedderSpec,
    MultiLabelSpec,
    YoloxSpec,
)
from tagger.errors import EngineError, ModelError
from tagger.recognizers.classifiers import MultiLabelClassifier, SoftmaxClassifier
from tagger.recognizers.detections import Detector, transformer_decoder, yolox_decoder
from tagger.recognizers.faces import FaceDetector, FaceEmbedder, FaceFinder, FaceRecognizer
from tagger.types import Frame

if TYPE_CHECKING:
    from tagger.ports import Engine, Recognizer
    from tagger.types import Finding, RgbArray

EngineFactory: TypeAlias = "Callable[[Path], Engine]"


def build(spec: AnySpec, folder: Path, engine_factory: EngineFactory, most_at_once: int = 4) -> Recognizer:
    """The recognizer of ``spec`` with its weights from ``folder``, on an engine that ``engine_factory(weights)`` makes.

    ``most_at_once`` bounds the batch: on a CPU more than 4 gains nothing and costs memory, a GPU wants 32.
    Raises ModelError when files are missing, lists don't fit, or a user's own model doesn't stand a try; EngineError
    when the weights can't be loaded.
    """
    recognizer = _made(spec, folder, engine_factory, most_at_once)
    if spec.own:  # Nobody but its user has tried it: what is wrong is said before a run, not by its silence.
        _tried(recognizer, spec, [_frame(640, 480)])
    return recognizer


def _made(spec: AnySpec, folder: Path, engine_factory: EngineFactory, most_at_once: int) -> Recognizer:
    weights = spec.place(spec.weights, folder)
    if not spec.installed(folder):
        raise ModelError(f"Model {spec.name} isn't here: fetch it (models fetch {spec.name}).")
    labels = spec.read_labels(folder)
    batch = max(1, min(spec.batch, most_at_once))
    engine = engine_factory(weights)
    match spec:
        case DetectionTransformerSpec():
            return Detector(spec, labels, engine, transformer_decoder(spec), batch)
        case YoloxSpec():
            return Detector(spec, labels, engine, yolox_decoder(spec), batch)
        case ClassifierSpec():
            return SoftmaxClassifier(spec, labels, engine, batch)
        case MultiLabelSpec():
            return MultiLabelClassifier(spec, labels, spec.read_thresholds(folder), engine, batch)
        case FaceDetectorSpec():
            return FaceFinder(spec, FaceDetector(spec, engine), batch)
        case FaceEmbedderSpec():
            found_by = spec.found_by()
            detector = FaceDetector(found_by, engine_factory(spec.detector_weights(folder)))
            return FaceRecognizer(spec, detector, FaceEmbedder(spec, engine), min(found_by.batch, most_at_once))


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What came of trying a model on drawn pictures: ``problem`` is one sentence, "" when it works."""

    model: str
    shapes: tuple[str, ...]
    findings: tuple[str, ...]
    problem: str = ""


def check(spec: AnySpec, folder: Path, engine_factory: EngineFactory) -> CheckReport:
    """Load the model, show it two drawn pictures in one batch, and say what came out or what is wrong."""
    shapes: list[str] = []

    def remembered(weights: Path) -> Engine:
        engine = engine_factory(weights)
        shapes.extend(f"{name}: {shape}" for name, shape in getattr(engine, "shapes", {}).items())
        return engine

    try:
        recognizer = _made(spec, folder, remembered, most_at_once=2)
        found = _tried(recognizer, spec, [_frame(640, 480), _frame(300, 500)])
    except (ModelError, EngineError) as error:
        return CheckReport(spec.model, tuple(shapes), (), str(error))
    said = [f"{finding.name} {finding.score:.2f}" for findings in found for finding in findings]
    return CheckReport(spec.model, tuple(shapes), tuple(said[:12]))


def _tried(recognizer: Recognizer, spec: AnySpec, frames: list[Frame]) -> list[tuple[Finding, ...]]:
    """What it finds there. Raises ModelError, EngineError."""
    try:
        return recognizer.recognise(frames)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise ModelError(
            f"{spec.yaml} doesn't fit its weights ({error!r}): 'models check {spec.name}' shows what the weights take "
            "and give."
        ) from error


def _frame(width: int, height: int) -> Frame:
    return Frame(_drawn(width, height), 0.0, width, height)


def _drawn(width: int, height: int) -> RgbArray:
    """A meadow, a sky with a sun, and something like a house."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:] = (120, 180, 240)
    picture[height * 2 // 3 :] = (70, 150, 60)
    cv2.circle(picture, (width // 5, height // 5), height // 10, (250, 230, 90), -1, cv2.LINE_AA)
    cv2.rectangle(picture, (width // 2, height // 3), (width * 3 // 4, height * 3 // 4), (170, 80, 60), -1)
    return picture
