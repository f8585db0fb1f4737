"""A model of the user's own in the data folder: used and said to be, and refused before a run if it doesn't fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.catalogue.spec import SPEC
from tagger.engines.fake import FakeEngine
from tagger.errors import ModelError
from tagger.recognizers import build
from tagger.types import Frame
from tests.line.drawing import picture
from tests.line.terminal import Terminal, sentence
from tests.models.graphs import one_node

FRAME = Frame(np.zeros((64, 64, 3), np.uint8), 0.0, 64, 64)


def test_it_is_used_and_said_to_be_and_one_that_names_too_few_classes_is_refused(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "data", tmp_path / "no mirror")
    picture(tmp_path / "media" / "0.jpg", colour=True, seed=1)
    here = ("--folder", tmp_path / "media")
    models = tmp_path / "data" / "models"
    models.mkdir()
    (models / "w.onnx").write_bytes(one_node("Relu"))  # Of one pixel it gives three numbers.
    text = (
        "name: mine\nrevision: 1\nfeature: things\nfamily: softmax-classifier\nfiles: [{path: w.onnx}]\n"
        "input: {size: [1, 1], scale: 0.003}\nlabels: LABELS\n"
    )
    (models / "mine.yaml").write_text(text.replace("LABELS", '[cat, dog, ""]'))
    lying = "mine.yaml lies in your data folder; 'models.skip: [mine]' in config.yml switches it off."
    assert lying in terminal.run("models", "list").out
    assert lying in terminal.run("check", *here).out
    assert lying not in terminal.run("models", "list", "--set", "models.skip=[mine]").out
    checked = terminal.run("models", "check")
    assert checked.code == 0 and "mine@1: works" in checked.out and "cat 0.4" in checked.out
    assert terminal.run("tag", *here).code == 0

    (models / "mine.yaml").write_text(text.replace("LABELS", "[cat, dog]"))
    wrong = "the output has 3 classes, labels names 2"
    checked = terminal.run("models", "check", "mine")
    assert checked.code == 1 and wrong in checked.out and "it says" not in checked.out
    assert wrong in sentence(terminal.run("tag", *here))
    assert wrong in terminal.run("check", *here).out


BOXES = np.array([[[0.5, 0.5, 0.2, 0.2]]], np.float32)


@pytest.mark.parametrize(
    ("family", "more", "outputs"),
    [
        ("yolox", {}, {"output": np.zeros((1, 84, 9), np.float32)}),
        ("multi-label-classifier", {}, {"scores": np.zeros((1, 4), np.float32)}),
        (
            "detection-transformer",
            {"outputs": {"boxes": "boxes", "scores": "scores"}},
            {"boxes": BOXES, "scores": np.zeros((1, 1, 4), np.float32)},
        ),
        (
            "detection-transformer",
            {"outputs": {"boxes": "boxes", "scores": "scores", "labels": "labels"}},
            {"boxes": BOXES, "scores": np.zeros((1, 1), np.float32), "labels": np.array([[3]], np.int64)},
        ),
    ],
)
def test_every_family_refuses_an_output_of_more_classes(
    family: str, more: dict[str, Any], outputs: dict[str, Any]
) -> None:
    said = {
        "name": "mine",
        "revision": 1,
        "feature": "things",
        "family": family,
        "files": [{"path": __file__}],
        "input": {"size": [64, 64], "resize": "letterbox-top-left"},
    }

    def recognise(labels: str) -> Any:
        spec = SPEC.validate_python(said | more | {"labels": list(labels)})
        return build(spec, Path(), lambda _: FakeEngine(lambda _: outputs)).recognise([FRAME])

    assert recognise("abcd") == [()]
    with pytest.raises(ModelError, match="the output has 4 classes, labels names 3"):
        recognise("abc")
