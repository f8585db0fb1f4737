"""Answers of persons, and what follows from them at once: the queue, the outbox, rules, audits."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from tagger.answers import LOOKED_AT, Act, Answer, Question, Saying, TagRule
from tagger.judgement.vocabulary import normal
from tagger.store import outcome as _outcome
from tagger.store.codec import dumps, id_value, now_at
from tagger.types import ItemRef

_ANSWER = """SELECT id, act, kind, item_id, fingerprint, target, tag_name, answer, source, feature, subject,
    probability, answered_at FROM answer"""
ANSWERS = f"{_ANSWER} WHERE library_id = ? AND stands = 1"
ANSWERS_FEATURE = f"{_ANSWER} WHERE library_id = ? AND stands = 1 AND feature = ?"
# Nearly all answers are looks: reading them in their order takes a third of looking each up by an index.
_LOOKS = f"""SELECT feature, tag_name, probability, answer = 'yes' FROM answer NOT INDEXED
    WHERE library_id = ? AND stands = 1 AND feature != '' AND source IN ({", ".join(f"'{one}'" for one in LOOKED_AT)})
    AND (source != 'library' OR answer != 'yes') ORDER BY id"""  # noqa: S608
ACTS = """SELECT a.id, a.what, a.done_at, a.undone_at, (SELECT count(*) FROM answer AS x WHERE x.act = a.id),
    (SELECT count(*) FROM tag_rule AS r WHERE r.library_id = a.library_id AND r.act = a.id)
    FROM act AS a WHERE a.library_id = ? ORDER BY a.id DESC LIMIT ?"""
BY_CLICK = "SELECT id FROM act WHERE library_id = ? AND click = ? AND click != ''"
RULES = """SELECT r.tag_name, r.kind, r.apply, r.feature, r.why FROM tag_rule AS r
    WHERE r.library_id = ? AND r.act = (SELECT max(x.act) FROM tag_rule AS x
        WHERE x.library_id = r.library_id AND x.tag_key = r.tag_key AND x.kind = r.kind) ORDER BY r.tag_key, r.kind"""


def say(
    db: sqlite3.Connection,
    library_id: int,
    what: str,
    sayings: Sequence[Saying],
    rules: Sequence[TagRule],
    follow: bool = True,
    click: str = "",
) -> int:
    """One act with its answers, rules, and what follows; that of a click which came before is left as it is."""
    if known := db.execute(BY_CLICK, (library_id, click)).fetchone():
        return int(known[0])
    act = db.execute(
        "INSERT INTO act (library_id, what, done_at, click) VALUES (?, ?, ?, ?) RETURNING id",
        (library_id, what, now_at(), click),
    ).fetchone()[0]
    for rule in rules:
        db.execute(
            """INSERT INTO tag_rule (library_id, tag_key, kind, tag_name, feature, apply, why, act, said_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (library_id, normal(rule.tag_name), rule.kind, rule.tag_name, rule.feature, rule.apply, rule.why, act,
             now_at()),
        )  # fmt: skip
        if rule.kind == "never":
            _outcome.ask_no_more(db, library_id, rule.tag_name)
    for saying in sayings:
        _say(db, library_id, act, saying, follow)
    return int(act)


