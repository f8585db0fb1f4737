"""How the light half speaks: Stash's log protocol on stderr when Stash started us, plain lines there otherwise.

Both are a :class:`tagger.ports.Progress`.
"""

from __future__ import annotations

import sys

_LONGEST = 4000  # Stash stops reading stderr for good at a line of 64 KB.


class StashLog:
    """``\\x01<level>\\x02text`` lines; the bar of Stash's Tasks page."""

    def say(self, text: str) -> None:
        self._line("i", text)

    def warn(self, text: str) -> None:
        self._line("w", text)

    def error(self, text: str) -> None:
        self._line("e", text)

    def at(self, done: int, total: int) -> None:
        if total > 0:
            self._line("p", f"{min(1.0, done / total):.4f}")

    def _line(self, level: str, text: str) -> None:
        _write("".join(f"\x01{level}\x02{line[:_LONGEST]}\n" for line in text.splitlines()))


class TerminalLog:
    """Plain lines on stderr; stdout belongs to results."""

    def say(self, text: str) -> None:
        _write(text + "\n")

    def warn(self, text: str) -> None:
        self.say(text)

    def error(self, text: str) -> None:
        self.say(text)

    def at(self, done: int, total: int) -> None:
        """Lines already say it."""


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        pass  # Nobody listens any more; what is said is no reason to stop what is done.
