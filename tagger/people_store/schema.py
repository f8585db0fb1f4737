"""The tables of the store of people, as numbered migrations (``PRAGMA user_version``)."""

from __future__ import annotations

# Faces belong to files, so that a copy isn't looked at again; what persons said belongs to places in files, so that it
# outlives models and sampling. Everything is a library's, though several may share the file.
_FIRST = (
    "CREATE TABLE library (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE) STRICT",
    # AUTOINCREMENT: an id that a person wrote down must never mean another one.
    """CREATE TABLE person (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        library_id INTEGER NOT NULL REFERENCES library (id),
        performer_id TEXT NOT NULL DEFAULT '',
        name TEXT NOT NULL COLLATE NOCASE,
        merged_into INTEGER REFERENCES person (id) ON DELETE CASCADE
    ) STRICT""",
    "CREATE INDEX person_by_library ON person (library_id)",
    """CREATE TABLE face (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        library_id INTEGER NOT NULL REFERENCES library (id),
        fingerprint TEXT NOT NULL,
        model TEXT NOT NULL,
        places TEXT NOT NULL,
        landmarks TEXT NOT NULL,
        spans TEXT NOT NULL,
        quality REAL NOT NULL,
        score REAL NOT NULL,
        vector BLOB NOT NULL,
        crop BLOB NOT NULL,
        group_id INTEGER NOT NULL DEFAULT 0,
        person INTEGER NOT NULL DEFAULT 0,
        verdict TEXT NOT NULL DEFAULT ''
    ) STRICT""",
    "CREATE INDEX face_by_file ON face (library_id, fingerprint, model)",
    "CREATE INDEX face_by_group ON face (library_id, group_id) WHERE group_id != 0",
    "CREATE INDEX face_by_person ON face (library_id, person) WHERE person != 0",
    """CREATE TABLE looked (
        library_id INTEGER NOT NULL REFERENCES library (id),
        fingerprint TEXT NOT NULL,
        model TEXT NOT NULL,
        PRIMARY KEY (library_id, fingerprint, model)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE item (
        library_id INTEGER NOT NULL REFERENCES library (id),
        kind TEXT NOT NULL,
        item_id TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        path TEXT NOT NULL,
        PRIMARY KEY (library_id, kind, item_id)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX item_by_file ON item (library_id, fingerprint)",
    # ``taken_back``: it isn't an example any more, and is not learned again: for ever (1, and then nothing of the face
    # is kept), or while an answer stands (minus its number).
    """CREATE TABLE example (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        library_id INTEGER NOT NULL REFERENCES library (id),
        person INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
        model TEXT NOT NULL,
        source TEXT NOT NULL,
        origin TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        place TEXT NOT NULL,
        quality REAL NOT NULL,
        vector BLOB NOT NULL,
        crop BLOB NOT NULL,
        taken_back INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    "CREATE INDEX example_by_person ON example (person)",
    "CREATE INDEX example_by_file ON example (library_id, fingerprint)",
    """CREATE TABLE said (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        library_id INTEGER NOT NULL REFERENCES library (id),
        what TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        kind TEXT NOT NULL DEFAULT '',
        item_id TEXT NOT NULL DEFAULT '',
        places TEXT NOT NULL,
        person INTEGER REFERENCES person (id) ON DELETE CASCADE
    ) STRICT""",
    "CREATE INDEX said_by_file ON said (library_id, fingerprint)",
    "CREATE INDEX said_by_item ON said (library_id, kind, item_id) WHERE item_id != ''",
    """CREATE TABLE tie (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        library_id INTEGER NOT NULL REFERENCES library (id),
        together INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        places TEXT NOT NULL,
        other_fingerprint TEXT NOT NULL,
        other_places TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX tie_by_library ON tie (library_id)",
    # What has to be judged again: files, and people whose examples changed. It waits here in case we are killed.
    """CREATE TABLE pending (
        library_id INTEGER NOT NULL REFERENCES library (id),
        kind TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (library_id, kind, value)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE fact (
        library_id INTEGER NOT NULL REFERENCES library (id),
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (library_id, name)
    ) STRICT, WITHOUT ROWID""",
)

# A split is a refusal: it is kept whole, place by place, so that no other model's groups get around it. What a review's
# answer brought about goes when the answer is taken back, and the words whose place it took (``over``) come back.
# Crops lie apart: whoever goes through a million vectors shouldn't have to turn a million pictures' pages.
_SECOND = (
    """CREATE TABLE parting (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        library_id INTEGER NOT NULL REFERENCES library (id)
    ) STRICT""",
    "CREATE INDEX parting_by_library ON parting (library_id)",
    """CREATE TABLE parted (
        parting INTEGER NOT NULL REFERENCES parting (id) ON DELETE CASCADE,
        side INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        places TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX parted_by_parting ON parted (parting, side)",
    "CREATE INDEX parted_by_file ON parted (fingerprint)",
    "INSERT INTO parting SELECT id, library_id FROM tie WHERE together = 0",
    "INSERT INTO parted SELECT id, 0, fingerprint, places FROM tie WHERE together = 0",
    "INSERT INTO parted SELECT id, 1, other_fingerprint, other_places FROM tie WHERE together = 0",
    "DELETE FROM tie WHERE together = 0",
    "ALTER TABLE tie DROP COLUMN together",
    "ALTER TABLE said ADD COLUMN answer INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE said ADD COLUMN over INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX said_by_answer ON said (library_id, answer) WHERE answer != 0",
    "CREATE INDEX said_by_over ON said (over) WHERE over != 0",
    "ALTER TABLE example ADD COLUMN answer INTEGER NOT NULL DEFAULT 0",
    """CREATE TABLE taken_in (
        library_id INTEGER NOT NULL REFERENCES library (id),
        answer INTEGER NOT NULL,
        PRIMARY KEY (library_id, answer)
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE crop (face INTEGER PRIMARY KEY REFERENCES face (id) ON DELETE CASCADE, jpeg BLOB NOT NULL) STRICT",
    "INSERT INTO crop SELECT id, crop FROM face WHERE crop != x''",
    "ALTER TABLE face DROP COLUMN crop",
)

# Groups are counted, and their best faces found, in this index alone: a row of ``face`` holds a vector.
_THIRD = (
    "DROP INDEX face_by_group",
    "CREATE INDEX face_in_group ON face (library_id, model, group_id, quality DESC, id, verdict)",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _SECOND, _THIRD)
