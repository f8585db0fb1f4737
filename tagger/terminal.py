"""A terminal as the host of a run: it has no queue to be a guest in, and waits for nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tagger.ports import Host


@dataclass(frozen=True, slots=True)
class Terminal:
    """Implements :class:`tagger.ports.Host`. With a Stash beside it, that one's backup and settings count."""

    stash: Host | None = None

    def others_waiting(self) -> bool:
        return False

    def queue_again(self, args: Mapping[str, Any], description: str) -> None:
        """A run that never makes way has nothing left to queue."""

    def backup(self) -> str:
        return self.stash.backup() if self.stash is not None else ""

    def settings(self) -> dict[str, Any]:
        return self.stash.settings() if self.stash is not None else {}
