"""What became of what we wrote: tags that are missed on their items, tags that were renamed or merged, what is ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from tagger.answers import Noticed, Question, Saying, Selection, TagMove
from tagger.judgement.vocabulary import normal, singular
from tagger.store import answers as _answers
from tagger.store import audits as _audits
from tagger.store.codec import dumps, id_value, now_at, refs_json
from tagger.store.items import put_item
from tagger.store.outbox import CHANGE_COLUMNS, REMOVED, change, insert, mark, notice
from tagger.types import Change, ItemRef, MediaItem, PlannedChange, Tag

_FROM = "FROM change AS c CROSS JOIN item AS i ON i.id = c.item"
MISSED = f"""SELECT {CHANGE_COLUMNS} {_FROM} WHERE c.library_id = ? AND c.missed_by IS NOT NULL AND c.state = 'done'
    ORDER BY c.id LIMIT ?"""
LAST_TAGS = """SELECT j.key, i.id, i.tags, i.policy FROM json_each(?) AS j CROSS JOIN item AS i ON i.library_id = ?
    AND i.kind = json_extract(j.value, '$[0]') AND i.item_id = json_extract(j.value, '$[1]')"""
OURS_IDS = """SELECT tag_id FROM change WHERE item = ? AND action = 'add' AND target = 'tag'
    AND state IN ('sending', 'done', 'gone')"""


def look(
    db: sqlite3.Connection, library_id: int, run_id: int, items: Sequence[tuple[ItemRef, str, frozenset[str]]]
) -> Noticed:
    """What is missed on these items, and what they got."""
    checked = missed = 0
    added: dict[ItemRef, frozenset[str]] = {}
    rows = db.execute(LAST_TAGS, (refs_json(ref for ref, _, _ in items), library_id)).fetchall()
    for key, row, tags, policy in rows:
        ref, fingerprint, tag_ids = items[key]
        of_checked, of_missed = notice(db, run_id, row, fingerprint, tag_ids)
        checked += of_checked
        missed += of_missed
        now = ",".join(sorted(tag_ids)) or "-"
        if now != tags:
            db.execute("UPDATE item SET tags = ? WHERE id = ?", (now, row))
        if not policy or not tags:
            continue  # Never settled, or what it had then isn't known.
        new = tag_ids - frozenset(tags.split(","))
        if new and (new := new - {tag_id for (tag_id,) in db.execute(OURS_IDS, (row,))}):
            added[ref] = new
    return Noticed(checked, missed, added)


def missed(db: sqlite3.Connection, library_id: int, limit: int) -> list[Change]:
    """Nobody knows yet why."""
    return [change(row) for row in db.execute(MISSED, (library_id, limit))]


def not_missed(db: sqlite3.Connection, library_id: int, change_ids: Sequence[int]) -> None:
    """They are on their items after all."""
    db.execute(
        "UPDATE change SET missed_by = NULL WHERE library_id = ? AND id IN (SELECT value FROM json_each(?))",
        (library_id, dumps(list(change_ids))),
    )


def learn_missed(db: sqlite3.Connection, library_id: int) -> int:
    """A person took them away."""
    some = missed(db, library_id, 1_000_000)
    if not some:
        return 0
    mark(db, library_id, [one.id for one in some], "gone", REMOVED)
    sayings = [
        Saying(
            Question(ref, one.plan.fingerprint, tag or one.plan.tag_name, feature, subject, one.plan.probability),
            "no",
            "library",
        )
        for one in some
        for ref, (tag, feature, subject) in [(one.plan.ref, _audits.made_by(db, one.id))]
    ]
    _answers.say(db, library_id, f"{len(some)} tags were removed in the library", sayings, ())
    return len(some)


def forgive_missed(db: sqlite3.Connection, library_id: int, reason: str) -> int:
    """They got lost."""
    some = missed(db, library_id, 1_000_000)
    mark(db, library_id, [one.id for one in some], "undone", reason)
    db.execute(
        """UPDATE item SET policy = '' WHERE id IN (SELECT item FROM change
        WHERE library_id = ? AND missed_by IS NOT NULL AND state = 'undone')""",
        (library_id,),
    )
    db.execute(
        "UPDATE change SET missed_by = NULL WHERE library_id = ? AND missed_by IS NOT NULL AND state = 'undone'",
        (library_id,),
    )
    return len(some)


def adopt(db: sqlite3.Connection, library_id: int, run_id: int, plans: Sequence[PlannedChange]) -> int:
    """They are ours from now on, unless they are already, or a person removed them."""
    new = 0
    for plan in plans:
        row, _ = put_item(db, library_id, MediaItem(plan.ref, "image", "", plan.fingerprint))
        known = db.execute(
            "SELECT 1 FROM change WHERE item = ? AND tag_id = ? AND target = ? AND action = 'add' "
            "AND fingerprint = ? AND state IN ('planned', 'sending', 'done', 'gone')",
            (row, plan.tag_id, plan.target, plan.fingerprint),
        ).fetchone()
        if known is None:
            mark(db, library_id, [insert(db, library_id, run_id, row, plan)], "done")
            new += 1
    return new


def forget_ours(db: sqlite3.Connection, library_id: int, change_ids: Sequence[int], reason: str) -> None:
    """Without anybody's no."""
    mark(db, library_id, change_ids, "undone", reason)
    ids = dumps(list(change_ids))
    db.execute("UPDATE change SET missed_by = NULL WHERE id IN (SELECT value FROM json_each(?))", (ids,))


