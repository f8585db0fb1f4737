"""Feeding and decoding of each family, against numbers worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.catalogue import InputSpec, read
from tagger.catalogue.spec import SPEC, AnySpec
from tagger.engines.fake import FakeEngine
from tagger.engines.onnx import OnnxEngine
from tagger.recognizers import build, check
from tagger.recognizers.colours import COLOURS, box_colour, colour_shares
from tagger.recognizers.feed import Feed
from tagger.types import Box, Frame
from tests.models.graphs import one_node

LEFT_RED = np.zeros((40, 80, 3), np.uint8)
LEFT_RED[:, :40] = (200, 40, 20)
LEFT_RED[:, 40:] = (20, 40, 200)
FRAME = Frame(LEFT_RED, 0.0, 160, 80)


def spec(family: str, **more: Any) -> AnySpec:
    raw = {
        "name": "fake",
        "revision": 1,
        "feature": "things",
        "family": family,
        "files": [{"path": __file__}],
        "input": {"size": [64, 64], "resize": "letterbox-top-left"},
        "labels": ["one", "two", "three"],
    }
    return SPEC.validate_python(raw | more)


def fed(**more: Any) -> Any:
    batch, _ = Feed(InputSpec.model_validate({"size": (64, 64)} | more))([FRAME])
    return np.array(batch[0])


def test_layout_colour_and_normalisation() -> None:
    rgb = fed(scale=1 / 255, mean=(0.5, 0.25, 0), std=(0.5, 0.5, 1))
    assert rgb.shape == (3, 64, 64)
    assert rgb[:, 5, 5] == pytest.approx([(200 / 255 - 0.5) / 0.5, (40 / 255 - 0.25) / 0.5, 20 / 255], abs=1e-5)
    assert fed(colour="bgr")[:, 5, 5].tolist() == [20, 40, 200]
    nhwc = fed(layout="nhwc", dtype="uint8")
    assert nhwc.dtype == np.uint8
    assert nhwc[5, 5].tolist() == [200, 40, 20]
    assert fed(dtype="float16", scale=1 / 255).dtype == np.float16


def test_resizes() -> None:
    assert fed()[0, 60, 2] == 200, "stretched: the picture reaches the bottom"
    top_left = fed(resize="letterbox-top-left", pad=114)
    assert top_left[:, 31, 2].tolist() == [200, 40, 20]
    assert top_left[:, 33, 2].tolist() == [114] * 3
    centre = fed(resize="letterbox-centre", pad=7)
    assert centre[:, 15, 2].tolist() == [7] * 3
    assert centre[:, 17, 2].tolist() == [200, 40, 20]
    cropped = fed(resize="short-side-crop", short_side=64)
    assert (cropped[0, :, :30] == 200).all(), "the centre square of 128 by 64: half red"
    assert (cropped[0, :, 34:] == 20).all()
    assert (fed(resize="stretch-crop", short_side=128)[0, :, :30] == 200).all()


@pytest.mark.parametrize("resize", ["stretch", "letterbox-top-left", "letterbox-centre"])
@pytest.mark.parametrize("shape", [(48, 200), (200, 48), (64, 64), (13, 700)])
def test_boxes_come_back_to_where_they_were(resize: str, shape: tuple[int, int]) -> None:
    """A white square at a known place is fed; its place in the fed picture leads back to it."""
    height, width = shape
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[height // 4 : height // 2, width // 2 : width * 3 // 4] = 255
    batch, (placement,) = Feed(InputSpec.model_validate({"size": (256, 256), "resize": resize, "pad": 0}))(
        [Frame(rgb, 0.0, width, height)]
    )
    rows, columns = np.nonzero(np.asarray(batch)[0, 0] > 127)
    box = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.float32)
    expected = (width // 2 / width, height // 4 / height, width * 3 // 4 / width, height // 2 / height)
    slack = 1.6 * max(width, height) / 256
    back = placement.to_fractions(box)[0]
    assert back * [width, height, width, height] == pytest.approx(
        np.array(expected) * [width, height, width, height], abs=max(slack, 1.6)
    )


def grid(**cells: list[float]) -> Any:
    """A YOLOX output for 64x64 with strides 8, 16, 32 (64 + 16 + 4 cells) and three classes."""
    values = np.zeros((1, 84, 8), np.float32)
    for cell, row in cells.items():
        values[0, int(cell[1:])] = row
    return values


def test_yolox_grid_and_nms_by_hand() -> None:
    # Cell 64 + 6 is column 2, row 1 of stride 16: centre (2.5, 1.5)·16 = (40, 24), size e^0·16 = 16.
    output = grid(
        c70=[0.5, 0.5, 0, 0, 0.9, 0.8, 0.0, 0.1],
        c71=[-0.5, 0.5, 0, 0, 0.5, 0.7, 0.0, 0.0],  # the same box and class, weaker: suppressed
        c69=[1.5, 0.5, 0, 0, 0.5, 0.0, 0.6, 0.0],  # the same box, another class: kept
        c0=[0.5, 0.5, 0, 0, 0.2, 0.2, 0.2, 0.2],  # below .05
    )
    recognizer = build(spec("yolox"), Path(), lambda _: FakeEngine(lambda _: {"output": output}))
    (found,) = recognizer.recognise([Frame(np.zeros((64, 64, 3), np.uint8), 0.0, 64, 64)])
    assert [(f.name, round(f.score, 3)) for f in found] == [("one", 0.72), ("two", 0.3), ("three", 0.09)]
    assert found[0].box == pytest.approx((32 / 64, 16 / 64, 48 / 64, 32 / 64))


def test_yolox_boxes_are_taken_back_through_the_letterbox() -> None:
    output = grid(c70=[0.5, 0.5, 0, 0, 0.9, 0.8, 0.0, 0.0])
    recognizer = build(spec("yolox"), Path(), lambda _: FakeEngine(lambda _: {"output": output}))
    (found,) = recognizer.recognise([FRAME])  # 80x40 is fed as 64x32
    assert found[0].box == pytest.approx((32 / 64, 16 / 32, 48 / 64, 1.0))


def test_transformer_with_logits_takes_the_best_pairs() -> None:
    outputs: dict[str, Any] = {
        "boxes": np.array([[[0.5, 0.5, 0.5, 0.25], [0.9, 0.9, 0.4, 0.4]]], np.float32),
        "logits": np.array([[[2.0, -9, -9], [-9, 1.0, 0.0]]], np.float32),
    }
    made = spec(
        "detection-transformer",
        outputs={"boxes": "boxes", "scores": "logits"},
        scores="logits",
        input={"size": [64, 64]},
    )
    (found,) = build(made, Path(), lambda _: FakeEngine(lambda _: outputs)).recognise([FRAME])
    assert [f.name for f in found] == ["one", "two", "three"]
    assert [f.score for f in found] == pytest.approx([0.8808, 0.7311, 0.5], abs=1e-4)
    assert found[0].box == pytest.approx((0.25, 0.375, 0.75, 0.625))
    assert found[1].box == pytest.approx((0.7, 0.7, 1.0, 1.0)), "cut at the edge"


def test_transformer_is_told_the_size_when_it_asks() -> None:
    engine = FakeEngine(
        lambda feeds: {
            "boxes": np.array([[[0, 0, 32, 64]]] * len(feeds["size"]), np.float32),
            "scores": np.full((len(feeds["size"]), 1), 0.9, np.float32),
            "labels": np.zeros((len(feeds["size"]), 1), np.int64),
        }
    )
    made = spec(
        "detection-transformer",
        outputs={"boxes": "boxes", "scores": "scores", "labels": "labels"},
        boxes="xyxy-pixels",
        size_input="size",
        input={"size": [64, 64]},
        batch=2,
    )
    found = build(made, Path(), lambda _: engine).recognise([FRAME] * 3)
    assert [call["size"] for call in engine.calls] == [(2, 2), (1, 2)]
    assert found[2][0].box == pytest.approx((0, 0, 0.5, 1))
    assert found[0][0].colour == ("red", 1.0)


def test_softmax_of_logits_keeps_the_best() -> None:
    outputs: dict[str, Any] = {"logits": np.array([[1.0, 3.0, -8.0]], np.float32)}
    made = spec("softmax-classifier", scores="logits", top=2)
    (found,) = build(made, Path(), lambda _: FakeEngine(lambda _: outputs)).recognise([FRAME])
    assert [(f.name, round(f.score, 3)) for f in found] == [("two", 0.881), ("one", 0.119)]


def test_multi_label_stores_from_half_its_threshold_and_review_begins_there() -> None:
    outputs: dict[str, Any] = {"scores": np.array([[0.45, 0.16, 0.02]], np.float32)}
    made = spec("multi-label-classifier", thresholds={"one": 0.95, "two": 0.3, "three": 0.02})
    (found,) = build(made, Path(), lambda _: FakeEngine(lambda _: outputs)).recognise([FRAME])
    assert [f.name for f in found] == ["two"], "one is below half of .95, three below .05"
    calibration = made.calibrated(Path())
    assert not calibration.trusted
    at_threshold = calibration.log_odds(0.3, "two")
    assert 1 / (1 + np.exp(-at_threshold)) == pytest.approx(0.70)


def test_check_says_shapes_and_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "w.onnx").write_bytes(one_node("Relu"))
    yaml = tmp_path / "mine.yaml"
    text = (
        "name: mine\nrevision: 1\nfeature: things\nfamily: softmax-classifier\nfiles: [{path: w.onnx}]\n"
        "input: {size: [1, 1], scale: SCALE}\nlabels: [a, b, c]\n"
    )
    for scale, problem in (("0.003", ""), ("1.0", "needs scores: logits")):
        yaml.write_text(text.replace("SCALE", scale))
        mine = read(yaml)
        assert mine.__class__.__name__ == "ClassifierSpec"
        report = check(mine, tmp_path, lambda path: OnnxEngine(path, "cpu"))  # type: ignore[arg-type]
        assert problem in report.problem
        assert bool(problem) == bool(report.problem)
        assert len(report.shapes) == 2
        assert bool(report.findings) != bool(problem)
    (tmp_path / "w.onnx").unlink()
    gone = check(mine, tmp_path, lambda path: OnnxEngine(path, "cpu"))  # type: ignore[arg-type]
    assert "mine isn't here" in gone.problem


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((220, 20, 20), "red"), ((250, 140, 10), "orange"), ((250, 230, 20), "yellow"), ((30, 160, 40), "green"),
        ((20, 200, 210), "cyan"), ((30, 60, 220), "blue"), ((130, 40, 200), "purple"), ((250, 120, 190), "pink"),
        ((120, 75, 35), "brown"), ((10, 10, 12), "black"), ((128, 128, 130), "grey"), ((250, 250, 248), "white"),
    ],
)  # fmt: skip
def test_colours_are_named_as_people_do(rgb: tuple[int, int, int], name: str) -> None:
    patch = np.full((20, 20, 3), rgb, np.uint8)
    shares = colour_shares(patch)
    assert COLOURS[int(shares.argmax())] == name
    assert shares.sum() == pytest.approx(1)


def test_a_boxs_colour_is_of_its_inside_and_a_speck_has_none() -> None:
    assert box_colour(LEFT_RED, Box(0, 0, 0.55, 1)) == ("red", 1.0)
    assert box_colour(LEFT_RED, Box(0, 0, 0.05, 0.05)) is None
