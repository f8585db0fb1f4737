"""A server in trouble, rebuilt and renamed tags, a page that writes during a run, deaths in between, secrets."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.app import App
from tagger.errors import LibraryError, SetupError
from tagger.library import review
from tagger.library.takeback import send_all
from tagger.light.connection import from_url
from tagger.media.fake import FakeMedia
from tagger.operations import OPERATIONS, Answer, Wish
from tagger.pipeline import Pipeline
from tagger.store import DATABASE_NAME, SqliteStore
from tagger.types import Finding, Frame, ItemRef, Label, MediaItem, Scope
from tests.double import StashDouble
from tests.line.conftest import NO_MODELS, ROOT
from tests.line.drawing import picture
from tests.line.dying import Silent, pixels
from tests.line.terminal import Terminal
from tests.line.test_meanwhile import BLACK_WHITE, Line

REVIEW = {"thresholds.apply": 1.0, "thresholds.review": 0.5}
SECRET = "geheim-0815"
EVERYTHING = Wish(everything=True)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with StashDouble(tmp_path / "stash") as stash:
        yield Line(stash, tmp_path)


class Dead(BaseException):
    """The process is gone."""


class Around:
    """A store or library; ``before`` or ``after`` is called around the methods that it names."""

    def __init__(self, target: Any, **at: Callable[[str, Sequence[Any]], None]) -> None:
        self._target, self._at = target, at

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)
        if not callable(method):
            return method

        def called(*args: Any, **named: Any) -> Any:
            self._at.get("before", _nothing)(name, args)
            result = method(*args, **named)
            self._at.get("after", _nothing)(name, args)
            return result

        return called


def _nothing(name: str, args: Sequence[Any]) -> None:
    del name, args


def app_of(line: Line, **settings: Any) -> App:
    data = line.folder / "data"
    data.mkdir(exist_ok=True)
    (data / "config.yml").write_text(NO_MODELS)
    app = App(ROOT, data, Silent(), from_url(line.stash.url), arguments=settings, environment={})
    app.__dict__["media"] = FakeMedia(pixels)
    return app


def do(app: App, mode: str, wish: Wish | None = None) -> Answer:
    try:
        return OPERATIONS[mode](app, wish or Wish())
    finally:
        app.close()


# -- a server in trouble

TROUBLE = ["sql: disk I/O error", "database or disk is full", "Something that nobody foresaw"]


@pytest.mark.parametrize("message", TROUBLE)
@pytest.mark.parametrize("wish", [Wish(), EVERYTHING], ids=["run", "everything"])
def test_an_undo_that_the_server_could_not_answer_is_not_lost(line: Line, message: str, wish: Wish) -> None:
    ref = line.add(("mine",))
    line.do("tag")
    line.stash.fault("refuse", "query ById", message=message)
    with pytest.raises(LibraryError):
        line.do("undo", wish=wish)
    assert line.tags(ref) == {"mine", BLACK_WHITE}
    line.do("undo", wish=wish)
    assert line.tags(ref) == {"mine"}


@pytest.mark.parametrize("message", TROUBLE)
def test_a_write_that_the_server_could_not_answer_comes_with_the_next_run(line: Line, message: str) -> None:
    ref = line.add()
    line.stash.fault("refuse", "query ById", message=message)
    with pytest.raises(LibraryError):
        line.do("tag")
    line.do("tag")
    assert line.tags(ref) == {BLACK_WHITE}


def test_a_full_disk_refuses_no_item_for_good(line: Line) -> None:
    ref = line.add()
    line.stash.fault("refuse", "mutation Update", times=2, message="database or disk is full")
    with pytest.raises(LibraryError, match="disk is full"):
        line.do("tag")
    line.do("tag")
    assert line.tags(ref) == {BLACK_WHITE}


def test_an_item_that_is_gone_is_no_trouble(line: Line) -> None:
    gone, ref = line.add(), line.add()
    line.do("tag")
    line.stash.remove(gone)
    undone = line.do("undo").data
    assert line.tags(ref) == frozenset() and undone["left"] == {"the item is gone from the library": 1}


# -- tags that are others now


@pytest.mark.parametrize("wish", [Wish(), EVERYTHING], ids=["run", "everything"])
@pytest.mark.parametrize("made_again", [True, False])
def test_a_rebuilt_library_loses_no_tag_of_a_person(line: Line, wish: Wish, made_again: bool) -> None:
    for n in range(8):
        line.stash.add_tag(f"Theirs {n}")
    ref = line.add()
    line.do("tag")
    line.do("tag", **{"limits.most_tags": 7})
    with line.stash.lock:
        ours = line.stash.tag_id(BLACK_WHITE)
        for tag_id, tag in line.stash.data.tags.items():
            tag.name = f"New {tag_id}"
        theirs = line.stash.data.tags[ours].name
    if made_again:
        line.stash.add_tag(BLACK_WHITE)
        line.stash.set_tags(ref, [theirs, BLACK_WHITE])
    line.do("undo", wish=wish)
    assert line.tags(ref) == {theirs}
    assert theirs in line.stash.tag_names()


@pytest.mark.parametrize("wish", [Wish(), EVERYTHING], ids=["run", "everything"])
@pytest.mark.parametrize("what", ["renamed", "merged"])
def test_an_undo_follows_a_tag_that_was_renamed_or_merged(line: Line, wish: Wish, what: str) -> None:
    refs = [line.add(), line.add()]
    line.do("tag")
    with line.stash.lock:
        tag_id = line.stash.tag_id(BLACK_WHITE)
        line.stash.data.tags[tag_id].name = "Monochrome"
        if what == "merged":
            line.stash.remove_tag(tag_id)
            into = line.stash.add_tag("Monochrome", aliases=[BLACK_WHITE])
            for ref in refs:
                line.stash.item(ref).tag_ids.add(into)
    assert all(line.tags(ref) == {"Monochrome"} for ref in refs)
    line.do("undo", wish=wish)
    assert all(line.tags(ref) == frozenset() for ref in refs)


def test_an_answer_under_another_name_of_the_tag_can_be_undone(line: Line) -> None:
    line.stash.add_tag("Monochrome", aliases=[BLACK_WHITE])
    line.stash.add_tag("Old films")
    ref, other = line.add(), line.add()
    line.do("tag", **REVIEW)
    line.do("review", wish=Wish(action="accept", names=(f"image:{ref.id}", BLACK_WHITE)), **REVIEW)
    synonyms = {"tags.synonyms": {"dog": ["Old films"]}, **REVIEW}
    line.do("review", wish=Wish(action="add", names=(f"image:{other.id}", "Dog")), **synonyms)
    assert line.tags(ref) == {"Monochrome"} and line.tags(other) == {"Old films"}
    line.do("undo", wish=EVERYTHING, **synonyms)
    assert line.tags(ref) == line.tags(other) == frozenset()


@pytest.mark.parametrize("last", [1, 2, 3])
def test_a_kill_while_tags_are_followed_loses_none(line: Line, last: int) -> None:
    refs = [line.add() for _ in range(5)]
    line.do("tag")
    line.do("tag")
    with line.stash.lock:
        line.stash.data.tags[line.stash.tag_id(BLACK_WHITE)].name = "Monochrome"
    steps = 0

    def die(name: str, args: Sequence[Any]) -> None:
        del args
        nonlocal steps
        steps += name in ("follow_tag", "follow_tags", "keep_tags")
        if steps == last:
            raise Dead

    app = app_of(line)
    app.__dict__["store"] = Around(app.store, after=die)
    with contextlib.suppress(Dead):
        do(app, "tag")
    line.do("undo")
    assert all(line.tags(ref) == frozenset() for ref in refs)


@pytest.mark.parametrize("wish", [Wish(), EVERYTHING], ids=["run", "everything"])
def test_tags_that_we_made_go_however_deep_they_lie(line: Line, wish: Wish) -> None:
    ref = line.add()
    parents = {"Black and white": "Colourless", "Colourless": "Zoo of looks", "Zoo of looks": "Looks"}
    line.do("tag", **{"tags.parents": parents})
    assert line.stash.tag_names() == {*parents, *parents.values(), "AI Tagger"}
    line.do("undo", wish=wish)
    assert line.tags(ref) == frozenset() and line.stash.tag_names() == set()


@pytest.mark.parametrize("made", [False, True])
def test_a_tag_that_a_person_made_after_a_kill_is_theirs(line: Line, made: bool) -> None:
    line.stash.add_tag("AI Tagger")
    line.add()

    def die(name: str, args: Sequence[Any]) -> None:
        if name == "create_tag" and args[0] == BLACK_WHITE:
            raise Dead

    app = app_of(line)
    app.__dict__["library"] = Around(app.library, **{"after" if made else "before": die})
    with pytest.raises(Dead):
        do(app, "tag")
    if not made:
        line.stash.add_tag(BLACK_WHITE, parents=["AI Tagger"])
    line.do("tag")
    line.do("undo", wish=EVERYTHING)
    assert line.stash.tag_names() == {"AI Tagger"} | (set() if made else {BLACK_WHITE})


# -- a page beside a run


def test_a_tag_that_is_accepted_while_a_run_has_the_item_in_hand_stays(line: Line) -> None:
    ref, other = line.add(), line.add()
    line.do("tag", **REVIEW)
    accepted: list[int] = []

    def accept(name: str, args: Sequence[Any]) -> None:
        if name == "settle" and args[2] and not accepted:
            page = app_of(line, **REVIEW)
            accepted.append(review.accept(page.store, [(ref, BLACK_WHITE)]))
            send_all(page.tools(looking=False, judging=True))
            page.close()

    again = {**REVIEW, "limits.most_tags": 7}
    app = app_of(line, **again)
    app.__dict__["store"] = Around(app.store, before=accept)
    do(app, "tag")
    assert accepted and line.tags(ref) == {BLACK_WHITE}
    line.stash.set_tags(other, [])
    acts = line.do("review", wish=Wish(action="acts")).data["acts"]
    assert len(acts) == 1, "nothing was taken for a no"
    line.do("tag", **{**REVIEW, "limits.most_tags": 8})
    assert line.tags(ref) == {BLACK_WHITE}
    line.do("undo", wish=EVERYTHING)
    assert line.tags(ref) == frozenset(), "it was still ours"


# -- runs of long ago


@pytest.mark.parametrize("number", [1, None])
def test_a_run_older_than_a_thousand_others_can_be_undone(line: Line, number: int | None) -> None:
    ref = line.add()
    line.do("tag")
    app = app_of(line)
    key, name = app.library.key, app.library.name
    app.close()
    with SqliteStore(line.folder / "data" / DATABASE_NAME, key, name) as store:
        (first,) = store.runs()
        for _ in range(1001):
            store.end_run(store.begin_run("new", Scope(), resume=False).id, "done")
    line.do("undo", wish=Wish(run=first.id if number else None))
    assert line.tags(ref) == frozenset()


# -- secrets


def shown_in(folder: Path) -> list[str]:
    """Files that hold the secret, but for the person's own."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "config.yml"]
    return [str(path) for path in files if SECRET.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("proxy", "mirror"),
    [
        (f"http://user:{SECRET}@127.0.0.1:1", ""),
        (f"user:{SECRET}@127.0.0.1:1", ""),
        (f"http://user:{SECRET}/x@127.0.0.1:1", ""),
        ("", f"http://user:{SECRET}@127.0.0.1:1/models"),
        ("", f"ftp://user:{SECRET}@127.0.0.1:1/models"),
        ("", f"user:{SECRET}@127.0.0.1:1/models"),
    ],
)
def test_no_login_of_an_address_is_ever_shown(tmp_path: Path, proxy: str, mirror: str) -> None:
    config = f'models: {{use: [yolox-nano], skip: [deimv2-femto, mobilefacenet], proxy: "{proxy}"}}\n'
    terminal = Terminal(tmp_path / "data", tmp_path / "none", config, {"AI_TAGGER_MIRROR": mirror})
    for command in (["check"], ["check", "--json"], ["models", "fetch", "yolox-nano"], ["setup"], ["status"]):
        ended = terminal.run(*command)
        assert SECRET not in ended.out + ended.err, command
        if command == ["check"]:
            assert "***@127.0.0.1:1" in ended.out, "but that there is one"
    assert shown_in(tmp_path / "data") == []


