"""What deciding again needs: the numbers of predictions by file, and verdicts that change without their evidence."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from tagger.ports import Mine, Record, Rejudged, Settlement
from tagger.store import outbox as _outbox
from tagger.store.codec import DECISION_COLUMNS, decision, dumps, id_value, now_at
from tagger.types import Change, Decision, ItemRef, Row

_UNIT = 10_000

_ITEM = """SELECT i.id, i.kind, i.item_id, f.fingerprint, f.duration_s, i.policy, i.decided_models,
    p.knowledge, p.models, p.numbers FROM {start} CROSS JOIN file AS f ON f.id = i.file_id
    LEFT JOIN predicted AS p ON p.file_id = i.file_id
    WHERE {which} AND i.decided_models != '' AND i.kind != 'gallery'"""
# The sign keeps SQLite from going through the library's index, and sorting all its items for every page.
RECORDS = _ITEM.format(start="item AS i", which="i.id > ? AND +i.library_id = ?") + " ORDER BY i.id LIMIT ?"
RECORDS_OF = _ITEM.format(start="json_each(?) AS j CROSS JOIN item AS i ON i.id = j.value", which="i.library_id = ?")
# People are decided by their faces, not by stored numbers.
VERDICTS = """SELECT d.item, d.feature, d.subject, d.tag, d.verdict, d.place FROM decision AS d
    WHERE d.item BETWEEN ? AND ? AND d.feature != 'people' ORDER BY d.item, d.place"""
VERDICTS_OF = """SELECT d.item, d.feature, d.subject, d.tag, d.verdict, d.place FROM json_each(?) AS j
    CROSS JOIN decision AS d ON d.item = j.value AND d.feature != 'people' ORDER BY d.item, d.place"""
_MINE = "c.state IN ('done', 'gone') AND c.action = 'add' AND c.target = 'tag'"
_MINE_COLUMNS = "c.item, c.state, c.tag_id, c.tag_name, c.feature, c.looked, c.fingerprint, c.missed_by"
WRITTEN = f"SELECT {_MINE_COLUMNS} FROM change AS c WHERE c.item BETWEEN ? AND ? AND {_MINE}"  # noqa: S608
WRITTEN_OF = f"""SELECT {_MINE_COLUMNS} FROM json_each(?) AS j
    CROSS JOIN change AS c ON c.item = j.value AND {_MINE}"""  # noqa: S608
DECISIONS_AT = f"""SELECT d.item, d.place, {DECISION_COLUMNS} FROM json_each(?) AS j
    CROSS JOIN decision AS d ON d.item = json_extract(j.value, '$[0]') AND d.place = json_extract(j.value, '$[1]')
    AND d.library_id = ?"""  # noqa: S608
ANSWERED = "SELECT DISTINCT fingerprint, kind, item_id FROM answer WHERE library_id = ? AND stands = 1"


def model_names(db: sqlite3.Connection) -> dict[str, str]:
    """By id, as text."""
    return {str(model_id): name for model_id, name in db.execute("SELECT id, name FROM model")}


def note(db: sqlite3.Connection, library_id: int, settlement: Settlement) -> None:
    """Beside what was settled: the numbers of all its predictions."""
    if not settlement.knowledge:
        return
    ref = settlement.item.ref
    file_id, models = db.execute(
        "SELECT file_id, decided_models FROM item WHERE library_id = ? AND kind = ? AND item_id = ?",
        (library_id, ref.kind, id_value(ref.id)),
    ).fetchone()
    db.execute(
        """INSERT INTO predicted (file_id, knowledge, models, numbers) VALUES (?, ?, ?, ?)
        ON CONFLICT (file_id) DO UPDATE SET knowledge = excluded.knowledge, models = excluded.models,
            numbers = excluded.numbers""",
        (file_id, settlement.knowledge, models, pack_rows(settlement.numbers)),
    )


def pack_rows(rows: Iterable[Row]) -> str:
    """``[[feature, subject, probability in ten-thousandths, calibrated, seen_s], …]``, the surest first."""
    ordered = sorted(rows, key=lambda r: (-r.probability, r.feature, r.subject))
    return dumps([[r.feature, r.subject, round(r.probability * _UNIT), int(r.calibrated), r.seen_s] for r in ordered])


def unpack_rows(text: str) -> tuple[Row, ...]:
    """The inverse."""
    return tuple([Row(f, s, p / _UNIT, c == 1, t) for f, s, p, c, t in json.loads(text)])


def records(db: sqlite3.Connection, library_id: int, knowledge: str, after: int, limit: int) -> list[Record]:
    """Decided scenes and images with a row after this one."""
    items = db.execute(RECORDS, (after, library_id, limit)).fetchall()
    if not items:
        return []
    span = (items[0][0], items[-1][0])
    return _records(db, library_id, knowledge, items, db.execute(VERDICTS, span), db.execute(WRITTEN, span))


def records_of(db: sqlite3.Connection, library_id: int, knowledge: str, rows: Sequence[int]) -> list[Record]:
    """Those of these rows."""
    asked = dumps(list(rows))
    items = db.execute(RECORDS_OF, (asked, library_id)).fetchall()
    verdicts, written = db.execute(VERDICTS_OF, (asked,)), db.execute(WRITTEN_OF, (asked,))
    return _records(db, library_id, knowledge, items, verdicts, written)


def _records(
    db: sqlite3.Connection,
    library_id: int,
    knowledge: str,
    items: Sequence[tuple[Any, ...]],
    verdicts: Iterable[tuple[Any, ...]],
    written: Iterable[tuple[Any, ...]],
) -> list[Record]:
    names = model_names(db)
    sets: dict[str, frozenset[str]] = {}

    def models(ids: str) -> frozenset[str]:
        known = sets.get(ids)
        if known is None:
            known = sets[ids] = frozenset(names[i] for i in ids.split(",") if i in names)
        return known

    kept = {item: [columns[1:] for columns in of] for item, of in groupby(verdicts, itemgetter(0))}
    fingerprints = {item[0]: item[3] for item in items}
    ours: dict[int, dict[str, Mine]] = {}
    special: set[int] = set()
    for item, state, tag_id, tag_name, feature, looked, fingerprint, missed_by in written:
        if state == "gone" or missed_by is not None:
            special.add(item)
        elif fingerprint == fingerprints.get(item):
            ours.setdefault(item, {})[tag_id] = Mine(tag_name, feature, models(looked))
    files: set[str] = set()
    refs: set[tuple[str, str]] = set()
    for fingerprint, kind, item_id in db.execute(ANSWERED, (library_id,)):
        if fingerprint:
            files.add(fingerprint)
        else:
            refs.add((kind, str(item_id)))
    none: Mapping[str, Mine] = {}
    found = []
    for row, kind, item_id, fingerprint, duration_s, policy, decided, known, of_models, numbers in items:
        ref = ItemRef(kind, str(item_id))
        fits = known == knowledge and of_models == decided
        found.append(
            Record(
                row,
                ref,
                fingerprint,
                duration_s,
                policy,
                models(decided),
                unpack_rows(numbers) if fits else None,
                kept.get(row, ()),
                ours.get(row, none),
                row in special or fingerprint in files or ref in refs,
            )
        )
    return found


def decisions_at(
    db: sqlite3.Connection, library_id: int, places: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], Decision]:
    """The decisions on these rows at these places, as far as they are still there."""
    found = db.execute(DECISIONS_AT, (dumps(list(places)), library_id))
    return {(row, place): decision(columns) for row, place, *columns in found}


OF_GALLERIES = """SELECT c.tag_name, count(*) FROM item AS i CROSS JOIN change AS c ON c.item = i.id
    WHERE i.library_id = ? AND i.kind = 'gallery' AND c.state = 'done' AND c.action = 'add' AND c.target = 'tag'
    AND c.missed_by IS NULL GROUP BY c.tag_name"""


def ours_in_galleries(db: sqlite3.Connection, library_id: int) -> dict[str, int]:
    """By tag name."""
    return dict(db.execute(OF_GALLERIES, (library_id,)).fetchall())


def rejudge(db: sqlite3.Connection, library_id: int, run_id: int, policy: str, changed: Sequence[Rejudged]) -> None:
    """Other verdicts for the same predictions; what is dropped isn't kept any more. Plans join the outbox."""
    # Two steps, since what waits for review is kept by name whenever a verdict changes.
    db.executemany(
        "UPDATE decision SET tag = ?, verdict = 'drop' WHERE item = ? AND place = ? AND verdict = ?",
        [(tag, one.row, place, former) for one in changed for place, former, tag in one.names],
    )
    db.executemany(
        """UPDATE decision SET verdict = ?, rule = ?, why = ?, near = max(near, probability)
        WHERE item = ? AND place = ? AND verdict = ?""",
        [
            (verdict, rule, why, one.row, place, former)
            for one in changed
            for place, former, verdict, rule, why in one.verdicts
            if verdict != "drop"
        ],
    )
    db.executemany(
        "DELETE FROM decision WHERE item = ? AND place = ? AND verdict = ?",
        [(one.row, place, former) for one in changed for place, former, v, _, _ in one.verdicts if v == "drop"],
    )
    joining = [(one.row, one.item, one.plans) for one in changed if one.item is not None]
    _outbox.join(db, library_id, run_id, joining)
    restamp(db, library_id, policy, [one.row for one in changed])


