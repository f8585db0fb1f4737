"""Applied tags drawn at random, to be looked at by a person."""

from __future__ import annotations

import sqlite3

from tagger.answers import Audit
from tagger.judgement.vocabulary import normal
from tagger.store.codec import now_at
from tagger.store.outbox import CHANGE_COLUMNS, change

OURS = """SELECT id FROM change WHERE library_id = ? AND state = 'done' AND action = 'add'
    AND (? = '' OR tag_name = ? COLLATE NOCASE)"""
DRAWABLE = """SELECT c.fingerprint, c.tag_name, c.tag_id FROM change AS c WHERE c.id = ? AND c.target = 'tag'
    AND c.missed_by IS NULL AND c.rule NOT LIKE 'person.%'
    AND NOT EXISTS (SELECT 1 FROM audit AS a WHERE a.change_id = c.id)"""
ANSWERED = """SELECT 1 FROM answer WHERE library_id = ? AND fingerprint = ? AND stands = 1
    AND tag_key IN (?, ?) LIMIT 1"""
MADE_BY = """SELECT d.tag, d.feature, d.subject FROM change AS c CROSS JOIN decision AS d ON d.item = c.item
    WHERE c.id = ? AND (d.tag = c.tag_name COLLATE NOCASE
        OR (d.feature = c.feature AND abs(d.probability - c.probability) < 1e-6)) LIMIT 1"""


def draw(db: sqlite3.Connection, library_id: int, n: int, tag: str, feature: str) -> list[int]:
    """Changes to be looked at, so that with those drawn before there are ``n``: each as likely as any other."""
    wanted = n - len([one for one in audits(db, library_id, n, tag) if feature in ("", one.feature)])
    if wanted <= 0:
        return []
    import random  # 10 ms, for which no page need wait

    ids = [i for (i,) in db.execute(OURS, (library_id, tag, tag))]
    random.shuffle(ids)
    chosen: list[int] = []
    for change_id in ids:
        row = db.execute(DRAWABLE, (change_id,)).fetchone()
        if row is None:
            continue
        made = made_by(db, change_id)
        if (feature and made[1] != feature) or _answered(db, library_id, row[0], made[0], row[1]):
            continue
        chosen.append(change_id)
        if len(chosen) == wanted:
            break
    return chosen


def keep(db: sqlite3.Connection, library_id: int, change_ids: list[int]) -> None:
    """They stay drawn until they are answered."""
    db.executemany(
        "INSERT OR IGNORE INTO audit (change_id, library_id, drawn_at) VALUES (?, ?, ?)",
        [(change_id, library_id, now_at()) for change_id in change_ids],
    )


def _answered(db: sqlite3.Connection, library_id: int, fingerprint: str, *names: str) -> bool:
    keys = [normal(name) for name in names]
    return db.execute(ANSWERED, (library_id, fingerprint, *keys)).fetchone() is not None


AUDITS = f"""SELECT {CHANGE_COLUMNS} FROM audit AS a CROSS JOIN change AS c ON c.id = a.change_id
    CROSS JOIN item AS i ON i.id = c.item WHERE a.library_id = ? AND c.state = 'done'
    AND (? = '' OR c.tag_name = ? COLLATE NOCASE) ORDER BY a.change_id"""  # noqa: S608


def audits(db: sqlite3.Connection, library_id: int, limit: int, tag: str) -> list[Audit]:
    """Drawn, still ours, and not answered."""
    found: list[Audit] = []
    for row in db.execute(AUDITS, (library_id, tag, tag)):
        drawn = change(row)
        made = made_by(db, drawn.id)
        if not _answered(db, library_id, drawn.plan.fingerprint, made[0], drawn.plan.tag_name):
            found.append(Audit(drawn, *made))
        if len(found) == limit:
            break
    return found


def made_by(db: sqlite3.Connection, change_id: int) -> tuple[str, str, str]:
    """Tag (which the library may know under another name), feature and subject of the decision behind a change."""
    row = db.execute(MADE_BY, (change_id,)).fetchone()
    return (row[0], row[1], row[2]) if row else ("", "", "")