def test_a_login_in_a_setting_that_is_wrong_is_not_quoted(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "data", tmp_path / "none", f'models: {{proxy: ["http://u:{SECRET}@p:1"]}}\n')
    ended = terminal.run("check")
    assert ended.code == 2 and "models.proxy" in ended.err and SECRET not in ended.out + ended.err
    (tmp_path / "data" / "config.yml").write_text(f'models: "http://u:{SECRET}@p:1"\n')
    ended = terminal.run("check")
    assert ended.code == 2 and SECRET not in ended.out + ended.err


# -- one odd frame


class Picky:
    """A recognizer that takes 32 frames at a time and can't bear a white one."""

    model, feature, looks_at, batch = "picky@1", "objects", "frame", 32

    def __init__(self) -> None:
        self.most = 0

    def recognise(self, frames: Sequence[Frame]) -> list[tuple[Finding, ...]]:
        self.most = max(self.most, len(frames))
        if any(frame.rgb.min() == 255 for frame in frames):
            raise ValueError("it is too bright")
        return [(Label("cat", 0.9),) for _ in frames]


def test_one_odd_frame_costs_its_own_item_only() -> None:
    def frames(item: MediaItem) -> list[Frame]:
        level = 255 if item.ref.id == "7" else 80
        return [Frame(np.full((16, 16, 3), level if n == 5 else 80, np.uint8), float(n), 16, 16) for n in range(8)]

    items = [MediaItem(ItemRef("scene", str(n)), "video", "", f"oshash:{n}") for n in range(1, 13)]
    picky = Picky()
    pipeline = Pipeline(FakeMedia(frames), [picky], 1)
    looks = {look.item.ref.id: look for look in pipeline.looks((item, pipeline.models) for item in items)}
    assert picky.most > 8, "frames of several items went together"
    assert looks.keys() == {item.ref.id for item in items}
    assert [n for n, look in looks.items() if look.error] == ["7"] and "too bright" in str(looks["7"].error)
    for look in looks.values():
        if look.error is None:
            assert [len(frame.findings) for frame in look.sightings[0].frames] == [1] * 8


