"""What people do between two runs, or between looking and writing, counts for more than what we planned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tagger.app import App
from tagger.light.connection import from_url
from tagger.media.fake import FakeMedia
from tagger.operations import OPERATIONS, Answer, Wish
from tagger.types import ItemRef
from tests.double import StashDouble
from tests.double.data import Data
from tests.line.conftest import NO_MODELS, ROOT
from tests.line.drawing import picture
from tests.line.dying import Silent, pixels

BLACK_WHITE = "Black and white"


@dataclass
class Line:
    """A Stash whose pictures are black and white, and our operations on it in this process."""

    stash: StashDouble
    folder: Path
    refs: list[ItemRef] = field(default_factory=list)

    def add(self, tags: tuple[str, ...] = ()) -> ItemRef:
        n = len(self.refs)
        self.refs.append(self.stash.add_image(picture(self.folder / f"{n}.jpg", colour=False, seed=n), tags=tags))
        return self.refs[-1]

    def do(self, mode: str, meanwhile: Any = None, wish: Any = None, **settings: Any) -> Answer:
        """``meanwhile`` is called once, after the first verdicts are on record and before anything is written."""
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        (data / "config.yml").write_text(NO_MODELS)
        app = App(ROOT, data, Silent(), from_url(self.stash.url), arguments=settings, environment={})
        app.__dict__["media"] = FakeMedia(pixels)
        if meanwhile is not None:
            app.__dict__["store"] = _Between(app.store, meanwhile)
        try:
            return OPERATIONS[mode](app, wish or Wish())
        finally:
            app.close()

    def tags(self, ref: ItemRef) -> frozenset[str]:
        return self.stash.tags_by_item()[ref]


class _Between:
    """A store, and somebody who does something right after verdicts were settled."""

    def __init__(self, store: Any, meanwhile: Any) -> None:
        self._store, self._meanwhile = store, meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def settle(self, *args: Any) -> None:
        self._store.settle(*args)
        if args[2] and self._meanwhile is not None:
            self._meanwhile()
            self._meanwhile = None


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with StashDouble(tmp_path / "stash") as stash:
        yield Line(stash, tmp_path)


def test_a_tag_that_a_person_adds_before_we_do_is_theirs(line: Line) -> None:
    line.stash.add_tag(BLACK_WHITE)
    theirs, ours = line.add(), line.add()
    line.do("tag", lambda: line.stash.set_tags(theirs, [BLACK_WHITE]))
    assert BLACK_WHITE in line.tags(ours)
    line.do("undo")
    assert line.tags(theirs) == {BLACK_WHITE} and line.tags(ours) == frozenset()


def test_what_a_person_removed_stays_away_whatever_the_settings(line: Line) -> None:
    ref, other = line.add(), line.add()
    line.do("tag")
    line.stash.set_tags(ref, [])
    for most in (19, 18, 17):
        line.do("tag", **{"limits.most_tags": most})
        assert line.tags(ref) == frozenset() and BLACK_WHITE in line.tags(other)
    line.do("undo")
    line.do("tag", **{"limits.most_tags": 16})
    assert line.tags(ref) == frozenset() and BLACK_WHITE in line.tags(other)


@pytest.mark.parametrize("what", ["renamed", "merged", "deleted"])
def test_a_tag_changes_between_plan_and_write(line: Line, what: str) -> None:
    tag_id = line.stash.add_tag(BLACK_WHITE)
    refs = [line.add(), line.add(("mine",))]

    def change() -> None:
        with line.stash.lock:
            if what == "renamed":
                line.stash.data.tags[tag_id].name = "Monochrome"
            else:
                line.stash.remove_tag(tag_id)
            if what == "merged":
                line.stash.add_tag("Monochrome", aliases=[BLACK_WHITE])

    answer = line.do("tag", change)
    wanted = BLACK_WHITE if what == "deleted" else "Monochrome"
    assert [line.tags(ref) for ref in refs] == [{wanted}, {wanted, "mine"}]
    assert answer.data["counts"]["added"] == 2
    line.do("undo")
    assert [line.tags(ref) for ref in refs] == [frozenset(), {"mine"}]


def test_a_tag_that_is_deleted_after_the_run_does_not_come_back(line: Line) -> None:
    line.stash.add_tag(BLACK_WHITE)
    line.add()
    line.do("tag", lambda: line.stash.remove_tag(line.stash.tag_id(BLACK_WHITE)))
    line.stash.remove_tag(line.stash.tag_id(BLACK_WHITE))
    line.do("tag", **{"limits.most_tags": 19})
    assert line.tags(line.refs[0]) == frozenset(), "whoever deletes a tag took it from every item"


def test_an_item_that_goes_between_costs_only_itself(line: Line) -> None:
    gone, stays = line.add(), line.add()
    line.do("tag", lambda: line.stash.remove(gone))
    assert BLACK_WHITE in line.tags(stays)
    line.do("undo")
    assert line.tags(stays) == frozenset() and BLACK_WHITE not in line.stash.tag_names()


def test_an_item_whose_file_changes_between_is_looked_at_anew(line: Line) -> None:
    ref = line.add()
    colour = picture(line.folder / "colour.jpg", colour=True, seed=50)
    line.do("tag", lambda: line.stash.replace_file(ref, colour))
    assert BLACK_WHITE not in line.tags(ref)
    line.do("tag")
    assert BLACK_WHITE not in line.tags(ref) and "Day" in line.tags(ref)


def test_undo_leaves_the_tags_of_another_file_and_a_later_run_tags_it(line: Line) -> None:
    ref = line.add()
    line.do("tag")
    line.stash.replace_file(ref, picture(line.folder / "other.jpg", colour=False, seed=60))
    answer = line.do("undo")
    assert line.tags(ref) == {BLACK_WHITE} and "another file" in " ".join(answer.lines)
    line.stash.set_tags(ref, [])
    line.do("tag")
    assert line.tags(ref) == {BLACK_WHITE}, "nobody removed it from this file"


def test_undo_touches_nothing_in_a_rebuilt_stash_that_reuses_ids(line: Line) -> None:
    for _ in range(4):
        line.add()
    line.do("tag")
    taken = {tag.id: tag.name for tag in line.stash.data.tags.values()}
    with line.stash.lock:
        line.stash.data = Data(0)
        for i in range(len(taken)):
            line.stash.add_tag(f"Holiday {i}")
        for i in range(4):
            file = picture(line.folder / "rebuilt" / f"{i}.jpg", colour=False, seed=100 + i)
            line.stash.add_image(file, tags=[f"Holiday {k}" for k in range(1, len(taken))])
    assert taken.keys() <= line.stash.data.tags.keys()
    before, names = line.stash.tags_by_item(), line.stash.tag_names()
    line.do("undo")
    assert line.stash.tags_by_item() == before and line.stash.tag_names() == names


def test_undo_keeps_a_tag_of_ours_that_somebody_uses_or_renamed(line: Line) -> None:
    line.add()
    line.do("tag")
    other = line.stash.add_scene("/videos/a.mp4", tags=[BLACK_WHITE])
    line.do("undo")
    assert line.tags(line.refs[0]) == frozenset() and line.tags(other) == {BLACK_WHITE}
    line.stash.set_tags(other, [])
    line.do("tag")
    with line.stash.lock:
        line.stash.data.tags[line.stash.tag_id(BLACK_WHITE)].name = "Noir"
    line.do("undo")
    assert line.tags(line.refs[0]) == frozenset() and "Noir" in line.stash.tag_names()


def test_the_backup_comes_before_the_first_tag_is_made(line: Line) -> None:
    line.add()
    line.do("tag")
    mutations = [r.text for r in line.stash.requests if "mutation" in r.text]
    backup = next(i for i, text in enumerate(mutations) if "ackup" in text)
    assert backup == 0, mutations[0]


def test_a_run_of_a_part_leaves_new_media_elsewhere_waiting(line: Line) -> None:
    ref = line.add()
    line.do("tag", **{"scope.paths": [str(line.folder / "nowhere")]})
    assert line.tags(ref) == frozenset()
    from tagger.stash import StashLibrary, StashServer
    from tagger.store import DATABASE_NAME, SqliteStore

    library = StashLibrary(StashServer(line.stash.connection))
    with SqliteStore(line.folder / "data" / DATABASE_NAME, library.key, library.name) as store:
        store.enqueue([ref], 0, "new")
        line.do("new", wish=Wish(dry_run=True))
        line.do("tag", **{"scope.paths": [str(line.folder / "nowhere")]})
        assert [entry.ref for entry in store.waiting(10)] == [ref]
    line.do("new")
    assert line.tags(ref) == {BLACK_WHITE}
