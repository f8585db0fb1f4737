"""What every Engine does, whatever runs behind it. Each is given here as ``y = max(x, 0)``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.engines.devices import PROVIDERS, choose_device, probe_devices, why_unusable
from tagger.engines.fake import FakeEngine
from tagger.engines.onnx import OnnxEngine
from tagger.errors import EngineError
from tagger.ports import Engine
from tests.models.graphs import one_node


def _relu(feeds: Mapping[str, Any]) -> dict[str, Any]:
    if feeds["x"].dtype != np.float32:
        raise TypeError("x is float32")
    return {"y": np.maximum(feeds["x"], 0)}


ENGINES: dict[str, Callable[[], Engine]] = {
    "onnx": lambda: OnnxEngine(one_node("Relu"), "cpu"),
    "onnx without an arena": lambda: OnnxEngine(one_node("Relu"), "cpu", threads=2, arena=False),
    "fake": lambda: FakeEngine(_relu, first_input="x"),
}


@pytest.fixture(params=list(ENGINES.values()), ids=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> Engine:
    made: Engine = request.param()
    return made


def test_answers_by_output_name(engine: Engine) -> None:
    fed = np.array([[-1.0, 2.0]], np.float32)
    answer = engine.infer({"x": fed})
    assert list(answer) == ["y"]
    assert answer["y"].tolist() == [[0.0, 2.0]]
    assert fed.tolist() == [[-1.0, 2.0]], "an engine leaves what it is fed alone"


def test_an_empty_name_is_the_first_input(engine: Engine) -> None:
    assert engine.infer({"": np.array([-3.0, 3.0], np.float32)})["y"].tolist() == [0.0, 3.0]


@pytest.mark.parametrize("count", [1, 4, 0])
def test_takes_any_batch(engine: Engine, count: int) -> None:
    assert engine.infer({"x": np.ones((count, 3), np.float32)})["y"].shape == (count, 3)


def test_what_the_backend_refuses_is_an_engine_error(engine: Engine) -> None:
    with pytest.raises(EngineError):
        engine.infer({"x": np.array([1], np.int64)})


def test_several_threads_get_their_own_answers(engine: Engine) -> None:
    fed = [np.full((64, 64), value, np.float32) for value in range(32)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda x: engine.infer({"x": x})["y"], fed))
    assert [answer.flat[0] for answer in answers] == list(range(32))


def test_a_file_that_is_no_model_is_an_engine_error(tmp_path: Path) -> None:
    weights = tmp_path / "broken.onnx"
    weights.write_bytes(b"this is no model")
    with pytest.raises(EngineError, match=r"broken\.onnx can't be loaded on cpu"):
        OnnxEngine(weights, "cpu")


def test_a_device_is_used_or_refused_with_the_reason_never_replaced() -> None:
    for device in PROVIDERS:
        reason = why_unusable(device)
        if reason is None:
            assert OnnxEngine(one_node("Relu"), device).device == device
        else:
            with pytest.raises(EngineError, match=f"The device {device} can't be used: "):
                OnnxEngine(one_node("Relu"), device)


def test_auto_takes_the_best_usable_device_and_the_cpu_always_works() -> None:
    reports = probe_devices()
    assert reports[-1].name == "cpu"
    assert reports[-1].usable
    assert all(report.usable or report.reason for report in reports)
    assert OnnxEngine(one_node("Relu")).device == choose_device() == next(r.name for r in reports if r.usable)


def test_shapes_are_told_for_a_person() -> None:
    assert set(OnnxEngine(one_node("Relu"), "cpu").shapes) == {"x", "y"}
