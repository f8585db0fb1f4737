"""One worker a data folder: among processes, and whatever way the other one ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tagger.errors import BusyError, StoreError
from tagger.store import holder, worker_lock

HOLD = """
import sys, time
from pathlib import Path
from tagger.store import worker_lock
with worker_lock(Path(sys.argv[1]), "Tag library"):
    print("holding", flush=True)
    sys.stdin.readline()
"""


def hold(data: Path, code: str = HOLD) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_second_worker_is_told_who_works_and_since_when(tmp_path: Path) -> None:
    process = hold(tmp_path)
    try:
        who = holder(tmp_path)
        assert who is not None
        assert (who.pid, who.purpose) == (process.pid, "Tag library")
        with pytest.raises(BusyError, match=f"Tag library .* since {who.started_at}"), worker_lock(tmp_path, "Undo"):
            pass
        assert holder(tmp_path) == who, "a refused worker leaves the other's heartbeat alone"
    finally:
        end(process)


def test_a_killed_worker_holds_nothing(tmp_path: Path) -> None:
    end(hold(tmp_path))
    assert holder(tmp_path) is None
    with worker_lock(tmp_path, "Undo"):
        who = holder(tmp_path)
        assert who is not None
        assert (who.pid, who.purpose) == (os.getpid(), "Undo")
    assert holder(tmp_path) is None


def test_waiting_ends_when_the_other_does(tmp_path: Path) -> None:
    process = hold(tmp_path)
    threading.Timer(0.5, process.kill).start()
    began = time.monotonic()
    with worker_lock(tmp_path, "Undo", wait_s=20):
        assert time.monotonic() - began < 10
    process.communicate()


def test_the_lock_is_free_after_an_error_and_nobody_works_in_a_new_folder(tmp_path: Path) -> None:
    assert holder(tmp_path / "none") is None
    with pytest.raises(ZeroDivisionError), worker_lock(tmp_path / "new", "Tag library"):
        raise ZeroDivisionError
    with worker_lock(tmp_path / "new", "Tag library"):
        pass
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["worker.lock"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_that_lives_on_does_not_keep_the_lock(tmp_path: Path) -> None:
    code = HOLD.replace(
        '    print("holding", flush=True)',
        "    import os\n    if os.fork() == 0:\n        os.close(1)\n        time.sleep(3)\n        os._exit(0)\n"
        '    print("holding", flush=True)',
    )
    process = hold(tmp_path, code)
    assert holder(tmp_path) is not None
    end(process)
    with worker_lock(tmp_path, "Undo"):
        pass


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="can't be used"), worker_lock(tmp_path / "file", "Undo"):
        pass