def restamp(db: sqlite3.Connection, library_id: int, policy: str, rows: Sequence[int]) -> None:
    """They stand under this policy."""
    db.execute(
        "UPDATE item SET policy = ? WHERE library_id = ? AND id IN (SELECT value FROM json_each(?))",
        (policy, library_id, dumps(list(rows))),
    )


# Whose addition was the run's own, an item had not before the run. Nothing is put back where another run wrote later,
# or where a person took the tag away meanwhile.
_TAKEN_BACK_BY = """SELECT r.id AS removal, r.item, r.target, r.tag_id, r.fingerprint, (SELECT max(a.id)
        FROM change AS a WHERE a.item = r.item AND a.action = 'add' AND a.state = 'undone' AND a.reason = :taken_back
        AND a.target = r.target AND a.tag_id = r.tag_id AND a.fingerprint = r.fingerprint AND a.id < r.id) AS addition,
    EXISTS (SELECT 1 FROM change AS n WHERE n.item = r.item AND n.target = r.target AND n.tag_id = r.tag_id
        AND (n.state = 'gone' OR n.fingerprint = r.fingerprint AND n.run_id != :run
            AND n.state IN ('planned', 'sending', 'done') AND (n.action = 'add' OR n.id > r.id))) AS overtaken
    FROM change AS r WHERE r.run_id = :run AND r.library_id = :library AND r.action = 'remove' AND r.state = 'done'"""
