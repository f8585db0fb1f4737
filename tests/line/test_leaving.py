"""Leaving deletes what AI Tagger made, all of it, and nothing else; and says what isn't in its power."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tagger.errors import TaggerError
from tagger.operations import Wish
from tests.double import StashDouble
from tests.line.drawing import picture
from tests.line.terminal import Terminal, sentence
from tests.line.test_meanwhile import BLACK_WHITE, Line


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with StashDouble(tmp_path / "stash") as stash:
        yield Line(stash, tmp_path)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "data", tmp_path / "no mirror")


def pictures(folder: Path, n: int = 2, first: int = 0) -> Path:
    for seed in range(first, first + n):
        picture(folder / f"{seed}.jpg", colour=False, seed=seed)
    return folder


def put(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_leaving_leaves_nothing(line: Line) -> None:
    ref = line.add(("mine",))
    line.stash.settings["device"] = "cpu"
    line.do("tag")
    with pytest.raises(TaggerError, match="--yes"):
        line.do("leave")
    dry = line.do("leave", wish=Wish(dry_run=True)).lines
    assert any("Would delete what AI Tagger keeps" in said for said in dry) and BLACK_WHITE in line.tags(ref)
    said = line.do("leave", wish=Wish(yes=True)).lines
    assert line.tags(ref) == {"mine"} and line.stash.tag_names() == {"mine"}
    assert not (line.folder / "data").exists() and f"Deleted {line.folder / 'data'}." in said
    assert "backup" in said[-1] and "stash-go.sqlite" in said[-1], "what stays in Stash is said"
    assert "what you set on AI Tagger's settings page" in said[-1]


def test_a_persons_files_in_the_data_folder_stay_and_are_named(terminal: Terminal, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "pictures")
    assert terminal.run("tag", "--folder", folder).code == 0
    assert terminal.run("demo").code == 0
    data, elsewhere = terminal.data, tmp_path / "elsewhere"
    theirs = [
        put(data / "my_diary.txt", "dear diary"),
        put(data / "holidays" / "report.html", "<p>mine"),
        put(data / "people" / "ada.txt", "a friend"),
        put(data / "report-7.html", "<p>mine, too"),
        put(data / "models" / "own" / "notes.sha256", "of my own"),
        put(data / "models" / "mine.yaml", "name: mine"),
        put(data / "env" / "bin" / "python", "somebody's"),
        put(elsewhere / "linked.onnx", "weights"),
        put(elsewhere / "linked.onnx.sha256", "0" * 64 + "\n"),
    ]
    (data / "models" / "linked").symlink_to(elsewhere, target_is_directory=True)
    ours = [
        put(data / "models" / "yolox" / "yolox.onnx", "weights"),
        put(data / "models" / "yolox" / "yolox.onnx.sha256", "0" * 64 + "\n"),
        put(data / "env.former" / "lib" / "x.py", ""),
        put(data / "spool" / "01234567" / "image-5", ""),
        *(data / name for name in ("ai_tagger.sqlite", "folders", "report.html", "demo", "config.yml")),
        *(data / name for name in ("policy.json", "thumbs.sqlite", "worker.lock", "spool", "models/yolox", "reports")),
    ]
    dry = terminal.run("leave", "--folder", folder, "--dry-run")
    assert dry.code == 0 and "my_diary.txt" in dry.out and all(path.exists() for path in theirs)
    left = terminal.run("leave", "--folder", folder, "--yes")
    assert left.code == 0, left
    assert all(path.exists() for path in theirs), left.out
    assert not [path for path in ours if path.exists()]
    assert "Left alone, since they aren't ours: env, holidays, models, my_diary.txt, people and 1 more." in left.out
    assert "Deleted what AI Tagger kept" in left.out


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such rights there")
def test_what_cannot_be_deleted_is_said(terminal: Terminal, tmp_path: Path) -> None:
    import os

    if os.geteuid() == 0:
        pytest.skip("root may delete anything")
    folder = pictures(tmp_path / "pictures")
    terminal.run("tag", "--folder", folder)
    put(terminal.data / "env.former" / "x.py", "")
    (terminal.data / "env.former").chmod(0o500)
    left = terminal.run("leave", "--folder", folder, "--yes")
    (terminal.data / "env.former").chmod(0o700)
    assert left.code == 1 and "Couldn't be deleted: env.former/x.py (Permission denied)" in left.out


def test_other_libraries_in_the_same_data_folder_keep_theirs(terminal: Terminal, tmp_path: Path) -> None:
    one, other = pictures(tmp_path / "one"), pictures(tmp_path / "other", 3)
    for folder in (one, other):
        assert terminal.run("tag", "--folder", folder).code == 0
    terminal.run("status", "--folder", pictures(tmp_path / "only asked about"))
    said = f"another library is kept there too (the folder {other} with 3 tags of ours)"
    dry = terminal.run("leave", "--folder", one, "--dry-run")
    assert said in dry.out and "would stay" in dry.out
    left = terminal.run("leave", "--folder", one, "--yes")
    assert left.code == 0 and said in left.out and "2 tags" in left.out
    assert "3 tags" in terminal.run("undo", "--folder", other, "--dry-run").out
    with sqlite3.connect(terminal.data / "ai_tagger.sqlite") as db:
        names = [name for (name,) in db.execute("SELECT name FROM library")]
        assert not any(str(one) in name for name in names) and any(str(other) in name for name in names)
        assert not db.execute("PRAGMA foreign_key_check").fetchall()
    last = terminal.run("leave", "--folder", other, "--yes")
    assert last.code == 0 and not terminal.data.exists(), last


def test_a_question_before_anything_was_done_downloads_nothing(tmp_path: Path) -> None:
    fresh = Terminal(tmp_path / "data", tmp_path, config="", more={"AI_TAGGER_PYTHON": ""})
    fresh.data.rmdir()
    folder = pictures(tmp_path / "pictures")
    for question in (("status",), ("leave", "--dry-run"), ("leave", "--yes"), ("undo",), ("review",), ("people",)):
        said = sentence(fresh.run(*question, "--folder", folder))
        assert said.startswith(f"Nothing was done in {fresh.data} yet: "), question
        assert not fresh.data.exists()
    assert "Nothing was done" in fresh.run("status", "--json", "--folder", folder).json["error"]


def test_tags_of_all_folders_in_one_database_are_carried_to_each_ones(terminal: Terminal, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "pictures")
    assert terminal.run("tag", "--folder", folder).code == 0
    (state,) = (terminal.data / "folders").glob("*.sqlite")
    state.rename(terminal.data / "folder.sqlite")  # As a former version kept it.
    assert "2 tags" in terminal.run("undo", "--folder", folder, "--dry-run").out
    assert state.exists()
