"""The store: ports.Store in one SQLite file, each method one transaction.

How it is meant to fail: a killed process loses nothing that a method returned from; a power cut may lose the last
methods' work, never more. Everything that can go wrong with the file is a StoreError of one sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tagger.ports import QueueEntry, Settlement, Standing
from tagger.store import glance as _glance
from tagger.store import items as _items
from tagger.store import leaving as _leaving
from tagger.store import outbox as _outbox
from tagger.store import runs as _runs
from tagger.store.answering import AnswerStore
from tagger.store.database import Database
from tagger.store.judged import note
from tagger.store.leaving import Kept
from tagger.store.rejudging import RejudgingStore
from tagger.store.schema import MIGRATIONS
from tagger.store.thumbs import ThumbCache
from tagger.types import (
    Action,
    Change,
    ChangeState,
    Decision,
    Failure,
    ItemKind,
    ItemRef,
    Look,
    MediaItem,
    Run,
    RunState,
    Scope,
    Sighting,
    Tag,
    Target,
    Thumb,
    Verdict,
)

DATABASE_NAME = "ai_tagger.sqlite"
THUMBS_NAME = "thumbs.sqlite"

_SUMMARY = ("items", "looked", "failed", "apply", "review", "pending", "ours", "gone", "waiting", "bytes")
_COUNTS = {
    "failed": "SELECT count(*) FROM failure WHERE library_id = ?",
    "review": "SELECT coalesce(sum(n), 0) FROM heap WHERE library_id = ?",
    "pending": "SELECT count(*) FROM change WHERE library_id = ? AND state IN ('planned', 'sending')",
}


class SqliteStore(AnswerStore, RejudgingStore):
    """What we remember about one library; the file may hold others. Several threads may use it.

    ``path`` is the database file; ``thumbs.sqlite`` lies beside it. Methods are described in ports.Store; here only
    what goes beyond that.
    """

    def __init__(
        self,
        path: Path,
        library_key: str,
        library_name: str,
        *,
        thumbs_cap_mb: int = 512,
        keep_thumbs: bool = True,
    ) -> None:
        """Open, make or migrate the file. Raises StoreError."""
        self.path = path
        self._database = Database(path, MIGRATIONS)
        self._thumbs = ThumbCache(path.with_name(THUMBS_NAME), thumbs_cap_mb * 2**20)
        self._keep_thumbs = keep_thumbs
        try:
            self._library_id = self._find_library(library_key, library_name)
        except BaseException:
            self.close()
            raise

    def _find_library(self, key: str, name: str) -> int:
        query = "SELECT id, name FROM library WHERE key = ?"
        with self._database.read() as db:
            row = db.execute(query, (key,)).fetchone()
        if row is None or row[1] != name:  # a page that only reads must not wait for the writer
            with self._database.write() as db:
                db.execute(
                    """INSERT INTO library (key, name) VALUES (?, ?)
                    ON CONFLICT (key) DO UPDATE SET name = excluded.name""",
                    (key, name),
                )
                row = db.execute(query, (key,)).fetchone()
        return int(row[0])

    def others(self, keys: Sequence[str] = ()) -> list[Kept]:
        """Other libraries in the same file of which something is kept; also those with ``keys``."""
        with self._database.read() as db:
            return _leaving.others(db, self._library_id, keys)

    def forget_library(self) -> None:
        """All of this library; afterwards the store can only be closed."""
        with self._database.write() as db:
            orphans = _leaving.forget(db, self._library_id)
        self._thumbs.forget(orphans)
        self._database.shrink()

    def close(self) -> None:
        """Let go of the files; closing twice does no harm."""
        self._thumbs.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- runs
    def begin_run(self, operation: str, scope: Scope, resume: bool = True) -> Run:
        with self._database.write() as db:
            return _runs.begin(db, self._library_id, operation, scope, resume)

    def checkpoint(self, run_id: int, cursor: Mapping[str, str], counts: Mapping[str, int]) -> None:
        with self._database.write() as db:
            _runs.progress(db, self._library_id, run_id, cursor, counts)

    def end_run(self, run_id: int, state: RunState, message: str = "") -> None:
        with self._database.write() as db:
            _runs.end(db, self._library_id, run_id, state, message)

    def runs(self, limit: int = 20) -> list[Run]:
        with self._database.read() as db:
            return _runs.newest(db, self._library_id, limit)

    def run(self, run_id: int) -> Run | None:
        with self._database.read() as db:
            return _runs.by_id(db, self._library_id, run_id)

    def last_written(self) -> Run | None:
        with self._database.read() as db:
            return _runs.last_written(db, self._library_id)

    # -- looking
    def standing(self, items: Sequence[MediaItem]) -> dict[ItemRef, Standing]:
        with self._database.read() as db:
            return _items.standing(db, self._library_id, items)

    def record(self, looks: Sequence[Look]) -> None:
        with self._database.write() as db:
            for look in looks:
                _items.record(db, self._library_id, look)
        pictures = [(look.item.fingerprint, look.thumbs) for look in looks if look.error is None and look.thumbs]
        if self._keep_thumbs and pictures:
            self._thumbs.put(pictures)

    def sightings(self, fingerprints: Sequence[str], models: Sequence[str]) -> dict[str, list[Sighting]]:
        """A list for every asked fingerprint, in the order of ``models``."""
        with self._database.read() as db:
            return _items.sightings(db, fingerprints, models)

    def forget_sightings(self, models: Sequence[str]) -> None:
        """As if these models had never looked at anything, for any library."""
        with self._database.write() as db:
            for model in models:
                db.execute("DELETE FROM sighting WHERE model_id IN (SELECT id FROM model WHERE name = ?)", (model,))

    def seen(self) -> dict[str, int]:
        """Of the files of this library."""
        with self._database.read() as db:
            return dict(db.execute(_items.SEEN_BY_MODEL, (self._library_id,)).fetchall())

    def file_shapes(self, fingerprints: Sequence[str]) -> dict[str, tuple[int, int, float]]:
        """``(width, height, duration_s)`` as the decoder had them, of the files that were looked at."""
        with self._database.read() as db:
            return _items.file_shapes(db, fingerprints)

    def thumbs(self, fingerprint: str) -> list[Thumb]:
        """In time order; fewer or none when the cap has taken them."""
        return self._thumbs.get(fingerprint)

    # -- deciding and writing
    def settle(
        self,
        run_id: int,
        policy: str,
        settlements: Sequence[Settlement],
        cursor: Mapping[str, str] | None = None,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """Verdicts ``drop`` aren't kept: the sightings are. What an earlier run wrote and is missing is noticed.

        Raises ValueError when a plan is for another item or file than its settlement's.
        """
        with self._database.write() as db:
            _runs.progress(db, self._library_id, run_id, cursor or {}, counts or {})
            for settlement in settlements:
                _outbox.settle(db, self._library_id, run_id, policy, settlement)
                note(db, self._library_id, settlement)

    def decisions(self, refs: Sequence[ItemRef]) -> dict[ItemRef, list[Decision]]:
        """A list for every asked item, in the order they were settled in."""
        with self._database.read() as db:
            return _outbox.decisions(db, self._library_id, refs)

    def tally(self, verdict: Verdict) -> dict[str, int]:
        """How many items have each tag under this verdict."""
        with self._database.read() as db:
            if verdict == "review":
                return dict(db.execute(_outbox.TALLY_REVIEW, (self._library_id,)).fetchall())
            return dict(db.execute(_outbox.TALLY, (self._library_id, verdict)).fetchall())

    def pending(self, limit: int, action: Action = "add") -> list[Change]:
        with self._database.read() as db:
            return _outbox.pending(db, self._library_id, limit, action)

    def mark(self, change_ids: Sequence[int], state: ChangeState, reason: str = "", tag_id: str = "") -> None:
        """A step that the states don't allow is ignored. With ``tag_id``, items that had that tag before us fail."""
        with self._database.write() as db:
            _outbox.mark(db, self._library_id, change_ids, state, reason, tag_id)

    def changes(
        self, run_id: int, state: ChangeState, after: int = 0, limit: int = 1000, action: Action = "add"
    ) -> list[Change]:
        with self._database.read() as db:
            return _outbox.changes(db, self._library_id, run_id, state, after, limit, action)

    def written_in(self, run_id: int) -> dict[tuple[Action, str], int]:
        with self._database.read() as db:
            return _runs.written_in(db, self._library_id, run_id)

    def count_changes(self, run_id: int) -> dict[tuple[ChangeState, Action, Target], int]:
        with self._database.read() as db:
            return _runs.count_changes(db, self._library_id, run_id)

    def reopen(self, refs: Sequence[ItemRef]) -> None:
        with self._database.write() as db:
            _outbox.reopen(db, self._library_id, refs)
            _runs.rewind(db, self._library_id)

    def note_created_tag(self, run_id: int, tag: Tag) -> None:
        with self._database.write() as db:
            _runs.note_created_tag(db, self._library_id, run_id, tag)

    def created_tags(self, run_id: int | None = None, or_undone: bool = False) -> list[Tag]:
        """By name; without aliases."""
        with self._database.read() as db:
            return _runs.created_tags(db, self._library_id, run_id, or_undone)

    def note_deleted_tag(self, tag_id: str) -> None:
        with self._database.write() as db:
            _runs.note_deleted_tag(db, self._library_id, tag_id)

    # -- waiting and forgetting
    def enqueue(self, refs: Iterable[ItemRef], priority: int, reason: str) -> int:
        with self._database.write() as db:
            return _items.enqueue(db, self._library_id, refs, priority, reason)

    def waiting(self, limit: int, least_priority: int = 0) -> list[QueueEntry]:
        """The highest priority first, then the longest waiting."""
        with self._database.read() as db:
            return _items.waiting(db, self._library_id, limit, least_priority)

    def dequeue(self, refs: Iterable[ItemRef]) -> None:
        with self._database.write() as db:
            _items.dequeue(db, self._library_id, refs)

    def failures(self, limit: int = 1000) -> list[Failure]:
        """The newest first."""
        with self._database.read() as db:
            return _items.failures(db, self._library_id, limit)

    def known(self, kind: ItemKind, after_id: str, limit: int) -> list[ItemRef]:
        """Ids that are numbers ascend as numbers, before all others, which ascend as text."""
        with self._database.read() as db:
            return _items.known(db, self._library_id, kind, after_id, limit)

    def forget(self, refs: Sequence[ItemRef]) -> None:
        with self._database.write() as db:
            orphans = _items.forget(db, self._library_id, refs)
        if orphans:
            self._thumbs.forget(orphans)

    # -- small facts
    def fact(self, name: str) -> str:
        with self._database.read() as db:
            return _runs.fact(db, self._library_id, name)

    def remember(self, name: str, value: str) -> None:
        with self._database.write() as db:
            _runs.remember(db, self._library_id, name, value)

    def swap(self, name: str, before: str, after: str) -> bool:
        with self._database.write() as db:
            if _runs.fact(db, self._library_id, name) != before:
                return False
            _runs.remember(db, self._library_id, name, after)
            return True

    def facts(self, prefix: str) -> dict[str, str]:
        """All facts that aren't empty and whose names begin so."""
        with self._database.read() as db:
            return _runs.facts(db, self._library_id, prefix)

    def scenes_with(self, tag: str) -> list[ItemRef]:
        """The scenes on which this tag is written (apply)."""
        with self._database.read() as db:
            return _glance.scenes_with(db, self._library_id, tag)

    # -- a page's glance at one item
    def known_item(self, ref: ItemRef) -> _glance.Known | None:
        """None when it isn't on record."""
        with self._database.read() as db:
            return _glance.known(db, self._library_id, ref)

    def written(self, ref: ItemRef) -> list[_glance.WrittenTag]:
        """What we wrote to this item, are writing, or what a person took away again."""
        with self._database.read() as db:
            return _glance.written(db, self._library_id, ref)

    def still_waiting(self, refs: Sequence[ItemRef]) -> dict[ItemRef, int]:
        """Those of the items that wait to be looked at, with their priority."""
        with self._database.read() as db:
            return _glance.waiting(db, self._library_id, refs)

    def failed(self, refs: Sequence[ItemRef]) -> dict[ItemRef, str]:
        """Those of the items that could not be looked at, with the reason."""
        with self._database.read() as db:
            return _glance.failed(db, self._library_id, refs)

    def to_review(self, refs: Sequence[ItemRef]) -> dict[ItemRef, int]:
        """How many tags wait for a person's look, of the items that have some."""
        with self._database.read() as db:
            return _glance.to_review(db, self._library_id, refs)

    def sure(self, items: int) -> list[tuple[str, int, int]]:
        """``(verdict, permille, how many)`` of what the general thresholds decided, on at most so many items."""
        with self._database.read() as db:
            return _glance.sure(db, self._library_id, items)

    def labels(self, items: int) -> list[tuple[str, str, str, int, int, int]]:
        """``(feature, label, tag, written, for review, seen at all)`` of what models saw on at most so many items."""
        with self._database.read() as db:
            return _glance.labels(db, self._library_id, items)

    def count_items(self) -> int:
        """Those on record."""
        with self._database.read() as db:
            return _glance.counted(db, self._library_id)["items"]

    def summary(self) -> dict[str, int]:
        """``apply`` and ``review`` count tags, not items; ``bytes`` is what both files take, for all libraries."""
        with self._database.read() as db:
            counts = _glance.counted(db, self._library_id)
            counts |= {name: db.execute(query, (self._library_id,)).fetchone()[0] for name, query in _COUNTS.items()}
        counts["bytes"] = self._database.size_bytes() + self._thumbs.size_bytes()
        return {name: counts[name] for name in _SUMMARY}
