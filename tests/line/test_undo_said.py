"""What undo says, and what is said of a tag afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tagger.operations import Wish
from tests.double import StashDouble
from tests.line.test_answers import REVIEW, say, waiting
from tests.line.test_meanwhile import BLACK_WHITE, Line


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with StashDouble(tmp_path / "stash") as stash:
        yield Line(stash, tmp_path)


def why(line: Line, **settings: Any) -> str:
    asked = Wish(item=f"image:{line.refs[0].id}", tag=BLACK_WHITE)
    return line.do("why", wish=asked, **settings).lines[0]


def test_an_answer_that_was_taken_back_leaves_nothing_to_undo(line: Line) -> None:
    ref = line.add()
    line.do("tag", **REVIEW)
    act = say(line, "accept", f"image:{ref.id}", BLACK_WHITE)
    say(line, "undo", str(act))
    for dry_run in (True, False):
        undone = line.do("undo", wish=Wish(dry_run=dry_run))
        assert (undone.data["removed"], undone.data["restored"]) == (0, 0) and line.tags(ref) == frozenset()
    assert line.do("status").data["runs"][0]["state"] == "undone"


def test_a_dry_run_names_the_run_and_says_what_would_be(line: Line) -> None:
    ref = line.add()
    line.do("tag")
    say(line, "reject", f"image:{ref.id}", BLACK_WHITE)
    told = line.do("undo", wish=Wish(dry_run=True)).lines
    assert told[0].startswith("Would take back 0 tags of run 2, your answers in reviews, ")
    assert told[1] == "Would put back 1 tag that it had taken back."
    assert line.tags(ref) == frozenset()
    done = line.do("undo").lines
    assert done[0] == told[0].replace("Would take", "Took") and done[1] == told[1].replace("Would put", "Put")


def test_what_answers_wrote_is_undone_with_them(line: Line) -> None:
    yes, no = line.add(), line.add()
    line.do("tag", **REVIEW)
    say(line, "accept", f"image:{yes.id}", BLACK_WHITE)
    say(line, "reject", f"image:{no.id}", BLACK_WHITE)
    said = line.do("undo").lines
    assert any(one.startswith("1 answer that did this is taken back, too; ") for one in said)
    assert waiting(line) == [f"image:{yes.id}"], "at once, and the one that wrote nothing stands"
    assert "waits for your look" in why(line, **REVIEW)
    acts = line.do("review", wish=Wish(action="acts")).lines
    assert [one.endswith("(taken back)") for one in acts] == [False, True]


def test_a_refusal_that_took_a_tag_away_is_undone_with_it(line: Line) -> None:
    ref = line.add()
    line.do("tag")
    say(line, "reject", f"image:{ref.id}", BLACK_WHITE)
    line.do("undo")
    assert line.tags(ref) == {BLACK_WHITE} and "applied. " in why(line) and "isn't here" not in why(line)
    line.do("tag")
    assert line.tags(ref) == {BLACK_WHITE}, "no answer takes it away again"


def test_why_does_not_say_applied_of_what_was_taken_back(line: Line) -> None:
    line.add()
    line.do("tag")
    assert ": applied. " in why(line)
    line.do("undo")
    assert ": taken back, so it isn't there; the next run decides it again." in why(line)
    line.do("tag")
    assert ": applied. " in why(line)
