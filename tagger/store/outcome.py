"""What follows from the answers to one question: the newest that stands decides what the tag's fate is.

It is brought about from what is there, not step by step: so answers may be given and taken back in any order.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from tagger.answers import Question
from tagger.judgement.vocabulary import normal, singular
from tagger.store import queue as _queue
from tagger.store import runs as _runs
from tagger.store.codec import dumps, id_value, now_at
from tagger.store.items import asked, put_item
from tagger.store.outbox import REMOVED, insert, mark
from tagger.types import MediaItem, PlannedChange, Scope

RUN = "review"  # the operation under which answers write
ACCEPTED, REFUSED, WITHDRAWN = "person.accepted", "person.refused", "person.withdrawn"
_YES, _NO = "You accepted it.", "You said that it isn't here."
_BACK = "You took your answer back."
_ALLOWED = "you allowed it again"

_FAMILY = """SELECT id, answer, source, verdict, rule, why FROM answer WHERE library_id = ? AND kind = ?
    AND item_id = ? AND tag_key = ? AND target = ? AND fingerprint IN (?, '') AND stands >= 0 ORDER BY id DESC"""
_KNOWN = "SELECT tag_id FROM known_name WHERE library_id = ? AND name_key IN (?, ?) ORDER BY name_key = ? DESC"
_HEAPS = "SELECT id, tag FROM heap WHERE library_id = ? AND feature != 'people'"  # people aren't known by a tag's name
_ASK_NO_MORE = "DELETE FROM waits WHERE library_id = ? AND heap IN (SELECT value FROM json_each(?))"
_ASK_AGAIN = """INSERT INTO waits (item, place, library_id, heap, kind, item_id, useful, probability)
    SELECT d.item, d.place, d.library_id, h.id, i.kind, i.item_id, d.useful, d.probability
    FROM json_each(?) AS j CROSS JOIN heap AS h ON h.id = j.value
    CROSS JOIN decision AS d ON d.library_id = h.library_id AND d.verdict = 'review' AND d.tag = h.tag
        AND d.feature = h.feature AND json_extract(d.detail, '$[1]') = h.models
    CROSS JOIN item AS i ON i.id = d.item WHERE true ON CONFLICT DO NOTHING"""
_CHANGES = """SELECT id, state, action, rule, reason, tag_id, tag_name, model, score, probability, why
    FROM change WHERE item = ? AND target = ? AND fingerprint = ?
    AND (tag_name = ? COLLATE NOCASE OR (tag_id != '' AND tag_id = ?)) ORDER BY id DESC"""


class _Past(NamedTuple):
    """A change about the question."""

    id: int
    state: str
    action: str
    rule: str
    reason: str
    tag_id: str
    tag_name: str
    model: str
    score: float
    probability: float
    why: str

    @property
    def is_ours(self) -> bool:
        return self.action == "add" and self.state in ("planned", "sending", "done")

    @property
    def is_removal(self) -> bool:
        return self.action == "remove" and self.state in ("planned", "sending")


def before(db: sqlite3.Connection, library_id: int, q: Question) -> tuple[str, str, str]:
    """Verdict, rule and reason as they were before anybody answered; "" where nothing was said."""
    family = _family(db, library_id, q)
    if family:
        return (family[0][3], family[0][4], family[0][5])
    row = next(iter(asked(db, library_id, [q.ref])), None)
    for verdict, rule, why, tag in db.execute("SELECT verdict, rule, why, tag FROM decision WHERE item = ?", (row,)):
        if normal(tag) == normal(q.tag_name):
            return (verdict, rule, why)
    return ("", "", "")


def bring_about(
    db: sqlite3.Connection, library_id: int, q: Question, writes: bool, former: tuple[str, str, str] = ("", "", "")
) -> None:
    """Let the newest answer that stands decide; with none, all is as it was (``former``). ``writes``: in the library
    too, through the outbox."""
    family = _family(db, library_id, q)
    newest = family[0] if family else None
    db.execute(
        "UPDATE answer SET stands = (id = ?) WHERE id IN (SELECT value FROM json_each(?))",
        (newest[0] if newest else 0, dumps([row[0] for row in family])),
    )
    row = next(iter(asked(db, library_id, [q.ref])), None)
    if row is None:
        if newest is None or newest[1] != "yes" or not writes:
            return
        row, _ = put_item(db, library_id, MediaItem(q.ref, "image", "", q.fingerprint))
    where = [(row, q.tag_name)]
    if newest is None:
        db.execute("UPDATE item SET policy = '' WHERE id = ?", (row,))  # Decided again by the next run.
        if former[0]:
            _queue.take_from_queue(db, where, *former)
    elif newest[1] == "yes":
        _queue.take_from_queue(db, where, "apply", ACCEPTED, _YES)
    else:
        _queue.take_from_queue(db, where, "keep", REFUSED, _NO)
    if writes:
        _write(db, library_id, row, q, newest[1] if newest else "")


def ask_no_more(db: sqlite3.Connection, library_id: int, tag_name: str) -> None:
    """What waits of this tag leaves the queue; its decisions stay until they are decided again."""
    db.execute(_ASK_NO_MORE, (library_id, dumps(_heaps(db, library_id, tag_name))))


def ask_again(db: sqlite3.Connection, library_id: int, tag_name: str) -> None:
    """What waits of this tag is in the queue again."""
    db.execute(_ASK_AGAIN, (dumps(_heaps(db, library_id, tag_name)),))


def _heaps(db: sqlite3.Connection, library_id: int, tag_name: str) -> list[int]:
    return [heap for heap, tag in db.execute(_HEAPS, (library_id,)) if normal(tag) == normal(tag_name)]


def _family(db: sqlite3.Connection, library_id: int, q: Question) -> list[tuple[Any, ...]]:
    """All answers to the question that weren't withdrawn: of this file, and whatever the file."""
    key = (library_id, q.ref.kind, id_value(q.ref.id), normal(q.tag_name), q.target, _file(db, library_id, q))
    return db.execute(_FAMILY, key).fetchall()


