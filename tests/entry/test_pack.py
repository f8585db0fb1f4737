"""What Stash's plugin manager gets: a zip that it can unpack and load, and an index that tells of it."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tagger.manifest import STASH_SETTINGS
from tests.entry.installed import ROOT


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, ROOT / "tools" / "pack.py", folder], check=True, capture_output=True)
    return folder


def _manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "ai_tagger.yml").read_text("utf-8"))
    return loaded


def test_the_index_is_what_stash_reads(dist: Path) -> None:
    [entry] = yaml.safe_load((dist / "index.yml").read_text("utf-8"))
    # Stash's RemotePackage has these fields and no others (pkg/pkg/pkg.go).
    assert set(entry) == {"id", "name", "metadata", "version", "date", "path", "sha256", "requires"}
    assert entry["id"] == "ai_tagger"
    assert entry["version"] == _manifest()["version"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", entry["date"])
    assert entry["sha256"] == hashlib.sha256((dist / entry["path"]).read_bytes()).hexdigest()


def test_the_zip_loads_as_one_plugin_and_holds_nothing_of_ours(dist: Path) -> None:
    names = zipfile.ZipFile(dist / "ai_tagger.zip").namelist()
    assert [name for name in names if name.endswith(".yml")] == ["ai_tagger.yml"]
    assert {"ai_tagger.py", "LICENSE", "requirements/cpu.txt", "requirements/pip.txt"} <= set(names)
    assert not [
        name for name in names if name.startswith(("tests", "bench", "docs", "tools", ".")) or "__pycache__" in name
    ]
    assert "requirements/dev.txt" not in names


def test_the_same_files_give_the_same_zip(dist: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "tools" / "pack.py", tmp_path], check=True, capture_output=True)
    assert (tmp_path / "ai_tagger.zip").read_bytes() == (dist / "ai_tagger.zip").read_bytes()


def test_asking_for_help_packs_nothing(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tools" / "pack.py"), "--help"]
    asked = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "usage" in asked.stdout and list(tmp_path.iterdir()) == []


def test_an_unpacked_copy_is_complete(dist: Path, tmp_path: Path) -> None:
    folder = tmp_path / "ai_tagger"
    zipfile.ZipFile(dist / "ai_tagger.zip").extractall(folder)
    code = (
        "import importlib, pkgutil, sys; sys.path.insert(0, sys.argv[1]); import tagger\n"
        "for m in pkgutil.walk_packages(tagger.__path__, 'tagger.'): importlib.import_module(m.name)\n"
        "print(tagger.__file__)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(folder / "tagger" / "__init__.py")
    command = [sys.executable, "-I", "-S", str(folder / "ai_tagger.py"), "check", "--data", str(tmp_path / "data")]
    done = subprocess.run(command, env={"PATH": ""}, capture_output=True, text=True, check=False)
    assert "Set up downloads" in done.stdout, done.stderr


def test_the_manifest_has_only_keys_that_stash_knows() -> None:
    manifest = _manifest()
    # pkg/plugin/config.go, parsed strictly: one unknown key and Stash refuses the plugin.
    known = {"name", "description", "url", "version", "interface", "exec", "errLog", "tasks", "hooks", "ui", "settings"}
    assert set(manifest) <= known
    for task in manifest["tasks"]:
        assert set(task) <= {"name", "description", "execArgs", "defaultArgs"}
        assert all(isinstance(value, str) for value in task["defaultArgs"].values())
    for hook in manifest["hooks"]:
        assert set(hook) <= {"name", "description", "execArgs", "defaultArgs", "triggeredBy"}
    for setting in manifest["settings"].values():
        assert set(setting) == {"type", "displayName", "description"}
        assert setting["type"] in ("STRING", "NUMBER", "BOOLEAN")
        assert "Default" in setting["description"]


def test_the_page_has_exactly_the_settings_that_are_read() -> None:
    assert set(_manifest()["settings"]) == set(STASH_SETTINGS)
