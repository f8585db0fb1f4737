"""One set-up at a time: a lock that the system releases when its holders are gone, however they ended."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tagger.light.log import StashLog, TerminalLog

_AGAIN_S = 0.2
_REMIND_S = 60.0


@contextmanager
def held(path: str, log: StashLog | TerminalLog, what: str) -> Iterator[int]:
    """Hold the lock file, waiting for whoever has it and saying so; gives its descriptor.

    A child that inherits the descriptor holds the lock too: it outlives us by nothing that others could trip over.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        said_at = -_REMIND_S
        while not _try(descriptor):
            if time.monotonic() - said_at >= _REMIND_S:
                said_at = time.monotonic()
                log.say(f"Waiting for another {what} on this data folder to end.")
            time.sleep(_AGAIN_S)
        yield descriptor
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _try(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as e:
            # Some network shares have no locks: two set-ups at once are rarer there than a data folder on one.
            return e.errno in (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL)
        return True
