"""Applied tags drawn at random, to be looked at by a person."""

from __future__ import annotations

import random
import sqlite3

from tagger.answers import Audit
from tagger.store.codec import now_at
from tagger.store.outbox import CHANGE_COLUMNS, change

UNAUDITED = """SELECT c.id FROM change AS c WHERE c.library_id = ? AND c.state = 'done' AND c.action = 'add'
    AND c.tag_name = ? COLLATE NOCASE AND c.rule NOT LIKE 'person.%'
    AND NOT EXISTS (SELECT 1 FROM audit AS a WHERE a.change_id = c.id)
    AND NOT EXISTS (SELECT 1 FROM answer AS x WHERE x.library_id = c.library_id AND x.fingerprint = c.fingerprint
        AND x.tag_name = c.tag_name COLLATE NOCASE AND x.stands = 1)"""
TAGS_OURS = """SELECT tag_name, count(*) FROM change WHERE library_id = ? AND state = 'done' AND action = 'add'
    AND target = 'tag' GROUP BY tag_name COLLATE NOCASE"""
MADE_BY = """SELECT d.tag, d.feature, d.subject FROM change AS c CROSS JOIN decision AS d ON d.item = c.item
    WHERE c.id = ? AND (d.tag = c.tag_name COLLATE NOCASE
        OR (d.feature = c.feature AND abs(d.probability - c.probability) < 1e-6)) LIMIT 1"""


def draw(db: sqlite3.Connection, library_id: int, n: int, tag: str, feature: str) -> int:
    """Applied tags at random, each as likely as any other; those drawn before count."""
    drawn = len(audits(db, library_id, n, tag))
    names = [tag] if tag else [name for name, _ in db.execute(TAGS_OURS, (library_id,))]
    pool: list[int] = []
    for name in names:
        ids = [i for (i,) in db.execute(UNAUDITED, (library_id, name))]
        if feature and ids and made_by(db, ids[0])[1] != feature:
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
    return [Audit(drawn, *made_by(db, drawn.id)) for drawn in map(change, rows)]


def made_by(db: sqlite3.Connection, change_id: int) -> tuple[str, str, str]:
    """Tag (which the library may know under another name), feature and subject of the decision behind a change."""
    row = db.execute(MADE_BY, (change_id,)).fetchone()
    return (row[0], row[1], row[2]) if row else ("", "", "")
