"""Answers of persons, and what follows from them at once: the queue, the outbox, rules, audits."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Sequence
from typing import Any

from tagger.answers import Act, Answer, Audit, Question, Saying, TagRule
from tagger.store import queue as _queue
from tagger.store import runs as _runs
from tagger.store.codec import dumps, id_value, now_at
from tagger.store.items import asked, put_item
from tagger.store.outbox import CHANGE_COLUMNS, change, insert, mark
from tagger.types import ItemRef, MediaItem, PlannedChange, Scope
from tagger.vocabulary import normal

RUN = "review"  # the operation under which answers write
ACCEPTED, REFUSED = "person.accepted", "person.refused"
_WHY = {"yes": "You accepted it.", "no": "You said that it isn't here."}
_RULE = {"yes": ACCEPTED, "no": REFUSED}

_ANSWER = """SELECT id, act, kind, item_id, fingerprint, target, tag_name, answer, source, feature, subject,
    probability, answered_at FROM answer"""
ANSWERS = f"{_ANSWER} WHERE library_id = ? AND stands = 1"
ANSWERS_FEATURE = f"{_ANSWER} WHERE library_id = ? AND stands = 1 AND feature = ?"
ACTS = """SELECT a.id, a.what, a.done_at, a.undone_at, (SELECT count(*) FROM answer AS x WHERE x.act = a.id),
    (SELECT count(*) FROM tag_rule AS r WHERE r.library_id = a.library_id AND r.act = a.id)
    FROM act AS a WHERE a.library_id = ? ORDER BY a.id DESC LIMIT ?"""
RULES = """SELECT r.tag_name, r.kind, r.apply, r.feature, r.why FROM tag_rule AS r
    WHERE r.library_id = ? AND r.act = (SELECT max(x.act) FROM tag_rule AS x
        WHERE x.library_id = r.library_id AND x.tag_key = r.tag_key AND x.kind = r.kind) ORDER BY r.tag_key, r.kind"""
OURS_OF = """SELECT id, state FROM change WHERE item = ? AND action = 'add' AND target = ? AND fingerprint = ?
    AND tag_name = ? COLLATE NOCASE AND state IN ('planned', 'sending', 'done')"""
UNAUDITED = """SELECT c.id FROM change AS c WHERE c.library_id = ? AND c.state = 'done' AND c.action = 'add'
    AND c.tag_name = ? COLLATE NOCASE AND c.rule NOT LIKE 'person.%'
    AND NOT EXISTS (SELECT 1 FROM audit AS a WHERE a.change_id = c.id)
    AND NOT EXISTS (SELECT 1 FROM answer AS x WHERE x.library_id = c.library_id AND x.fingerprint = c.fingerprint
        AND x.tag_name = c.tag_name COLLATE NOCASE AND x.stands = 1)"""
TAGS_OURS = """SELECT tag_name, count(*) FROM change WHERE library_id = ? AND state = 'done' AND action = 'add'
    AND target = 'tag' GROUP BY tag_name COLLATE NOCASE"""
FEATURE_OF = """SELECT feature, subject, max(probability) FROM decision
    WHERE item = (SELECT item FROM change WHERE id = ?) AND tag = ? COLLATE NOCASE"""


def say(
    db: sqlite3.Connection,
    library_id: int,
    what: str,
    sayings: Sequence[Saying],
    rules: Sequence[TagRule],
    follow: bool = True,
) -> int:
    """One act with its answers, rules, and what follows."""
    act = db.execute(
        "INSERT INTO act (library_id, what, done_at) VALUES (?, ?, ?) RETURNING id", (library_id, what, now_at())
    ).fetchone()[0]
    for rule in rules:
        db.execute(
            """INSERT INTO tag_rule (library_id, tag_key, kind, tag_name, feature, apply, why, act, said_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (library_id, normal(rule.tag_name), rule.kind, rule.tag_name, rule.feature, rule.apply, rule.why, act,
             now_at()),
        )  # fmt: skip
    for saying in sayings:
        _say(db, library_id, act, saying, follow)
    return int(act)


