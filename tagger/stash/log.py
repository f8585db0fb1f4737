"""Stash's log protocol on stderr: ``\\x01<level>\\x02text``, one line each (``pkg/logger/plugin.go``).

A line over 64 KB would make Stash stop reading our stderr for good, so long ones are cut.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import BinaryIO

_MOST_BYTES = 60_000
_CONTROLS = {ord("\x01"): None, ord("\x02"): None}


class StashProgress:
    """Lines for Stash's log page and the bar of its Tasks page; safe to use from several threads."""

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr.buffer
        self._lock = threading.Lock()
        self._last = -1.0

    def say(self, text: str) -> None:
        self._write("i", text)

    def warn(self, text: str) -> None:
        self._write("w", text)

    def error(self, text: str) -> None:
        """One line for what ended the run: Stash shows a task as finished even when it answers with an error."""
        self._write("e", text)

    def at(self, done: int, total: int) -> None:
        """The bar, in steps that can be seen."""
        share = min(1.0, max(0.0, done / total)) if total > 0 else 0.0
        if abs(share - self._last) >= 0.001 or (share == 1.0 and self._last != 1.0):
            self._last = share
            self._write("p", f"{share:.4f}")

    def _write(self, level: str, text: str) -> None:
        lines = text.translate(_CONTROLS).splitlines() or [" "]
        with self._lock, contextlib.suppress(OSError, ValueError):  # Nobody reads any more: no reason to fail.
            for line in lines:
                cut = line.encode("utf-8", "replace")[:_MOST_BYTES].decode("utf-8", "ignore")
                self._stream.write(f"\x01{level}\x02{cut or ' '}\n".encode())
            self._stream.flush()
