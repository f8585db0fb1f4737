"""What models/*.yaml may say, and who wins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tagger.catalogue import SHIPPED, FaceEmbedderSpec, load, read
from tagger.catalogue.spec import PINNED_AT_FIRST_FETCH, JurySpec
from tagger.errors import ModelError

GOOD: dict[str, Any] = {
    "name": "mine",
    "revision": 3,
    "feature": "objects",
    "family": "yolox",
    "files": [{"path": "mine.onnx", "licence": "my own"}],
    "input": {"size": [416, 416], "resize": "letterbox-top-left"},
    "labels": ["cat", "dog"],
}


def written(folder: Path, spec: dict[str, Any], name: str = "mine.yaml") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(yaml.safe_dump(spec), "utf-8")
    return path


def test_the_shipped_catalogue_loads_and_is_honest() -> None:
    catalogue = load()
    for spec in catalogue.specs.values():
        assert spec.source.startswith("https://")
        assert spec.title
        assert all(file.licence and file.url.startswith("https://") for file in spec.files), spec.name
        assert all(file.bytes for file in spec.files) or not spec.tested, spec.name
        pinned = [file for file in spec.files if not file.sha256]
        assert bool(pinned) == (spec.name in PINNED_AT_FIRST_FETCH)
        if spec.calibration:
            assert spec.tested
            assert "cross-validation" in spec.calibration.fitted
    assert not catalogue.notices


def test_the_starter_set_is_small_tested_calibrated_and_has_a_jury() -> None:
    catalogue = load()
    fast = catalogue.preset("fast")
    assert {spec.name for spec in fast} == {"deimv2-femto", "mobilefacenet", "yolox-nano"}
    assert sum(spec.bytes for spec in fast) < 16_000_000
    faces = catalogue.get("mobilefacenet")
    assert isinstance(faces, FaceEmbedderSpec) and faces.identity is not None
    assert all(spec.tested and (spec.calibration or spec is faces) for spec in fast)
    objects = {spec.model for spec in fast} - {faces.model}
    assert any(set(jury.models) == objects for jury in catalogue.juries)
    assert {spec.name for spec in fast} < {spec.name for spec in catalogue.preset("accurate")}
    assert len(catalogue.calibrations(fast, Path(), {}).juries) == 1
    assert not catalogue.calibrations(fast[:1], Path(), {}).juries


def test_no_file_in_models_is_a_yml_that_stash_would_take_for_a_plugin() -> None:
    assert not list(SHIPPED.rglob("*.yml"))


def test_a_users_yaml_is_enough_and_wins_and_says_so(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    mine = load(tmp_path).get("mine")
    assert mine.model == "mine@3"
    assert mine.own
    assert mine in load(tmp_path).preset("fast")
    written(tmp_path, GOOD | {"name": "yolox-nano"})
    catalogue = load(tmp_path)
    assert catalogue.get("yolox-nano").own
    assert len(catalogue.notices) == 1
    assert "yolox-nano" in catalogue.notices[0]
    assert "mine.yaml" in catalogue.notices[0]


def test_two_of_one_name_in_one_folder_are_refused(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    written(tmp_path, GOOD, "other.yaml")
    with pytest.raises(ModelError, match=r"other\.yaml: name: 'mine' is already used by .*mine\.yaml"):
        load(tmp_path)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"colour": "rgb"}, r"colour: is not a known key; allowed here: .*input, labels"),
    "unknown key inside": ({"input": {"size": [9, 9], "sice": 1}}, r"input\.sice: is not a known key"),
    "wrong value": (
        {"input": {"size": [9, 9], "layout": "chw"}},
        r"input\.layout: has to be nchw or nhwc, found 'chw'",
    ),
    "wrong family": ({"family": "yolo11"}, r"family: has to be one of .*yolox.*found 'yolo11'"),
    "missing": ({"labels": None}, r"labels"),
    "no family": ({"family": None}, r"family: .*yolox"),
    "plain http": ({"files": [{"url": "http://x.org/a.onnx", "sha256": "0" * 64}]}, r"files\.0\.url"),
    "no sha256": ({"files": [{"url": "https://x.org/a.onnx"}]}, r"needs its sha256"),
    "a pin": ({"files": [{"url": "https://x.org/a.onnx", "pin": "first fetch"}]}, r"pin is not allowed"),
    "both": ({"files": [{"url": "https://x.org/a.onnx", "path": "a.onnx"}]}, r"leave url and pin out"),
    "a name with folders": ({"files": [{"name": "../a", "sha256": "0" * 64}]}, r"without folders"),
    "a model name with folders": ({"name": "../a"}, r"name: .*found '\.\./a'"),
    "a crop for a detector": (
        {"input": {"size": [9, 9], "resize": "short-side-crop", "short_side": 9}},
        r"must see the whole picture",
    ),
    "a crop without a size": ({"input": {"size": [9, 9], "resize": "stretch-crop"}}, r"needs short_side"),
    "no such list": ({"labels": "nowhere.txt"}, r"needs the list 'nowhere.txt'"),
    "no such groups": ({"groups": "nowhere.yaml"}, r"groups: 'nowhere.yaml'"),
    "a group of strangers": ({"groups": {"pet": ["cat", "cow"]}}, r"groups: pet: 'cow' is not one of"),
    "a curve of a stranger": (
        {"calibration": {"slope": 1, "intercept": 0, "labels": {"cow": [1, 0]}}},
        r"calibration\.labels: 'cow'",
    ),
    "a falling curve": ({"calibration": {"slope": -1, "intercept": 0}}, r"calibration\.slope: .*found -1"),
}


@pytest.mark.parametrize(("change", "words"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_yaml_is_refused_with_file_key_and_value(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    spec = {key: value for key, value in (GOOD | change).items() if value is not None}
    path = written(tmp_path, spec)
    with pytest.raises(ModelError, match=words) as refused:
        load(tmp_path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("text", ["- a\n- b\n", "name: [", "", "\xff\xfe"])
def test_what_is_no_yaml_of_a_model_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelError, match=r"x\.yaml"):
        load(tmp_path)


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(ModelError, match=r"no model 'yolo'.*deimv2-femto"):
        load().get("yolo")


def test_a_users_jury_is_read(tmp_path: Path) -> None:
    jury = {"jury": "mine", "feature": "objects", "models": {"a@1": 1.0, "b@1": 0.5}, "intercept": 0.1}
    path = written(tmp_path, jury, "jury.mine.yaml")
    assert isinstance(read(path), JurySpec)
    assert load(tmp_path).juries[-1].models == {"a@1": 1.0, "b@1": 0.5}


def test_labels_and_thresholds_beside_the_yaml(tmp_path: Path) -> None:
    spec = GOOD | {"family": "multi-label-classifier", "labels": "l.txt", "thresholds": "t.txt", "labels_offset": 1}
    path = written(tmp_path, spec)
    (tmp_path / "l.txt").write_text("cat\ndog\n", "utf-8")
    (tmp_path / "t.txt").write_text("0.3\n0.6\n", "utf-8")
    loaded = read(path)
    assert not isinstance(loaded, JurySpec)
    assert loaded.family == "multi-label-classifier"
    assert loaded.read_labels(tmp_path) == ("", "cat", "dog")
    assert loaded.read_thresholds(tmp_path) == {"cat": 0.3, "dog": 0.6}
    (tmp_path / "t.txt").write_text("0.3\n", "utf-8")
    with pytest.raises(ModelError, match="1 thresholds for 2 labels"):
        loaded.read_thresholds(tmp_path)
