"""What is forgotten is gone from the disk: rows are deleted, pages overwritten (``secure_delete``) and given back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from tagger.people_store.codec import dumps
from tagger.types import ItemRef


def person(db: sqlite3.Connection, library_id: int, person_id: int) -> None:
    """Everything of one person's face."""
    db.execute("PRAGMA secure_delete = ON")
    faces = """SELECT f.id FROM face AS f WHERE f.library_id = ?1 AND (f.person = ?2 OR EXISTS (
        SELECT 1 FROM said AS s WHERE s.library_id = ?1 AND s.person = ?2 AND s.what = 'is'
        AND s.fingerprint = f.fingerprint AND f.places = s.places))"""
    spots = f"SELECT fingerprint, places FROM face WHERE id IN ({faces})"  # noqa: S608
    of_library = "parting IN (SELECT id FROM parting WHERE library_id = ?1)"
    db.execute(f"DELETE FROM parted WHERE {of_library} AND (fingerprint, places) IN ({spots})", (library_id, person_id))  # noqa: S608
    for spot in ("fingerprint, places", "other_fingerprint, other_places"):
        db.execute(f"DELETE FROM tie WHERE library_id = ?1 AND ({spot}) IN ({spots})", (library_id, person_id))  # noqa: S608
    db.execute(f"DELETE FROM face WHERE id IN ({faces})", (library_id, person_id))  # noqa: S608
    words = "DELETE FROM said WHERE library_id = ? AND person = ? RETURNING id, over"
    uncover(db, db.execute(words, (library_id, person_id)).fetchall())
    for statement in (
        "DELETE FROM example WHERE library_id = ? AND person = ?",
        "DELETE FROM person WHERE library_id = ?1 AND (id = ?2 OR merged_into = ?2)",
        "DELETE FROM pending WHERE library_id = ? AND kind = 'person' AND value = CAST(? AS TEXT)",
    ):
        db.execute(statement, (library_id, person_id))


def uncover(db: sqlite3.Connection, gone: Iterable[tuple[int, int]]) -> None:
    """``(word, the newer one over it)`` were deleted: what lay beneath counts again, or lies beneath that newer one."""
    for word, over in sorted(gone):  # the oldest first: a newer one that went, too, hands on what it gets
        db.execute("UPDATE said SET over = ? WHERE over = ?", (over, word))


def everybody(db: sqlite3.Connection, library_id: int) -> None:
    """All rows of one library."""
    db.execute("PRAGMA secure_delete = ON")
    for table in (
        "face",
        "looked",
        "item",
        "example",
        "said",
        "taken_in",
        "tie",
        "parting",
        "pending",
        "fact",
        "person",
    ):
        db.execute(f"DELETE FROM {table} WHERE library_id = ?", (library_id,))  # noqa: S608


def items(db: sqlite3.Connection, library_id: int, refs: Sequence[ItemRef]) -> None:
    """Items that are gone, and what belongs to files that none has now. A refusal stays, should the file come back: it
    holds no face, only a place and a number."""
    db.execute("PRAGMA secure_delete = ON")
    gone = dumps([list(ref) for ref in refs])
    rows = db.execute(
        """DELETE FROM item WHERE library_id = ? AND (kind, item_id) IN
        (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)) RETURNING fingerprint""",
        (library_id, gone),
    ).fetchall()
    files = dumps(sorted({row[0] for row in rows}))
    left = "(SELECT fingerprint FROM item WHERE library_id = ?1)"
    theirs = f"library_id = ?1 AND fingerprint IN (SELECT value FROM json_each(?2)) AND fingerprint NOT IN {left}"  # noqa: S608
    for table in ("face", "example", "looked"):
        db.execute(f"DELETE FROM {table} WHERE {theirs}", (library_id, files))  # noqa: S608
    words = f"DELETE FROM said WHERE {theirs} AND what = 'is' RETURNING id, over"  # noqa: S608
    uncover(db, db.execute(words, (library_id, files)).fetchall())
    db.execute(
        f"""DELETE FROM tie WHERE library_id = ?1 AND (fingerprint IN (SELECT value FROM json_each(?2))
        AND fingerprint NOT IN {left} OR other_fingerprint IN (SELECT value FROM json_each(?2))
        AND other_fingerprint NOT IN {left})""",  # noqa: S608
        (library_id, files),
    )


def crops(db: sqlite3.Connection, library_id: int) -> None:
    """All crops; vectors stay."""
    db.execute("PRAGMA secure_delete = ON")
    db.execute("DELETE FROM crop WHERE face IN (SELECT id FROM face WHERE library_id = ?)", (library_id,))
    db.execute("UPDATE example SET crop = x'' WHERE library_id = ? AND crop != x''", (library_id,))
