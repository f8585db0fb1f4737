"""What a run says while it goes: how many, how fast, how long yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from tagger.ports import Progress

_SAY_EVERY_S = 30.0
_NAMED = 20


def words(seconds: float) -> str:
    """A duration as a person says it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"


def many(n: int, what: str, plural: str = "") -> str:
    """``1 item``, ``2,000 items``."""
    return f"{n:,} {what if n == 1 else plural or what + 's'}"


def most(by_tag: Mapping[str, int]) -> str:
    """``Dog (12), Cat (3)``: the most frequent ones."""
    return ", ".join(f"{name} ({n:,})" for name, n in sorted(by_tag.items(), key=lambda t: -t[1])[:_NAMED])


class Pace:
    """Counts items passed and looked at, moves the bar, and says a line now and then.

    Items that need no look pass in no time, so how long it takes yet is told from the looks alone.
    """

    def __init__(self, progress: Progress, total: int, done: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress = progress
        self._clock = clock
        self._started = self._said = clock()
        self._done = done
        self._at_start = done
        self.total = total
        self.looked = 0
        self.failed = 0
        progress.at(done, total)

    @property
    def elapsed_s(self) -> float:
        """Since this process began with the run."""
        return self._clock() - self._started

    def passed(self, items: int, looked: int = 0, failed: int = 0) -> None:
        """So many more items are done with."""
        self._done += items
        self.looked += looked
        self.failed += failed
        self._progress.at(min(self._done, self.total) if self.total else self._done, self.total)
        if self._clock() - self._said >= _SAY_EVERY_S:
            self._said = self._clock()
            self._progress.say(self.line())

    def line(self) -> str:
        """Where it stands, in one line."""
        parts = [f"{self._done:,} of {self.total:,} items" if self.total else f"{self._done:,} items"]
        passed = self._done - self._at_start
        if passed and self.elapsed_s > 1:
            speed = passed / self.elapsed_s
            parts.append(f"{speed:.1f} a second")
            if self.total > self._done:
                parts.append(f"about {words((self.total - self._done) / speed)} left")
        if self.failed:
            parts.append(f"{self.failed:,} could not be read")
        return ", ".join(parts) + "."
