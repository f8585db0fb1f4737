"""What is known of items and files: who has looked at what, what failed, what waits."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from tagger.judgement.vocabulary import normal
from tagger.ports import Mine, QueueEntry, Standing
from tagger.store.codec import after_value, dumps, id_value, now_at, pack_frames, refs_json, unpack_frames
from tagger.types import Failure, ItemKind, ItemRef, Look, MediaItem, Sighting

MOST_TRIES = 2
_UNKNOWN = (0, 0, "", "", None, 0, "")  # the columns of STANDING after the key, of an item that isn't on record

# ``j`` are the asked refs as [[kind, id], …]; CROSS JOIN fixes the order: from them to the unique index.
_ASKED_ITEMS = """FROM json_each(?) AS j CROSS JOIN item AS i ON i.library_id = ?
    AND i.kind = json_extract(j.value, '$[0]') AND i.item_id = json_extract(j.value, '$[1]')"""

STANDING = f"""SELECT j.key, i.id, i.file_id, i.policy, i.decided_models, x.fingerprint, x.tries, x.reason
    {_ASKED_ITEMS} LEFT JOIN failure AS x ON x.item = i.id"""
SEEN = """SELECT f.fingerprint, f.id, s.model_id FROM json_each(?) AS j
    CROSS JOIN file AS f ON f.fingerprint = j.value LEFT JOIN sighting AS s ON s.file_id = f.id"""
OURS = """SELECT c.item, CASE WHEN c.missed_by IS NULL THEN c.state ELSE 'gone' END, c.tag_id, c.fingerprint,
    c.tag_name, c.feature, c.looked, c.target FROM json_each(?) AS j
    CROSS JOIN change AS c ON c.item = j.value AND c.state IN ('done', 'gone') AND c.action = 'add'"""
SAID_OF_FILE = """SELECT a.id, a.fingerprint, a.tag_key, a.answer, a.target FROM json_each(?) AS j
    CROSS JOIN answer AS a ON a.library_id = ? AND a.fingerprint = j.value AND a.stands = 1"""
SAID_OF_ITEM = """SELECT a.id, j.key, a.tag_key, a.answer, a.target FROM json_each(?) AS j CROSS JOIN answer AS a
    ON a.library_id = ? AND a.kind = json_extract(j.value, '$[0]') AND a.item_id = json_extract(j.value, '$[1]')
    AND a.fingerprint = '' AND a.stands = 1"""
SIGHTINGS = """SELECT f.fingerprint, m.name, s.frames FROM json_each(?) AS j
    CROSS JOIN file AS f ON f.fingerprint = j.value CROSS JOIN json_each(?) AS k
    CROSS JOIN model AS m ON m.name = k.value
    CROSS JOIN sighting AS s ON s.file_id = f.id AND s.model_id = m.id ORDER BY j.key, k.key"""
SEEN_BY_MODEL = """SELECT m.name, count(*) FROM sighting AS s CROSS JOIN model AS m ON m.id = s.model_id
    WHERE EXISTS (SELECT 1 FROM item AS i WHERE i.file_id = s.file_id AND i.library_id = ?) GROUP BY m.id"""
KNOWN = "SELECT item_id FROM item WHERE library_id = ? AND kind = ? AND item_id > ? ORDER BY item_id LIMIT ?"
FAILURES = """SELECT i.kind, i.item_id, x.fingerprint, x.path, x.reason, x.tries, x.failed_at
    FROM failure AS x CROSS JOIN item AS i ON i.id = x.item WHERE x.library_id = ? ORDER BY x.failed_at DESC LIMIT ?"""
WAITING = """SELECT kind, item_id, priority, reason, enqueued_at FROM queue
    WHERE library_id = ? AND priority >= ? ORDER BY priority DESC, id LIMIT ?"""


def asked(db: sqlite3.Connection, library_id: int, refs: Sequence[ItemRef]) -> dict[int, ItemRef]:
    """The refs that are on record, by their row's id."""
    rows = db.execute(f"SELECT j.key, i.id {_ASKED_ITEMS}", (refs_json(refs), library_id))
    return {row: refs[key] for key, row in rows}


