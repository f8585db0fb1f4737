"""How we speak: Stash's log protocol on stderr when Stash started us, plain lines there otherwise.

Both are a :class:`tagger.ports.Progress`.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

_MOST_BYTES = 60_000  # Stash stops reading stderr for good at a line of 64 KB.
_CONTROLS = {1: None, 2: None}


class StashLog:
    """``\\x01<level>\\x02text``, one line each (``pkg/logger/plugin.go``), and the bar of Stash's Tasks page.

    Safe to use from several threads: what is said at once is written at once. ``quiet``: what is said is for those who
    have Stash write its debug log, since a page shows the answer; warnings and errors are for all.
    """

    def __init__(self, stream: BinaryIO | None = None, quiet: bool = False) -> None:
        self._stream = sys.stderr.buffer if stream is None else stream
        self._say_level = "d" if quiet else "i"
        self._share = -1.0

    def say(self, text: str) -> None:
        self._lines(self._say_level, text)

    def warn(self, text: str) -> None:
        self._lines("w", text)

    def error(self, text: str) -> None:
        """For what ended a task: Stash shows it as finished even when it answers with an error."""
        self._lines("e", text)

    def at(self, done: int, total: int) -> None:
        """The bar, in steps that can be seen."""
        share = min(1.0, max(0.0, done / total)) if total > 0 else 0.0
        if abs(share - self._share) >= 0.001 or (share == 1.0 and self._share != 1.0):
            self._share = share
            self._lines("p", f"{share:.4f}")

    def _lines(self, level: str, text: str) -> None:
        said = b""
        for line in text.translate(_CONTROLS).splitlines() or [" "]:
            cut = line.encode("utf-8", "replace")[:_MOST_BYTES].decode("utf-8", "ignore")
            said += f"\x01{level}\x02{cut or ' '}\n".encode()
        try:
            self._stream.write(said)
            self._stream.flush()
        except (OSError, ValueError):
            pass  # Nobody listens any more; what is said is no reason to stop what is done.


class TerminalLog:
    """Plain lines on stderr; stdout belongs to results."""

    def say(self, text: str) -> None:
        try:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()
        except OSError:
            pass

    def warn(self, text: str) -> None:
        self.say(text)

    def error(self, text: str) -> None:
        self.say(text)

    def at(self, done: int, total: int) -> None:
        """Lines already say it."""
