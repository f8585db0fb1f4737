"""A run that a kill left unfinished, and what was before it is undone: the next one does everything in scope."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tagger.operations import Wish
from tests.double import StashDouble
from tests.line.test_meanwhile import BLACK_WHITE, Line
from tests.line.test_reviewed_b import app_of


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with StashDouble(tmp_path / "stash") as stash:
        yield Line(stash, tmp_path)


def killed(line: Line) -> int:
    """A second run over the library, killed right before its end; its id."""
    app = app_of(line)
    try:
        (done,) = [run for run in app.store.runs(5) if run.operation == "tag"]
        run = app.store.begin_run("tag", done.scope)
        app.store.checkpoint(run.id, done.cursor, {})
        assert "image" in done.cursor and run.id != done.id
        return run.id
    finally:
        app.close()


@pytest.mark.parametrize(
    "wish",
    [Wish(run=1), Wish(), Wish(tag=BLACK_WHITE), Wish(everything=True)],
    ids=["a run", "the last that wrote", "a tag", "everything"],
)
def test_the_next_run_does_all_of_it(line: Line, wish: Wish) -> None:
    refs = [line.add() for _ in range(3)]
    line.do("tag")
    unfinished = killed(line)
    line.do("undo", wish=wish)
    assert not any(line.tags(ref) for ref in refs)
    line.do("tag")
    assert all(line.tags(ref) == {BLACK_WHITE} for ref in refs)
    app = app_of(line)
    try:
        states = {run.id: run.state for run in app.store.runs(5) if run.operation == "tag"}
    finally:
        app.close()
    assert states.pop(unfinished) == "done" and set(states.values()) <= {"done", "undone"}, "nothing is left to finish"
