"""What a run says of itself adds up: each item once, and the tags of all its parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tagger.operations import Wish
from tests.double import StashDouble
from tests.line.test_meanwhile import BLACK_WHITE, Line
from tests.line.test_reviewed_b import app_of

N = 40  # more than are settled at once


class _StoppedError(Exception):
    pass


def stop() -> None:
    raise _StoppedError


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with StashDouble(tmp_path / "stash") as stash:
        line = Line(stash, tmp_path)
        for _ in range(N):
            line.add()
        yield line


@pytest.mark.parametrize("changed", [False, True], ids=["goes on", "begins at the beginning"])
def test_a_run_that_was_stopped_counts_each_item_once_and_all_its_tags(line: Line, changed: bool) -> None:
    with pytest.raises(_StoppedError):
        line.do("tag", stop)
    outcome = line.do("tag", **({"limits.most_tags": 7} if changed else {}))
    counts = outcome.data["counts"]
    assert outcome.data["run"] == 1 and counts["passed"] == N and counts["added"] == N
    assert outcome.lines[0].startswith(f"Run 1: {N} items: ")
    assert outcome.lines[1] == f"Added {N} tags: {BLACK_WHITE} ({N})."
    if not changed:
        assert f"{N} looked at, 0 judged by what was seen, 0 known already" in outcome.lines[0]
    (run,) = line.do("status").data["runs"]
    assert (run["counts"]["passed"], run["counts"]["added"]) == (N, N)
    assert line.do("status").data["summary"]["ours"] == N


def test_an_item_that_waited_is_counted_once(line: Line) -> None:
    line.do("tag")
    app = app_of(line)
    try:
        app.store.enqueue(line.refs[:5], 0, "a scan")
        app.store.enqueue(line.refs[-5:], 100, "somebody looks at it")
    finally:
        app.close()
    again = line.do("tag")
    assert again.data["counts"] == {"passed": N, "unchanged": N} and "Took back" not in "".join(again.lines)


def test_what_went_and_what_is_held_back_is_said(line: Line) -> None:
    line.do("tag")
    out = {"tags.blacklist": [BLACK_WHITE]}
    said = line.do("tag", **out).lines
    assert f"Took back 20 tags that no longer pass: {BLACK_WHITE} (20)." in said
    assert "20 more tags of ours would go, too many to do it unasked: run 'Decide again'." in said
    asked = line.do("again", **out)
    assert asked.data["asks"]
    (run,) = [run for run in line.do("status").data["runs"] if run["operation"] == "again"]
    assert "changed" not in run["counts"]
    assert any("Nothing was changed: it asked before taking 20 tags back." in one for one in line.do("status").lines)
    line.do("again", wish=Wish(yes=True), **out)
    assert not any(BLACK_WHITE in line.tags(ref) for ref in line.refs)
