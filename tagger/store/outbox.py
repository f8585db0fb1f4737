"""Decisions, and the changes that follow from them: planned → sending → done → undone or gone.

The laws, which the tests hold it to:

* At most one live change (planned, sending, done) for an item, its file and a tag.
* A tag that an item had before us never becomes ours.
* What a person took away (gone) stays gone for ever: no state follows it and no plan for it is accepted, unless that
  person accepts the tag in so many words.
* Replaying a step changes nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from tagger.ports import Settlement
from tagger.store.codec import DECISION_COLUMNS, decision, decision_row, dumps, now_at
from tagger.store.items import asked, put_item, seen_models
from tagger.store.queue import near
from tagger.types import Action, Change, ChangeState, Decision, ItemRef, MediaItem, PlannedChange

REMOVED = "a person removed it"
TAKEN_BACK = "it was taken back"
WAS_THERE = "the item had this tag before"

# From which states a change may come into each state; any other step is an echo of the past, and ignored.
_COMES_FROM: dict[ChangeState, tuple[ChangeState, ...]] = {
    "planned": ("planned", "sending"),
    "sending": ("planned", "sending"),
    "done": ("planned", "sending", "done"),
    "failed": ("planned", "sending", "failed"),
    "undone": ("planned", "sending", "done", "undone"),
    "gone": ("planned", "sending", "done", "gone"),
}

CHANGE_COLUMNS = """c.id, c.run_id, i.kind, i.item_id, c.fingerprint, c.tag_name, c.tag_id, c.model, c.score,
    c.probability, c.rule, c.why, c.tags_before, c.target, c.action, c.state, c.changed_at, c.reason"""
CHANGE = f"SELECT {CHANGE_COLUMNS} FROM change AS c CROSS JOIN item AS i ON i.id = c.item"  # noqa: S608
PENDING = f"""{CHANGE} WHERE c.library_id = ? AND c.action = ? AND c.state IN ('planned', 'sending')
    ORDER BY c.id LIMIT ?"""
CHANGES = f"""{CHANGE} WHERE c.run_id = ? AND c.state = ? AND c.id > ? AND +c.library_id = ? AND +c.action = ?
    ORDER BY c.id LIMIT ?"""
LIVE = """SELECT c.item, c.fingerprint, c.tag_id, c.tag_name, c.target, c.action, c.state FROM json_each(?) AS j
    CROSS JOIN change AS c ON c.item = j.value AND c.state IN ('planned', 'sending', 'done', 'gone')"""
WRITTEN = """SELECT id, tag_id, missed_by FROM change WHERE item = ? AND fingerprint = ? AND run_id != ?
    AND state = 'done' AND action = 'add' AND target = 'tag' AND tag_id != ''"""
DECISIONS = f"""SELECT d.item, {DECISION_COLUMNS} FROM json_each(?) AS j
    CROSS JOIN decision AS d ON d.item = j.value ORDER BY d.item, d.place"""  # noqa: S608
TALLY = "SELECT tag, count(*) FROM decision WHERE library_id = ? AND verdict = ? GROUP BY tag"
TALLY_REVIEW = "SELECT tag, sum(n) FROM heap WHERE library_id = ? GROUP BY tag HAVING sum(n) > 0"
_COLUMNS = """library_id, run_id, item, state, fingerprint, tag_id, tag_name, model, score, probability, rule, why,
    tags_before, target, action, changed_at"""
_VALUES = """:library_id, :run_id, :item, 'planned', :fingerprint, :tag_id, :tag_name, :model, :score, :probability,
    :rule, :why, :tags_before, :target, :action, :now"""
_INSERT = f"INSERT INTO change ({_COLUMNS}) VALUES ({_VALUES})"  # noqa: S608
_INSERT_WITH_WHO_LOOKED = f"""INSERT INTO change ({_COLUMNS}, feature, looked) VALUES ({_VALUES}, :feature,
    CASE :action WHEN 'add' THEN (SELECT decided_models FROM item WHERE id = :item) ELSE '' END)"""  # noqa: S608
_UNDO_WHAT_WAS_TAKEN_BACK = f"""UPDATE change SET state = 'undone', reason = '{TAKEN_BACK}', changed_at = :now
    WHERE id IN (SELECT a.id FROM json_each(:ids) AS j
        CROSS JOIN change AS r ON r.id = j.value AND r.action = 'remove' AND r.state = 'done'
        AND r.library_id = :library_id
        CROSS JOIN change AS a ON a.item = r.item AND a.action = 'add' AND a.state = 'done' AND a.target = r.target
        AND a.tag_id = r.tag_id AND a.fingerprint = r.fingerprint AND a.id < r.id)"""  # noqa: S608
# An answer that asked for a tag doesn't outlive the undoing of what it wrote.
_WITHDRAW_WHAT_WAS_UNDONE = """UPDATE answer SET stands = -1 WHERE stands = 1 AND answer = 'yes'
    AND source != 'library' AND id IN (SELECT x.id FROM json_each(:ids) AS j
        CROSS JOIN change AS c ON c.id = j.value AND c.library_id = :library_id AND (c.rule LIKE 'undo%'
            OR (c.state = 'undone' AND c.action = 'add' AND c.rule = 'person.accepted'))
        CROSS JOIN answer AS x ON x.library_id = c.library_id AND x.fingerprint = c.fingerprint
        AND x.tag_name = c.tag_name COLLATE NOCASE AND x.target = c.target)"""


class _Live(NamedTuple):
    fingerprint: str
    tag_id: str
    tag_name: str
    target: str
    action: str
    state: str

    def stands_for(self, plan: PlannedChange) -> bool:
        """Whether it is about the plan's tag. A tag may have been renamed, or deleted and made again: either counts."""
        if plan.target != self.target:
            return False
        by_id = bool(plan.tag_id) and plan.tag_id == self.tag_id
        return by_id or plan.tag_name.casefold() == self.tag_name.casefold()

    def forbids(self, plan: PlannedChange) -> bool:
        """Whether the plan is already taken care of. What a person removed stays away, whatever the file is now."""
        if self.action != "add":
            return False
        return self.stands_for(plan) and (self.state == "gone" or self.fingerprint == plan.fingerprint)

    def is_ours(self, plan: PlannedChange) -> bool:
        """Whether it is what the plan takes back."""
        return self.action == "add" and self.state == "done" and self.matches(plan)

    def takes_back(self, plan: PlannedChange) -> bool:
        """Whether it is a removal like the plan, under way."""
        return self.action == "remove" and self.state in ("planned", "sending") and self.matches(plan)

    def matches(self, plan: PlannedChange) -> bool:
        """The same tag, by id, on the same file."""
        return (self.target, self.tag_id, self.fingerprint) == (plan.target, plan.tag_id, plan.fingerprint)


