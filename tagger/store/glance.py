"""What a page asks of one item or of the queue: a few rows by an index each, whatever the size of the rest."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from tagger.store.codec import dumps, id_value, refs_json
from tagger.store.items import asked
from tagger.types import ItemRef

_FILE = """SELECT f.fingerprint, f.width, f.height, f.duration_s, i.policy != ''
    OR EXISTS (SELECT 1 FROM sighting AS s WHERE s.file_id = f.id)
    OR EXISTS (SELECT 1 FROM decision AS d WHERE d.item = i.id) FROM item AS i
    CROSS JOIN file AS f ON f.id = i.file_id WHERE i.library_id = ? AND i.kind = ? AND i.item_id = ?"""
_WRITTEN = """SELECT tag_name, tag_id, state, run_id, target FROM change
    WHERE item = ? AND action = 'add' AND state IN ('planned', 'sending', 'done', 'gone', 'undone') ORDER BY id"""
_WAITING = """SELECT j.key, q.priority FROM json_each(?) AS j CROSS JOIN queue AS q ON q.library_id = ?
    AND q.kind = json_extract(j.value, '$[0]') AND q.item_id = json_extract(j.value, '$[1]')"""
_FAILED = "SELECT reason FROM failure WHERE item = ?"
_TO_REVIEW = "SELECT w.item, count(*) FROM json_each(?) AS j CROSS JOIN waits AS w ON w.item = j.value GROUP BY w.item"
_NEWEST = "SELECT coalesce(max(id), 0) FROM item"
_SHUFFLED = "SELECT id FROM item WHERE library_id = ? ORDER BY id * 2654435761 % 4294967296 LIMIT ?"
_FEW = 4  # times what is asked for: so many items are shuffled in no time
_SPARSE = 20  # of so many ids one is an item of the library
_SOME = """WITH some AS (SELECT i.id FROM json_each(?) AS j CROSS JOIN item AS i ON i.id = j.value
    AND i.library_id = ?)"""
_SURE = """{some}
    SELECT d.verdict, CAST(d.probability * 1000 + 0.0001 AS INTEGER) AS permille, count(*)
    FROM some CROSS JOIN decision AS d ON d.item = some.id
    WHERE d.rule IN ('thresholds.apply', 'thresholds.review', 'thresholds.keep') GROUP BY 1, 2""".replace(
    "{some}", _SOME
)
_LABELS = """{some}
    SELECT d.feature, d.subject, d.tag, sum(d.verdict = 'apply'), sum(d.verdict = 'review'), count(*)
    FROM some CROSS JOIN decision AS d ON d.item = some.id
    WHERE d.feature != 'people' AND d.subject != '' GROUP BY 1, 2, 3 ORDER BY 4 DESC, 5 DESC, 6 DESC""".replace(
    "{some}", _SOME
)
_TAKEN_BACK = """{some}
    SELECT d.feature, d.subject, d.tag, d.rule, CAST(d.probability * 1000 + 0.0001 AS INTEGER), count(*)
    FROM some CROSS JOIN decision AS d ON d.item = some.id AND d.verdict = 'apply'
    WHERE EXISTS (SELECT 1 FROM change AS c WHERE c.item = d.item AND c.action = 'add' AND c.state = 'undone'
        AND c.tag_name = d.tag COLLATE NOCASE)
    AND NOT EXISTS (SELECT 1 FROM change AS c WHERE c.item = d.item AND c.action = 'add' AND c.state != 'undone'
        AND c.tag_name = d.tag COLLATE NOCASE) GROUP BY 1, 2, 3, 4, 5""".replace("{some}", _SOME)


@dataclass(frozen=True, slots=True)
class Known:
    """What is on record of one item: its file, how the decoder had it, whether anybody has looked at it."""

    fingerprint: str
    width: int
    height: int
    duration_s: float
    looked: bool


@dataclass(frozen=True, slots=True)
class WrittenTag:
    """One tag (or performer: ``target``) that we wrote to an item, are writing, took back (undone), or that a person
    took away (gone)."""

    name: str
    id: str
    state: str
    run_id: int
    target: str


def known(db: sqlite3.Connection, library_id: int, ref: ItemRef) -> Known | None:
    """None when it isn't on record."""
    row = db.execute(_FILE, (library_id, ref.kind, id_value(ref.id))).fetchone()
    return Known(row[0], row[1], row[2], row[3], bool(row[4])) if row else None


