"""What is in scope is looked at, and nothing else; hooks note new media while a run has the database."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tagger.store import DATABASE_NAME, worker_lock
from tagger.types import ItemRef
from tests.double import StashDouble
from tests.line.drawing import picture
from tests.line.test_meanwhile import BLACK_WHITE, Line

SCOPES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "all": ({}, {"a", "b", "short", "long"}),
    "path": ({"scope.paths": ["{folder}/in"]}, {"a", "short"}),
    "not that path": ({"scope.exclude_paths": ["{folder}/in"]}, {"b", "long"}),
    "tag": ({"scope.tags": ["animals"]}, {"a"}),
    "not that tag": ({"scope.exclude_tags": ["animals"]}, {"b", "short", "long"}),
    "organized": ({"scope.organized": "only"}, {"b"}),
    "date": ({"scope.date_from": "2020-01-01", "scope.date_to": "2020-12-31"}, {"a", "long"}),
    "long": ({"scope.min_duration_s": 60}, {"a", "b", "long"}),
    "short": ({"scope.max_duration_s": 60}, {"a", "b", "short"}),
    "no images": ({"scope.images": False}, {"short", "long"}),
    "no scenes": ({"scope.scenes": False}, {"a", "b"}),
}


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with StashDouble(tmp_path / "stash") as stash:
        yield Line(stash, tmp_path)


def fill(line: Line) -> dict[str, ItemRef]:
    def file(name: str) -> Path:
        return picture(line.folder / name, colour=False, seed=sum(map(ord, name)))

    stash = line.stash
    stash.add_tag("animals")
    stash.add_tag("dogs", parents=["animals"])
    return {
        "a": stash.add_image(file("in/a.jpg"), tags=["dogs"], date="2020-05-05"),
        "b": stash.add_image(file("in between/b.jpg"), organized=True),
        "short": stash.add_scene(file("in/s.jpg"), duration_s=20.0),
        "long": stash.add_scene(file("out/l.jpg"), duration_s=200.0, date="2020-06-06"),
    }


@pytest.mark.parametrize("name", SCOPES)
def test_only_what_is_in_scope_is_tagged(line: Line, name: str) -> None:
    refs = fill(line)
    given, wanted = SCOPES[name]
    settings = {
        key: [str(v).format(folder=line.folder) for v in value] if isinstance(value, list) else value
        for key, value in given.items()
    }
    line.do("tag", **settings)
    tags = line.stash.tags_by_item()
    assert {key for key, ref in refs.items() if BLACK_WHITE in tags[ref]} == wanted
    line.do("tag")
    assert all(BLACK_WHITE in line.stash.tags_by_item()[ref] for ref in refs.values())


def test_hooks_wait_neither_for_a_run_nor_for_its_database(stash: StashDouble, data: Path, tmp_path: Path) -> None:
    stash.add_image(picture(tmp_path / "first.jpg", colour=False, seed=1))
    stash.run_task("Tag library")
    files = [picture(tmp_path / "new" / f"{n}.jpg", colour=False, seed=10 + n) for n in range(3)]
    with worker_lock(data, "a run"):
        database = sqlite3.connect(data / DATABASE_NAME, isolation_level=None)
        database.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        refs = stash.scan_in(files)
        took_s = time.monotonic() - started
        database.execute("ROLLBACK")
        database.close()
    assert took_s < 5
    stash.wait_idle()
    assert all(BLACK_WHITE in stash.tags_by_item()[ref] for ref in refs)
