"""Stash as our host, seen by a plugin that it really starts; and the double's own manners on the way."""

from __future__ import annotations

import io
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tagger.errors import LibraryRefusedError
from tagger.light import rpc
from tagger.light.log import StashLog
from tagger.stash import StashHost, StashServer
from tagger.types import ItemRef
from tests.double import StashDouble

ROOT = Path(__file__).parents[2]

MANIFEST = """
name: A test's plugin
exec: [python, "{pluginDir}/run.py"]
interface: raw
tasks:
  - {name: Work, defaultArgs: {mode: work}}
  - {name: Sleep, defaultArgs: {mode: sleep}}
  - {name: Fail, defaultArgs: {mode: fail}}
hooks:
  - name: hook
    triggeredBy: [Scene.Create.Post, Scene.Update.Post]
"""

SCRIPT = """
import json, sys, time
sys.path.insert(0, ROOT)
from tagger.light import rpc
from tagger.light.connection import from_server_connection
from tagger.light.log import StashLog
from tagger.stash import StashHost, StashServer

given = json.load(sys.stdin)
connection, args = from_server_connection(given["server_connection"]), given["args"]
progress, host = StashLog(), StashHost(StashServer(connection))
hook = args.get("hookContext")
mode = args.get("mode")
if hook and hook["type"] == "Scene.Update.Post":
    rpc.call(connection, 'mutation M($i: BulkSceneUpdateInput!) { bulkSceneUpdate(input: $i) { id } }',
             {"i": {"ids": [hook["id"]], "organized": True}})
elif hook:
    assert hook["input"] is None
    host.queue_again({"mode": "work", "nested": {"ids": [1, 2], "text": "<ü>"}}, "look at new ones")
elif mode == "work":
    progress.say("working\\non " + json.dumps(args.get("nested"), ensure_ascii=False))
    progress.warn(f"others waiting: {host.others_waiting()}")
    for done in range(5):
        progress.at(done, 4)
elif mode == "sleep":
    progress.say("asleep")
    time.sleep(60)
elif mode == "fail":
    print("not in the protocol", file=sys.stderr)
    print(json.dumps({"error": "it failed", "output": None}))
    sys.exit()
print(json.dumps({"output": {"args": args}}))
"""


@pytest.fixture
def stash(tmp_path: Path) -> Iterator[StashDouble]:
    plugin = tmp_path / "plugins" / "ai_tagger"
    plugin.mkdir(parents=True)
    (plugin / "ai_tagger.yml").write_text(MANIFEST, encoding="utf-8")
    (plugin / "run.py").write_text(f"ROOT = {str(ROOT)!r}\n{SCRIPT}", encoding="utf-8")
    with StashDouble(tmp_path / "stash", plugin, python=sys.executable, locked=True) as stash:
        yield stash


def test_a_task_speaks_through_the_log_and_the_bar(stash: StashDouble) -> None:
    job = stash.run_task("Work")
    assert (job.status, job.description, job.progress) == ("FINISHED", "Running plugin task: Work", 1.0)
    assert stash.log == [("info", "working"), ("info", "on null"), ("warning", "others waiting: False")]
    assert stash.progress == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_only_jobs_of_others_count_as_waiting(stash: StashDouble) -> None:
    host = StashHost(StashServer(stash.plugin_connection))
    running = stash.add_job(seconds=60)
    assert not host.others_waiting()
    stash.start_task("Work")
    host.queue_again({"mode": "work"}, "more")
    assert not host.others_waiting()
    other = stash.add_job("Scanning...")
    assert host.others_waiting()
    stash.stop_job(running.id)
    stash.wait_idle()
    assert other.status == "FINISHED"
    assert [text for level, text in stash.log if level == "warning"] == [
        "others waiting: True",
        "others waiting: True",
    ]
    assert "Running plugin task: AI Tagger: more" in [job.description for job in stash.jobs.ended()]


def test_what_a_scans_hook_queues_runs_after_the_scan(stash: StashDouble) -> None:
    found = stash.scan_in(["/v/1.mp4", "/v/2.mp4", "/p/1.jpg", "/p/notes.txt"])
    assert found == [ItemRef("scene", "1"), ItemRef("scene", "2"), ItemRef("image", "1")]
    stash.wait_idle()
    assert stash.hook_runs == [("Scene.Create.Post", "1"), ("Scene.Create.Post", "2")]
    assert stash.log.count(("info", 'on {"ids": [1, 2], "text": "<ü>"}')) == 2