def written(db: sqlite3.Connection, library_id: int, ref: ItemRef) -> list[WrittenTag]:
    """In the order in which they were planned."""
    return [WrittenTag(*columns) for row in asked(db, library_id, [ref]) for columns in db.execute(_WRITTEN, (row,))]


def waiting(db: sqlite3.Connection, library_id: int, refs: Sequence[ItemRef]) -> dict[ItemRef, int]:
    """Those of the items that wait to be looked at, with their priority."""
    return {refs[key]: priority for key, priority in db.execute(_WAITING, (refs_json(refs), library_id))}


def failed(db: sqlite3.Connection, library_id: int, refs: Sequence[ItemRef]) -> dict[ItemRef, str]:
    """Those of the items that could not be looked at, with the reason."""
    found = {ref: db.execute(_FAILED, (row,)).fetchone() for row, ref in asked(db, library_id, refs).items()}
    return {ref: str(row[0]) for ref, row in found.items() if row}


def to_review(db: sqlite3.Connection, library_id: int, refs: Sequence[ItemRef]) -> dict[ItemRef, int]:
    """How many tags wait for a person's look, of the items that have some."""
    ref_of = asked(db, library_id, refs)
    rows = db.execute(_TO_REVIEW, (str(list(ref_of)),))
    return {ref_of[row]: count for row, count in rows}


def sure(db: sqlite3.Connection, library_id: int, items: int) -> list[tuple[str, int, int]]:
    """``(verdict, permille, how many)`` of what the general thresholds decided, on at most so many items."""
    return [
        (verdict, permille, n) for verdict, permille, n in db.execute(_SURE, (_some(db, library_id, items), library_id))
    ]


def taken_back(db: sqlite3.Connection, library_id: int, items: int) -> list[tuple[str, str, str, str, int, int]]:
    """``(feature, label, tag, rule, permille, how many)`` of what is decided as written, but was undone, on the same
    items as :func:`sure` and :func:`labels`: it isn't in the library, and comes back when it is decided again."""
    return [tuple(row) for row in db.execute(_TAKEN_BACK, (_some(db, library_id, items), library_id))]


def scenes_with(db: sqlite3.Connection, library_id: int, tag: str) -> list[ItemRef]:
    """The scenes on which this tag is written."""
    query = """SELECT i.item_id FROM decision AS d CROSS JOIN item AS i ON i.id = d.item
        WHERE d.library_id = ? AND d.verdict = 'apply' AND d.tag = ? AND i.kind = 'scene'"""
    return [ItemRef("scene", str(item_id)) for (item_id,) in db.execute(query, (library_id, tag))]


def counted(db: sqlite3.Connection, library_id: int) -> dict[str, int]:
    """What the file itself keeps count of: items, looked, apply, ours, gone, waiting."""
    return dict(db.execute("SELECT what, n FROM counted WHERE library_id = ?", (library_id,)).fetchall())


def _some(db: sqlite3.Connection, library_id: int, items: int) -> str:
    """About so many items, always the same ones, of all ages, as JSON (with ids of others among them): whatever the
    size of the library, a page waits for as many."""
    there, newest = counted(db, library_id)["items"], db.execute(_NEWEST).fetchone()[0]
    if there <= _FEW * items or newest > _SPARSE * there:
        return dumps([row for (row,) in db.execute(_SHUFFLED, (library_id, items))])
    return dumps([number * there // items for number in range(1, newest * items // there + 1)])


def labels(db: sqlite3.Connection, library_id: int, items: int) -> list[tuple[str, str, str, int, int, int]]:
    """``(feature, label, tag, written, for review, seen at all)`` of what models saw on at most so many items."""
    return [tuple(row) for row in db.execute(_LABELS, (_some(db, library_id, items), library_id))]
