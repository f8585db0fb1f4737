"""The libraries that share the file, and forgetting one of them as a whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from tagger.store.codec import dumps

# Whether anything is kept of a library: only having been asked about is nothing.
_OTHERS = """SELECT l.name, (SELECT n FROM counted WHERE library_id = l.id AND what = 'ours') FROM library AS l
    WHERE l.id != ? AND (l.key IN (SELECT value FROM json_each(?))
        OR EXISTS (SELECT 1 FROM item WHERE library_id = l.id) OR EXISTS (SELECT 1 FROM act WHERE library_id = l.id)
        OR EXISTS (SELECT 1 FROM created_tag WHERE library_id = l.id)) ORDER BY l.name"""
_WITH_A_LIBRARY = """SELECT t.name FROM sqlite_master AS t WHERE t.type = 'table'
    AND EXISTS (SELECT 1 FROM pragma_table_info(t.name) WHERE name = 'library_id')"""


@dataclass(frozen=True, slots=True)
class Kept:
    """Another library in the same file; ``ours``: how many tags of ours are in it."""

    name: str
    ours: int


def others(db: sqlite3.Connection, library_id: int, keys: Sequence[str]) -> list[Kept]:
    """Those of which something is kept, here or (``keys``) elsewhere, by name."""
    return [Kept(name, ours) for name, ours in db.execute(_OTHERS, (library_id, dumps(list(keys))))]


def forget(db: sqlite3.Connection, library_id: int) -> list[str]:
    """All rows of one library; the fingerprints that no item of any library has now. What is shared with another
    library (files, and what models saw in them) stays."""
    db.execute("PRAGMA secure_delete = ON")
    db.execute("PRAGMA defer_foreign_keys = ON")
    files = [row for (row,) in db.execute("SELECT DISTINCT file_id FROM item WHERE library_id = ?", (library_id,))]
    db.execute("DELETE FROM item WHERE library_id = ?", (library_id,))  # First: with it goes what hangs on items.
    for (table,) in db.execute(_WITH_A_LIBRARY).fetchall():
        db.execute(f"DELETE FROM {table} WHERE library_id = ?", (library_id,))  # noqa: S608
    db.execute("DELETE FROM library WHERE id = ?", (library_id,))
    orphans = db.execute(
        """DELETE FROM file WHERE id IN (SELECT value FROM json_each(?))
        AND NOT EXISTS (SELECT 1 FROM item WHERE item.file_id = file.id) RETURNING fingerprint""",
        (dumps(files),),
    )
    return [fingerprint for (fingerprint,) in orphans.fetchall()]