_OF_OTHERS = """SELECT b.removal, b.item, a.id, b.target, b.tag_id, b.fingerprint FROM ({taken_back}) AS b
    LEFT JOIN change AS a ON a.id = b.addition AND a.run_id != :run AND NOT b.overtaken""".replace(
    "{taken_back}", _TAKEN_BACK_BY
)


def restorable(db: sqlite3.Connection, library_id: int, run_id: int) -> int:
    """How many tags :func:`restore` would plan again."""
    return len(_to_restore(_taken_back_by(db, library_id, run_id)))


def restore(db: sqlite3.Connection, library_id: int, run_id: int) -> int:
    """What a run took back of what others had added is planned again, as those changes; how many."""
    rows = _taken_back_by(db, library_id, run_id)
    again = _to_restore(rows)
    db.execute(
        """UPDATE change SET state = 'planned', reason = '', missed_by = NULL, changed_at = :now
        WHERE id IN (SELECT value FROM json_each(:ids))""",
        {"now": now_at(), "ids": dumps(again)},
    )
    _outbox.mark(db, library_id, [row[0] for row in rows], "undone")
    items = dumps([row[1] for row in rows])
    db.execute("UPDATE item SET policy = '' WHERE id IN (SELECT value FROM json_each(?))", (items,))
    return len(again)


def _taken_back_by(db: sqlite3.Connection, library_id: int, run_id: int) -> list[tuple[Any, ...]]:
    """Removal, item, and the addition that comes again (or None), with what it is of."""
    values = {"run": run_id, "library": library_id, "taken_back": _outbox.TAKEN_BACK}
    return db.execute(_OF_OTHERS, values).fetchall()


def _to_restore(rows: Sequence[tuple[Any, ...]]) -> list[int]:
    """The newest addition of each: a tag is on an item once."""
    newest: dict[tuple[Any, ...], int] = {}
    for _, item, addition, *of in rows:
        if addition is not None:
            newest[item, *of] = max(addition, newest.get((item, *of), 0))
    return list(newest.values())


NUMBERS = """SELECT p.numbers FROM item AS i CROSS JOIN predicted AS p ON p.file_id = i.file_id
    WHERE i.library_id = ? AND i.kind = ? AND i.item_id = ?"""


def numbers(db: sqlite3.Connection, library_id: int, ref: ItemRef) -> tuple[Row, ...]:
    """Of all predictions of an item as they were made last, those that were dropped too."""
    row = db.execute(NUMBERS, (library_id, ref.kind, id_value(ref.id))).fetchone()
    return unpack_rows(row[0]) if row else ()


HISTORY = """ WHERE c.item = (SELECT id FROM item WHERE library_id = ? AND kind = ? AND item_id = ?) ORDER BY c.id"""


def history(db: sqlite3.Connection, library_id: int, ref: ItemRef) -> list[Change]:
    """All that was ever planned for an item."""
    rows = db.execute(_outbox.CHANGE + HISTORY, (library_id, ref.kind, id_value(ref.id)))
    return [_outbox.change(row) for row in rows]
