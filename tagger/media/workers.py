"""One decoding process and the thread that talks with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol

import numpy as np

from tagger.errors import MediaError, SetupError, TaggerError
from tagger.media import wire
from tagger.ports import FrameChunk
from tagger.types import Frame, MediaItem

CHUNK_FRAMES = 8
PIPE_BYTES = 1 << 20
# A script given by name would start with its folder on the path, and a module by its name needs ours there.
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from tagger.media.worker import main; main()"


@dataclass(frozen=True, slots=True)
class Event:
    """What a hand reports: a chunk, or that all must end. ``crash``: the process died.

    ``place``: what isn't there, if the last chunk has an error; else the server that it came from, "" from disk.
    """

    chunk: FrameChunk | None = None
    place: str = ""
    crash: bool = False
    fatal: TaggerError | None = None

    @property
    def pixel_bytes(self) -> int:
        return sum(frame.rgb.nbytes for frame in self.chunk.frames) if self.chunk else 0


class Room(Protocol):
    """The memory that frames on their way may take."""

    def try_take(self, size: int) -> bool: ...
    def take(self, size: int) -> bool: ...
    def give(self, size: int) -> None: ...


class AbandonedError(Exception):
    """Nobody waits for this hand any more."""


class Hand:
    """Takes items from ``inbox``, has them decoded by a process of its own, puts events into ``outbox``.

    A process that dies costs the item it had and is replaced. One that hangs is noticed from outside by
    :meth:`overdue`; then :meth:`abandon` ends it and this hand, even if the system can't end the process yet.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        request: Callable[[MediaItem], dict[str, Any]],
        inbox: SimpleQueue[MediaItem | None],
        outbox: SimpleQueue[Event],
        room: Room,
    ) -> None:
        self._settings, self._request = settings, request
        self._inbox, self._outbox, self._room = inbox, outbox, room
        self._lock = threading.Lock()
        self._abandoned = False
        self._item: MediaItem | None = None
        self._held_bytes = 0
        self._waiting_since: float | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the hand; a full pipe would block
        self._thread = threading.Thread(target=self._run, name="media", daemon=True)
        self._thread.start()

    # -- seen from outside

    def overdue(self, limit_s: float) -> bool:
        """Whether the process has shown no progress for ``limit_s``."""
        since = self._waiting_since
        return since is not None and time.monotonic() - since > limit_s

    def abandon(self, reason: str = "") -> None:
        """End the process; with a ``reason`` the item it had ends with it."""
        with self._lock:
            self._abandoned = True
            self._room.give(self._held_bytes)
            self._held_bytes = 0
            if reason and self._item is not None:
                self._outbox.put(Event(FrameChunk(self._item, (), last=True, error=reason), crash=True))
            self._item = None
        process = self._process
        if process is not None:
            process.kill()

    def join(self, timeout_s: float) -> None:
        """Wait for the hand to end after :meth:`abandon`."""
        self._thread.join(timeout_s)

    # -- the thread

    def _run(self) -> None:
        try:
            while (item := self._inbox.get()) is not None:
                with self._lock:
                    self._item = item
                    if self._abandoned:
                        raise AbandonedError
                self._serve(item)
        except AbandonedError:
            pass
        except TaggerError as error:
            self._outbox.put(Event(fatal=error))
        except Exception as error:  # noqa: BLE001 - a thread that ends unseen would leave the run waiting for ever
            self._outbox.put(Event(fatal=MediaError(f"decoding stopped ({type(error).__name__}): {error}")))
        finally:
            self._end_process()
            self._complaints.close()

    def _serve(self, item: MediaItem) -> None:
        request = self._request(item)
        try:
            if self._process is None:
                self._start()
            self._send(request)
            self._pass_on(item)
        except wire.PipeClosedError:
            self._put(Event(FrameChunk(item, (), last=True, error=self._cause_of_death()), crash=True))

    def _pass_on(self, item: MediaItem) -> None:
        frames: list[Frame] = []
        while True:
            message = self._receive()
            if "frame" in message:
                height, width, time_s, real_width, real_height = message["frame"]
                if not self._room.try_take(height * width * 3):
                    self._put_frames(item, frames)
                    if not self._room.take(height * width * 3):
                        raise AbandonedError
                with self._lock:
                    self._held_bytes += height * width * 3
                frames.append(Frame(self._pixels(height, width), time_s, real_width, real_height))
                if len(frames) >= CHUNK_FRAMES:
                    self._put_frames(item, frames)
            elif "setup" in message:
                raise SetupError(message["setup"])
            else:
                chunk = FrameChunk(item, tuple(frames), True, message["error"], message["duration_s"])
                self._put(Event(chunk, message["place"]))
                return

    def _put_frames(self, item: MediaItem, frames: list[Frame]) -> None:
        if frames:
            self._put(Event(FrameChunk(item, tuple(frames), last=False)))
            frames.clear()

    def _put(self, event: Event) -> None:
        with self._lock:
            if self._abandoned:
                raise AbandonedError
            if event.chunk is not None and event.chunk.last:
                self._item = None
            # Frames that were on their way when the process died go with it.
            self._room.give(self._held_bytes - event.pixel_bytes)
            self._held_bytes = 0
            self._outbox.put(event)

    # -- the process

    def _start(self) -> None:
        root = str(Path(__file__).resolve().parents[2])
        self._complaints.seek(0)
        self._complaints.truncate()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _BOOT, root],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                bufsize=0,
                pipesize=PIPE_BYTES,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise SetupError(f"the decoding process can't be started: {error}") from None
        with self._lock:
            if self._abandoned:  # meanwhile: nobody else knows of this process yet
                raise AbandonedError
        try:
            self._send(self._settings)
            self._receive()
        except wire.PipeClosedError:
            with self._lock:
                if self._abandoned:
                    raise AbandonedError from None
            self._process.wait()
            self._complaints.seek(0)
            lines = self._complaints.read().decode("utf-8", "replace").strip().splitlines()
            last = lines[-1] if lines else f"exit code {self._process.returncode}"
            raise SetupError(f"the decoding process can't start ({last}): run Set up again") from None

    def _cause_of_death(self) -> str:
        process, self._process = self._process, None
        if process is None:
            return "the decoding process ended"
        process.kill() if process.poll() is None and not _ends_soon(process) else None
        code = process.wait()
        _close(process)
        if code == -getattr(signal, "SIGKILL", 9):
            return "the decoding process was killed, most likely because memory ran out"
        if code < 0:
            return f"the decoder crashed ({signal.Signals(-code).name}): the file is probably damaged"
        return f"the decoder ended with code {code}: the file is probably damaged"

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            _close(process)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._waiting_since = time.monotonic()
        wire.send(self._process.stdin.fileno(), message)

    def _receive(self) -> dict[str, Any]:
        assert self._process is not None and self._process.stdout is not None
        self._waiting_since = time.monotonic()
        message = wire.receive(self._process.stdout.fileno())
        self._waiting_since = None
        return message

    def _pixels(self, height: int, width: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        assert self._process is not None and self._process.stdout is not None
        rgb = np.empty((height, width, 3), np.uint8)
        self._waiting_since = time.monotonic()
        wire.fill(self._process.stdout.fileno(), rgb.data.cast("B"))
        self._waiting_since = None
        return rgb


def _ends_soon(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        return False
    return True


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
