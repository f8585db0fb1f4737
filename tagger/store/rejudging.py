"""The part of the store that decides again: see the methods of the same names in ports.Store."""

from __future__ import annotations

from collections.abc import Sequence

from tagger.ports import Record, Rejudged
from tagger.store import glance as _glance
from tagger.store import judged as _judged
from tagger.store.database import Database
from tagger.types import Change, Decision, ItemRef, Row


class RejudgingStore:
    """Mixed into the store, whose connection and library it uses."""

    _database: Database
    _library_id: int

    def records(self, knowledge: str, after: int, limit: int) -> list[Record]:
        with self._database.read() as db:
            return _judged.records(db, self._library_id, knowledge, after, limit)

    def records_of(self, knowledge: str, rows: Sequence[int]) -> list[Record]:
        with self._database.read() as db:
            return _judged.records_of(db, self._library_id, knowledge, rows)

    def decisions_at(self, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Decision]:
        with self._database.read() as db:
            return _judged.decisions_at(db, self._library_id, places)

    def ours_in_galleries(self) -> dict[str, int]:
        with self._database.read() as db:
            return _judged.ours_in_galleries(db, self._library_id)

    def rejudge(self, run_id: int, policy: str, rejudged: Sequence[Rejudged]) -> None:
        with self._database.write() as db:
            _judged.rejudge(db, self._library_id, run_id, policy, rejudged)

    def restamp(self, policy: str, rows: Sequence[int]) -> None:
        with self._database.write() as db:
            _judged.restamp(db, self._library_id, policy, rows)

    def restore(self, run_id: int) -> int:
        with self._database.write() as db:
            return _judged.restore(db, self._library_id, run_id)

    def restorable(self, run_id: int) -> int:
        with self._database.read() as db:
            return _judged.restorable(db, self._library_id, run_id)

    def taken_back(self, items: int) -> list[tuple[str, str, str, str, int, int]]:
        """``(feature, label, tag, rule, permille, how many)`` of what is decided as written, but was undone, on at most
        so many items: it comes back when it is decided again."""
        with self._database.read() as db:
            return _glance.taken_back(db, self._library_id, items)

    def numbers(self, ref: ItemRef) -> tuple[Row, ...]:
        with self._database.read() as db:
            return _judged.numbers(db, self._library_id, ref)

    def history(self, ref: ItemRef) -> list[Change]:
        with self._database.read() as db:
            return _judged.history(db, self._library_id, ref)
