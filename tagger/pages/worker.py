"""The detached worker: looks at what somebody waits for when no run is at work that would serve it.

It is a session of its own with nothing of Stash's pipes, so it outlives the operation that started it; Stash's input
reaches it by a pipe. Stash can't stop it, and it doesn't end with Stash either: it ends by itself a minute after the
last item, when Stash answers no more, or as soon as a task of Stash's queue wants its place.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tagger.errors import SetupError
from tagger.light.handover import PLUGIN_ARGUMENT
from tagger.pages.place import Place
from tagger.store.lock import holder

LOG_NAME = "worker.log"
MODE = "serve"
_STARTING_S = 15.0  # how long a started worker may take to its lock before another one is started
_DETACHED_PROCESS, _NEW_GROUP, _BREAK_AWAY = 0x8, 0x200, 0x1000000  # Windows


def see_that_one_works(place: Place) -> None:
    """Start a worker unless one is at work or just starting. Raises SetupError."""
    log = place.data / LOG_NAME
    if holder(place.data) is not None or _age_s(log) < _STARTING_S:
        return
    from tagger.light.usable import usable_python  # 10 ms, which only who starts a worker has to wait

    python = usable_python(str(place.data), place.root)
    if not python:
        raise SetupError(
            "AI Tagger isn't set up yet (or was updated): run 'Set up' on its page or under Settings, Tasks."
        )
    _start(python, place.root, log, place.server)


def complaint(place: Place) -> str:
    """Why the worker that was started last gave up, "" when it didn't."""
    if holder(place.data) is not None:
        return ""
    try:
        lines = (place.data / LOG_NAME).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line[3:] for line in reversed(lines) if line.startswith("\x01e\x02")), "")


def forget_complaint(place: Place) -> None:
    """Somebody tries again."""
    if holder(place.data) is None and complaint(place):
        (place.data / LOG_NAME).unlink(missing_ok=True)


def _age_s(path: Path) -> float:
    try:
        return abs(time.time() - path.stat().st_mtime)  # A clock that was set back makes files of tomorrow.
    except OSError:
        return float("inf")


def _start(python: str, root: str, log: Path, server: Mapping[str, Any]) -> None:
    import subprocess

    command = [python, "-I", "-X", "utf8", str(Path(root) / "tagger" / "__main__.py"), PLUGIN_ARGUMENT]
    payload = json.dumps({"server_connection": server, "args": {"mode": MODE}}).encode()
    try:
        # A beginner's log is a new file: its age says when the worker was started.
        descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        try:
            os.utime(log)
            child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=descriptor,
                cwd=log.parent,
                start_new_session=True,
                creationflags=_DETACHED_PROCESS | _NEW_GROUP | _BREAK_AWAY if sys.platform == "win32" else 0,
            )
        finally:
            os.close(descriptor)
        if child.stdin is not None:
            child.stdin.write(payload)
            child.stdin.close()
    except OSError as e:
        raise SetupError(f"The Python at {python} can't be started ({e.strerror}): run 'Set up'.") from None
