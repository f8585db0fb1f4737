"""A run that is killed at any of its committed steps, and goes on, ends like one that was not killed; undoing too."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tagger.store import DATABASE_NAME, SqliteStore
from tagger.types import ChangeState, ItemRef
from tests.double import StashDouble
from tests.line.conftest import NO_MODELS, ROOT
from tests.line.drawing import broken, picture
from tests.line.dying import DIED, LIVED, REFUSED

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the dying program forks"),
    pytest.mark.timeout(300),
    pytest.mark.slow,
]
BLACK_WHITE = "Black and white"
STATES: tuple[ChangeState, ...] = ("planned", "sending", "done", "undone", "failed", "gone")


class World:
    """A Stash with pictures, our data folder, and a program that dies on demand; both can be put back."""

    def __init__(self, folder: Path, stash: StashDouble, program: subprocess.Popen[str]) -> None:
        self.stash, self.program, self.folder = stash, program, folder
        self.data = folder / "data"
        self.data.mkdir()
        (self.data / "config.yml").write_text(NO_MODELS + "keep: {thumbs: false}\n")
        self._kept: tuple[Any, Path] | None = None

    def keep(self) -> None:
        """Remember how everything is now."""
        aside = self.folder / "kept"
        shutil.copytree(self.data, aside)
        self._kept = (copy.deepcopy(self.stash.data), aside)

    def put_back(self) -> None:
        """As it was kept."""
        assert self._kept is not None
        with self.stash.lock:
            self.stash.data = copy.deepcopy(self._kept[0])
        shutil.rmtree(self.data)
        shutil.copytree(self._kept[1], self.data)

    def do(self, mode: str, die_after: int = 0) -> int:
        """The exit code: DIED, LIVED or REFUSED."""
        asked = {"url": self.stash.url, "data": str(self.data), "mode": mode, "die_after": die_after}
        assert self.program.stdin is not None and self.program.stdout is not None
        self.program.stdin.write(json.dumps(asked) + "\n")
        self.program.stdin.flush()
        code: int = json.loads(self.program.stdout.readline())["code"]
        assert code in (DIED, LIVED, REFUSED)
        return code

    def end_state(self) -> dict[str, Any]:
        """Everything that a kill must not change."""
        with SqliteStore(self.data / DATABASE_NAME, self.key(), f"Stash at {self.stash.url}") as store:
            items = list(self.stash.tags_by_item())
            runs = store.runs(100)
            return {
                "tags": self.stash.tags_by_item(),
                "names": self.stash.tag_names(),
                "runs": [(run.id, run.operation, run.state) for run in runs],
                "decisions": {
                    ref: [(d.tag, d.verdict, d.rule) for d in found] for ref, found in store.decisions(items).items()
                },
                "changes": sorted(
                    (change.plan.ref, change.plan.tag_name, change.state, change.run_id)
                    for run in runs
                    for state in STATES
                    for change in store.changes(run.id, state)
                ),
                "created": [tag.name for tag in store.created_tags()],
                "waiting": store.waiting(100),
                "failures": [(failure.ref, failure.reason) for failure in store.failures()],
            }

    def key(self) -> str:
        from tagger.stash import StashLibrary, StashServer

        return StashLibrary(StashServer(self.stash.connection)).key


@pytest.fixture(scope="module")
def program() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.line.dying"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    yield process
    assert process.stdin is not None and process.stdout is not None
    process.stdin.close()
    process.wait(30)
    process.stdout.close()


@pytest.fixture
def world(tmp_path: Path, program: subprocess.Popen[str]) -> Iterator[World]:
    """A library that was tagged once; since then pictures came, one got other bytes, and a gallery got more images."""
    with StashDouble(tmp_path / "stash") as stash:
        world = World(tmp_path, stash, program)
        refs = [add(stash, tmp_path, i) for i in range(6)]
        gallery = stash.add_gallery(images=refs[:2], title="Half")
        stash.add_gallery(images=refs[:4], title="Mixed")
        assert world.do("tag") == LIVED
        stash.set_tags(refs[2], ["mine"])  # What we wrote there, a person took away.
        stash.replace_file(refs[1], picture(tmp_path / "other.jpg", colour=False, seed=999))
        for i in range(6, 40):
            add(stash, tmp_path, i)
        stash.join(gallery, add(stash, tmp_path, 40))
        stash.add_image(broken(tmp_path / "broken.jpg"))
        yield world


def add(stash: StashDouble, folder: Path, i: int) -> ItemRef:
    tags = ["mine"] if i % 3 else ["mine", BLACK_WHITE] if i == 12 else []
    return stash.add_image(picture(folder / "pictures" / f"{i}.jpg", colour=i % 2 == 1, seed=i), tags=tags)


def fresh(world: World) -> None:
    """As after the installation: nothing of ours anywhere."""
    shutil.rmtree(world.data)
    world.data.mkdir()
    (world.data / "config.yml").write_text(NO_MODELS + "keep: {thumbs: false}\n")
    with world.stash.lock:
        for tag in list(world.stash.data.tags.values()):
            if tag.name != "mine":
                world.stash.remove_tag(tag.id)


def points(world: World, mode: str, stride: int = 1) -> Iterator[int]:
    """1, 2, … as long as the run dies of it; each time everything is as it was kept, and then the run has died.

    Every step takes ten minutes, so that usually each ``stride``-th is taken, beginning at another one each day.
    """
    for n in range(1 + date.today().toordinal() % stride, 500, stride):
        world.put_back()
        if world.do(mode, n) != DIED:
            assert n > 5, "a run has more steps than that"
            return
        yield n


@pytest.mark.parametrize("first", [True, False], ids=["first run", "later run"])
def test_a_run_killed_after_any_step_ends_as_if_it_had_not_been(world: World, first: bool, thorough: bool) -> None:
    if first:
        fresh(world)
    world.keep()
    assert world.do("tag") == LIVED
    wanted = world.end_state()
    assert not wanted["waiting"] and {state for _, _, state, _ in wanted["changes"]} <= {
        "done",
        "gone",
        "failed",
        "undone",
    }
    assert any(BLACK_WHITE in tags for tags in wanted["tags"].values())
    for n in points(world, "tag", stride=1 if thorough else 4):
        second = 1 + n % 7 if n % 3 == 0 else 0
        for die_after in (second, 0):
            if world.end_state() != wanted:  # Else it was done, and another run would be a new one.
                world.do("tag", die_after)
        assert world.end_state() == wanted, f"killed after step {n}, then after step {second}"


def test_undoing_what_a_killed_run_left_gives_the_state_before(world: World, thorough: bool) -> None:
    fresh(world)
    before, names = world.stash.tags_by_item(), world.stash.tag_names()
    world.keep()
    assert world.do("tag") == LIVED
    tagged = world.stash.tags_by_item()
    for n in points(world, "tag", stride=1 if thorough else 9):
        code = world.do("undo")
        assert world.stash.tags_by_item() == before, f"killed after step {n}, undone ({code})"
        if code == LIVED:
            assert world.stash.tag_names() == names, f"killed after step {n}"
        assert world.do("tag") == LIVED
        assert world.stash.tags_by_item() == tagged, f"killed after step {n}, undone, run again"


@pytest.mark.parametrize("then", ["undo", "tag"])
def test_undoing_killed_after_any_step(world: World, then: str, thorough: bool) -> None:
    before, names = world.stash.tags_by_item(), world.stash.tag_names()
    assert world.do("tag") == LIVED
    tagged = world.stash.tags_by_item()
    world.keep()
    assert world.do("undo") == LIVED
    wanted = world.end_state()
    assert wanted["tags"] == before and wanted["names"] == names
    for n in points(world, "undo", stride=1 if thorough else 2):
        if then == "undo":
            for die_after in (1 + n % 3 if n % 3 == 0 else 0, 0):
                if world.end_state() != wanted:  # Else it was done, and another undo would be about the run before.
                    world.do("undo", die_after)
            assert world.end_state() == wanted, f"killed after step {n}"
        assert world.do("tag") == LIVED
        assert world.stash.tags_by_item() == tagged, f"killed after step {n}, then {then}"