def _file(db: sqlite3.Connection, library_id: int, q: Question) -> str:
    """The file that the question is about; of a question about any file, the item's present one."""
    if q.fingerprint:
        return q.fingerprint
    found = db.execute(_queue.FILE_OF, (library_id, q.ref.kind, id_value(q.ref.id))).fetchone()
    return str(found[0]) if found else ""


def _write(db: sqlite3.Connection, library_id: int, row: int, q: Question, answer: str) -> None:
    fingerprint = _file(db, library_id, q)
    tag_id = _tag_id(db, library_id, q)
    past = [_Past(*r) for r in db.execute(_CHANGES, (row, q.target, fingerprint, q.tag_name, tag_id))]
    ours = [one for one in past if one.is_ours]
    if answer != "no":
        _allow(db, past)
    if answer == "yes" or (answer == "" and _was_ours(past)):
        planned = [one.id for one in past if one.is_removal and one.state == "planned"]
        mark(db, library_id, planned, "undone", _ALLOWED)
        on_its_way_out = any(one.is_removal and one.state == "sending" for one in past)
        if not ours or on_its_way_out:
            origin = _origin(past) if answer == "" else None
            plan = _plan(db, row, q, fingerprint, tag_id, origin)
            insert(db, library_id, _run(db, library_id), row, plan)
        return
    rule, why = (REFUSED, _NO) if answer == "no" else (WITHDRAWN, _BACK)
    mark(db, library_id, [one.id for one in ours if one.state == "planned"], "undone", why)
    there = [one.id for one in ours if one.state != "planned"]
    if there:
        take_back(db, library_id, _run(db, library_id), there, rule, why)


def _origin(past: Sequence[_Past]) -> _Past | None:
    """The newest addition that wasn't asked for by an answer."""
    return next((one for one in past if one.action == "add" and one.rule != ACCEPTED), None)


def _was_ours(past: Sequence[_Past]) -> bool:
    """Whether the models, and not an answer, had the tag written, and only an answer took it away."""
    origin = _origin(past)
    if origin is None or origin.is_ours:
        return origin is not None
    if origin.state != "undone":
        return False
    removals = [one for one in past if one.action == "remove" and one.state == "done" and one.id > origin.id]
    return origin.reason == _NO or (bool(removals) and removals[-1].rule == REFUSED)


