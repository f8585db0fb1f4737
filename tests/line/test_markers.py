"""Markers by a rule go with the tags: whoever writes or takes those, wherever we are killed, whatever Stash refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tagger.app import App
from tagger.library.people.made import make
from tagger.media.fake import FakeMedia
from tagger.operations import Wish
from tagger.types import Frame, ItemRef, MediaItem
from tests.double import StashDouble
from tests.line.drawing import picture
from tests.line.dying import pixels
from tests.line.test_meanwhile import BLACK_WHITE, Line
from tests.line.test_reviewed_b import EVERYTHING, REVIEW, Around, Dead, app_of, do

RULE = {"tags.markers": ["*"]}
NEVER = {"thresholds.apply": 1.0, "thresholds.review": 1.0}


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with StashDouble(tmp_path / "stash") as stash:
        yield Line(stash, tmp_path)


def film(item: MediaItem) -> Sequence[Frame]:
    """The picture, for ten seconds."""
    (frame,) = pixels(item)
    return [replace(frame, time_s=float(second)) for second in range(10)]


def filmed(line: Line, number: int = 0) -> ItemRef:
    path = picture(line.folder / f"film {number}.jpg", colour=False, seed=number)
    return line.stash.add_scene(path, duration_s=10.0)


def app(line: Line, **settings: Any) -> App:
    made = app_of(line, **settings)
    made.__dict__["media"] = FakeMedia(film)
    return made


def marked(line: Line) -> list[tuple[str, str]]:
    return sorted((marker.scene_id, marker.title) for marker in line.stash.data.markers.values())


def test_deciding_again_brings_markers_with_the_tags_and_takes_them_along(line: Line) -> None:
    ref = filmed(line)
    do(app(line, **REVIEW, **RULE), "tag")
    assert not line.tags(ref) and not marked(line)
    do(app(line, **RULE), "again", Wish(yes=True))
    assert line.tags(ref) == {BLACK_WHITE} and marked(line) == [(ref.id, BLACK_WHITE)]
    do(app(line, **NEVER, **RULE), "again", Wish(yes=True))
    assert not line.tags(ref) and not marked(line)


@pytest.mark.parametrize("mode", ["tag", "again"])
def test_a_kill_between_tags_and_markers_leaves_no_scene_without(line: Line, mode: str) -> None:
    ref = filmed(line)

    def die(name: str, args: Sequence[Any]) -> None:
        if name == "swap":
            raise Dead

    killed = app(line, **RULE)
    killed.__dict__["store"] = Around(killed.store, before=die)
    with pytest.raises(Dead):
        do(killed, "tag")
    assert line.tags(ref) == {BLACK_WHITE} and not marked(line)
    do(app(line, **RULE), mode)
    assert marked(line) == [(ref.id, BLACK_WHITE)]


def test_a_marker_that_stash_refuses_costs_only_itself(line: Line) -> None:
    refs = [filmed(line, number) for number in range(2)]
    line.stash.fault("refuse", "mutation Create(", message="end_seconds must be greater")
    do(app(line, **RULE), "tag")
    assert len(marked(line)) == 1 and all(line.tags(ref) for ref in refs)
    do(app(line, **RULE), "markers", Wish(action="make"))
    assert marked(line) == [(ref.id, BLACK_WHITE) for ref in refs], "a refused one may be tried again"


def test_an_undo_asks_only_of_scenes_whose_tags_it_takes(line: Line) -> None:
    refs = [filmed(line, number) for number in range(3)]
    do(app(line, **RULE), "tag")
    line.stash.requests.clear()
    do(app(line), "undo", Wish(item=f"scene:{refs[0].id}"))
    asked = [json.dumps(r.variables) for r in line.stash.requests if "query Markers" in r.text]
    assert asked == [json.dumps({"id": refs[0].id})] and [scene for scene, _ in marked(line)] == ["2", "3"]
    line.stash.set_tags(refs[1], [])  # A person was quicker; our marker stays behind and holds the tag.
    do(app(line), "undo", Wish(run=1))
    assert not marked(line) and BLACK_WHITE not in line.stash.tag_names()


def test_an_undo_of_something_else_leaves_performers_that_wait_for_a_look(line: Line) -> None:
    line.add()
    line.do("tag")
    named = app_of(line)
    make(named.library, named.store, "Ada")
    named.close()
    line.do("undo", wish=Wish(tag=BLACK_WHITE))
    assert [performer.name for performer in line.stash.data.performers.values()] == ["Ada"]
    line.do("undo", wish=EVERYTHING)
    assert not line.stash.data.performers, "unless everything goes"