def test_a_stopped_task_is_cancelled_and_a_wrong_one_fails(stash: StashDouble) -> None:
    job = stash.start_task("Sleep")
    while ("info", "asleep") not in stash.log:
        time.sleep(0.01)
    stopped = stash.stop_job(job)
    assert stopped.status == "CANCELLED"
    assert stash.run_task("Nonsense").status == "FAILED"
    assert stash.run_task("Fail").status == "FINISHED"
    assert ("error", "Plugin returned error: it failed") in stash.log
    assert ("error", "not in the protocol") in stash.log


def test_an_operation_answers_at_once(stash: StashDouble) -> None:
    stash.add_job(seconds=60)
    run = 'mutation M($a: Map) { runPluginOperation(plugin_id: "ai_tagger", args: $a) }'
    answer = rpc.call(stash.plugin_connection, run, {"a": {"x": [1, {"y": 2}]}})
    assert answer == {"runPluginOperation": {"args": {"x": [1, {"y": 2}]}}}
    with pytest.raises(LibraryRefusedError, match="it failed"):
        rpc.call(stash.plugin_connection, run, {"a": {"mode": "fail"}})


def test_a_hook_that_causes_itself_is_stopped_by_the_session(stash: StashDouble) -> None:
    scene = stash.add_scene("/v/1.mp4")
    update = "mutation M($i: BulkSceneUpdateInput!) { bulkSceneUpdate(input: $i) { id } }"
    rpc.call(stash.plugin_connection, update, {"i": {"ids": [scene.id], "title": "x"}}, timeout_s=60)
    assert len(stash.hook_runs) == 10
    assert stash.item(scene).organized


def test_backup_and_settings(stash: StashDouble) -> None:
    host = StashHost(StashServer(stash.plugin_connection))
    assert host.settings() == {}
    stash.settings.update({"skipImages": False, "applyPercent": 0, "language": "", "parentTag": "AI"})
    assert host.settings() == {"skipImages": False, "applyPercent": 0, "parentTag": "AI"}
    assert host.backup() == str(stash.data_dir / "stash-go.sqlite.75.20260131_000001")
    assert host.backup() == str(stash.data_dir / "stash-go.sqlite.75.20260131_000002")
    shutil.rmtree(stash.data_dir)
    assert host.backup() == f"the newest file stash-go.sqlite.… in {stash.data_dir} on Stash's machine"
    assert stash.backups == 3


def test_long_and_odd_lines_stay_lines() -> None:
    stream = io.BytesIO()
    progress = StashLog(stream)
    progress.say("ü" * 100_000)
    progress.warn("\x01e\x02forged\r\nsecond \ud800")
    progress.error("")
    for done in range(10_001):
        progress.at(done, 10_000)
    progress.at(5, 0)
    lines = stream.getvalue().split(b"\n")
    assert max(map(len, lines)) < 64 * 1024
    assert lines[1:4] == [b"\x01w\x02eforged", b"\x01w\x02second ?", b"\x01e\x02 "]
    assert len(lines) < 1100
    assert b"\x01p\x021.0000" in lines


def test_threads_do_not_cut_each_others_lines() -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "wb") as stream, os.fdopen(read_end, "rb") as heard:
        progress = StashLog(stream)

        def speak(word: str) -> None:
            for _ in range(50):
                progress.say(f"{word * 900}\n{word * 900}")

        speakers = [threading.Thread(target=speak, args=(word,)) for word in "abcd"]
        reader = threading.Thread(target=lambda: lines.extend(heard.readlines()))
        lines: list[bytes] = []
        reader.start()
        for speaker in speakers:
            speaker.start()
        for speaker in speakers:
            speaker.join()
        stream.close()
        reader.join()
    assert sorted(set(lines)) == [b"\x01i\x02" + word * 900 + b"\n" for word in (b"a", b"b", b"c", b"d")]
    assert len(lines) == 400


def test_nobody_reading_is_no_error() -> None:
    stream = io.BytesIO()
    stream.close()
    StashLog(stream).say("hello")