def put_file(db: sqlite3.Connection, fingerprint: str) -> int:
    """The file's row, made if need be."""
    row = db.execute("SELECT id FROM file WHERE fingerprint = ?", (fingerprint,)).fetchone()
    if row is None:
        row = db.execute("INSERT INTO file (fingerprint) VALUES (?) RETURNING id", (fingerprint,)).fetchone()
    return int(row[0])


def put_item(db: sqlite3.Connection, library_id: int, item: MediaItem) -> tuple[int, int]:
    """The item's row and its file's, made or brought up to date. What was decided for another file stands no more."""
    file_id = put_file(db, item.fingerprint)
    row = db.execute(
        """INSERT INTO item (library_id, kind, item_id, file_id) VALUES (?, ?, ?, ?)
        ON CONFLICT (library_id, kind, item_id) DO UPDATE SET file_id = excluded.file_id,
            policy = CASE WHEN file_id = excluded.file_id THEN policy ELSE '' END RETURNING id""",
        (library_id, item.ref.kind, id_value(item.ref.id), file_id),
    ).fetchone()
    return int(row[0]), file_id


def seen_models(db: sqlite3.Connection, file_id: int) -> str:
    """Which models have seen this file, as ``item.decided_models`` keeps it."""
    rows = db.execute("SELECT model_id FROM sighting WHERE file_id = ? ORDER BY model_id", (file_id,))
    return ",".join(str(model_id) for (model_id,) in rows)


def standing(db: sqlite3.Connection, library_id: int, items: Sequence[MediaItem]) -> dict[ItemRef, Standing]:
    """One for each item; see ports.Store."""
    names: dict[int, str] = dict(db.execute("SELECT id, name FROM model").fetchall())
    files: dict[str, int] = {}
    seen: dict[str, list[int]] = {}
    for fingerprint, file_id, model_id in db.execute(SEEN, (dumps(sorted({i.fingerprint for i in items})),)):
        files[fingerprint] = file_id
        if model_id is not None:
            seen.setdefault(fingerprint, []).append(model_id)
    rows = db.execute(STANDING, (refs_json(i.ref for i in items), library_id)).fetchall()
    fingerprint_of = {row[1]: items[row[0]].fingerprint for row in rows}
    ours: dict[int, dict[str, Mine]] = {}
    gone: dict[int, dict[str, str]] = {}
    performers: dict[tuple[int, str], set[str]] = {}
    on_items = db.execute(OURS, (dumps(list(fingerprint_of)),))
    for row_id, state, tag_id, fingerprint, tag_name, feature, looked, target in on_items:
        if target == "performer":
            if state == "gone" or fingerprint == fingerprint_of[row_id]:
                performers.setdefault((row_id, state), set()).add(tag_id)
        elif state == "gone":
            gone.setdefault(row_id, {})[tag_id] = normal(tag_name)
        elif fingerprint == fingerprint_of[row_id]:
            by = frozenset(names[int(model_id)] for model_id in looked.split(",") if model_id)
            ours.setdefault(row_id, {})[tag_id] = Mine(tag_name, feature, by)

    said = _said(db, library_id, items)
    found: dict[ItemRef, Standing] = {}
    on_record = {row[0]: row[1:] for row in rows}
    for key, item in enumerate(items):
        models = sorted(seen.get(item.fingerprint, ()))
        row_id, file_id, policy, decided_models, failed, tries, reason = on_record.get(key, _UNKNOWN)
        stands = file_id == files.get(item.fingerprint) and decided_models == ",".join(map(str, models))
        failing = failed == item.fingerprint
        found[item.ref] = Standing(
            seen=frozenset([names[model_id] for model_id in models]),
            given_up=failing and tries >= MOST_TRIES,
            failure=reason if failing else "",
            decided=policy if stands else "",
            ours=frozenset(ours.get(row_id, ())),
            mine=ours.get(row_id, {}),
            gone=frozenset(gone.get(row_id, ())),
            gone_names=frozenset(gone.get(row_id, {}).values()),
            refused=_answered(said[key], "tag", "no"),
            accepted=_answered(said[key], "tag", "yes"),
            our_performers=frozenset(performers.get((row_id, "done"), ())),
            gone_performers=frozenset(performers.get((row_id, "gone"), ())),
            people_refused=_answered(said[key], "performer", "no"),
        )
    return found