def _say(db: sqlite3.Connection, library_id: int, act: int, saying: Saying, follow: bool) -> None:
    q = saying.question
    verdict, rule, why = _outcome.before(db, library_id, q)
    db.execute(
        """INSERT INTO answer (library_id, act, kind, item_id, fingerprint, target, tag_key, tag_name, answer, source,
            feature, subject, probability, verdict, rule, why, answered_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (library_id, act, q.ref.kind, id_value(q.ref.id), q.fingerprint, q.target, normal(q.tag_name), q.tag_name,
         saying.say, saying.source, q.feature, q.subject, float(q.probability), verdict, rule, why, now_at()),
    )  # fmt: skip
    # What was seen in the library is there already.
    _outcome.bring_about(db, library_id, q, follow and saying.source != "library")


def withdraw(db: sqlite3.Connection, library_id: int, act: int) -> bool:
    """The act never was: former answers stand again, and the outbox goes back."""
    undone = db.execute(
        "UPDATE act SET undone_at = ? WHERE id = ? AND library_id = ? AND undone_at = ''", (now_at(), act, library_id)
    ).rowcount
    if not undone:
        return False
    forbidden = db.execute(
        "DELETE FROM tag_rule WHERE library_id = ? AND act = ? RETURNING tag_name, kind", (library_id, act)
    ).fetchall()
    still = {normal(rule.tag_name) for rule in rules(db, library_id) if rule.kind == "never"}
    for tag, kind in forbidden:
        if kind == "never" and normal(tag) not in still:
            _outcome.ask_again(db, library_id, tag)
    given = [_answer(row) for row in db.execute(f"{_ANSWER} WHERE act = ? ORDER BY id DESC", (act,))]
    for answer in given:
        before = _outcome.before(db, library_id, answer.question)
        db.execute("UPDATE answer SET stands = -1 WHERE id = ?", (answer.id,))
        _outcome.bring_about(db, library_id, answer.question, True, before)
    return True


_WROTE_IN = f"""{_ANSWER} WHERE id IN (SELECT x.id FROM change AS c
    CROSS JOIN run AS r ON r.id = c.run_id AND r.operation = '{_outcome.RUN}'
    CROSS JOIN item AS i ON i.id = c.item
    CROSS JOIN answer AS x ON x.library_id = c.library_id AND x.kind = i.kind AND x.item_id = i.item_id
        AND x.target = c.target AND x.tag_name = c.tag_name COLLATE NOCASE AND x.fingerprint IN (c.fingerprint, '')
        AND x.source != 'library' AND x.answered_at >= r.started_at
    CROSS JOIN act AS a ON a.id = x.act AND a.undone_at = ''
    WHERE c.run_id = ? AND c.state = 'undone' AND c.library_id = ?) ORDER BY id"""  # noqa: S608
_FORMER = "SELECT verdict, rule, why FROM answer WHERE id = ?"
_ACT_IS_EMPTY = """UPDATE act SET undone_at = ? WHERE id IN (SELECT value FROM json_each(?)) AND undone_at = ''
    AND NOT EXISTS (SELECT 1 FROM answer AS x WHERE x.act = act.id AND x.stands >= 0)
    AND NOT EXISTS (SELECT 1 FROM tag_rule AS t WHERE t.library_id = act.library_id AND t.act = act.id)"""


def forget_written(db: sqlite3.Connection, library_id: int, run_id: int) -> int:
    """What answers wrote in this run was undone, so they never were, and former ones stand again; how many."""
    given = [_answer(row) for row in db.execute(_WROTE_IN, (run_id, library_id))]
    ids = dumps([answer.id for answer in given])
    db.execute("UPDATE answer SET stands = -1 WHERE id IN (SELECT value FROM json_each(?))", (ids,))
    for answer in given:
        former = db.execute(_FORMER, (answer.id,)).fetchone()
        _outcome.bring_about(db, library_id, answer.question, False, former)
    db.execute(_ACT_IS_EMPTY, (now_at(), dumps(list({answer.act for answer in given}))))
    return len(given)


def withdraw_click(db: sqlite3.Connection, library_id: int, click: str) -> None:
    """The click never was; one that is overtaken by its own withdrawal is known when it comes, and does nothing."""
    withdraw(db, library_id, say(db, library_id, "taken back before it came", (), (), click=click))


def acts(db: sqlite3.Connection, library_id: int, limit: int) -> list[Act]:
    """The newest first."""
    return [Act(*row) for row in db.execute(ACTS, (library_id, limit))]


def answers(db: sqlite3.Connection, library_id: int, feature: str, tag: str) -> list[Answer]:
    """Those that stand; of one feature or all, of one tag or all."""
    query, chosen = (ANSWERS_FEATURE, [feature]) if feature else (ANSWERS, [])
    rows = db.execute(f"{query} AND tag_key = ?" if tag else query, (library_id, *chosen, *([normal(tag)] * bool(tag))))
    return sorted(map(_answer, rows), key=lambda answer: answer.id)


def looked_at(db: sqlite3.Connection, library_id: int) -> list[tuple[str, str, float, bool]]:
    """See :meth:`tagger.answers.Answers.looked_at`."""
    rows = db.execute(_LOOKS, (library_id,))
    return [(feature, tag, probability, right == 1) for feature, tag, probability, right in rows]


def _answer(row: Sequence[Any]) -> Answer:
    id_, act, kind, item_id, fingerprint, target, tag, said, source, feature, subject, probability, at = row
    question = Question(ItemRef(kind, str(item_id)), fingerprint, tag, feature, subject, probability, target)
    return Answer(id_, act, question, said, source, at)


def rules(db: sqlite3.Connection, library_id: int) -> list[TagRule]:
    """The newest of each kind for a tag."""
    return [TagRule(*row) for row in db.execute(RULES, (library_id,))]
