"""The database's shape, as numbered migrations: ``PRAGMA user_version`` says how many of them a file has had.

A migration that was ever released is never edited; a new one is appended. Conventions:

* ``item_id`` is ``ANY``: an id that is a number is stored as one, so that Stash's ids ascend as numbers and a folder's
  paths as text (see :func:`tagger.store.codec.id_value`).
* Whatever belongs to one library has ``library_id`` (``decision`` too, for its index). ``file``, ``sighting`` and
  ``model`` are shared: the same bytes are looked at once, in whichever library they lie.
* Every foreign key whose parent is ever deleted has an index, and goes with its parent.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from tagger.errors import StoreError
from tagger.store.ready import COUNTS_AND_QUEUE

_FIRST = (
    "CREATE TABLE library (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL) STRICT",
    "CREATE TABLE model (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    """CREATE TABLE file (
        id INTEGER PRIMARY KEY,
        fingerprint TEXT NOT NULL UNIQUE,
        width INTEGER NOT NULL DEFAULT 0,
        height INTEGER NOT NULL DEFAULT 0,
        duration_s REAL NOT NULL DEFAULT 0
    ) STRICT""",
    # A rowid table: "which models have seen this file" is answered from the small unique index, never from the blobs.
    """CREATE TABLE sighting (
        id INTEGER PRIMARY KEY,
        file_id INTEGER NOT NULL REFERENCES file (id) ON DELETE CASCADE,
        model_id INTEGER NOT NULL REFERENCES model (id),
        frames BLOB NOT NULL,
        seen_at TEXT NOT NULL,
        UNIQUE (file_id, model_id)
    ) STRICT""",
    # decided_models: ids of the models that had seen the file when it was decided under ``policy``.
    """CREATE TABLE item (
        id INTEGER PRIMARY KEY,
        library_id INTEGER NOT NULL REFERENCES library (id),
        kind TEXT NOT NULL,
        item_id ANY NOT NULL,
        file_id INTEGER NOT NULL REFERENCES file (id),
        policy TEXT NOT NULL DEFAULT '',
        decided_models TEXT NOT NULL DEFAULT '',
        UNIQUE (library_id, kind, item_id)
    ) STRICT""",
    "CREATE INDEX item_by_file ON item (file_id)",
    """CREATE TABLE failure (
        item INTEGER PRIMARY KEY REFERENCES item (id) ON DELETE CASCADE,
        library_id INTEGER NOT NULL REFERENCES library (id),
        fingerprint TEXT NOT NULL,
        path TEXT NOT NULL,
        reason TEXT NOT NULL,
        tries INTEGER NOT NULL,
        failed_at TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX failure_by_time ON failure (library_id, failed_at)",
    """CREATE TABLE decision (
        item INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE,
        place INTEGER NOT NULL,
        library_id INTEGER NOT NULL REFERENCES library (id),
        verdict TEXT NOT NULL,
        tag TEXT NOT NULL,
        feature TEXT NOT NULL,
        subject TEXT NOT NULL,
        probability REAL NOT NULL,
        score REAL NOT NULL,
        rule TEXT NOT NULL,
        why TEXT NOT NULL,
        detail TEXT NOT NULL,
        PRIMARY KEY (item, place)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX decision_by_verdict ON decision (library_id, verdict, tag)",
    """CREATE TABLE run (
        id INTEGER PRIMARY KEY,
        library_id INTEGER NOT NULL REFERENCES library (id),
        operation TEXT NOT NULL,
        scope TEXT NOT NULL,
        state TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT NOT NULL DEFAULT '',
        cursor TEXT NOT NULL DEFAULT '{}',
        counts TEXT NOT NULL DEFAULT '{}',
        message TEXT NOT NULL DEFAULT ''
    ) STRICT""",
    "CREATE INDEX run_by_library ON run (library_id)",
    # AUTOINCREMENT: a forgotten change's id must not come back for another one that a caller then marks.
    """CREATE TABLE change (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        library_id INTEGER NOT NULL REFERENCES library (id),
        run_id INTEGER NOT NULL REFERENCES run (id),
        item INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE,
        state TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        tag_id TEXT NOT NULL,
        tag_name TEXT NOT NULL,
        model TEXT NOT NULL,
        score REAL NOT NULL,
        probability REAL NOT NULL,
        rule TEXT NOT NULL,
        why TEXT NOT NULL,
        tags_before TEXT NOT NULL,
        changed_at TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT ''
    ) STRICT""",
    "CREATE INDEX change_by_item ON change (item)",
    "CREATE INDEX change_by_run ON change (run_id, state)",
    "CREATE INDEX change_pending ON change (library_id) WHERE state IN ('planned', 'sending')",
    """CREATE TABLE created_tag (
        library_id INTEGER NOT NULL REFERENCES library (id),
        tag_id TEXT NOT NULL,
        name TEXT NOT NULL,
        parents TEXT NOT NULL,
        run_id INTEGER NOT NULL REFERENCES run (id),
        PRIMARY KEY (library_id, tag_id)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE queue (
        id INTEGER PRIMARY KEY,
        library_id INTEGER NOT NULL REFERENCES library (id),
        kind TEXT NOT NULL,
        item_id ANY NOT NULL,
        priority INTEGER NOT NULL,
        reason TEXT NOT NULL,
        enqueued_at TEXT NOT NULL,
        UNIQUE (library_id, kind, item_id)
    ) STRICT""",
    "CREATE INDEX queue_by_priority ON queue (library_id, priority DESC)",
    """CREATE TABLE fact (
        library_id INTEGER NOT NULL REFERENCES library (id),
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (library_id, name)
    ) STRICT, WITHOUT ROWID""",
)

# What people say and do. Answers outlive the item they were given on (no foreign key): kept for good, found again by
# file, item and tag. An ``act`` is one thing that a person did, with any number of answers and rules. Of the answers to
# one question the newest ``stands`` (1); former ones (0) come back when it is withdrawn (-1).
_SECOND = (
    "ALTER TABLE change ADD COLUMN target TEXT NOT NULL DEFAULT 'tag'",
    "ALTER TABLE change ADD COLUMN action TEXT NOT NULL DEFAULT 'add'",
    # The run that first missed our tag on its item, until it is known whether a person took it away.
    "ALTER TABLE change ADD COLUMN missed_by INTEGER",
    "CREATE INDEX change_missed ON change (library_id) WHERE missed_by IS NOT NULL",
    "CREATE INDEX change_by_tag ON change (library_id, state, action, tag_name COLLATE NOCASE)",
    # Tag ids that the item had when it was settled last, as JSON; '' = never noted.
    "ALTER TABLE item ADD COLUMN tags TEXT NOT NULL DEFAULT ''",
    # A hash of its picture: files that look alike have the same.
    "ALTER TABLE file ADD COLUMN alike INTEGER",
    # The queue for review, kept in order by its indexes: the most useful first. ``useful`` is ``near`` (what the
    # decision itself says) and what follows from all that wait: rare tags, look-alikes.
    "ALTER TABLE decision ADD COLUMN near REAL NOT NULL DEFAULT 0",
    "ALTER TABLE decision ADD COLUMN useful REAL NOT NULL DEFAULT 0",
    "CREATE INDEX decision_to_review ON decision (library_id, useful DESC) WHERE verdict = 'review'",
    "CREATE INDEX decision_to_review_by_tag ON decision (library_id, tag, useful DESC) WHERE verdict = 'review'",
    """CREATE TABLE act (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        library_id INTEGER NOT NULL REFERENCES library (id),
        what TEXT NOT NULL,
        done_at TEXT NOT NULL,
        undone_at TEXT NOT NULL DEFAULT ''
    ) STRICT""",
    "CREATE INDEX act_by_library ON act (library_id)",
    """CREATE TABLE answer (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        library_id INTEGER NOT NULL REFERENCES library (id),
        act INTEGER NOT NULL REFERENCES act (id),
        kind TEXT NOT NULL,
        item_id ANY NOT NULL,
        fingerprint TEXT NOT NULL,
        target TEXT NOT NULL DEFAULT 'tag',
        tag_key TEXT NOT NULL,
        tag_name TEXT NOT NULL,
        answer TEXT NOT NULL,
        source TEXT NOT NULL,
        feature TEXT NOT NULL,
        subject TEXT NOT NULL,
        probability REAL NOT NULL,
        verdict TEXT NOT NULL,
        rule TEXT NOT NULL,
        why TEXT NOT NULL,
        answered_at TEXT NOT NULL,
        stands INTEGER NOT NULL DEFAULT 1
    ) STRICT""",
    "CREATE INDEX answer_by_item ON answer (library_id, kind, item_id, tag_key)",
    "CREATE INDEX answer_by_file ON answer (library_id, fingerprint, tag_key)",
    "CREATE INDEX answer_by_tag ON answer (library_id, feature, tag_key) WHERE stands = 1",
    "CREATE INDEX answer_by_act ON answer (act)",
    """CREATE TABLE tag_rule (
        library_id INTEGER NOT NULL REFERENCES library (id),
        tag_key TEXT NOT NULL,
        kind TEXT NOT NULL,
        tag_name TEXT NOT NULL,
        feature TEXT NOT NULL DEFAULT '',
        apply REAL NOT NULL DEFAULT 0,
        why TEXT NOT NULL DEFAULT '',
        act INTEGER NOT NULL REFERENCES act (id),
        said_at TEXT NOT NULL,
        PRIMARY KEY (library_id, tag_key, kind, act)
    ) STRICT, WITHOUT ROWID""",
    # Applied tags that were drawn at random to be looked at; drawn ones stay drawn until they are answered.
    """CREATE TABLE audit (
        change_id INTEGER PRIMARY KEY REFERENCES change (id) ON DELETE CASCADE,
        library_id INTEGER NOT NULL REFERENCES library (id),
        drawn_at TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX audit_by_library ON audit (library_id)",
    # The library's tags as the last run saw them, to follow renames and merges.
    """CREATE TABLE known_tag (
        library_id INTEGER NOT NULL REFERENCES library (id),
        tag_id TEXT NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (library_id, tag_id)
    ) STRICT, WITHOUT ROWID""",
)

# What deciding again needs: the numbers of a file's predictions, as they follow from its sightings with this
# ``knowledge`` (calibrations, groups) and these ``models``; of a tag of ours its feature, and who had looked then.
_THIRD = (
    "ALTER TABLE change ADD COLUMN feature TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE change ADD COLUMN looked TEXT NOT NULL DEFAULT ''",
    """CREATE TABLE predicted (
        file_id INTEGER PRIMARY KEY REFERENCES file (id) ON DELETE CASCADE,
        knowledge TEXT NOT NULL,
        models TEXT NOT NULL,
        numbers TEXT NOT NULL
    ) STRICT""",
)

# Under which names the library knows its tags (aliases too), so that an answer finds what we wrote under another name.
_FOURTH = (
    """CREATE TABLE known_name (
        library_id INTEGER NOT NULL REFERENCES library (id),
        name_key TEXT NOT NULL,
        tag_id TEXT NOT NULL,
        PRIMARY KEY (library_id, name_key)
    ) STRICT, WITHOUT ROWID""",
    # How many wait for review, by tag: counting half a million of them would take a page longer than it may.
    """CREATE TABLE to_review (
        library_id INTEGER NOT NULL REFERENCES library (id),
        tag TEXT NOT NULL,
        n INTEGER NOT NULL,
        PRIMARY KEY (library_id, tag)
    ) STRICT, WITHOUT ROWID""",
    """INSERT INTO to_review (library_id, tag, n)
        SELECT library_id, tag, count(*) FROM decision WHERE verdict = 'review' GROUP BY library_id, tag""",
    """CREATE TRIGGER to_review_came AFTER INSERT ON decision WHEN new.verdict = 'review' BEGIN
        INSERT INTO to_review (library_id, tag, n) VALUES (new.library_id, new.tag, 1)
            ON CONFLICT (library_id, tag) DO UPDATE SET n = n + 1;
    END""",
    """CREATE TRIGGER to_review_went AFTER DELETE ON decision WHEN old.verdict = 'review' BEGIN
        UPDATE to_review SET n = n - 1 WHERE library_id = old.library_id AND tag = old.tag;
    END""",
    """CREATE TRIGGER to_review_judged AFTER UPDATE OF verdict ON decision WHEN old.verdict != new.verdict BEGIN
        UPDATE to_review SET n = n - 1
            WHERE library_id = old.library_id AND tag = old.tag AND old.verdict = 'review';
        INSERT INTO to_review (library_id, tag, n) SELECT new.library_id, new.tag, 1 WHERE new.verdict = 'review'
            ON CONFLICT (library_id, tag) DO UPDATE SET n = n + 1;
    END""",
)

# Which click of a page an act is, so that one that is delivered twice is one act.
_FIFTH = (
    "ALTER TABLE act ADD COLUMN click TEXT NOT NULL DEFAULT ''",
    "CREATE UNIQUE INDEX act_by_click ON act (library_id, click) WHERE click != ''",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH, COUNTS_AND_QUEUE)


def version_of(db: sqlite3.Connection) -> int:
    """How many migrations this database has had."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: sqlite3.Connection, path: Path, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Bring the database up to date, each migration in its own transaction; a failing one leaves the former shape.

    Raises StoreError when the file was written by a newer version of the plugin.
    """
    while (version := version_of(db)) != len(migrations):
        if version > len(migrations):
            raise StoreError(
                f"The database {path} was written by a newer version of AI Tagger (its format is {version}, this one "
                f"knows {len(migrations)}): update AI Tagger, or give it another data folder."
            )
        db.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have migrated while we waited for the lock.
            if version_of(db) == version:
                for statement in migrations[version]:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {version + 1}")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
