"""The people's part of deciding again: other thresholds, settings or known people meet the faces that are stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tagger.judgement.decide import fingerprint
from tagger.library.people.census import Census, moved
from tagger.library.people.desk import Desk
from tagger.library.tools import Tools
from tagger.library.writer import Writer
from tagger.types import MediaItem, PlannedChange, Run, Scope

_UNDER = "decided under"


class PeopleAgain:
    """For one run. Where nothing that is about people changed, no face is judged again."""

    def __init__(self, tools: Tools, scope: Scope) -> None:
        self._tools, self._scope = tools, scope
        self._desk = tools.judge.people
        self._census: Census | None = None
        self._files: list[str] = []

    def begin(self, run: Run, writer: Writer) -> None:
        """What changed in the library and in reviews since is followed first."""
        if self._desk is not None:
            self._census = Census(self._tools, self._desk, writer, run)
            self._census.begin()

    def changes(self) -> Iterator[tuple[MediaItem, Sequence[str], list[PlannedChange]]]:
        """Each item that changes: names of ours on it, and what is to be written."""
        desk = self._desk
        if desk is None or desk.store.fact(_UNDER) == self._under(desk):
            return
        names = {performer: name for name, performer in desk.circle.performers.items()}
        for item, standing, plans in moved(self._tools, desk, self._scope):
            self._files.append(item.fingerprint)
            yield item, [names.get(performer, "") for performer in standing.our_performers], plans

    def write(self) -> None:
        """It may be killed: what is left waits, and the next run does it."""
        if self._desk is None or self._census is None:
            return
        self._desk.store.wait("file", self._files)
        self._census.catch_up()
        self._desk.store.remember(_UNDER, self._under(self._desk))

    def _under(self, desk: Desk) -> str:
        return fingerprint(desk.decided_id, self._scope)