def settle(db: sqlite3.Connection, library_id: int, run_id: int, policy: str, settlement: Settlement) -> None:
    """Verdicts replace the item's former ones, removals are noticed, new plans join the outbox."""
    item = settlement.item
    if any((plan.ref, plan.fingerprint) != (item.ref, item.fingerprint) for plan in settlement.plans):
        raise ValueError(f"a settlement's plans are for its own item, {item.ref} with {item.fingerprint}")
    row, file_id = put_item(db, library_id, item)
    stamp = (policy, seen_models(db, file_id), ",".join(sorted(item.tag_ids)) or "-", row)
    db.execute("UPDATE item SET policy = ?, decided_models = ?, tags = ? WHERE id = ?", stamp)
    _replace_decisions(db, library_id, row, settlement.decisions)
    notice(db, run_id, row, item.fingerprint, item.tag_ids)
    join(db, library_id, run_id, [(row, item, settlement.plans)])


def join(
    db: sqlite3.Connection,
    library_id: int,
    run_id: int,
    joining: Sequence[tuple[int, MediaItem, Sequence[PlannedChange]]],
) -> None:
    """Plans for these items (each with its row) join the outbox, those that are not taken care of already."""
    live: dict[int, list[_Live]] = {row: [] for row, _, plans in joining if plans}
    if not live:
        return
    for row, *columns in db.execute(LIVE, (dumps(list(live)),)):
        live[row].append(_Live(*columns))
    new = []
    for row, item, plans in joining:
        for plan in plans:
            if _is_wanted(plan, item, live[row]):
                new.append(_values(library_id, run_id, row, plan))
                live[row].append(
                    _Live(plan.fingerprint, plan.tag_id, plan.tag_name, plan.target, plan.action, "planned")
                )
    db.executemany(_INSERT_WITH_WHO_LOOKED, new)


def _is_wanted(plan: PlannedChange, item: MediaItem, live: Sequence[_Live]) -> bool:
    """Whether the plan joins the outbox: only what isn't there is added, and only what is ours is taken back."""
    if plan.action == "remove":
        return any(change.is_ours(plan) for change in live) and not any(change.takes_back(plan) for change in live)
    there = plan.tag_id in (item.tag_ids if plan.target == "tag" else item.performer_ids)
    return not there and not any(change.forbids(plan) for change in live)


def notice(db: sqlite3.Connection, run_id: int, row: int, fingerprint: str, tag_ids: frozenset[str]) -> tuple[int, int]:
    """Compare what is on an item with what we wrote on this very file: how many tags were checked, how many are missed.

    Not what this run wrote: its picture of the item may be older than its own write. Whether a person took the missed
    ones away is judged when all of them are known (see :mod:`tagger.store.watch`); until then they are not ours, and
    not written again.
    """
    checked = new = 0
    for change_id, tag_id, missed_by in db.execute(WRITTEN, (row, fingerprint, run_id)).fetchall():
        checked += 1
        if tag_id in tag_ids:
            if missed_by is not None:
                db.execute("UPDATE change SET missed_by = NULL WHERE id = ?", (change_id,))
        elif missed_by is None:
            new += 1
            db.execute("UPDATE change SET missed_by = ? WHERE id = ?", (run_id, change_id))
    return checked, new


