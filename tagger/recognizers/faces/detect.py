"""YuNet: frames → faces with five points, at as many sizes as the picture is worth.

A detector sees faces of a certain size well. The frame is shown at ``spec.sides`` (longest side in pixels): the first
is the main look, a smaller one finds faces that fill the picture, a larger one is taken only when the main look hints
at faces that are small for it. Then each face is looked at once more by itself, at the size at which its five points
are placed best, and with its eyes level if it is tilted: on a group picture this is worth as much as a larger model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from tagger.resize import resized

if TYPE_CHECKING:
    import numpy.typing as npt

    from tagger.catalogue import FaceDetectorSpec
    from tagger.ports import Engine
    from tagger.types import RgbArray

    Floats = npt.NDArray[np.float32]

_HINT = 0.30  # a candidate from here on may be a face that a larger look makes sure of
_SMALL_PX = 24.0  # narrower than this in the main look: a larger look finds more of its kind
_CLOSER_SIDE_PX = 320
_CLOSER_FACE_PX = 160.0  # where the five points are most exact (mean cosine of pairs .63; at 120 px .60, at 450 px .56)
_MOST_CLOSER = 16
_LEAST_CLOSER_PX = 14.0
_TILTED_DEG = 15.0  # tilted more than this, the five points are placed worse the more it is, up to a wrong person
_SAME_IOU = 0.4
_WORTH = 1.25  # a look must differ this much in size from the main one to show anything new
_MULTIPLE = 32


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """One face: ``box`` (x0, y0, x1, y1) and ``points`` (5, 2) in pixels of the frame it was found in."""

    score: float
    box: Floats
    points: Floats

    @property
    def width_px(self) -> float:
        """Of its box."""
        return float(self.box[2] - self.box[0])


@dataclass(frozen=True, slots=True, eq=False)
class _Looked:
    """All candidates of one look, in pixels of the frame; ``scale`` is look pixels per frame pixel."""

    scores: Floats
    boxes: Floats
    points: Floats
    scale: float


class FaceDetector:
    """Finds faces. Safe in several threads; holds nothing but its engine and its spec."""

    def __init__(self, spec: FaceDetectorSpec, engine: Engine) -> None:
        self._spec = spec
        self._engine = engine

    def find(self, frames: Sequence[RgbArray]) -> list[list[Found]]:
        """Faces of each rgb frame (h, w, 3), best score first. Raises EngineError."""
        main, *others = self._spec.sides
        looked: list[list[_Looked]] = [[one] for one in self._look(frames, main)]
        for side in others:
            worth = [i for i, rgb in enumerate(frames) if self._worth(rgb, looked[i][0], side)]
            for i, more in zip(worth, self._look([frames[i] for i in worth], side), strict=True):
                looked[i].append(more)
        return self._closer(frames, [self._merged(one) for one in looked])

    def _worth(self, rgb: RgbArray, main: _Looked, side: int) -> bool:
        longest: int = max(rgb.shape[:2])
        if side < self._spec.sides[0]:
            return longest * main.scale > side * _WORTH
        if longest * main.scale * _WORTH > min(side, longest):
            return False
        widths = (main.boxes[:, 2] - main.boxes[:, 0]) * main.scale
        return bool(np.any((main.scores >= _HINT) & (widths < _SMALL_PX)))

    def _look(self, frames: Sequence[RgbArray], side: int) -> list[_Looked]:
        """Frames that come out at the same size share a batch."""
        fitted = [_fitted(rgb, side) for rgb in frames]
        results: list[_Looked | None] = [None] * len(frames)
        by_size: dict[tuple[int, ...], list[int]] = {}
        for index, (picture, _) in enumerate(fitted):
            by_size.setdefault(picture.shape, []).append(index)
        for alike in by_size.values():
            for start in range(0, len(alike), self._spec.batch):
                some = alike[start : start + self._spec.batch]
                fed: Any = cv2.dnn.blobFromImages([fitted[i][0] for i in some], swapRB=True)  # (n, bgr, h, w) float32
                outputs = self._engine.infer({self._spec.input.name: fed})
                for row, i in enumerate(some):
                    results[i] = self._decode(outputs, row, fed.shape[3], fed.shape[2], fitted[i][1])
        return [one for one in results if one is not None]

    def _decode(self, outputs: dict[str, Any], row: int, width: int, height: int, scale: float) -> _Looked:
        scores, boxes, points = [], [], []
        for stride in self._spec.strides:
            cells = _cells(width // stride, height // stride)
            named, there = outputs[f"cls_{stride}"][row, :, 0], outputs[f"obj_{stride}"][row, :, 0]
            score = np.sqrt(np.clip(named, 0, 1) * np.clip(there, 0, 1))
            likely = np.nonzero(score >= _HINT)[0]
            said = outputs[f"bbox_{stride}"][row][likely]
            centre = (cells[likely] + said[:, :2]) * stride
            half = np.exp(np.minimum(said[:, 2:], 20.0)) * stride / 2
            scores.append(score[likely])
            boxes.append(np.concatenate([centre - half, centre + half], axis=1))
            marks = outputs[f"kps_{stride}"][row][likely].reshape(-1, 5, 2)
            points.append((marks + cells[likely][:, None]) * stride)
        back = np.float32(1 / scale)
        return _Looked(np.concatenate(scores), np.concatenate(boxes) * back, np.concatenate(points) * back, scale)

    def _closer(self, frames: Sequence[RgbArray], found: list[list[Found]]) -> list[list[Found]]:
        """The same faces with their points from a look of their own; the largest ones, when there are very many."""
        cuts = [
            (face, *_cut(frames[i], face))
            for i, faces in enumerate(found)
            for face in sorted(faces, key=lambda face: -face.width_px)[:_MOST_CLOSER]
            if face.width_px >= _LEAST_CLOSER_PX
        ]
        looks = self._look([picture for _, picture, _ in cuts], _CLOSER_SIDE_PX)
        better = {id(face): _again(face, look, place) for (face, _, place), look in zip(cuts, looks, strict=True)}
        return [[better.get(id(face), face) for face in faces] for faces in found]

    def _merged(self, looked: Sequence[_Looked]) -> list[Found]:
        """One face a place, best score first."""
        scores = np.concatenate([one.scores for one in looked])
        boxes = np.concatenate([one.boxes for one in looked])
        points = np.concatenate([one.points for one in looked])
        xywh: Any = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
        likely: Any = scores
        kept = np.asarray(cv2.dnn.NMSBoxes(xywh, likely, self._spec.at_least, self._spec.nms_iou), np.int64).reshape(-1)
        best = kept[np.argsort(-scores[kept], kind="stable")].tolist()
        return [Found(min(1.0, float(scores[i])), boxes[i], points[i]) for i in best]


def _cut(rgb: RgbArray, face: Found) -> tuple[RgbArray, Floats]:
    """The surroundings of a face as a square picture in which it is ``_CLOSER_FACE_PX`` wide and upright; and the
    similarity (2, 3) that leads from the frame to it."""
    scale = _CLOSER_FACE_PX / face.width_px
    reach = _CLOSER_SIDE_PX / scale / 2
    middle = (face.box[:2] + face.box[2:]) / 2
    height, width = rgb.shape[:2]
    left, top = np.maximum(0, np.floor(middle - reach)).astype(int).tolist()
    right, bottom = np.minimum([width, height], np.ceil(middle + reach)).astype(int).tolist()
    part = rgb[top:bottom, left:right]
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    fitted = resized(part, *size)
    # All of one size, so that they share a batch; a fringe of a pixel or two is lost at most.
    canvas: Any = np.zeros((_CLOSER_SIDE_PX, _CLOSER_SIDE_PX, 3), np.uint8)
    high, wide = min(_CLOSER_SIDE_PX, size[1]), min(_CLOSER_SIDE_PX, size[0])
    canvas[:high, :wide] = fitted[:high, :wide]
    place = np.array([(scale, 0, -left * scale), (0, scale, -top * scale)])
    if abs(tilt := _tilt(face.points)) > _TILTED_DEG:
        x, y = (place[:, :2] @ middle + place[:, 2]).tolist()
        turn: Any = cv2.getRotationMatrix2D((x, y), tilt, 1.0)
        canvas = cv2.warpAffine(canvas, turn, (_CLOSER_SIDE_PX, _CLOSER_SIDE_PX), flags=cv2.INTER_LINEAR)
        place = turn[:, :2] @ place + np.array([(0, 0, turn[0, 2]), (0, 0, turn[1, 2])])
    return canvas, place.astype(np.float32)


def _tilt(points: Floats) -> float:
    """By how many degrees the line between the eyes is turned clockwise."""
    across, down = points[1] - points[0]
    return float(np.degrees(np.arctan2(down, across)))


def _again(face: Found, look: _Looked, place: Floats) -> Found:
    """``face`` with the points of the same face in a closer look; as it was where that shows none."""
    scale = _CLOSER_FACE_PX / face.width_px
    middle = place[:, :2] @ ((face.box[:2] + face.box[2:]) / 2) + place[:, 2]
    half = (face.box[2:] - face.box[:2]) / 2 * scale
    overlaps = _overlaps(look.boxes, np.concatenate([middle - half, middle + half]))
    likely = np.nonzero(overlaps > _SAME_IOU)[0]
    if not len(likely):
        return face
    best = int(likely[np.argmax(look.scores[likely])])
    back = np.linalg.inv(place[:, :2])
    return Found(face.score, face.box, ((look.points[best] - place[:, 2]) @ back.T).astype(np.float32))


def _fitted(rgb: RgbArray, side: int) -> tuple[RgbArray, float]:
    """The frame with its longest side at most ``side``, padded right and below to a multiple of 32; and the scale."""
    height, width = rgb.shape[:2]
    scale = min(1.0, side / max(height, width))
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    canvas = np.zeros((-(-high // _MULTIPLE) * _MULTIPLE, -(-wide // _MULTIPLE) * _MULTIPLE, 3), np.uint8)
    canvas[:high, :wide] = resized(rgb, wide, high)
    return canvas, scale


@lru_cache(maxsize=64)  # a look's three grids; pictures come in few shapes
def _cells(wide: int, high: int) -> Floats:
    """Column and row of each cell of a grid, (wide · high, 2)."""
    columns, rows = np.meshgrid(np.arange(wide), np.arange(high))
    return np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float32)


def _overlaps(boxes: Floats, box: Floats) -> Floats:
    """Intersection over union of each of ``boxes`` (n, 4) with ``box``."""
    sides = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
    shared = np.prod(np.maximum(sides, 0), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(box[2:] - box[:2])
    overlaps: Floats = shared / np.maximum(1e-9, areas - shared)
    return overlaps