def _answered(said: Mapping[tuple[str, str], str], target: str, answer: str) -> frozenset[str]:
    return frozenset(name for (about, name), given in said.items() if (about, given) == (target, answer))


def _said(db: sqlite3.Connection, library_id: int, items: Sequence[MediaItem]) -> list[dict[tuple[str, str], str]]:
    """What persons said of each item's tags and performers: of its file, whichever item it is in now, or of the item,
    whatever its file. By target and name; of several answers the newest counts."""
    of_file: dict[str, list[tuple[int, str, str, str]]] = {}
    of_item: dict[int, list[tuple[int, str, str, str]]] = {}
    prints = dumps(sorted({item.fingerprint for item in items}))
    for id_, fingerprint, tag, answer, target in db.execute(SAID_OF_FILE, (prints, library_id)):
        of_file.setdefault(fingerprint, []).append((id_, target, tag, answer))
    for id_, key, tag, answer, target in db.execute(SAID_OF_ITEM, (refs_json(item.ref for item in items), library_id)):
        of_item.setdefault(key, []).append((id_, target, tag, answer))
    return [
        {
            (target, tag): answer
            for _, target, tag, answer in sorted(of_file.get(item.fingerprint, []) + of_item.get(key, []))
        }
        for key, item in enumerate(items)
    ]


def record(db: sqlite3.Connection, library_id: int, look: Look) -> None:
    """Keep one look; of one that failed only the reason, and one more try."""
    row, file_id = put_item(db, library_id, look.item)
    now = now_at()
    if look.error is not None:
        db.execute(
            """INSERT INTO failure (item, library_id, fingerprint, path, reason, tries, failed_at)
            VALUES (?, ?, ?, ?, ?, 1, ?) ON CONFLICT (item) DO UPDATE SET
                tries = CASE WHEN fingerprint = excluded.fingerprint THEN tries + 1 ELSE 1 END,
                fingerprint = excluded.fingerprint, path = excluded.path, reason = excluded.reason,
                failed_at = excluded.failed_at""",
            (row, library_id, look.item.fingerprint, look.item.path, look.error, now),
        )
        return
    db.execute("DELETE FROM failure WHERE item = ?", (row,))
    if look.width or look.height or look.duration_s:
        shape = (look.width, look.height, float(look.duration_s), file_id)
        db.execute("UPDATE file SET width = ?, height = ?, duration_s = ? WHERE id = ?", shape)
    models = _model_ids(db, [sighting.model for sighting in look.sightings])
    db.executemany(
        """INSERT INTO sighting (file_id, model_id, frames, seen_at) VALUES (?, ?, ?, ?)
        ON CONFLICT (file_id, model_id) DO UPDATE SET frames = excluded.frames, seen_at = excluded.seen_at""",
        [(file_id, models[s.model], pack_frames(s.frames), now) for s in look.sightings],
    )


def _model_ids(db: sqlite3.Connection, names: Sequence[str]) -> dict[str, int]:
    ids: dict[str, int] = dict(db.execute("SELECT name, id FROM model"))
    for name in names:
        if name not in ids:
            ids[name] = db.execute("INSERT INTO model (name) VALUES (?) RETURNING id", (name,)).fetchone()[0]
    return ids


