"""Evidence pictures, in a file of their own: a cache of limited size whose loss harms nothing."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from tagger.errors import StoreError
from tagger.store.codec import dumps
from tagger.store.database import Database, is_damage
from tagger.types import Thumb

_MIGRATIONS = (
    (
        """CREATE TABLE thumb (
            id INTEGER PRIMARY KEY,
            fingerprint TEXT NOT NULL,
            time_ms INTEGER NOT NULL,
            jpeg BLOB NOT NULL
        ) STRICT""",
        "CREATE INDEX thumb_by_fingerprint ON thumb (fingerprint, time_ms)",
    ),
)
_DROP_OLDEST = "DELETE FROM thumb WHERE id IN (SELECT id FROM thumb ORDER BY id LIMIT 64)"


class ThumbCache:
    """Small JPEGs by fingerprint, the oldest going first when there are more than ``cap_bytes`` of them.

    It never raises for what is on the disk: a file that can't be read is begun anew, one that can't be written is
    left alone. It is opened at the first use.
    """

    def __init__(self, path: Path, cap_bytes: int) -> None:
        self.path = path
        self._cap_bytes = cap_bytes
        self._database: Database | None = None

    def put(self, thumbs: Sequence[tuple[str, Sequence[Thumb]]]) -> None:
        """Keep these pictures by fingerprint, in place of those that it had."""
        with contextlib.suppress(StoreError):
            try:
                self._put(thumbs)
            except StoreError as error:
                if not is_damage(error):
                    raise
                self._begin_anew()
                self._put(thumbs)

    def _put(self, thumbs: Sequence[tuple[str, Sequence[Thumb]]]) -> None:
        with self._open().write() as db:
            for fingerprint, pictures in thumbs:
                db.execute("DELETE FROM thumb WHERE fingerprint = ?", (fingerprint,))
                rows = [(fingerprint, round(t.time_s * 1000), t.jpeg) for t in pictures]
                db.executemany("INSERT INTO thumb (fingerprint, time_ms, jpeg) VALUES (?, ?, ?)", rows)
            while self._used_bytes(db) > self._cap_bytes and db.execute(_DROP_OLDEST).rowcount:
                pass
        # A cap that was lowered leaves many pages free; in the steady state they are used again.
        if self._open().size_bytes() > self._cap_bytes * 5 // 4:
            self._open().give_back()

    def get(self, fingerprint: str) -> list[Thumb]:
        """In time order; none when there is nothing, or nothing readable."""
        if not self.path.exists():
            return []
        query = "SELECT time_ms, jpeg FROM thumb WHERE fingerprint = ? ORDER BY time_ms"
        with contextlib.suppress(StoreError), self._open().read() as db:
            return [Thumb(time_ms / 1000, jpeg) for time_ms, jpeg in db.execute(query, (fingerprint,))]
        return []

    def forget(self, fingerprints: Sequence[str]) -> None:
        """These are not needed any more."""
        if self.path.exists():
            query = "DELETE FROM thumb WHERE fingerprint IN (SELECT value FROM json_each(?))"
            with contextlib.suppress(StoreError), self._open().write() as db:
                db.execute(query, (dumps(list(fingerprints)),))

    def size_bytes(self) -> int:
        """What it takes on the disk."""
        with contextlib.suppress(OSError):
            return self.path.stat().st_size
        return 0

    def close(self) -> None:
        if self._database is not None:
            self._database.close()

    def _open(self) -> Database:
        if self._database is None:
            try:
                self._database = Database(self.path, _MIGRATIONS, shrinks=True)
            except StoreError:
                self._begin_anew()
                self._database = Database(self.path, _MIGRATIONS, shrinks=True)
        return self._database

    def _begin_anew(self) -> None:
        self.close()
        self._database = None
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                Path(f"{self.path}{suffix}").unlink()

    @staticmethod
    def _used_bytes(db: sqlite3.Connection) -> int:
        count, free, size = (
            int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
        )
        return (count - free) * size
