"""One SQLite connection: opened with our settings, used in whole transactions, its errors in plain words."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from tagger.errors import StoreError
from tagger.store.schema import migrate

BUSY_TIMEOUT_S = 30.0


_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _code(error: BaseException | None) -> int:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def is_damage(error: StoreError) -> bool:
    """Whether the file's content is at fault, and neither the disk nor somebody else."""
    return _code(error.__cause__) in _DAMAGE


def explain(error: sqlite3.Error, path: Path) -> StoreError:
    """The same error as one sentence that says what to do."""
    match _code(error):
        case sqlite3.SQLITE_FULL:
            text = f"The disk with {path} is full: free some space and start again, nothing that was saved is lost."
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            text = f"The database {path} can't be written: give this user the right to write to it and its folder."
        case sqlite3.SQLITE_CANTOPEN:
            text = f"The database {path} can't be opened: check that its folder exists and that this user may use it."
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            text = f"The database {path} is locked by another program: close what has it open and start again."
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            text = (
                f"The database {path} is damaged ({error}): put a copy of it back, or move it away to begin with an "
                "empty one (tags in the library stay as they are, but can't be undone any more)."
            )
        case sqlite3.SQLITE_IOERR:
            text = f"The disk with {path} fails ({error}): check that it is there and has space, then start again."
        case _:
            text = f"The database {path} can't be used ({error}): please report this as a bug of AI Tagger."
    return StoreError(text)


def _make_private(path: Path) -> None:
    """The file exists, with mode 0600, in a folder that we make with 0700 (an existing folder is left as it is)."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(
            f"The database {path} can't be made ({error.strerror}): give this user the right to write to that folder, "
            "or choose another data folder."
        ) from error


class Database:
    """A connection that several threads may share: one transaction at a time.

    Write-ahead log with ``synchronous=NORMAL``: a commit is in the system's hands before it returns, so a killed
    process loses nothing that was committed; only a power cut may lose the last transactions, and never corrupts.
    Readers never wait for the writer. Where a file system can't hold a write-ahead log, every commit is synced.
    """

    def __init__(self, path: Path, migrations: Sequence[Sequence[str]], *, shrinks: bool = False) -> None:
        """Open or make, and migrate. ``shrinks``: a new file can give its free pages back. Raises StoreError."""
        self.path = path
        self._lock = threading.RLock()
        _make_private(path)
        try:
            self._db = sqlite3.connect(path, BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise explain(error, path) from error
        try:
            if shrinks:
                self._db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            mode = self._db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            self._db.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")
            self._db.execute("PRAGMA foreign_keys = ON")
            # In kB: the indexes' upper pages of a large library; keeping pages of pictures and vectors is worth less.
            self._db.execute(f"PRAGMA cache_size = -{4_000 if shrinks else 16_000}")
            self._db.execute("PRAGMA journal_size_limit = 67108864")
            migrate(self._db, path, migrations)
        except sqlite3.Error as error:
            self._db.close()
            raise explain(error, path) from error
        except BaseException:
            self._db.close()
            raise

    def read(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """One consistent snapshot. Raises StoreError."""
        return self._transaction("BEGIN")

    def write(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """One transaction: committed when the block ends, rolled back when it raises. Raises StoreError."""
        return self._transaction("BEGIN IMMEDIATE")

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute(begin)
                try:
                    yield self._db
                    self._db.execute("COMMIT")
                except BaseException:
                    if self._db.in_transaction:
                        with contextlib.suppress(sqlite3.Error):
                            self._db.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise explain(error, self.path) from error

    def give_back(self) -> None:
        """Return free pages to the disk (of a file that ``shrinks``). Raises StoreError."""
        try:
            with self._lock:
                self._db.executescript("PRAGMA incremental_vacuum")  # execute() would free one page
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    def shrink(self) -> None:
        """What was deleted leaves the write-ahead log and the disk, too. Raises StoreError."""
        self.give_back()
        try:
            with self._lock:
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    def size_bytes(self) -> int:
        """What the file and its write-ahead log take on the disk."""
        total = 0
        for suffix in ("", "-wal"):
            with contextlib.suppress(OSError):
                total += Path(f"{self.path}{suffix}").stat().st_size
        return total

    def close(self) -> None:
        """Nothing can be done with it afterwards; closing twice does no harm."""
        with self._lock:
            self._db.close()