# -- a terminal's mistakes


def test_a_file_that_is_named_twice_is_looked_at_once(tmp_path: Path) -> None:
    file = picture(tmp_path / "pictures" / "a.jpg", colour=False, seed=1)
    terminal = Terminal(tmp_path / "data", tmp_path / "none")
    again = file.parent / ".." / "pictures" / "a.jpg"
    ended = terminal.run("look", file.parent, file, again, "--json")
    assert ended.code == 0 and [row["path"] for row in ended.rows] == [str(file)]


def test_what_nobody_foresaw_is_one_sentence_and_could_not_run(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "data", tmp_path / "none")
    (tmp_path / "pictures").mkdir()
    ended = terminal.run("status", "--folder", tmp_path / "pictures", "--limit", str(10**30))
    assert ended.code == 2 and "nobody foresaw (OverflowError in" in ended.err
    assert ended.err.strip().splitlines()[-1].endswith("please report this line.")


def test_the_first_configuration_is_there_whole_or_said_to_be_impossible(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    refused = App(ROOT, tmp_path / "file" / "data", Silent(), None, environment={})
    with pytest.raises(SetupError, match=r"config\.yml can't be written"):
        refused.write_example_config()
    app = App(ROOT, tmp_path / "data", Silent(), None, environment={})
    assert app.write_example_config() and not app.write_example_config()
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["config.yml"]
