"""What waits for a person, in a ready order: the most useful first.

``near`` is what the decision itself says: how likely it is, and how much its models disagree. ``useful`` adds what
follows from all that wait: a tag that is rare is asked about early, and of files that look alike one comes first.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from tagger.answers import Narrow, Question, Waiting, target_of
from tagger.store.codec import DECISION_COLUMNS, decision, dumps, id_value
from tagger.types import Decision, ItemRef
from tagger.vocabulary import normal

_DISAGREE = 0.3  # as much as 30 points of probability
_RARE = 0.3
_ALIKE = 2.0  # behind all others
_HARDLY = 0.02  # so small a move isn't worth a write

_WAITS = f"""SELECT i.kind, i.item_id, f.fingerprint, d.place, d.useful, {DECISION_COLUMNS}
    FROM decision AS d CROSS JOIN item AS i ON i.id = d.item CROSS JOIN file AS f ON f.id = i.file_id"""  # noqa: S608
TO_REVIEW = f"""{_WAITS} WHERE d.library_id = ? AND d.verdict = 'review' ORDER BY d.useful DESC LIMIT ? OFFSET ?"""
TO_REVIEW_TAG = f"""{_WAITS} WHERE d.library_id = ? AND d.verdict = 'review' AND d.tag = ?
    ORDER BY d.useful DESC LIMIT ? OFFSET ?"""
TO_REVIEW_FEATURE = f"""{_WAITS} WHERE d.library_id = ? AND d.verdict = 'review' AND d.feature = ?
    ORDER BY d.useful DESC LIMIT ? OFFSET ?"""
_ONLY = """AND (? = '' OR i.kind = ?) AND d.probability BETWEEN ? AND ?
    AND (? = '' OR EXISTS (SELECT 1 FROM json_each(d.detail, '$[1]') AS m WHERE m.value = ?))
    AND i.item_id >= CASE i.kind WHEN 'scene' THEN ? WHEN 'image' THEN ? ELSE ? END ORDER"""
# Of few new items among all that wait: found by their ids, and sorted.
_NEW = "json_each(?) AS j CROSS JOIN item AS i ON i.library_id = ? AND i.kind = j.key AND i.item_id >= j.value"
_MANY = 50_000  # more of them are found sooner by going through what waits
MANY_NEW = f"SELECT 1 FROM {_NEW} LIMIT 1 OFFSET {_MANY}"  # noqa: S608
TO_REVIEW_NEW = f"""SELECT i.kind, i.item_id, f.fingerprint, d.place, d.useful, {DECISION_COLUMNS}
    FROM {_NEW} CROSS JOIN decision AS d ON d.item = i.id AND d.verdict = 'review'
    CROSS JOIN file AS f ON f.id = i.file_id WHERE (? = '' OR d.tag = ?) AND (? = '' OR d.feature = ?)
    ORDER BY d.useful DESC, d.item, d.place LIMIT ? OFFSET ?"""  # noqa: S608
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
    query, chosen = (TO_REVIEW_TAG, [tag]) if tag else (TO_REVIEW_FEATURE, [feature]) if feature else (TO_REVIEW, [])
    values: list[str | int | float] = [library_id, *chosen]
    if only is not None and any(only.first):
        since = (_since(only), library_id)
        if db.execute(MANY_NEW, since).fetchone() is None:
            query, values = TO_REVIEW_NEW, [*since, tag, tag, feature, feature]
    if only is not None:
        query = query.replace("ORDER", _ONLY)
        values += [only.kind, only.kind, only.least, only.most, only.model, only.model, *only.first]
    return [
        Waiting(ItemRef(kind, str(item_id)), fingerprint, place, decision(columns), useful)
        for kind, item_id, fingerprint, place, useful, *columns in db.execute(query, (*values, limit, skip))
    ]


def _since(only: Narrow) -> str:
    """Its first ids by kind, as JSON."""
    first = zip(("scene", "image", "gallery"), only.first, strict=True)
    return dumps({kind: number for kind, number in first if only.kind in ("", kind)})


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
