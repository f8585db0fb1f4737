"""Hooks cost Stash little, lose nothing, and queue one job however many files a scan brings."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.light.quick import loads
from tagger.light.spool import KINDS, Spool
from tagger.types import ITEM_KINDS, ItemRef
from tests.double import StashDouble
from tests.entry.installed import Installed, answer


def _spool(installed: Installed) -> Spool:
    return Spool(str(installed.data), str(installed.stash_dir))


def _notes(installed: Installed) -> set[ItemRef]:
    folder = Path(_spool(installed).folder)
    names = [path.name for path in folder.iterdir()] if folder.exists() else []
    return {ItemRef(kind, name.split("-")[1]) for kind in ITEM_KINDS for name in names if name.startswith(f"{kind}-")}


@pytest.fixture
def ready(installed: Installed) -> Installed:
    """As after the first run: the data folder is there, and a run is queued already, so that no Stash is needed."""
    installed.data.mkdir()
    _spool(installed).stay_awake()
    return installed


def test_an_update_by_somebody_ends_before_any_import(ready: Installed) -> None:
    payload = ready.hook("Scene.Update.Post", {"id": "7", "title": "x"})
    code, out, err = ready.run(payload=payload, options=("-X", "importtime"))
    assert (code, answer(out)) == (0, {"output": "ok"})
    at_start = {"json", "os", "tagger", "re", "pathlib"}
    imported = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in err.splitlines() if "|" in line}
    assert not imported & at_start
    assert not _notes(ready)


def test_new_media_need_no_slow_import(ready: Installed) -> None:
    _, _, err = ready.run(payload=ready.hook("Image.Create.Post"), options=("-X", "importtime"))
    imported = {line.rsplit("|", 1)[1].strip() for line in err.splitlines() if "|" in line}
    assert not imported & {"json", "re", "pathlib", "dataclasses", "http.client", "ssl", "sqlite3", "typing"}


@pytest.mark.parametrize(
    ("trigger", "given", "noted"),
    [
        ("Scene.Create.Post", None, {ItemRef("scene", "7")}),
        ("Image.Create.Post", None, {ItemRef("image", "7")}),
        ("Gallery.Create.Post", {"title": "by hand"}, {ItemRef("gallery", "7")}),
        ("Scene.Update.Post", None, {ItemRef("scene", "7")}),
        ("Scene.Update.Post", {"id": "7"}, set()),
        ("Tag.Create.Post", None, set()),
        ("Scene.Destroy.Post", None, set()),
    ],
)
def test_what_is_noted(ready: Installed, trigger: str, given: object, noted: set[ItemRef]) -> None:
    code, out, err = ready.run(payload=ready.hook(trigger, given, id=7))
    assert (code, answer(out), err) == (0, {"output": "ok"}, "")
    assert _notes(ready) == noted


def test_what_somebody_typed_is_no_hook(ready: Installed) -> None:
    typed = '"args":{"hookContext":{"id":1,"type":"Scene.Update.Post","input":{'
    _, out, _ = ready.run(payload=ready.payload(mode="tag", text=typed))
    assert answer(out)["output"]["pid"], "the task ran"
    ready.run(payload=ready.hook("Gallery.Create.Post", {"title": typed}, id=3))
    assert _notes(ready) == {ItemRef("gallery", "3")}


def test_spaces_in_the_input_change_nothing(ready: Installed) -> None:
    payload = ready.hook("Scene.Update.Post", {"id": "7"}).replace(b":", b": ").replace(b",", b", ")
    ready.run(payload=payload)
    assert not _notes(ready)


@pytest.mark.parametrize("snapshot", ['{"hooks": false}', '{"kinds": ["scene"]}'])
def test_hooks_and_kinds_can_be_off(ready: Installed, snapshot: str) -> None:
    (ready.data / "light.json").write_text(snapshot)
    ready.run(payload=ready.hook("Image.Create.Post"))
    assert not _notes(ready)


def test_before_the_set_up_a_hook_does_nothing(bare: Installed) -> None:
    code, out, err = bare.run(payload=bare.hook("Image.Create.Post"))
    assert (code, answer(out), err) == (0, {"output": "ok"}, "")
    assert not bare.data.exists()


def test_a_stash_that_gives_no_answer_is_said_and_the_note_stands(installed: Installed) -> None:
    installed.data.mkdir()
    code, out, err = installed.run(payload=installed.hook("Image.Create.Post", id=4))
    assert (code, answer(out)) == (0, {"output": "ok"})
    assert err.startswith("\x01w\x02") and "SECRET" not in err
    assert _notes(installed) == {ItemRef("image", "4")}
    assert _spool(installed).claim(), "the next hook tries again"


def test_a_scan_queues_one_run_that_serves_every_item(installed: Installed) -> None:
    installed.data.mkdir()
    with StashDouble(
        installed.stash_dir, installed.folder, python=sys.executable, environment=installed.environment
    ) as stash:
        refs = stash.scan_in([f"/media/{i}.{'mp4' if i % 3 else 'jpg'}" for i in range(12)])
        stash.wait_idle()
        ended = [job.description for job in stash.jobs.ended()]
        assert ended[1:] == ["Running plugin task: AI Tagger: tag new media"]
        served = (installed.stash_dir / "served").read_text().splitlines()
        assert sorted(served) == sorted(f"{ref.kind} {ref.id}" for ref in refs)

        more = stash.scan_in(["/media/late.jpg"])
        stash.wait_idle()
        served = (installed.stash_dir / "served").read_text().splitlines()
        assert served[-1] == f"image {more[0].id}"
        assert not [text for level, text in stash.log if level in ("warning", "error")]


def test_a_run_that_waits_in_the_queue_is_enough(installed: Installed) -> None:
    installed.data.mkdir()
    with StashDouble(
        installed.stash_dir, installed.folder, python=sys.executable, environment=installed.environment
    ) as stash:
        busy = stash.add_job(seconds=600)
        for number in range(3):
            item = stash.add_image(f"/media/{number}.jpg")
            stash.run_hooks(stash.session_of(""), "Image.Create.Post", item.id, None, [])
            _spool(installed).unclaim()  # As when the minute is over: Stash is asked what waits.
        assert len(stash.jobs.queued()) == 2
        stash.jobs.stop(busy.id)
        stash.wait_idle()
        assert len((installed.stash_dir / "served").read_text().splitlines()) == 3


@given(
    st.text(alphabet='[]{}:,"\\ \ntruefalsnN-01.eEu', max_size=12)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(json.dumps)
)
def test_quick_json_is_json(text: str) -> None:
    def read(loads: Callable[[str], object]) -> object:
        try:
            return repr(loads(text))
        except ValueError:
            return ValueError

    assert read(loads) == read(json.loads)


def test_light_kinds_are_all_kinds() -> None:
    assert KINDS == ITEM_KINDS


def test_a_killed_run_loses_no_note(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path), "/stash")
    for number in range(5):
        spool.note("scene", str(number))
    spool.note("scene", "3")
    first = spool.take(3)
    first[0].done()
    first[0].done()
    spool.note("scene", first[1].ref.id)  # It changed while it was looked at.
    again = Spool(str(tmp_path), "/stash").take()
    assert len(again) == len({entry.ref for entry in again}) == 4
    first[1].done()
    for entry in again:
        entry.done()
    assert spool.finish()
    assert spool.waiting() == 0


def test_libraries_in_one_data_folder_are_apart(tmp_path: Path) -> None:
    Spool(str(tmp_path), "/a").note("image", "1")
    assert Spool(str(tmp_path), "/b").take() == []
    assert len(Spool(str(tmp_path), "/a/").take()) == 1


@settings(max_examples=15, deadline=None)
@given(batches=st.lists(st.lists(st.integers(0, 9), max_size=8), min_size=1, max_size=4))
def test_whatever_the_timing_every_note_is_served(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]]
) -> None:
    data = str(tmp_path_factory.mktemp("race"))
    served: list[str] = []
    jobs = threading.Semaphore(0)
    ended = threading.Event()

    def run() -> None:
        spool = Spool(data, "/stash")
        while True:
            jobs.acquire()
            if ended.is_set():
                return
            while True:
                for entry in spool.take(3):
                    served.append(entry.ref.id)
                    entry.done()
                if spool.finish():
                    break

    def hooks(batch: list[int]) -> None:
        spool = Spool(data, "/stash")
        for number in batch:
            spool.note("image", str(number))
            if spool.claim():
                jobs.release()

    runner = threading.Thread(target=run)
    callers = [threading.Thread(target=hooks, args=(batch,)) for batch in batches]
    for thread in [runner, *callers]:
        thread.start()
    for thread in callers:
        thread.join()
    # Whatever was claimed is run to its end before this last, empty run.
    ended_at = Spool(data, "/stash")
    for _ in range(500):
        if not ended_at.waiting():
            break
        threading.Event().wait(0.01)
    ended.set()
    jobs.release()
    runner.join()
    assert set(served) == {str(number) for batch in batches for number in batch}
