"""Detector families: detection transformers, and YOLOX's grid with NMS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from tagger.recognizers.classifiers import LEAST_SCORE, probabilities, sigmoid
from tagger.recognizers.colours import box_colour
from tagger.recognizers.family import Labelling
from tagger.recognizers.feed import Placement
from tagger.types import Box, Finding, Frame, Label

if TYPE_CHECKING:
    import numpy.typing as npt

    from tagger.catalogue import DetectionTransformerSpec, YoloxSpec
    from tagger.ports import Engine

    Floats = npt.NDArray[np.float32]
    Found = tuple[Floats, Floats, npt.NDArray[np.int64]]  # boxes xyxy in pixels of the fed picture, scores, classes

_MOST_BOXES = 100
_COLOURED_FROM = 0.30  # a box below this is rarely anything: its colour is not worth the time


class Detector(Labelling):
    """What the detector families share: feed, decode, name, cut off, colour; ``decode`` is the family's own part.

    Boxes of each frame, best score first, from .05 up; at most 100.
    """

    def __init__(
        self,
        spec: DetectionTransformerSpec | YoloxSpec,
        labels: Sequence[str],
        engine: Engine,
        decode: Callable[[dict[str, Any], int], Found],
        batch: int,
    ) -> None:
        super().__init__(spec, labels, engine, batch)
        self._spec = spec
        self._decode = decode
        self._size_input = getattr(spec, "size_input", "")
        self._size = spec.input.size

    def _look(self, frames: Sequence[Frame]) -> list[tuple[Finding, ...]]:
        fed, placements = self._feed(frames)
        feeds: dict[str, Any] = {self._input: fed}
        if self._size_input:
            feeds[self._size_input] = np.tile(np.array([self._size], np.int64), (len(frames), 1))
        outputs = self._engine.infer(feeds)
        self._must_name(_classes(self._spec, outputs, len(self._labels)))
        return [
            self._named(frame, placement, *self._decode(outputs, index))
            for index, (frame, placement) in enumerate(zip(frames, placements, strict=True))
        ]

    def _named(
        self, frame: Frame, placement: Placement, boxes: Floats, scores: Floats, classes: npt.NDArray[np.int64]
    ) -> tuple[Finding, ...]:
        best = np.argsort(-scores, kind="stable")
        best = best[scores[best] >= LEAST_SCORE][:_MOST_BOXES]
        fractions = placement.to_fractions(boxes[best])
        findings = []
        for (x0, y0, x1, y1), score, index in zip(
            fractions.tolist(), scores[best].tolist(), classes[best].tolist(), strict=True
        ):
            name = self._labels[index]
            if not name or x1 <= x0 or y1 <= y0:
                continue
            box = Box(x0, y0, x1, y1)
            colour = box_colour(frame.rgb, box) if score >= _COLOURED_FROM else None
            findings.append(Label(name, min(1.0, score), box, colour))
        return tuple(findings)


def _classes(spec: DetectionTransformerSpec | YoloxSpec, outputs: dict[str, Any], named: int) -> int:
    """How many the output has. Where it gives indices, only one beyond the ``named`` ones shows that it has more."""
    if spec.family == "yolox":
        return int(_grid_of(spec, outputs).shape[-1]) - 5
    if spec.outputs.labels:
        return max(named, int(outputs[spec.outputs.labels].max(initial=0)) + 1)
    return int(outputs[spec.outputs.scores].shape[-1])


def transformer_decoder(spec: DetectionTransformerSpec) -> Callable[[dict[str, Any], int], Found]:
    """Decodes one frame's outputs of a detection transformer: no NMS, each query is one object."""
    width, height = spec.input.size
    pixels = np.array([width, height] * 2, np.float32)

    def decode(outputs: dict[str, Any], index: int) -> Found:
        boxes = np.asarray(outputs[spec.outputs.boxes][index], np.float32)
        scores = np.asarray(outputs[spec.outputs.scores][index], np.float32)
        scores = sigmoid(scores) if spec.scores == "logits" else probabilities(scores, spec.model)
        if spec.outputs.labels:
            classes = np.asarray(outputs[spec.outputs.labels][index], np.int64)
        else:
            # A query may speak for several classes: the best pairs of query and class, as the papers do.
            queries, classes = np.nonzero(scores >= LEAST_SCORE)
            boxes, scores = boxes[queries], scores[queries, classes]
        if spec.boxes == "cxcywh":
            centre, half = boxes[:, :2], boxes[:, 2:] / 2
            boxes = np.concatenate([centre - half, centre + half], axis=1)
        if spec.boxes != "xyxy-pixels":
            boxes = boxes * pixels
        return boxes, scores, classes

    return decode


def yolox_decoder(spec: YoloxSpec) -> Callable[[dict[str, Any], int], Found]:
    """Decodes one frame's grid of a YOLOX: offsets and log sizes in strides, then NMS by class."""
    width, height = spec.input.size
    cells, strides = _grid(width, height, spec.strides)

    def decode(outputs: dict[str, Any], index: int) -> Found:
        output = _grid_of(spec, outputs)
        objectness = probabilities(output[index][:, 4], spec.model)
        some = np.flatnonzero(objectness >= LEAST_SCORE)  # no class of any other cell can reach it
        grid = output[index][some]
        scores = probabilities(grid[:, 5:] * grid[:, 4:5], spec.model)
        rows, classes = np.nonzero(scores >= LEAST_SCORE)
        likely: Any = scores[rows, classes]
        where = some[rows]
        size = np.exp(np.minimum(grid[rows, 2:4], 20.0)) * strides[where]
        corner = (grid[rows, :2] + cells[where]) * strides[where] - size / 2
        xywh: Any = np.concatenate([corner, size], axis=1)
        groups: Any = classes.astype(np.int32)
        kept = np.asarray(cv2.dnn.NMSBoxesBatched(xywh, likely, groups, LEAST_SCORE, spec.nms_iou), np.int64).reshape(
            -1
        )
        return np.concatenate([corner, corner + size], axis=1)[kept], likely[kept], classes[kept]

    return decode


def _grid_of(spec: YoloxSpec, outputs: dict[str, Any]) -> Any:
    return outputs[spec.outputs.predictions] if spec.outputs.predictions else next(iter(outputs.values()))


def _grid(width: int, height: int, strides: Sequence[int]) -> tuple[Floats, Floats]:
    """Column, row of every cell (cells, 2), and its stride (cells, 1), stride by stride."""
    cells, sizes = [], []
    for stride in strides:
        columns, rows = np.meshgrid(np.arange(width // stride), np.arange(height // stride))
        cells.append(np.stack([columns, rows], axis=2).reshape(-1, 2))
        sizes.append(np.full((columns.size, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(sizes).astype(np.float32)
