"""What waits for a person, in a ready order: the most useful first.

``near`` is what the decision itself says: how likely it is, and how much its models disagree. ``useful`` adds what
follows from all that wait: a tag that is rare is asked about early, and of files that look alike one comes first.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from tagger.answers import Narrow, Question, Waiting, target_of
from tagger.judgement.vocabulary import normal
from tagger.store.codec import DECISION_COLUMNS, decision, id_value
from tagger.types import Decision, ItemRef

_DISAGREE = 0.3  # as much as 30 points of probability
_RARE = 0.3
_ALIKE = 2.0  # behind all others
_HARDLY = 0.02  # so small a move isn't worth a write

# All that persons choose by is in one index in the order of use: whatever they choose, at most that index is read:
# that takes 30 ms for half a million. A condition that costs less, or lets less pass, comes before the others.
TO_REVIEW = f"""SELECT i.kind, i.item_id, f.fingerprint, d.place, w.useful, {DECISION_COLUMNS}
    FROM waits AS w CROSS JOIN decision AS d ON d.item = w.item AND d.place = w.place
    CROSS JOIN item AS i ON i.id = w.item CROSS JOIN file AS f ON f.id = i.file_id
    WHERE w.library_id = ? ORDER BY w.useful DESC, w.item, w.place LIMIT ? OFFSET ?"""  # noqa: S608
_CHANCE = "w.probability BETWEEN ? AND ?"
_KIND = "w.kind = ?"
_NEW = "w.item_id >= CASE w.kind WHEN 'scene' THEN ? WHEN 'image' THEN ? ELSE ? END"
_HEAPS = "w.heap IN (SELECT id FROM heap WHERE library_id = ?{which})"
_BY_MODEL = "EXISTS (SELECT 1 FROM json_each(models) AS m WHERE m.value = ?)"
OF_ITEM = f"""SELECT f.fingerprint, {DECISION_COLUMNS} FROM item AS i CROSS JOIN file AS f ON f.id = i.file_id
    CROSS JOIN decision AS d ON d.item = i.id WHERE i.library_id = ? AND i.kind = ? AND i.item_id = ?
    ORDER BY d.place"""  # noqa: S608
FILE_OF = """SELECT f.fingerprint FROM item AS i CROSS JOIN file AS f ON f.id = i.file_id
    WHERE i.library_id = ? AND i.kind = ? AND i.item_id = ?"""
_UNHASHED = """SELECT DISTINCT f.fingerprint FROM decision AS d CROSS JOIN item AS i ON i.id = d.item
    CROSS JOIN file AS f ON f.id = i.file_id AND f.alike IS NULL
    WHERE d.library_id = ? AND d.verdict = 'review' LIMIT ?"""
_RANK = f"""CREATE TEMP TABLE ranked AS WITH applied AS (
        SELECT tag, count(*) AS n FROM decision WHERE library_id = :id AND verdict = 'apply' GROUP BY tag),
    now AS (
        SELECT d.item, d.place, d.useful AS was, d.near
            + {_RARE} / (1 + sqrt(coalesce(a.n, 0)))
            - CASE WHEN f.alike IS NULL OR 1 = row_number() OVER (
                PARTITION BY d.tag, f.alike ORDER BY d.near DESC, d.item) THEN 0 ELSE {_ALIKE} END AS useful
        FROM decision AS d CROSS JOIN item AS i ON i.id = d.item CROSS JOIN file AS f ON f.id = i.file_id
        LEFT JOIN applied AS a ON a.tag = d.tag
        WHERE d.library_id = :id AND d.verdict = 'review')
    SELECT item, place, useful FROM now WHERE abs(was - useful) > {_HARDLY}"""  # noqa: S608
_MOVE = """UPDATE decision SET useful = r.useful FROM (SELECT * FROM temp.ranked ORDER BY rowid LIMIT ?) AS r
    WHERE decision.item = r.item AND decision.place = r.place AND decision.verdict = 'review'"""
_MOVED = "DELETE FROM temp.ranked WHERE rowid IN (SELECT rowid FROM temp.ranked ORDER BY rowid LIMIT ?)"
_STEP = 2000


def near(of: Decision) -> float:
    """0..1.3: how likely it is, and how far apart the models that took part are."""
    said = of.prediction
    best = dict.fromkeys(said.models, 0.0)
    for evidence in said.evidence:
        best[evidence.model] = max(evidence.score, best.get(evidence.model, 0.0))
    apart = max(best.values()) - min(best.values()) if len(said.models) > 1 and said.evidence else 0.0
    return float(said.probability) + _DISAGREE * float(apart)


def to_review(
    db: sqlite3.Connection,
    library_id: int,
    limit: int,
    tag: str,
    feature: str,
    skip: int,
    only: Narrow | None = None,
) -> list[Waiting]:
    """What waits (of one tag, or of one feature), the most useful first."""
    chosen, values = _chosen(library_id, tag, feature, only or Narrow())
    query = TO_REVIEW.replace(" ORDER", "".join(f" AND {condition}" for condition in chosen) + " ORDER")
    return [
        Waiting(ItemRef(kind, str(item_id)), fingerprint, place, decision(columns), useful)
        for kind, item_id, fingerprint, place, useful, *columns in db.execute(query, (library_id, *values, limit, skip))
    ]


def _chosen(library_id: int, tag: str, feature: str, only: Narrow) -> tuple[list[str], list[str | int | float]]:
    """Conditions on what waits, and their values."""
    conditions: list[str] = []
    values: list[str | int | float] = []
    if (only.least, only.most) != (0.0, 1.0):
        conditions.append(_CHANCE)
        values += [only.least, only.most]
    if only.kind:
        conditions.append(_KIND)
        values.append(only.kind)
    if any(only.first):
        conditions.append(_NEW)
        values += only.first
    heaps = {"tag = ?": tag, "feature = ?": "" if tag else feature, _BY_MODEL: only.model}
    if any(heaps.values()):
        conditions.append(_HEAPS.format(which="".join(f" AND {one}" for one, value in heaps.items() if value)))
        values += [library_id, *(value for value in heaps.values() if value)]
    return conditions, values


def question(db: sqlite3.Connection, library_id: int, ref: ItemRef, tag: str) -> Question | None:
    """What the models said of this tag here; a bare question when they said nothing, None for an unknown item."""
    key = (library_id, ref.kind, id_value(ref.id))
    for fingerprint, *columns in db.execute(OF_ITEM, key):
        of = decision(columns)
        if normal(of.tag) == normal(tag):
            said = of.prediction
            return Question(
                ref, fingerprint, of.tag, said.feature, said.subject, said.probability, target_of(said.feature)
            )
    row = db.execute(FILE_OF, key).fetchone()
    return Question(ref, row[0], tag) if row else None


def tags_decided(db: sqlite3.Connection, library_id: int) -> list[tuple[str, str]]:
    """What is applied or asked about."""
    query = "SELECT DISTINCT feature, tag FROM decision WHERE library_id = ? AND verdict IN ('apply', 'review')"
    return [(feature, tag) for feature, tag in db.execute(query, (library_id,))]


def tags_waiting(db: sqlite3.Connection, library_id: int) -> list[tuple[str, str]]:
    """Feature and tag of what waits."""
    query = "SELECT DISTINCT feature, tag FROM heap WHERE library_id = ? AND n > 0"
    return [(feature, tag) for feature, tag in db.execute(query, (library_id,))]


def unhashed(db: sqlite3.Connection, library_id: int, limit: int) -> list[str]:
    """Files with something to review whose look is not known."""
    return [fingerprint for (fingerprint,) in db.execute(_UNHASHED, (library_id, limit))]


def put_hashes(db: sqlite3.Connection, hashes: Iterable[tuple[str, int]]) -> None:
    """How these files look."""
    db.executemany("UPDATE file SET alike = ? WHERE fingerprint = ?", [(alike, print_) for print_, alike in hashes])


def rank(db: sqlite3.Connection, library_id: int) -> None:
    """Find the places of all that wait, without keeping anybody from writing; :func:`move` takes them there."""
    db.execute("DROP TABLE IF EXISTS temp.ranked")
    db.execute(_RANK, {"id": library_id})


def move(db: sqlite3.Connection) -> bool:
    """Some of them take their places, so few that nobody waits long; whether there are more."""
    db.execute(_MOVE, (_STEP,))
    return db.execute(_MOVED, (_STEP,)).rowcount > 0


def take_from_queue(
    db: sqlite3.Connection, rows: Sequence[tuple[int, str]], verdict: str, rule: str, why: str
) -> list[tuple[str, str, str, int]]:
    """The decisions on these (item row, tag name) get ``verdict``; their former verdict, rule, why, and the item."""
    former = []
    for row, tag in rows:
        places = db.execute("SELECT place, tag, verdict, rule, why FROM decision WHERE item = ?", (row,)).fetchall()
        for place, name, *was in places:
            if normal(name) == normal(tag):
                db.execute(
                    "UPDATE decision SET verdict = ?, rule = ?, why = ? WHERE item = ? AND place = ?",
                    (verdict, rule, why, row, place),
                )
                former.append((*was, row))
    return former