def known_tags(db: sqlite3.Connection, library_id: int) -> dict[str, str]:
    """id → name."""
    return dict(db.execute("SELECT tag_id, name FROM known_tag WHERE library_id = ?", (library_id,)).fetchall())


def keep_tags(db: sqlite3.Connection, library_id: int, tags: Sequence[Tag]) -> None:
    """In place of those noted before; what didn't change isn't written."""
    _replace(db, "known_tag", "tag_id", "name", library_id, {tag.id: tag.name for tag in tags})
    names: dict[str, str] = {}
    # The surest way first, as vocabulary.TagIndex: names, aliases, then both in the singular.
    for key in (normal, singular):
        for way in (lambda tag: (tag.name,), lambda tag: tag.aliases):
            for tag in sorted(tags, key=lambda tag: (len(tag.id), tag.id)):
                for name in way(tag):
                    names.setdefault(key(name), tag.id)
    _replace(db, "known_name", "name_key", "tag_id", library_id, names)


def _replace(db: sqlite3.Connection, table: str, key: str, value: str, library_id: int, now: Mapping[str, str]) -> None:
    before = dict(db.execute(f"SELECT {key}, {value} FROM {table} WHERE library_id = ?", (library_id,)))  # noqa: S608
    gone = [(library_id, name) for name in before.keys() - now.keys()]
    db.executemany(f"DELETE FROM {table} WHERE library_id = ? AND {key} = ?", gone)  # noqa: S608
    db.executemany(
        f"""INSERT INTO {table} (library_id, {key}, {value}) VALUES (?, ?, ?)
        ON CONFLICT (library_id, {key}) DO UPDATE SET {value} = excluded.{value}""",  # noqa: S608
        [(library_id, name, said) for name, said in now.items() if before.get(name) != said],
    )


def follow_tags(db: sqlite3.Connection, library_id: int, moves: Sequence[TagMove]) -> None:
    """In two steps, since ids may have changed places."""
    for move in moves:
        _follow(db, library_id, move.old_id, f"moved:{move.old_id}", move.old_name, move.old_name)
    for move in moves:
        _follow(db, library_id, f"moved:{move.old_id}", move.new_id, move.old_name, move.new_name)


def _follow(db: sqlite3.Connection, library_id: int, old_id: str, new_id: str, old_name: str, new_name: str) -> None:
    """Changes and answers go with the tag. An item that had both loses nothing: the merged tag is a person's there."""
    values = {"library": library_id, "old": old_id, "new": new_id, "name": new_name, "now": now_at()}
    ours = """library_id = :library AND target = 'tag' AND tag_id = :old
        AND item IN (SELECT id FROM item WHERE library_id = :library)"""
    if old_id != new_id:
        db.execute(
            f"""UPDATE change SET state = 'undone', reason = 'merged into a tag that was there', changed_at = :now
            WHERE {ours} AND action = 'add' AND state = 'done' AND (EXISTS (
                SELECT 1 FROM json_each(change.tags_before) AS t WHERE t.value = :new) OR EXISTS (
                SELECT 1 FROM change AS x WHERE x.item = change.item AND x.tag_id = :new AND x.state = 'done'
                AND x.action = 'add' AND x.fingerprint = change.fingerprint))""",  # noqa: S608
            values,
        )
        # It may be renamed when it is undone only if it was ours to delete; a merged one is gone.
        db.execute("DELETE FROM created_tag WHERE library_id = :library AND tag_id = :old", values)
    db.execute(f"UPDATE change SET tag_id = :new, tag_name = :name WHERE {ours}", values)  # noqa: S608
    db.execute(
        "UPDATE answer SET tag_key = ?, tag_name = ? WHERE library_id = ? AND tag_key = ? AND target = 'tag'",
        (normal(new_name), new_name, library_id, normal(old_name)),
    )


def ours(db: sqlite3.Connection, library_id: int, chosen: Selection, after: int, limit: int) -> list[Change]:
    """What is ours of the selection."""
    wanted, values = ["c.library_id = ?", "c.state = 'done'", "c.action = 'add'", "c.id > ?"], [library_id, after]
    conditions: list[tuple[str, object]] = [
        ("c.run_id = ?", chosen.run_id),
        ("c.tag_name = ? COLLATE NOCASE", chosen.tag),
        ("c.changed_at >= ?", chosen.since_at),
        ("c.changed_at < ?", chosen.until_at),
    ]
    if chosen.model:
        conditions.append(("(',' || c.model || ',') GLOB ?", _of_model(chosen.model)))
    if chosen.ref is not None:
        conditions += [("i.kind = ?", chosen.ref.kind), ("i.item_id = ?", id_value(chosen.ref.id))]
    for condition, value in conditions:
        if value not in (None, ""):
            wanted.append(condition)
            values.append(value)  # type: ignore[arg-type]
    query = f"SELECT {CHANGE_COLUMNS} FROM change AS c JOIN item AS i ON i.id = c.item WHERE {' AND '.join(wanted)}"  # noqa: S608
    return [change(row) for row in db.execute(f"{query} ORDER BY c.id LIMIT ?", (*values, limit))]


def _of_model(model: str) -> str:
    """A model with its revision, or any revision of it."""
    plain = model.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")
    return f"*,{plain},*" if "@" in model else f"*,{plain}@*"