def _replace_decisions(db: sqlite3.Connection, library_id: int, row: int, decisions: Sequence[Decision]) -> None:
    db.execute("DELETE FROM decision WHERE item = ?", (row,))
    db.executemany(
        """INSERT INTO decision (item, place, library_id, verdict, tag, feature, subject, probability, score, rule,
            why, detail, near, useful) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        [
            (row, place, library_id, *decision_row(d), *(near(d),) * 2)
            for place, d in enumerate(decisions)
            if d.verdict != "drop"
        ],
    )


def insert(db: sqlite3.Connection, library_id: int, run_id: int, row: int, plan: PlannedChange) -> int:
    return db.execute(_INSERT, _values(library_id, run_id, row, plan)).lastrowid or 0


def _values(library_id: int, run_id: int, row: int, plan: PlannedChange) -> dict[str, str | int | float]:
    """What ``_INSERT`` takes. Only of what is added it is asked later which models had looked."""
    return {
        "library_id": library_id,
        "run_id": run_id,
        "item": row,
        "fingerprint": plan.fingerprint,
        "tag_id": plan.tag_id,
        "tag_name": plan.tag_name,
        "model": plan.model,
        "score": float(plan.score),
        "probability": float(plan.probability),
        "rule": plan.rule,
        "why": plan.why,
        "tags_before": dumps(sorted(plan.tags_before)),
        "target": plan.target,
        "action": plan.action,
        "now": now_at(),
        "feature": plan.feature if plan.action == "add" else "",
    }


def mark(
    db: sqlite3.Connection,
    library_id: int,
    change_ids: Sequence[int],
    state: ChangeState,
    reason: str = "",
    tag_id: str = "",
) -> None:
    """Move changes to ``state`` where that step is a lawful one."""
    if not change_ids:
        return
    # The signs keep SQLite from reading all changes of a library in this state: these ids are what it is about.
    mine = "id IN (SELECT value FROM json_each(:ids)) AND +library_id = :library_id"
    values = {"ids": dumps(list(change_ids)), "library_id": library_id, "state": state, "reason": reason}
    values |= {"tag_id": tag_id, "now": now_at(), "was_there": WAS_THERE}
    if tag_id:
        # The tag was created, or found, after the plan was made: perhaps the item had it all along.
        db.execute(
            f"""UPDATE change SET state = 'failed', reason = :was_there, tag_id = :tag_id, changed_at = :now
            WHERE {mine} AND +state IN ('planned', 'sending') AND +action = 'add'
            AND EXISTS (SELECT 1 FROM json_each(change.tags_before) AS t WHERE t.value = :tag_id)""",  # noqa: S608
            values,
        )
    comes_from = ", ".join(f"'{former}'" for former in _COMES_FROM[state])
    db.execute(
        f"""UPDATE change SET changed_at = CASE WHEN state = :state THEN changed_at ELSE :now END, state = :state,
            reason = :reason, tag_id = CASE WHEN :tag_id = '' THEN tag_id ELSE :tag_id END
        WHERE {mine} AND +state IN ({comes_from})""",  # noqa: S608
        values,
    )
    if state == "done":
        db.execute(_UNDO_WHAT_WAS_TAKEN_BACK, values)
    if state in ("done", "undone"):
        db.execute(_WITHDRAW_WHAT_WAS_UNDONE, values)


def reopen(db: sqlite3.Connection, library_id: int, refs: Sequence[ItemRef]) -> None:
    """Their decisions don't stand any more: asked again, the items are decided again."""
    rows = dumps(list(asked(db, library_id, refs)))
    db.execute("UPDATE item SET policy = '' WHERE id IN (SELECT value FROM json_each(?))", (rows,))


def decisions(db: sqlite3.Connection, library_id: int, refs: Sequence[ItemRef]) -> dict[ItemRef, list[Decision]]:
    """A list for every asked item, in the order they were settled in."""
    found: dict[ItemRef, list[Decision]] = {ref: [] for ref in refs}
    ref_of = asked(db, library_id, list(found))
    for row, *columns in db.execute(DECISIONS, (dumps(list(ref_of)),)):
        found[ref_of[row]].append(decision(columns))
    return found


def pending(db: sqlite3.Connection, library_id: int, limit: int, action: Action) -> list[Change]:
    """Planned or sending, oldest first."""
    return [change(row) for row in db.execute(PENDING, (library_id, action, limit))]


def changes(
    db: sqlite3.Connection, library_id: int, run_id: int, state: ChangeState, after: int, limit: int, action: Action
) -> list[Change]:
    """A run's changes in one state, in id order."""
    return [change(row) for row in db.execute(CHANGES, (run_id, state, after, library_id, action, limit))]


def change(row: Sequence[Any]) -> Change:
    change_id, run_id, kind, item_id, fingerprint, tag_name, tag_id, model, score = row[:9]
    probability, rule, why, before, target, action, state, changed_at, reason = row[9:]
    plan = PlannedChange(
        ref=ItemRef(kind, str(item_id)),
        fingerprint=fingerprint,
        tag_name=tag_name,
        tag_id=tag_id,
        model=model,
        score=score,
        probability=probability,
        rule=rule,
        why=why,
        tags_before=frozenset(json.loads(before)),
        target=target,
        action=action,
    )
    return Change(change_id, run_id, plan, state, changed_at, reason)
