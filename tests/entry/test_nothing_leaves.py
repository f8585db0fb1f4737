"""Libraries that report their use to their makers are told not to, before they are loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.line.conftest import NO_MODELS, ROOT
from tests.line.drawing import picture

# What a report would be made of: the engine looks at this variable when it is loaded, and then keeps a queue at HOME.
LOADS = ["import tagger.engines.onnx", "import tagger.engines.devices", "import tagger.app"]


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("load", LOADS)
def test_loading_the_engine_leaves_no_queue_of_reports(tmp_path: Path, load: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {load}; import time; time.sleep(2)"
    subprocess.run([sys.executable, "-c", code], env={"HOME": str(home), "PATH": os.defpath}, check=True)
    assert files_below(home) == []


def test_looking_leaves_nothing_outside_the_data_folder(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    home.mkdir()
    data.mkdir()
    (data / "config.yml").write_text(NO_MODELS)
    command = [sys.executable, str(ROOT / "ai_tagger.py"), "demo", str(tmp_path / "pictures"), "--data", str(data)]
    picture(tmp_path / "pictures" / "a.jpg", colour=True)
    environment = {"HOME": str(home), "PATH": os.defpath, "AI_TAGGER_PYTHON": sys.executable}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert files_below(home) == []
