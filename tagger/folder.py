"""A plain folder as our library: its files are the items, and their tags live in a small database of our own.

Nothing in the folder is ever changed. Videos are scenes, pictures are images, there are no galleries. An item's id is
its path relative to the folder, with "/" on every system. Hidden files and folders are left out, and names that are no
text. A folder knows no durations, so limits of duration leave everything in; an item's date is its file's.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tagger.errors import ConfigError, LibraryDownError, LibraryRefusedError, StoreError
from tagger.ports import Written
from tagger.types import ItemKind, ItemRef, MediaItem, Performer, Scope, Tag

PICTURES = frozenset(
    ".avif .bmp .gif .heic .heif .jfif .jpe .jpeg .jpg .jp2 .jxl .png .tif .tiff .webp".split()  # noqa: SIM905
)
VIDEOS = frozenset(
    ".3gp .asf .avi .divx .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .vob .webm .wmv".split()  # noqa: SIM905
)

_PROBE_BYTES = 64 * 1024
_PERFORMERS_OF = "SELECT performer_id FROM item_performer WHERE item = ?"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tag (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  parent_id INTEGER REFERENCES tag(id), description TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS item_tag (
  item TEXT NOT NULL, tag_id INTEGER NOT NULL REFERENCES tag(id), PRIMARY KEY (item, tag_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS item_tag_by_tag ON item_tag(tag_id);
CREATE TABLE IF NOT EXISTS performer (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE
) STRICT;
CREATE TABLE IF NOT EXISTS item_performer (
  item TEXT NOT NULL, performer_id INTEGER NOT NULL REFERENCES performer(id), PRIMARY KEY (item, performer_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file (
  item TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, fingerprint TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class _File:
    """A file as the folder lists it."""

    id: str
    kind: ItemKind
    size_bytes: int
    mtime_ns: int
    changed_at_s: float


def state_of(folder: Path, data: Path) -> Path:
    """The database with the tags of this folder's files. Former versions had one for all folders, in which files of the
    same name were one: each folder begins with a copy of that. Raises StoreError."""
    state, former = data / "folders" / f"{_hash(folder)}.sqlite", data / "folder.sqlite"
    if former.exists() and not state.exists():
        copy = state.with_suffix(f".{os.getpid()}")
        with _translated(state):
            state.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(sqlite3.connect(former)) as old, contextlib.closing(sqlite3.connect(copy)) as new:
                old.backup(new)
            copy.replace(state)
    return state


def _hash(folder: Path) -> str:
    # resolve() would follow a link that may change.
    return hashlib.sha256(os.path.abspath(folder).encode("utf-8", "surrogateescape")).hexdigest()[:16]  # noqa: PTH100


class FolderLibrary:
    """Implements :class:`tagger.ports.Library` over ``folder``; ``state`` is the database's file.

    Raises LibraryDownError when the folder isn't there, StoreError when the database can't be read or written. Every
    call that writes is one transaction. Safe to use from several threads.
    """

    def __init__(self, folder: Path, state: Path) -> None:
        self._folder = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow a link that may change.
        self._lock = threading.RLock()
        self._listing: list[_File] = []
        with _translated(state):
            state.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(state, check_same_thread=False, isolation_level=None, timeout=30)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)
        self._state = state
        self._list()

    @property
    def key(self) -> str:
        """From the folder's place."""
        return f"folder:{_hash(self._folder)}"

    @property
    def name(self) -> str:
        return f"the folder {self._folder}"

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # -- reading
    def count(self, kind: ItemKind, scope: Scope) -> int:
        with self._lock:
            self._list()
            return len(self._in_scope(kind, scope))

    def page(self, kind: ItemKind, scope: Scope, after_id: str, limit: int) -> list[MediaItem]:
        """See :class:`~tagger.ports.Library`. The folder is listed anew when paging starts."""
        with self._lock:
            if not after_id:
                self._list()
            return self._items(_after(self._in_scope(kind, scope), after_id)[:limit])

    def changed(self, kind: ItemKind, since_at: str, after_id: str, limit: int) -> list[MediaItem]:
        since = datetime.fromisoformat(since_at)
        since_s = (since if since.tzinfo else since.replace(tzinfo=UTC)).timestamp()
        with self._lock:
            if not after_id:
                self._list()
            changed = [file for file in self._listing if file.kind == kind and file.changed_at_s >= int(since_s)]
            return self._items(_after(changed, after_id)[:limit])

    def spread(self, kind: ItemKind, scope: Scope, n: int) -> list[MediaItem]:
        with self._lock:
            self._list()
            files = self._in_scope(kind, scope)
            places = range(len(files)) if len(files) <= n else [i * len(files) // n for i in range(n)]
            return self._items([files[place] for place in places])

    def get(self, refs: Sequence[ItemRef]) -> list[MediaItem]:
        with self._lock:
            files = (self._file(ref.id) for ref in refs)
            return self._items([file for file, ref in zip(files, refs, strict=True) if file and file.kind == ref.kind])

    def which(self, refs: Sequence[ItemRef], scope: Scope) -> list[MediaItem]:
        with self._lock:
            there = (self._file(ref.id) for ref in refs if ref.kind in scope.kinds)
            asked = set(refs)
            files = [file for file in there if file and ItemRef(file.kind, file.id) in asked]
            return self._items(self._fitting(files, scope))

    def ids(self, kind: ItemKind, after_id: str, limit: int) -> list[str]:
        with self._lock:
            if not after_id:
                self._list()
            files = [file for file in self._listing if file.kind == kind]
            return [file.id for file in _after(files, after_id)[:limit]]

    def members(self, gallery_id: str) -> list[str]:  # noqa: ARG002
        """A folder has no galleries."""
        return []

    # -- tags
    def tags(self) -> list[Tag]:
        with self._transaction() as db:
            rows = db.execute("SELECT id, name, parent_id, description FROM tag ORDER BY id").fetchall()
        return [Tag(str(i), name, (), () if parent is None else (str(parent),), said) for i, name, parent, said in rows]

    def create_tag(self, name: str, parent_id: str = "", description: str = "") -> Tag:
        with self._transaction() as db:
            # NOCASE knows ASCII only.
            if any(known.casefold() == name.casefold() for (known,) in db.execute("SELECT name FROM tag")):
                raise LibraryRefusedError(f'There is a tag "{name}" already.')
            if parent_id and not db.execute("SELECT 1 FROM tag WHERE id = ?", (parent_id,)).fetchone():
                raise LibraryRefusedError(f"There is no tag {parent_id} to be the parent.")
            values = (name, int(parent_id) if parent_id else None, description)
            row = db.execute("INSERT INTO tag (name, parent_id, description) VALUES (?, ?, ?)", values)
            return Tag(str(row.lastrowid), name, (), (parent_id,) if parent_id else (), description)

    def delete_unused_tag(self, tag_id: str) -> bool:
        with self._transaction() as db:
            row = db.execute(
                "DELETE FROM tag WHERE id = :id AND NOT EXISTS (SELECT 1 FROM item_tag WHERE tag_id = :id)"
                " AND NOT EXISTS (SELECT 1 FROM tag AS child WHERE child.parent_id = :id)",
                {"id": tag_id},
            )
            return row.rowcount > 0

    def add_tags(self, kind: ItemKind, ids: Sequence[str], tag_ids: Sequence[str]) -> Written:
        return self._write(kind, ids, "tag", tag_ids, "INSERT OR IGNORE INTO item_tag (item, tag_id) VALUES (?, ?)")

    def remove_tags(self, kind: ItemKind, ids: Sequence[str], tag_ids: Sequence[str]) -> Written:
        return self._write(kind, ids, "tag", tag_ids, "DELETE FROM item_tag WHERE item = ? AND tag_id = ?")

    # -- performers
    def performers(self) -> list[Performer]:
        with self._transaction() as db:
            rows = db.execute("SELECT id, name FROM performer ORDER BY id").fetchall()
        return [Performer(str(i), name, ignore_auto_tag=True) for i, name in rows]  # Nobody else makes any.

    def create_performer(self, name: str) -> Performer:
        with self._transaction() as db:
            if any(known.casefold() == name.casefold() for (known,) in db.execute("SELECT name FROM performer")):
                raise LibraryRefusedError(f'There is a performer "{name}" already.')
            row = db.execute("INSERT INTO performer (name) VALUES (?)", (name,)).lastrowid
        return Performer(str(row), name, ignore_auto_tag=True)

    def delete_unused_performer(self, performer_id: str) -> bool:
        with self._transaction() as db:
            row = db.execute(
                "DELETE FROM performer WHERE id = :id"
                " AND NOT EXISTS (SELECT 1 FROM item_performer WHERE performer_id = :id)",
                {"id": performer_id},
            )
            return row.rowcount > 0

    def add_performers(self, kind: ItemKind, ids: Sequence[str], performer_ids: Sequence[str]) -> Written:
        statement = "INSERT OR IGNORE INTO item_performer (item, performer_id) VALUES (?, ?)"
        return self._write(kind, ids, "performer", performer_ids, statement)

    def remove_performers(self, kind: ItemKind, ids: Sequence[str], performer_ids: Sequence[str]) -> Written:
        statement = "DELETE FROM item_performer WHERE item = ? AND performer_id = ?"
        return self._write(kind, ids, "performer", performer_ids, statement)

    def _write(self, kind: ItemKind, ids: Sequence[str], what: str, tag_ids: Sequence[str], statement: str) -> Written:
        with self._lock:
            unique = sorted(set(ids))
            there = {i for i in unique if (file := self._file(i)) and file.kind == kind}
            missing = tuple(i for i in unique if i not in there)
            done = tuple(i for i in unique if i in there)
            with self._transaction() as db:
                known = {str(i) for (i,) in db.execute(f"SELECT id FROM {what}")}  # noqa: S608
                unknown = next((tag_id for tag_id in tag_ids if tag_id not in known), None)
                if unknown is not None:
                    return Written((), missing, tuple((i, f"There is no {what} {unknown}.") for i in done))
                db.executemany(statement, [(i, int(tag_id)) for i in done for tag_id in tag_ids])
            return Written(done, missing)

    # -- the folder
    def _list(self) -> None:
        if not self._folder.is_dir():
            raise LibraryDownError(f"The folder {self._folder} isn't there: connect its drive, or correct its name.")
        files: list[_File] = []
        for parent, folders, names in os.walk(self._folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            base = Path(parent).relative_to(self._folder).as_posix()
            for name in names:
                file = self._file(name if base == "." else f"{base}/{name}")
                if file:
                    files.append(file)
        self._listing = sorted(files, key=lambda file: file.id)

    def _file(self, item_id: str) -> _File | None:
        """None for what isn't there, is no media file, is hidden, or lies outside of the folder."""
        kind = _kind(item_id)
        parts = item_id.split("/")
        if kind is None or any(part.startswith(".") or not part for part in parts) or not _is_text(item_id):
            return None
        try:
            stat = os.stat(self._folder / item_id)  # noqa: PTH116 - Path.stat() takes twice as long.
        except (OSError, ValueError):
            return None
        changed_at_s = max(stat.st_mtime, stat.st_ctime)  # A file that was moved here keeps its mtime.
        return _File(item_id, kind, stat.st_size, stat.st_mtime_ns, changed_at_s)

    def _in_scope(self, kind: ItemKind, scope: Scope) -> list[_File]:
        return self._fitting([file for file in self._listing if file.kind == kind], scope)

    def _fitting(self, files: list[_File], scope: Scope) -> list[_File]:
        if scope.organized:
            return []
        if scope.paths:
            files = [file for file in files if self._below(file.id, scope.paths)]
        if scope.exclude_paths:
            files = [file for file in files if not self._below(file.id, scope.exclude_paths)]
        if scope.date_from:
            files = [file for file in files if _date(file) >= scope.date_from]
        if scope.date_to:
            files = [file for file in files if _date(file) <= scope.date_to]
        if scope.tags:
            tagged = self._tagged(scope.tags)
            files = [file for file in files if file.id in tagged]
        if scope.exclude_tags:
            tagged = self._tagged(scope.exclude_tags)
            files = [file for file in files if file.id not in tagged]
        return files

    def _below(self, item_id: str, paths: Sequence[str]) -> bool:
        """Paths may be relative to the folder or absolute."""
        whole = (self._folder / item_id).as_posix()
        starts = ((self._folder / path).as_posix().rstrip("/") for path in paths)
        return any(whole == start or whole.startswith(f"{start}/") for start in starts)

    def _tagged(self, names: Sequence[str]) -> set[str]:
        """Items with one of these tags or a sub-tag of them."""
        tags = self.tags()
        wanted = {tag.id for tag in tags if tag.name.casefold() in {name.casefold() for name in names}}
        unknown = [name for name in names if name.casefold() not in {tag.name.casefold() for tag in tags}]
        if unknown:
            raise ConfigError(f'There is no tag "{unknown[0]}" in this folder: correct the scope.')
        while below := {tag.id for tag in tags if tag.id not in wanted and wanted & set(tag.parent_ids)}:
            wanted |= below
        with self._transaction() as db:
            return {item for item, tag_id in db.execute("SELECT item, tag_id FROM item_tag") if str(tag_id) in wanted}

    def _items(self, files: Sequence[_File]) -> list[MediaItem]:
        with self._transaction() as db:
            return [
                MediaItem(
                    ref=ItemRef(file.kind, file.id),
                    media="video" if file.kind == "scene" else "image",
                    title="",
                    fingerprint=fingerprint,
                    path=str(self._folder / file.id),
                    size_bytes=file.size_bytes,
                    date=_date(file),
                    tag_ids=frozenset(
                        str(i) for (i,) in db.execute("SELECT tag_id FROM item_tag WHERE item = ?", (file.id,))
                    ),
                    performer_ids=frozenset(str(i) for (i,) in db.execute(_PERFORMERS_OF, (file.id,))),
                )
                for file in files
                if (fingerprint := self._fingerprint(db, file))
            ]

    def _fingerprint(self, db: sqlite3.Connection, file: _File) -> str:
        """Of size, start and end: fast, and remembered; "" when the file has just gone."""
        stamp = (file.size_bytes, file.mtime_ns)
        row = db.execute("SELECT fingerprint, size, mtime_ns FROM file WHERE item = ?", (file.id,)).fetchone()
        if row and row[1:] == stamp:
            return str(row[0])
        fingerprint = quick_fingerprint(self._folder / file.id, *stamp)
        if fingerprint:
            db.execute("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?)", (file.id, *stamp, fingerprint))
        return fingerprint

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _translated(self._state):
            if self._db.in_transaction:  # A read inside of a write.
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def item_at(folder: Path, text: str) -> ItemRef | None:
    """The item whose file a person means: its path below the folder, from where they are, or from the root; ``image:``
    or ``scene:`` may stand before it. None where there is no such picture or video in the folder."""
    prefix, _, rest = text.partition(":")
    path = rest if prefix in ("image", "scene") else text
    top = os.path.abspath(folder)  # noqa: PTH100
    for place in (os.path.join(top, path), os.path.abspath(path)):  # noqa: PTH100, PTH118
        file = Path(os.path.normpath(place))
        kind = _kind(file.name)
        if kind is not None and file.is_relative_to(top) and os.path.isfile(file):  # noqa: PTH113 - False, too, for a name that is too long.
            return ItemRef(kind, file.relative_to(top).as_posix())
    return None


def quick_fingerprint(path: Path, size_bytes: int, mtime_ns: int) -> str:
    """``"quick:…"`` of the size and the first and last 64 KB; of a file that may not be read, of its size and time, so
    that whoever opens it says why; "" when there is no such file."""
    try:
        with path.open("rb") as stream:
            digest = hashlib.blake2b(str(size_bytes).encode(), digest_size=16)
            digest.update(stream.read(_PROBE_BYTES))
            stream.seek(max(_PROBE_BYTES, size_bytes - _PROBE_BYTES))
            digest.update(stream.read(_PROBE_BYTES))
            return f"quick:{digest.hexdigest()}"
    except FileNotFoundError:
        return ""
    except OSError:
        return f"stat:{size_bytes}:{mtime_ns}"


def _kind(name: str) -> ItemKind | None:
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - called for every file.
    return "image" if suffix in PICTURES else "scene" if suffix in VIDEOS else None


def _is_text(name: str) -> bool:
    return name.isascii() or not any("\ud800" <= c <= "\udfff" for c in name)


def _date(file: _File) -> str:
    return datetime.fromtimestamp(file.mtime_ns / 1e9, UTC).date().isoformat()


def _after(files: Sequence[_File], item_id: str) -> Sequence[_File]:
    return files[bisect_right(files, item_id, key=lambda file: file.id) :] if item_id else files


@contextlib.contextmanager
def _translated(state: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as e:
        raise StoreError(
            f"The folder's tags in {state} can't be read or written ({e}): see that there is space on that disk."
        ) from e
