"""Runs, the tags that they created, and small facts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tagger.errors import StoreError
from tagger.store.codec import dumps, now_at, pack_scope, unpack_scope
from tagger.types import Action, ChangeState, Run, RunState, Scope, Tag, Target

_COLUMNS = "id, operation, state, started_at, ended_at, scope, cursor, counts, message"
_SAID = ("people", "review", "undo")
_ARRIVED = "(state IN ('done', 'gone') OR state = 'undone' AND reason = '')"
_UNFINISHED = "state IN ('running', 'paused')"


def begin(db: sqlite3.Connection, library_id: int, operation: str, scope: Scope, resume: bool) -> Run:
    """The newest unfinished run of this operation and scope, running again; else a new one."""
    former = db.execute(
        f"""SELECT id FROM run WHERE library_id = ? AND operation = ? AND scope = ? AND {_UNFINISHED}
        ORDER BY id DESC LIMIT 1""",  # noqa: S608
        (library_id, operation, pack_scope(scope)),
    ).fetchone()
    if resume and former:
        run_id = former[0]
        db.execute("UPDATE run SET state = 'running', ended_at = '', message = '' WHERE id = ?", (run_id,))
    else:
        run_id = db.execute(
            """INSERT INTO run (library_id, operation, scope, state, started_at)
            VALUES (?, ?, ?, 'running', ?) RETURNING id""",
            (library_id, operation, pack_scope(scope), now_at()),
        ).fetchone()[0]
    return _run(db.execute(f"SELECT {_COLUMNS} FROM run WHERE id = ?", (run_id,)).fetchone())  # noqa: S608


def progress(
    db: sqlite3.Connection, library_id: int, run_id: int, cursor: Mapping[str, str], counts: Mapping[str, int]
) -> None:
    """Merge ``cursor``, add ``counts``. Raises StoreError when this library has no such run."""
    row = db.execute("SELECT cursor, counts FROM run WHERE id = ? AND library_id = ?", (run_id, library_id)).fetchone()
    if row is None:
        raise StoreError(f"The database has no run {run_id} of this library: start the task again.")
    if cursor or counts:
        totals: dict[str, int] = json.loads(row[1])
        for name, count in counts.items():
            totals[name] = totals.get(name, 0) + count
        merged = dumps({**json.loads(row[0]), **cursor})
        db.execute("UPDATE run SET cursor = ?, counts = ? WHERE id = ?", (merged, dumps(totals), run_id))


def rewind(db: sqlite3.Connection, library_id: int) -> None:
    """Unfinished runs begin at the beginning, since something is to be done that they may be past."""
    db.execute(f"UPDATE run SET cursor = '{{}}' WHERE library_id = ? AND {_UNFINISHED}", (library_id,))  # noqa: S608


def end(db: sqlite3.Connection, library_id: int, run_id: int, state: RunState, message: str) -> None:
    """Leave a run in ``state``."""
    values = (state, now_at(), message, run_id, library_id)
    db.execute("UPDATE run SET state = ?, ended_at = ?, message = ? WHERE id = ? AND library_id = ?", values)


def newest(db: sqlite3.Connection, library_id: int, limit: int) -> list[Run]:
    """The newest first."""
    query = f"SELECT {_COLUMNS} FROM run WHERE library_id = ? ORDER BY id DESC LIMIT ?"  # noqa: S608
    return _counted(db, [_run(row) for row in db.execute(query, (library_id, limit))])


def by_id(db: sqlite3.Connection, library_id: int, run_id: int) -> Run | None:
    """None when this library has no such run."""
    query = f"SELECT {_COLUMNS} FROM run WHERE library_id = ? AND id = ?"  # noqa: S608
    row = db.execute(query, (library_id, run_id)).fetchone()
    return _counted(db, [_run(row)])[0] if row else None


def _counted(db: sqlite3.Connection, runs: Sequence[Run]) -> list[Run]:
    """What persons say is written by whoever works next, so these runs can't count it themselves."""
    ids = [run.id for run in runs if run.operation in _SAID]
    rows = db.execute(
        f"""SELECT run_id, CASE action WHEN 'add' THEN 'added' ELSE 'removed' END, count(*) FROM change
        WHERE run_id IN (SELECT value FROM json_each(?)) AND {_ARRIVED} GROUP BY run_id, action""",  # noqa: S608
        (dumps(ids),),
    )
    counts: dict[int, dict[str, int]] = {}
    for run_id, name, count in rows:
        counts.setdefault(run_id, {})[name] = count
    return [replace(run, counts={**run.counts, **counts.get(run.id, {})}) for run in runs]


