"""At most one worker a data folder, by a lock of the operating system that ends with the process that holds it."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tagger.errors import BusyError, StoreError
from tagger.store.codec import dumps, now_at

LOCK_NAME = "worker.lock"
BEAT_NAME = "worker.json"
WANTED_NAME = "worker.wanted"
BEAT_S = 5.0
_WANTED_S = 3.0  # how long somebody's wish for the lock is believed after they last said it
# Somebody who only asks holds a shared lock for an instant: a worker that meets it tries once more.
_LEAST_WAIT_S = 0.2


@dataclass(frozen=True, slots=True)
class Holder:
    """Who works in a data folder. ``beat_at`` moves every few seconds while it lives. ``pid`` 0 = not known."""

    pid: int
    purpose: str
    started_at: str
    beat_at: str


if sys.platform == "win32":
    import msvcrt

    # Far beyond the file's end: a locked range can't be read by others, and nothing is ever written there.
    _OFFSET = 2**30

    def _try_lock(fd: int, *, shared: bool) -> bool:  # noqa: ARG001 (there is only one kind of lock here)
        os.lseek(fd, _OFFSET, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _try_lock(fd: int, *, shared: bool) -> bool:
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def holder(data: Path) -> Holder | None:
    """Who works in this data folder now, None when nobody does."""
    try:
        fd = os.open(data / LOCK_NAME, os.O_RDWR)
    except OSError:
        return None
    try:
        if _try_lock(fd, shared=True):
            return None
    except OSError:
        return None
    finally:
        os.close(fd)
    try:
        return Holder(**json.loads((data / BEAT_NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Holder(0, "another task", "", "")  # it has just begun, or is just ending


@contextlib.contextmanager
def worker_lock(data: Path, purpose: str, wait_s: float = 0.0) -> Iterator[None]:
    """Be the only worker of this data folder for the length of a ``with`` block.

    Raises BusyError when another one still works after ``wait_s``, StoreError when the folder can't hold a lock.
    """
    fd = _open(data)
    try:
        _acquire(fd, data, wait_s)
        held = {fd}
        if hasattr(os, "register_at_fork"):  # a forked child would keep the lock beyond our death
            os.register_at_fork(after_in_child=lambda: _close_all(held))
        try:
            with _heartbeat(data, purpose):
                yield
        finally:
            held.clear()
    finally:
        os.close(fd)


def _close_all(fds: set[int]) -> None:
    while fds:
        os.close(fds.pop())


def _open(data: Path) -> int:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(data / LOCK_NAME, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise StoreError(
            f"The data folder {data} can't be used ({error.strerror}): give this user the right to write to it, or "
            "choose another one."
        ) from error


def wanted(data: Path) -> bool:
    """Whether somebody waits for the lock: a worker that only serves what is asked of it then makes room."""
    with contextlib.suppress(OSError):
        # A clock that was set back makes a wish of tomorrow, which nobody has any more.
        return abs(time.time() - (data / WANTED_NAME).stat().st_mtime) < _WANTED_S
    return False


def _acquire(fd: int, data: Path, wait_s: float) -> None:
    deadline = time.monotonic() + max(wait_s, _LEAST_WAIT_S)
    try:
        while not _try_lock(fd, shared=False):
            if time.monotonic() >= deadline:
                raise BusyError(_busy(holder(data)))
            if wait_s > _LEAST_WAIT_S:
                with contextlib.suppress(OSError):
                    (data / WANTED_NAME).touch()
            time.sleep(0.05)
    except OSError as error:
        raise StoreError(
            f"The data folder {data} can't be locked ({error.strerror}): choose one on a local disk."
        ) from error


def _busy(who: Holder | None) -> str:
    if who is None or not who.pid:
        return "Another task is at work in the same data folder: wait until it has ended, or stop it."
    return (
        f"{who.purpose} is at work in the same data folder since {who.started_at} (process {who.pid}): wait until it "
        "has ended, or stop it."
    )


@contextlib.contextmanager
def _heartbeat(data: Path, purpose: str) -> Iterator[None]:
    """Tell others who we are, again and again; a heartbeat that can't be written harms nothing."""
    started_at = now_at()
    ended = threading.Event()
    path = data / BEAT_NAME

    def beat() -> None:
        scratch = path.with_suffix(".tmp")
        with contextlib.suppress(OSError):
            scratch.write_text(dumps(asdict(Holder(os.getpid(), purpose, started_at, now_at()))), encoding="utf-8")
            scratch.replace(path)

    def beat_on() -> None:
        while not ended.wait(BEAT_S):
            beat()

    beat()
    thread = threading.Thread(target=beat_on, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        with contextlib.suppress(OSError):
            path.unlink()
