"""The law of undoing what persons answered: whatever they said and took back, in the library it is as it was before."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tagger.app import App
from tagger.library import review
from tagger.library.takeback import send_all
from tagger.library.undo import undo_run
from tagger.operations import OPERATIONS, Wish
from tests.double import StashDouble
from tests.double.data import Data
from tests.laws import examples
from tests.line.test_meanwhile import BLACK_WHITE, Line
from tests.line.test_reviewed_b import app_of

WAITS = {"thresholds.apply": 1.0, "thresholds.review": 0.5, "tags.update": "add"}
STEPS = st.tuples(st.integers(0, 2), st.sampled_from(["accept", "reject", "take back", "send"]))


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Line, Path, Data]]:
    """Three pictures: one has the tag from us, on one it waits, and one had it before us."""
    folder = tmp_path_factory.mktemp("undone")
    with StashDouble(folder / "stash") as stash:
        line = Line(stash, folder)
        stash.add_tag(BLACK_WHITE)
        line.add()
        line.do("tag")
        line.add()
        line.add((BLACK_WHITE,))
        line.do("tag", **WAITS)
        shutil.copytree(folder / "data", folder / "before")
        yield line, folder / "before", copy.deepcopy(stash.data)


def answer(app: App, line: Line, steps: list[tuple[int, str]]) -> None:
    tools = app.tools(looking=False, judging=True)
    said: list[int] = []
    for n, step in steps:
        if step == "take back" and said:
            app.store.withdraw(said.pop(n % len(said)))
        elif step in ("accept", "reject"):
            say = review.accept if step == "accept" else review.reject
            said.append(say(app.store, [(line.refs[n], BLACK_WHITE)]))
        elif step == "send":
            send_all(tools)
    send_all(tools)


@settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=8))
@example([(1, "accept"), (0, "send"), (0, "take back")])
@example([(0, "reject"), (0, "send"), (0, "take back"), (0, "send"), (0, "reject")])
@example([(1, "accept"), (0, "send"), (1, "reject")])
def test_undoing_a_days_answers_gives_the_state_before_them(
    tagged: tuple[Line, Path, Data], steps: list[tuple[int, str]]
) -> None:
    line, files, data = tagged
    shutil.rmtree(line.folder / "data")
    shutil.copytree(files, line.folder / "data")
    with line.stash.lock:
        line.stash.data = copy.deepcopy(data)
    before = line.stash.tags_by_item()
    app = app_of(line, **WAITS)
    try:
        answer(app, line, steps)
        run = app.store.runs(1)[0]
        if run.operation != "review":
            return  # Nothing was written.
        tools = app.tools(looking=False)
        told = undo_run(tools, run.id, True)
        now = line.stash.tags_by_item()
        done = undo_run(tools, run.id, False)
        assert line.stash.tags_by_item() == before
        assert (told.removed, told.restored, told.what) == (done.removed, done.restored, done.what)
        if now == before:
            assert done.removed == done.restored, "what cancels out"
        OPERATIONS["tag"](app, Wish())
        assert line.stash.tags_by_item() == before, "no answer writes it again"
    finally:
        app.close()