def count_changes(
    db: sqlite3.Connection, library_id: int, run_id: int
) -> dict[tuple[ChangeState, Action, Target], int]:
    """By state, action and target; only what there is."""
    rows = db.execute(
        """SELECT state, action, target, count(*) FROM change WHERE run_id = ? AND +library_id = ?
        GROUP BY state, action, target""",
        (run_id, library_id),
    )
    return {(state, action, target): n for state, action, target, n in rows}


def written_in(db: sqlite3.Connection, library_id: int, run_id: int) -> dict[tuple[Action, str], int]:
    """By action and name: what arrived, also what a person or an undo of this very run took away since."""
    rows = db.execute(
        f"""SELECT action, tag_name, count(*) FROM change WHERE run_id = ? AND +library_id = ? AND {_ARRIVED}
        GROUP BY action, tag_name""",  # noqa: S608
        (run_id, library_id),
    )
    return {(action, name): n for action, name, n in rows}


def last_written(db: sqlite3.Connection, library_id: int) -> Run | None:
    """The newest that has changes which were sent or are to be, and wasn't undone."""
    row = db.execute(
        f"""SELECT {_COLUMNS} FROM run WHERE library_id = ? AND state != 'undone' AND EXISTS (SELECT 1 FROM change AS c
            WHERE c.run_id = run.id AND c.state IN ('planned', 'sending', 'done')) ORDER BY id DESC LIMIT 1""",  # noqa: S608
        (library_id,),
    ).fetchone()
    return _run(row) if row else None


def _run(row: tuple[Any, ...]) -> Run:
    run_id, operation, state, started_at, ended_at, scope, cursor, counts, message = row
    return Run(
        id=run_id,
        operation=operation,
        state=state,
        started_at=started_at,
        ended_at=ended_at,
        scope=unpack_scope(scope),
        cursor=json.loads(cursor),
        counts=json.loads(counts),
        message=message,
    )


def note_created_tag(db: sqlite3.Connection, library_id: int, run_id: int, tag: Tag) -> None:
    """Of a tag that is noted twice the first run counts. Known at once, so that a new name is noticed."""
    db.execute(
        """INSERT INTO known_tag (library_id, tag_id, name) VALUES (?, ?, ?)
        ON CONFLICT (library_id, tag_id) DO UPDATE SET name = excluded.name""",
        (library_id, tag.id, tag.name),
    )
    db.execute(
        """INSERT INTO created_tag (library_id, tag_id, name, parents, run_id) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (library_id, tag_id) DO UPDATE SET name = excluded.name, parents = excluded.parents""",
        (library_id, tag.id, tag.name, dumps(tag.parent_ids), run_id),
    )


def created_tags(db: sqlite3.Connection, library_id: int, run_id: int | None, or_undone: bool) -> list[Tag]:
    """By name; without aliases."""
    query = """SELECT tag_id, name, parents FROM created_tag
        WHERE library_id = ? AND (run_id = coalesce(?, run_id)
            OR (? AND run_id IN (SELECT id FROM run WHERE state = 'undone'))) ORDER BY name, tag_id"""
    rows = db.execute(query, (library_id, run_id, or_undone))
    return [Tag(tag_id, name, parent_ids=tuple(json.loads(parents))) for tag_id, name, parents in rows]


def note_deleted_tag(db: sqlite3.Connection, library_id: int, tag_id: str) -> None:
    """It isn't one of ours any more."""
    db.execute("DELETE FROM created_tag WHERE library_id = ? AND tag_id = ?", (library_id, tag_id))


def fact(db: sqlite3.Connection, library_id: int, name: str) -> str:
    """ "" when absent."""
    row = db.execute("SELECT value FROM fact WHERE library_id = ? AND name = ?", (library_id, name)).fetchone()
    return str(row[0]) if row else ""


def facts(db: sqlite3.Connection, library_id: int, prefix: str) -> dict[str, str]:
    """Those that aren't empty and whose names begin so."""
    rows = db.execute(
        "SELECT name, value FROM fact WHERE library_id = ? AND name >= ? AND name < ? AND value != ''",
        (library_id, prefix, prefix + chr(0x10FFFF)),
    )
    return dict(rows.fetchall())


def remember(db: sqlite3.Connection, library_id: int, name: str, value: str) -> None:
    """In place of what was there; "" forgets it."""
    if not value:
        db.execute("DELETE FROM fact WHERE library_id = ? AND name = ?", (library_id, name))
        return
    db.execute(
        """INSERT INTO fact (library_id, name, value) VALUES (?, ?, ?)
        ON CONFLICT (library_id, name) DO UPDATE SET value = excluded.value""",
        (library_id, name, value),
    )
