"""What a run does for items that come by id, in a quiet stretch, in a terminal, and for what is gone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tagger.app import App
from tagger.errors import MediaGoneError
from tagger.library.find import URGENT, Order
from tagger.library.tag import tag_library
from tagger.light.connection import from_url
from tagger.light.hook import JOB_DESCRIPTION
from tagger.light.spool import Spool
from tagger.media.fake import FakeMedia
from tagger.operations import OPERATIONS, Answer, Wish
from tagger.types import ItemRef
from tests.double import StashDouble
from tests.line.conftest import NO_MODELS, ROOT
from tests.line.drawing import picture
from tests.line.dying import Silent, pixels
from tests.line.test_meanwhile import BLACK_WHITE, Line


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with StashDouble(tmp_path / "stash") as stash:
        yield Line(stash, tmp_path)


def app_of(line: Line, settings: Mapping[str, Any] | None = None, is_plugin: bool = True) -> App:
    data = line.folder / "data"
    data.mkdir(exist_ok=True)
    (data / "config.yml").write_text(NO_MODELS)
    progress = Silent()
    app = App(ROOT, data, progress, from_url(line.stash.url), None, dict(settings or {}), is_plugin, environment={})
    app.__dict__["media"] = FakeMedia(pixels)
    return app


def do(app: App, mode: str, wish: Wish = Wish()) -> Answer:  # noqa: B008
    try:
        return OPERATIONS[mode](app, wish)
    finally:
        app.close()


def grey(line: Line, name: str, **facts: Any) -> ItemRef:
    return line.stash.add_image(picture(line.folder / name, colour=False, seed=sum(map(ord, name))), **facts)


@pytest.mark.parametrize("comes", ["by its time", "by a hook"])
def test_new_media_obey_the_scope_of_tags_as_pages_do(line: Line, comes: str) -> None:
    settings = {"scope.exclude_tags": ["private"]}
    line.stash.add_tag("private")
    line.stash.add_tag("very private", parents=["private"])
    grey(line, "old.jpg")
    line.do("tag", **settings)
    hidden, shown = grey(line, "hidden.jpg", tags=["very private"]), grey(line, "shown.jpg")
    app = app_of(line, settings)
    if comes == "by a hook":
        app.store.enqueue([hidden, shown], 0, "new")
    do(app, "new")
    tags = line.stash.tags_by_item()
    assert BLACK_WHITE in tags[shown]
    assert tags[hidden] == {"very private"}, "what Tag library refuses isn't tagged when it is new either"


def test_new_images_in_archives_obey_the_scope_of_paths(line: Line) -> None:
    settings = {"scope.exclude_paths": [str(line.folder / "hidden")]}
    line.add()
    line.do("tag", **settings)
    refs = {}
    for name in ("hidden", "shown"):
        archive = line.folder / name / "a.zip"
        archive.parent.mkdir()
        file = picture(line.folder / f"{name}.jpg", colour=False, seed=len(name))
        refs[name] = line.stash.add_image(file)
        stored = line.stash.item(refs[name]).files[0]
        stored.path, stored.zip_path = f"{archive}/1.jpg", str(archive)
    app = app_of(line, settings)
    same = pixels(line_item(line))
    looked = FakeMedia(lambda _: same)
    app.__dict__["media"] = looked
    do(app, "new")
    assert refs["shown"] in looked.sampled and refs["hidden"] not in looked.sampled


def line_item(line: Line) -> Any:
    app = app_of(line)
    try:
        return app.library.get([line.refs[0]])[0]
    finally:
        app.close()


def test_a_missing_drive_ends_the_run_and_marks_nothing(line: Line) -> None:
    drive = line.folder / "drive"
    drive.mkdir()  # What an unmounted drive leaves behind; Stash answers 500 for what lies there.
    refs = [line.stash.add_image(drive / "below" / f"{n}.jpg") for n in range(6)]
    for _ in range(2):
        app = app_of(line)
        del app.__dict__["media"]
        with pytest.raises(MediaGoneError, match="connect the drive"):
            OPERATIONS["tag"](app, Wish())
        assert app.store.failures() == []
        app.close()
    for n in range(6):
        picture(drive / "below" / f"{n}.jpg", colour=False, seed=n)
    app = app_of(line)
    del app.__dict__["media"]
    do(app, "tag")
    tags = line.stash.tags_by_item()
    assert all(BLACK_WHITE in tags[ref] for ref in refs)


def test_a_run_in_a_terminal_is_not_cut_into_slices(line: Line) -> None:
    for _ in range(40):
        line.add()
    line.stash.add_job("Generating...", 30.0)
    line.stash.add_job("Cleaning...", 0.0)
    answer = do(app_of(line, {"run.slice_minutes": 0.0001}, is_plugin=False), "tag")
    assert answer.data["finished"] and line.stash.backups == 1
    assert [job.description for job in line.stash.jobs.queued()] == ["Generating...", "Cleaning..."]


@pytest.mark.parametrize("mode", ["tag", "new"])
def test_a_run_that_only_passes_by_makes_way_and_says_what_it_is(line: Line, mode: str) -> None:
    grey(line, "first.jpg")
    settings: dict[str, Any] = {"run.slice_minutes": 1e-9}
    line.do("tag")
    if mode == "new":
        line.do("new")
    line.stash.add_job("Generating...", 30.0)
    line.stash.add_job("Cleaning...", 0.0)
    if mode == "new":
        app = app_of(line, settings)
        app.store.enqueue([grey(line, "new.jpg")], 0, "new")
    else:
        app = app_of(line, {**settings, "limits.most_tags": 19})
    answer = do(app, mode)
    assert not answer.data["finished"]
    *_, ours = line.stash.jobs.queued()
    shown = JOB_DESCRIPTION if mode == "new" else "AI Tagger: tag library goes on"
    assert ours.description == f"Running plugin task: {shown}"


class _Pages:
    """A library, and somebody who asks for an item as soon as the first page of images is read."""

    def __init__(self, library: Any, ask: Any, is_done: Any) -> None:
        self._library, self._ask, self._is_done = library, ask, is_done
        self.done_at_page: list[bool] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    def page(self, kind: str, *args: Any) -> Any:
        if kind == "image":
            self.done_at_page.append(self._is_done())
            if len(self.done_at_page) == 1:
                self._ask()
        return self._library.page(kind, *args)


def test_who_asks_for_an_item_does_not_wait_for_a_quiet_stretch_to_end(line: Line) -> None:
    line.add()
    same = pixels(line_item(line))
    for n in range(1200):
        line.stash.add_image(f"/{n}.jpg")
    app = app_of(line)
    app.__dict__["media"] = FakeMedia(lambda _: same)
    do(app, "tag")
    asked = line.stash.add_scene(picture(line.folder / "asked.jpg", colour=False, seed=7), organized=True)
    app = app_of(line, {"scope.organized": "never", "run.backup": False})
    try:
        store, ticks = app.store, iter(range(0, 10_000_000, 3))
        library = _Pages(
            app.library,
            lambda: store.enqueue([asked], URGENT, "asked"),
            lambda: BLACK_WHITE in line.stash.tags_by_item()[asked],
        )
        tools = replace(app.tools(), library=library, clock=lambda: float(next(ticks)))
        assert tag_library(tools, Order(scope=app.config.scope.to_scope())).finished
    finally:
        app.close()
    assert library.done_at_page[:3] == [False, True, True]


def known(line: Line) -> int:
    app = app_of(line)
    try:
        return len(app.store.known("image", "", 1000))
    finally:
        app.close()


def test_many_that_are_gone_are_kept_until_a_person_says_so_also_in_a_small_library(line: Line) -> None:
    refs = [line.add() for _ in range(20)]
    line.do("tag")
    for ref in refs[:4]:
        line.stash.remove(ref)
    line.do("tag")
    assert known(line) == 20
    line.do("tag", wish=Wish(forget_gone=True))
    assert known(line) == 16
    for ref in refs[4:7]:
        line.stash.remove(ref)
    line.do("tag")
    assert known(line) == 13, "a few are forgotten at once"


def test_finding_what_is_gone_takes_few_requests(line: Line) -> None:
    refs = [line.add() for _ in range(40)]
    line.do("tag")
    for ref in refs[::6]:
        line.stash.remove(ref)
    before = len(line.stash.requests)
    line.do("tag")
    asked = [request.text for request in line.stash.requests[before:]]
    assert known(line) == 33
    assert not any("ById" in text for text in asked), "nothing is read in full, and nothing is halved"
    assert sum("query Ids" in text for text in asked) <= 6


def test_what_comes_in_meanwhile_is_counted_too(line: Line) -> None:
    line.add()
    spools: list[Spool] = []

    def scan() -> None:
        good, bad = grey(line, "late.jpg"), line.stash.add_image(line.folder / "no such file.jpg")
        for ref in (good, bad):
            spools[0].note(ref.kind, ref.id)

    app = app_of(line)
    assert app.spool is not None
    spools.append(app.spool)
    app.close()
    answer = line.do("tag", scan)
    assert answer.data["counts"]["looked"] == 2 and answer.data["counts"]["added"] == 2
    assert answer.data["counts"]["failed"] == 1 and answer.code == 1
    assert answer.data["tags"][BLACK_WHITE] == 2


def test_by_default_memory_is_bounded_however_many_cores(line: Line) -> None:
    class ManyCores(App):
        @property
        def cores(self) -> int:
            return 64

    made = app_of(line)
    app = ManyCores(ROOT, made.data, made.progress, made.connection, environment={})
    arguments = {"run.workers": 16}
    more = ManyCores(ROOT, made.data, made.progress, made.connection, None, arguments, environment={})
    assert (app.media.workers, more.media.workers) == (4, 16)


@pytest.mark.skipif(sys.platform != "linux", reason="only there a process is kept to some cores")
@pytest.mark.parametrize("own", [True, False])
def test_only_a_process_of_its_own_stands_back(tmp_path: Path, own: bool) -> None:
    code = f"""
import os
from pathlib import Path
from tagger.app import App
from tests.line.dying import Silent
before = os.nice(0), len(os.sched_getaffinity(0))
App(Path(), Path({str(tmp_path)!r}), Silent(), owns_process={own}, environment={{}}).be_modest()
after = os.nice(0), len(os.sched_getaffinity(0))
print(before == after)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.split() == [str(not own)]