def _allow(db: sqlite3.Connection, past: Sequence[_Past]) -> None:
    """What a person removed may come again, by that person's word."""
    gone = dumps([one.id for one in past if one.state == "gone" and one.reason == REMOVED])
    db.execute(
        "UPDATE change SET state = 'undone', reason = ?, changed_at = ? WHERE id IN (SELECT value FROM json_each(?))",
        (_ALLOWED, now_at(), gone),
    )


def _tag_id(db: sqlite3.Connection, library_id: int, q: Question) -> str:
    """The library's id of the tag, by name or alias, as far as it is known; "" for performers."""
    if q.target != "tag":
        return ""
    plain = normal(q.tag_name)
    row = db.execute(_KNOWN, (library_id, plain, singular(q.tag_name), plain)).fetchone()
    return str(row[0]) if row else ""


def _run(db: sqlite3.Connection, library_id: int) -> int:
    """The run of what persons answered today."""
    row = db.execute(
        """SELECT id FROM run WHERE library_id = ? AND operation = ? AND state != 'undone' AND started_at >= ?
        ORDER BY id DESC LIMIT 1""",
        (library_id, RUN, now_at()[:10]),
    ).fetchone()
    run_id = int(row[0]) if row else _runs.begin(db, library_id, RUN, Scope(), False).id
    _runs.end(db, library_id, run_id, "done", "")
    return run_id


def _plan(
    db: sqlite3.Connection, row: int, q: Question, fingerprint: str, tag_id: str, origin: _Past | None
) -> PlannedChange:
    """Add the tag: by a person's word, or as ``origin`` had it. Whether it is there, the writer sees when it writes."""
    tags = db.execute("SELECT tags FROM item WHERE id = ?", (row,)).fetchone()[0]
    there = frozenset(tags.split(",")) - {"", "-", tag_id}
    if origin is not None:
        said = (origin.model, origin.score, origin.probability, origin.rule, origin.why)
        return PlannedChange(
            q.ref, fingerprint, origin.tag_name, origin.tag_id, *said, there - {origin.tag_id}, q.target
        )
    found = db.execute(
        "SELECT score, detail FROM decision WHERE item = ? AND tag = ? COLLATE NOCASE LIMIT 1", (row, q.tag_name)
    ).fetchone()
    score, models = (found[0], ",".join(json.loads(found[1])[1])) if found else (0.0, "")
    return PlannedChange(
        q.ref, fingerprint, q.tag_name, tag_id, models, score, q.probability, ACCEPTED, _YES, there, q.target
    )


def take_back(
    db: sqlite3.Connection, library_id: int, run_id: int, change_ids: Sequence[int], rule: str, why: str
) -> int:
    """Plan the removal of what is ours among these changes; their items are decided again by the next run."""
    values = {"run": run_id, "rule": rule, "why": why, "now": now_at(), "library": library_id}
    values["ids"] = dumps(list(change_ids))
    planned = db.execute(
        """INSERT INTO change (library_id, run_id, item, state, fingerprint, tag_id, tag_name, model, score,
            probability, rule, why, tags_before, target, action, changed_at)
        SELECT c.library_id, :run, c.item, 'planned', c.fingerprint, c.tag_id, c.tag_name, c.model, c.score,
            c.probability, :rule, :why, '[]', c.target, 'remove', :now
        FROM json_each(:ids) AS j CROSS JOIN change AS c ON c.id = j.value
        WHERE c.library_id = :library AND c.action = 'add' AND c.state IN ('sending', 'done')
        AND NOT EXISTS (SELECT 1 FROM change AS r WHERE r.item = c.item AND r.action = 'remove'
            AND r.state IN ('planned', 'sending') AND r.target = c.target AND r.tag_id = c.tag_id)""",
        values,
    ).rowcount
    db.execute(
        """UPDATE item SET policy = '' WHERE id IN (
        SELECT c.item FROM json_each(:ids) AS j CROSS JOIN change AS c ON c.id = j.value)""",
        values,
    )
    return int(planned)