def _say(db: sqlite3.Connection, library_id: int, act: int, saying: Saying, follow: bool) -> None:
    q, key = saying.question, normal(saying.question.tag_name)
    row = next(iter(asked(db, library_id, [q.ref])), None)
    was = _queue.take_from_queue(
        db, [(row, q.tag_name)] if row is not None else [], "apply" if saying.say == "yes" else "keep",
        _RULE[saying.say], _WHY[saying.say],
    )  # fmt: skip
    verdict, rule, why, _ = was[0] if was else ("", "", "", 0)
    former = db.execute(
        """UPDATE answer SET stands = 0 WHERE library_id = ? AND kind = ? AND item_id = ? AND tag_key = ?
        AND fingerprint = ? AND target = ? AND stands = 1 RETURNING verdict, rule, why""",
        (library_id, q.ref.kind, id_value(q.ref.id), key, q.fingerprint, q.target),
    ).fetchall()
    if former:  # What the models had led to, before any answer.
        verdict, rule, why = former[0]
    db.execute(
        """INSERT INTO answer (library_id, act, kind, item_id, fingerprint, target, tag_key, tag_name, answer, source,
            feature, subject, probability, verdict, rule, why, answered_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (library_id, act, q.ref.kind, id_value(q.ref.id), q.fingerprint, q.target, key, q.tag_name, saying.say,
         saying.source, q.feature, q.subject, float(q.probability), verdict, rule, why, now_at()),
    )  # fmt: skip
    if follow and saying.source != "library":  # That is what the library has already.
        _follow(db, library_id, row, q, saying.say)


def _follow(db: sqlite3.Connection, library_id: int, row: int | None, q: Question, say_: str) -> None:
    """The outbox gets what the answer asks for: the tag, or the removal of ours."""
    fingerprint = q.fingerprint or _fingerprint(db, library_id, q.ref)
    if say_ == "yes":
        if row is None:
            row, _ = put_item(db, library_id, MediaItem(q.ref, "image", "", fingerprint))
        db.execute(
            """UPDATE change SET state = 'undone', reason = 'you accepted it again' WHERE item = ? AND state = 'gone'
            AND action = 'add' AND target = ? AND tag_name = ? COLLATE NOCASE""",
            (row, q.target, q.tag_name),
        )
        stop_removals(db, library_id, row, q)
        if not _ours(db, row, q, fingerprint):
            insert(db, library_id, _run(db, library_id), row, _plan(db, row, q, fingerprint))
    elif row is not None:
        for change_id, state in _ours(db, row, q, fingerprint):
            if state == "planned":
                mark(db, library_id, [change_id], "undone", _WHY["no"])
            else:
                take_back(db, library_id, _run(db, library_id), [change_id], REFUSED, _WHY["no"])


def stop_removals(db: sqlite3.Connection, library_id: int, row: int, q: Question) -> None:
    """A removal that wasn't sent yet is not wanted any more."""
    planned = db.execute(
        """SELECT id FROM change WHERE item = ? AND action = 'remove' AND state = 'planned' AND target = ?
        AND tag_name = ? COLLATE NOCASE""",
        (row, q.target, q.tag_name),
    )
    mark(db, library_id, [i for (i,) in planned], "undone", "it was accepted again")


def _ours(db: sqlite3.Connection, row: int, q: Question, fingerprint: str) -> list[tuple[int, str]]:
    return db.execute(OURS_OF, (row, q.target, fingerprint, q.tag_name)).fetchall()


def _fingerprint(db: sqlite3.Connection, library_id: int, ref: ItemRef) -> str:
    found = db.execute(_queue.FILE_OF, (library_id, ref.kind, id_value(ref.id))).fetchone()
    return str(found[0]) if found else ""


def _run(db: sqlite3.Connection, library_id: int) -> int:
    """The run of what persons answered today."""
    run = _runs.begin(db, library_id, RUN, Scope(), True)
    if run.started_at[:10] != now_at()[:10]:
        _runs.end(db, library_id, run.id, "done", "")
        run = _runs.begin(db, library_id, RUN, Scope(), False)
    _runs.end(db, library_id, run.id, "paused", "")
    return run.id


def _plan(db: sqlite3.Connection, row: int, q: Question, fingerprint: str) -> PlannedChange:
    said = db.execute(
        "SELECT score, detail FROM decision WHERE item = ? AND tag = ? COLLATE NOCASE LIMIT 1", (row, q.tag_name)
    ).fetchone()
    tags = db.execute("SELECT tags FROM item WHERE id = ?", (row,)).fetchone()[0]
    known = db.execute(
        """SELECT tag_id FROM change WHERE item = ? AND tag_name = ? COLLATE NOCASE AND target = ? AND tag_id != ''
        ORDER BY id DESC LIMIT 1""",
        (row, q.tag_name, q.target),
    ).fetchone()
    models = ",".join(_models(said[1])) if said else ""
    return PlannedChange(
        q.ref, fingerprint, q.tag_name, known[0] if known else "", models, said[0] if said else 0.0, q.probability,
        ACCEPTED, _WHY["yes"], frozenset(tags.split(",")) - {"", "-"}, q.target,
    )  # fmt: skip


def _models(detail: str) -> list[str]:
    return list(json.loads(detail)[1])


def take_back(
    db: sqlite3.Connection, library_id: int, run_id: int, change_ids: Sequence[int], rule: str, why: str
) -> int:
    """Plan the removal of what is ours among these changes."""
    planned = db.execute(
        """INSERT INTO change (library_id, run_id, item, state, fingerprint, tag_id, tag_name, model, score,
            probability, rule, why, tags_before, target, action, changed_at)
        SELECT c.library_id, :run, c.item, 'planned', c.fingerprint, c.tag_id, c.tag_name, c.model, c.score,
            c.probability, :rule, :why, '[]', c.target, 'remove', :now
        FROM json_each(:ids) AS j CROSS JOIN change AS c ON c.id = j.value
        WHERE c.library_id = :library AND c.action = 'add' AND c.state IN ('sending', 'done')
        AND NOT EXISTS (SELECT 1 FROM change AS r WHERE r.item = c.item AND r.action = 'remove'
            AND r.state IN ('planned', 'sending') AND r.target = c.target AND r.tag_id = c.tag_id)""",
        {"run": run_id, "rule": rule, "why": why, "now": now_at(), "ids": dumps(list(change_ids)),
         "library": library_id},
    ).rowcount  # fmt: skip
    db.execute(
        "UPDATE item SET policy = '' WHERE id IN (SELECT c.item FROM json_each(?) AS j CROSS JOIN change AS c "
        "ON c.id = j.value)",
        (dumps(list(change_ids)),),
    )
    return int(planned)


def withdraw(db: sqlite3.Connection, library_id: int, act: int) -> bool:
    """The act never was: former answers stand again, and the outbox goes back."""
    undone = db.execute(
        "UPDATE act SET undone_at = ? WHERE id = ? AND library_id = ? AND undone_at = ''", (now_at(), act, library_id)
    ).rowcount
    if not undone:
        return False
    db.execute("DELETE FROM tag_rule WHERE library_id = ? AND act = ?", (library_id, act))
    for answer in db.execute(f"{_ANSWER} WHERE act = ? ORDER BY id DESC", (act,)).fetchall():
        _withdraw(db, library_id, _answer(answer))
    return True


def _withdraw(db: sqlite3.Connection, library_id: int, answer: Answer) -> None:
    q, key = answer.question, normal(answer.question.tag_name)
    stood, verdict, rule, why = db.execute(
        "SELECT stands, verdict, rule, why FROM answer WHERE id = ?", (answer.id,)
    ).fetchone()
    db.execute("UPDATE answer SET stands = -1 WHERE id = ?", (answer.id,))
    if stood != 1:
        return
    former = db.execute(
        """UPDATE answer SET stands = 1 WHERE id = (SELECT max(id) FROM answer WHERE library_id = ? AND kind = ?
            AND item_id = ? AND tag_key = ? AND fingerprint = ? AND target = ? AND stands = 0) RETURNING answer""",
        (library_id, q.ref.kind, id_value(q.ref.id), key, q.fingerprint, q.target),
    ).fetchone()
    row = next(iter(asked(db, library_id, [q.ref])), None)
    if row is None:
        return
    db.execute("UPDATE item SET policy = '' WHERE id = ?", (row,))  # Decided again by the next run.
    if former:
        _queue.take_from_queue(
            db, [(row, q.tag_name)], "apply" if former[0] == "yes" else "keep", _RULE[former[0]], _WHY[former[0]]
        )
        _follow(db, library_id, row, q, former[0])
        return
    if verdict:
        _queue.take_from_queue(db, [(row, q.tag_name)], verdict, rule, why)
    if answer.source == "library":
        return
    fingerprint = q.fingerprint or _fingerprint(db, library_id, q.ref)
    if answer.say == "yes":
        for change_id, state in _ours(db, row, q, fingerprint):
            accepted = db.execute("SELECT 1 FROM change WHERE id = ? AND rule = ?", (change_id, ACCEPTED)).fetchone()
            if accepted and state == "planned":
                mark(db, library_id, [change_id], "undone", "you took your answer back")
            elif accepted:
                take_back(db, library_id, _run(db, library_id), [change_id], "person.withdrawn", _WITHDRAWN)
        return
    stop_removals(db, library_id, row, q)
    taken = db.execute(
        """SELECT 1 FROM change WHERE item = ? AND action = 'remove' AND state IN ('sending', 'done') AND rule = ?
        AND target = ? AND tag_name = ? COLLATE NOCASE AND fingerprint = ? AND changed_at >= ?""",
        (row, REFUSED, q.target, q.tag_name, fingerprint, answer.answered_at),
    ).fetchone()
    if taken and not _ours(db, row, q, fingerprint):
        insert(db, library_id, _run(db, library_id), row, _plan(db, row, q, fingerprint))


_WITHDRAWN = "You took your answer back."


def acts(db: sqlite3.Connection, library_id: int, limit: int) -> list[Act]:
    """The newest first."""
    return [Act(*row) for row in db.execute(ACTS, (library_id, limit))]


def answers(db: sqlite3.Connection, library_id: int, feature: str, tag: str) -> list[Answer]:
    """Those that stand; of one feature or all, of one tag or all."""
    query, chosen = (ANSWERS_FEATURE, [feature]) if feature else (ANSWERS, [])
    rows = db.execute(f"{query} AND tag_key = ?" if tag else query, (library_id, *chosen, *([normal(tag)] * bool(tag))))
    return sorted(map(_answer, rows), key=lambda answer: answer.id)


def _answer(row: Sequence[Any]) -> Answer:
    id_, act, kind, item_id, fingerprint, target, tag, said, source, feature, subject, probability, at = row
    question = Question(ItemRef(kind, str(item_id)), fingerprint, tag, feature, subject, probability, target)
    return Answer(id_, act, question, said, source, at)


def rules(db: sqlite3.Connection, library_id: int) -> list[TagRule]:
    """The newest of each kind for a tag."""
    return [TagRule(*row) for row in db.execute(RULES, (library_id,))]


# -- audits


def draw(db: sqlite3.Connection, library_id: int, n: int, tag: str, feature: str) -> int:
    """Applied tags at random, each as likely as any other; those drawn before count."""
    drawn = len(audits(db, library_id, n, tag))
    names = [tag] if tag else [name for name, _ in db.execute(TAGS_OURS, (library_id,))]
    pool: list[int] = []
    for name in names:
        ids = [i for (i,) in db.execute(UNAUDITED, (library_id, name))]
        if feature and ids and feature_of(db, ids[0], name)[0] != feature:
            continue
        pool += ids
    chosen = random.sample(pool, min(max(0, n - drawn), len(pool)))
    db.executemany(
        "INSERT INTO audit (change_id, library_id, drawn_at) VALUES (?, ?, ?)",
        [(i, library_id, now_at()) for i in chosen],
    )
    return drawn + len(chosen)


AUDITS = f"""SELECT {CHANGE_COLUMNS} FROM audit AS a CROSS JOIN change AS c ON c.id = a.change_id
    CROSS JOIN item AS i ON i.id = c.item WHERE a.library_id = ? AND c.state = 'done'
    AND (? = '' OR c.tag_name = ? COLLATE NOCASE)
    AND NOT EXISTS (SELECT 1 FROM answer AS x WHERE x.library_id = c.library_id AND x.fingerprint = c.fingerprint
        AND x.tag_name = c.tag_name COLLATE NOCASE AND x.stands = 1)
    ORDER BY a.change_id LIMIT ?"""  # noqa: S608


def audits(db: sqlite3.Connection, library_id: int, limit: int, tag: str) -> list[Audit]:
    """Drawn, still ours, and not answered."""
    rows = db.execute(AUDITS, (library_id, tag, tag, limit)).fetchall()
    return [Audit(drawn, *feature_of(db, drawn.id, drawn.plan.tag_name)) for drawn in map(change, rows)]


def feature_of(db: sqlite3.Connection, change_id: int, tag: str) -> tuple[str, str]:
    """What the models called it; "" when that is not known any more."""
    row = db.execute(FEATURE_OF, (change_id, tag)).fetchone()
    return row[0] or "", row[1] or ""
