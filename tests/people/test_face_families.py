"""Face detector and embedder families over made-up tensors: decoding, scales, order; and their yamls."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.catalogue import FaceDetectorSpec, FaceEmbedderSpec, load
from tagger.errors import ModelError
from tagger.people.likeness import Likeness
from tagger.recognizers.faces import FaceDetector, FaceEmbedder, FaceRecognizer
from tagger.types import Face, Frame

CATALOGUE = load()


class FaceOnRed:
    """Speaks YuNet's language: a face (40 × 48 of its pixels) around every cell of stride 8 that is pure red."""

    def __init__(self) -> None:
        self.fed: list[tuple[int, ...]] = []

    def infer(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        (picture,) = feeds.values()
        self.fed.append(picture.shape)
        count, _, height, width = picture.shape
        said: dict[str, Any] = {}
        for stride in (8, 16, 32):
            cells = (height // stride) * (width // stride)
            said |= {f"{k}_{stride}": np.zeros((count, cells, n), np.float32) for k, n in
                     (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))}  # fmt: skip
        red = (picture[:, 2] > 250) & (picture[:, 1] < 5) & (picture[:, 0] < 5)
        for n, row, column in np.argwhere(red[:, ::8, ::8]).tolist():
            cell = row * (width // 8) + column
            said["cls_8"][n, cell] = said["obj_8"][n, cell] = 0.9
            said["bbox_8"][n, cell] = (0, 0, np.log(5), np.log(6))
            said["kps_8"][n, cell] = np.array([(-1, -1), (1, -1), (0, 0), (-0.8, 1), (0.8, 1)]).ravel()
        return said


class MeanColour:
    """An embedder whose vector is the picture's mean colour."""

    def infer(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        (faces,) = feeds.values()
        return {"output0": faces.mean(axis=(2, 3))}


def detector(**changes: Any) -> FaceDetectorSpec:
    spec = CATALOGUE.get("yunet-n")
    assert isinstance(spec, FaceDetectorSpec)
    return spec.model_copy(update=changes)


def spot(width: int, height: int, x: int, y: int) -> Frame:
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[y : y + 8, x : x + 8, 0] = 255
    return Frame(rgb, 0.0, width, height)


def test_boxes_and_points_come_back_in_the_frames_own_pixels() -> None:
    ((face,),) = FaceDetector(detector(sides=(640,)), FaceOnRed()).find([spot(320, 200, 160, 80).rgb])
    assert face.score == pytest.approx(0.9)
    assert face.box.tolist() == pytest.approx([140, 56, 180, 104], abs=0.01)
    assert face.width_px == pytest.approx(40, abs=0.01)


def test_frames_of_one_size_share_a_batch_and_keep_their_places() -> None:
    engine = FaceOnRed()
    frames = [spot(320, 192, 80, 80), spot(256, 256, 80, 80), spot(320, 192, 240, 80)]
    found = FaceDetector(detector(sides=(640,)), engine).find([frame.rgb for frame in frames])
    assert [round(float(faces[0].box[0])) for faces in found] == [60, 60, 220]
    assert sorted(shape[0] for shape in engine.fed[:2]) == [1, 2]


def test_a_recognizer_gives_faces_with_unit_vectors_in_fractions() -> None:
    spec = CATALOGUE.get("mobilefacenet")
    assert isinstance(spec, FaceEmbedderSpec)
    recognizer = FaceRecognizer(
        spec, FaceDetector(detector(sides=(640,)), FaceOnRed()), FaceEmbedder(spec, MeanColour()), batch=2
    )
    ((face,),) = recognizer.recognise([spot(320, 200, 160, 80)])
    assert isinstance(face, Face)
    assert recognizer.model == "mobilefacenet@1"
    assert face.box is not None
    assert face.box == pytest.approx((140 / 320, 56 / 200, 180 / 320, 104 / 200), abs=1e-3)
    assert np.linalg.norm(np.frombuffer(face.vector, np.float16).astype(float)) == pytest.approx(1, abs=1e-2)
    assert 0 <= face.quality <= 1
    assert recognizer.recognise([]) == []


def test_an_embedder_brings_its_detectors_files_along() -> None:
    spec, own = CATALOGUE.get("mobilefacenet"), CATALOGUE.get("yunet-n")
    assert own.files[0] in spec.files
    assert spec.bytes == spec.weights.bytes + own.bytes


def test_an_embedder_without_a_face_detector_is_refused(tmp_path: Path) -> None:
    text = (Path(CATALOGUE.get("mobilefacenet").yaml).read_text("utf-8")).replace(
        "detector: yunet-n", "detector: yolox-nano"
    )
    (tmp_path / "mine.yaml").write_text(text.replace("name: mobilefacenet", "name: mine", 1), "utf-8")
    with pytest.raises(ModelError, match="detector: must be one of yunet-2026may, yunet-n, found 'yolox-nano'"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["sface", "auraface"])
def test_embedders_that_nobody_measured_here_reach_review_at_most(name: str) -> None:
    spec = CATALOGUE.get(name)
    assert isinstance(spec, FaceEmbedderSpec)
    assert not spec.tested
    assert not Likeness.of(spec.identity).fitted


def test_a_tilted_face_is_looked_at_once_more_with_its_eyes_level() -> None:
    """The closer look is upright, and its points come back to where they are in the picture."""

    class Tilted(FaceOnRed):
        """Points turned by 30 degrees in the picture; level in a look in which somebody has turned it upright."""

        def infer(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
            said = super().infer(feeds)
            if len(self.fed) == 1:
                turn = np.radians(30)
                matrix = np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))])
                points = said["kps_8"].reshape(-1, 5, 2)
                said["kps_8"] = (points @ matrix).reshape(said["kps_8"].shape).astype(np.float32)
            return said

    class Around(Tilted):
        """A face of 160 pixels in the middle of the closer look, where the picture put it."""

        def infer(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
            said = super().infer(feeds)
            if len(self.fed) > 1:
                cell = int(np.argmax(said["cls_8"][0, :, 0]))
                said["bbox_8"][0, cell, 2:] = np.log([20, 24])
                said["kps_8"][0, cell] *= 4
            return said

    ((face,),) = FaceDetector(detector(sides=(640,)), Around()).find([spot(320, 320, 160, 160).rgb])
    across, down = face.points[1] - face.points[0]
    assert np.degrees(np.arctan2(down, across)) == pytest.approx(30, abs=1)
    assert np.hypot(across, down) == pytest.approx(16, abs=0.5)
    assert face.points.mean(axis=0).tolist() == pytest.approx([160, 160], abs=8)
