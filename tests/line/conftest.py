"""A Stash double with the plugin as it is in this checkout, on this Python, without any download."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.double import StashDouble

ROOT = Path(__file__).parents[2]
NO_MODELS = "models: {skip: [deimv2-femto, yolox-nano, mobilefacenet]}\n"


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin as a person who copies the folder has it."""
    folder = tmp_path_factory.mktemp("plugins") / "ai_tagger"
    folder.mkdir()
    for name in ("tagger", "models"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("ai_tagger.py", "ai_tagger.yml"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copy(ROOT / "config.example.yml", folder / "config.example.yaml")
    return folder


@pytest.fixture
def stash(tmp_path: Path, plugin: Path) -> Iterator[StashDouble]:
    """Only the built-in recognizers look, so that nothing has to be fetched."""
    home = tmp_path / "stash"
    data = home / "ai_tagger"
    data.mkdir(parents=True)
    (data / "config.yml").write_text(NO_MODELS)
    environment = {"AI_TAGGER_PYTHON": sys.executable, "AI_TAGGER_MIRROR": str(tmp_path / "no mirror")}
    with StashDouble(data_dir=home, plugin_dir=plugin, environment=environment) as double:
        yield double


@pytest.fixture
def data(stash: StashDouble) -> Path:
    """The plugin's data folder."""
    return stash.data_dir / "ai_tagger"