def sightings(db: sqlite3.Connection, fingerprints: Sequence[str], models: Sequence[str]) -> dict[str, list[Sighting]]:
    """A list for every asked fingerprint, in the order of ``models``."""
    found: dict[str, list[Sighting]] = {fingerprint: [] for fingerprint in fingerprints}
    for fingerprint, model, blob in db.execute(SIGHTINGS, (dumps(list(found)), dumps(list(dict.fromkeys(models))))):
        found[fingerprint].append(Sighting(model, unpack_frames(blob)))
    return found


def file_shapes(db: sqlite3.Connection, fingerprints: Sequence[str]) -> dict[str, tuple[int, int, float]]:
    """``(width, height, duration_s)`` of the files that were looked at; 0 where the decoder didn't say."""
    query = """SELECT f.fingerprint, f.width, f.height, f.duration_s FROM json_each(?) AS j
        CROSS JOIN file AS f ON f.fingerprint = j.value"""
    return {row[0]: (row[1], row[2], row[3]) for row in db.execute(query, (dumps(list(fingerprints)),))}


def failures(db: sqlite3.Connection, library_id: int, limit: int) -> list[Failure]:
    """The newest first."""
    rows = db.execute(FAILURES, (library_id, limit))
    return [Failure(ItemRef(kind, str(item_id)), *rest) for kind, item_id, *rest in rows]


def known(db: sqlite3.Connection, library_id: int, kind: ItemKind, after_id: str, limit: int) -> list[ItemRef]:
    """Items on record by ascending id: numbers as numbers, then others as text."""
    rows = db.execute(KNOWN, (library_id, kind, after_value(after_id), limit))
    return [ItemRef(kind, str(item_id)) for (item_id,) in rows]


def forget(db: sqlite3.Connection, library_id: int, refs: Sequence[ItemRef]) -> list[str]:
    """Delete the items and what hangs on them; the fingerprints that no item of any library has now."""
    dequeue(db, library_id, refs)
    rows = dumps(list(asked(db, library_id, refs)))
    deleted = db.execute("DELETE FROM item WHERE id IN (SELECT value FROM json_each(?)) RETURNING file_id", (rows,))
    files = [file_id for (file_id,) in deleted]
    orphans = db.execute(
        """DELETE FROM file WHERE id IN (SELECT value FROM json_each(?))
        AND NOT EXISTS (SELECT 1 FROM item WHERE item.file_id = file.id) RETURNING fingerprint""",
        (dumps(files),),
    )
    return [fingerprint for (fingerprint,) in orphans]


def enqueue(db: sqlite3.Connection, library_id: int, refs: Iterable[ItemRef], priority: int, reason: str) -> int:
    """How many were not waiting yet; those that were keep the higher priority and its reason."""
    now, new = now_at(), 0
    for kind, item_id in refs:
        row = (library_id, kind, id_value(item_id), priority, reason, now)
        new += db.execute(
            """INSERT INTO queue (library_id, kind, item_id, priority, reason, enqueued_at) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT DO NOTHING""",
            row,
        ).rowcount
        db.execute(
            """UPDATE queue SET priority = ?, reason = ?
            WHERE library_id = ? AND kind = ? AND item_id = ? AND priority < ?""",
            (priority, reason, library_id, kind, id_value(item_id), priority),
        )
    return new


def waiting(db: sqlite3.Connection, library_id: int, limit: int, least_priority: int) -> list[QueueEntry]:
    """The highest priority first, then the longest waiting."""
    rows = db.execute(WAITING, (library_id, least_priority, limit))
    return [QueueEntry(ItemRef(kind, str(item_id)), *rest) for kind, item_id, *rest in rows]


def dequeue(db: sqlite3.Connection, library_id: int, refs: Iterable[ItemRef]) -> None:
    """They wait no longer."""
    db.executemany(
        "DELETE FROM queue WHERE library_id = ? AND kind = ? AND item_id = ?",
        [(library_id, kind, id_value(item_id)) for kind, item_id in refs],
    )
