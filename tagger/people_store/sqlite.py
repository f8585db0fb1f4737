"""The store of people: each method is one transaction, and replaying any of them does no harm. Raises StoreError."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from tagger.people_store import forgetting as _forgetting
from tagger.people_store.codec import (
    EXAMPLE_COLUMNS,
    FACE_COLUMNS,
    FACE_COLUMNS_WITHOUT_CROP,
    dumps,
    example,
    face,
    face_row,
    places_of,
    places_text,
)
from tagger.people_store.schema import MIGRATIONS
from tagger.people_store.showing import UNKNOWN, ShowingStore
from tagger.people_store.values import Example, Group, NewFace, Person, Place, StoredFace, Unknown, same_place
from tagger.people_store.words import WordStore, files_of, wait
from tagger.store.database import Database
from tagger.types import ItemRef, MediaItem

PEOPLE_NAME = "people.sqlite"
_FACES_OF = f"""SELECT {FACE_COLUMNS_WITHOUT_CROP} FROM json_each(?) AS j CROSS JOIN face AS f
    ON f.library_id = ? AND f.fingerprint = j.value AND f.model = ? ORDER BY j.key, f.id"""  # noqa: S608
_PEOPLE = """SELECT p.id, p.performer_id, p.name,
    (SELECT count(*) FROM example AS e WHERE e.person = p.id AND e.taken_back = 0)
    FROM person AS p WHERE p.library_id = ? AND p.merged_into IS NULL ORDER BY p.name, p.id"""
_GIST = "f.id, f.fingerprint, json_array_length(f.places), f.quality, f.score, f.vector, f.group_id"
_UNKNOWN_FACES = f"SELECT {_GIST} FROM face AS f WHERE {UNKNOWN} ORDER BY f.id"  # noqa: S608
_UNSAID_FACES = f"""SELECT {_GIST} FROM face AS f WHERE f.library_id = ? AND f.model = ?
    AND f.verdict NOT IN ('is', 'ignored', 'not_face') ORDER BY f.id"""  # noqa: S608


class PeopleStore(WordStore, ShowingStore):
    """Faces, people and what was said of them, of one library."""

    def __init__(self, path: Path, library_key: str) -> None:
        """Open, make or migrate the file (0600, in a folder that is made with 0700). Raises StoreError."""
        self._database = Database(path, MIGRATIONS, shrinks=True)
        with contextlib.suppress(OSError):  # A file system without rights has nobody to keep out.
            path.chmod(0o600)
            path.parent.chmod(0o700)
        try:
            self._id = self._find_library(library_key)
        except BaseException:
            self._database.close()
            raise

    def _find_library(self, key: str) -> int:
        query = "SELECT id FROM library WHERE key = ?"
        with self._database.read() as db:
            row = db.execute(query, (key,)).fetchone()
        if row is None:  # A page that only reads must not wait for the writer.
            with self._database.write() as db:
                db.execute("INSERT OR IGNORE INTO library (key) VALUES (?)", (key,))
                row = db.execute(query, (key,)).fetchone()
        return int(row[0])

    def close(self) -> None:
        """Closing twice does no harm."""
        self._database.close()

    # -- faces
    def put_faces(self, item: MediaItem, model: str, faces: Sequence[NewFace], crops: bool = True) -> None:
        """What this model sees in the item's file. A face that was known there keeps its id and its group."""
        with self._database.write() as db:
            self._put_item(db, item)
            db.execute("INSERT OR IGNORE INTO looked VALUES (?, ?, ?)", (self._id, item.fingerprint, model))
            query = "SELECT id, places FROM face WHERE library_id = ? AND fingerprint = ? AND model = ?"
            rows = db.execute(query, (self._id, item.fingerprint, model))
            before = {face_id: places_of(places) for face_id, places in rows}
            for new in faces:
                known = next((i for i, places in before.items() if same_place(places, new.places)), None)
                if known is None:
                    known = self._insert_face(db, item, model, new)
                else:
                    del before[known]
                    db.execute(
                        """UPDATE face SET places = ?, landmarks = ?, spans = ?, quality = ?, score = ?, vector = ?
                        WHERE id = ?""",
                        (*face_row(new), known),
                    )
                _put_crop(db, known, new.crop if crops else b"")
            db.executemany("DELETE FROM face WHERE id = ? AND score < 2", [(i,) for i in before])

    def add_face(self, item: MediaItem, model: str, new: NewFace) -> int:
        """A face that was missed, drawn by hand (``score`` 2: no later look takes it away). Its id."""
        with self._database.write() as db:
            self._put_item(db, item)
            face_id = self._insert_face(db, item, model, new)
            _put_crop(db, face_id, new.crop)
            return face_id

    def _insert_face(self, db: sqlite3.Connection, item: MediaItem, model: str, new: NewFace) -> int:
        query = """INSERT INTO face (library_id, fingerprint, model, places, landmarks, spans, quality, score, vector)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"""
        return int(db.execute(query, (self._id, item.fingerprint, model, *face_row(new))).fetchone()[0])

    def _put_item(self, db: sqlite3.Connection, item: MediaItem) -> None:
        db.execute(
            """INSERT INTO item VALUES (?, ?, ?, ?, ?) ON CONFLICT (library_id, kind, item_id) DO UPDATE SET
            fingerprint = excluded.fingerprint, path = excluded.path""",
            (self._id, item.ref.kind, item.ref.id, item.fingerprint, item.path),
        )

    def faces_of(self, fingerprints: Sequence[str], model: str) -> dict[str, list[StoredFace]]:
        """A list for every asked file; without crops."""
        found: dict[str, list[StoredFace]] = {fingerprint: [] for fingerprint in fingerprints}
        with self._database.read() as db:
            for row in db.execute(_FACES_OF, (dumps(list(found)), self._id, model)):
                found[row[1]].append(face(row))
        return found

    def faces(self, ids: Sequence[int]) -> list[StoredFace]:
        """Those that exist, with crops, in the order asked for."""
        query = f"SELECT {FACE_COLUMNS} FROM json_each(?) AS j CROSS JOIN face AS f ON f.id = j.value "  # noqa: S608
        with self._database.read() as db:
            rows = db.execute(query + "AND f.library_id = ? ORDER BY j.key", (dumps(list(ids)), self._id))
            return [face(row) for row in rows]

    def unknown(self, model: str) -> Iterator[Unknown]:
        """Every face that nobody is applied to, in the order of their ids."""
        with self._database.read() as db:
            yield from map(Unknown._make, db.execute(_UNKNOWN_FACES, (self._id, model)))

    def unsaid(self, model: str) -> Iterator[Unknown]:
        """Every face of which nobody said whose it is, those with a name by judging too."""
        with self._database.read() as db:
            yield from map(Unknown._make, db.execute(_UNSAID_FACES, (self._id, model)))

    def count_unknown(self, model: str) -> tuple[int, int]:
        """How many of them have a vector, and how many of these were never gathered."""
        query = f"""SELECT count(*), coalesce(sum(f.group_id = 0), 0) FROM face AS f
            WHERE {UNKNOWN} AND f.vector != x''"""  # noqa: S608
        with self._database.read() as db:
            every, fresh = db.execute(query, (self._id, model)).fetchone()
        return int(every), int(fresh)

    def tracks_of_files(self, model: str) -> Iterator[tuple[str, list[tuple[int, tuple[Place, ...]]]]]:
        """Unknown faces of files in which more than one is followed through time: ids and places, file by file."""
        query = f"""SELECT f.fingerprint, f.id, f.places FROM face AS f
            WHERE {UNKNOWN} AND json_array_length(f.places) > 1 ORDER BY f.fingerprint, f.id"""  # noqa: S608
        with self._database.read() as db:
            for fingerprint, rows in groupby(db.execute(query, (self._id, model)), key=lambda row: str(row[0])):
                found = [(face_id, places_of(places)) for _, face_id, places in rows]
                if len(found) > 1:
                    yield fingerprint, found

    def judged(self, verdicts: Iterable[tuple[int, int, str]]) -> None:
        """``(face, person, verdict)``: what was judged last; a face that somebody is applied to is in no group."""
        with self._database.write() as db:
            db.executemany(
                """UPDATE face SET person = ?2, verdict = ?3, group_id = CASE WHEN ?3 IN
                    ('apply', 'is', 'ignored', 'not_face') THEN 0 ELSE group_id END
                WHERE id = ?1 AND library_id = ?4 AND (person != ?2 OR verdict != ?3)""",
                [(*one, self._id) for one in verdicts],
            )

    def set_groups(self, groups: Mapping[int, int]) -> None:
        """Face → group (0: to be gathered, -1: too poor for any)."""
        with self._database.write() as db:
            db.executemany(
                "UPDATE face SET group_id = ? WHERE id = ? AND library_id = ?",
                [(group, i, self._id) for i, group in groups.items()],
            )

    def groups(self, model: str, least: int = 1) -> list[Group]:
        """The largest first, then by id; faces of a group by quality, the best first."""
        query = f"""SELECT f.group_id, f.id FROM face AS f WHERE {UNKNOWN} AND f.group_id > 0
            ORDER BY f.group_id, f.quality DESC, f.id"""  # noqa: S608
        found: dict[int, list[int]] = {}
        with self._database.read() as db:
            for group, face_id in db.execute(query, (self._id, model)):
                found.setdefault(group, []).append(face_id)
        groups = [Group(group, tuple(faces)) for group, faces in found.items() if len(faces) >= least]
        return sorted(groups, key=lambda g: (-len(g.faces), g.id))

    def newest_model(self) -> str:
        """Whose vectors the newest face has; "" while there is none."""
        with self._database.read() as db:
            query = "SELECT model FROM face WHERE library_id = ? ORDER BY id DESC LIMIT 1"
            row = db.execute(query, (self._id,)).fetchone()
        return str(row[0]) if row else ""

    def counts(self) -> dict[str, int]:
        """``people``, ``examples``, ``faces``, ``said``."""
        queries = {
            "people": "SELECT count(*) FROM person WHERE library_id = ? AND merged_into IS NULL",
            "examples": "SELECT count(*) FROM example WHERE library_id = ? AND taken_back = 0",
            "faces": "SELECT count(*) FROM face WHERE library_id = ?",
            "said": "SELECT count(*) FROM said WHERE library_id = ? AND over = 0",
        }
        with self._database.read() as db:
            return {name: int(db.execute(query, (self._id,)).fetchone()[0]) for name, query in queries.items()}

    def items_of(self, fingerprints: Sequence[str]) -> dict[str, list[tuple[ItemRef, str]]]:
        """By file: the items that have it, with their paths ("" inside archives)."""
        query = """SELECT i.fingerprint, i.kind, i.item_id, i.path FROM json_each(?) AS j
            CROSS JOIN item AS i INDEXED BY item_by_file ON i.library_id = ? AND i.fingerprint = j.value
            ORDER BY i.kind, i.item_id"""  # Else SQLite goes through all items of the library.
        found: dict[str, list[tuple[ItemRef, str]]] = {fingerprint: [] for fingerprint in fingerprints}
        with self._database.read() as db:
            for fingerprint, kind, item_id, path in db.execute(query, (dumps(list(found)), self._id)):
                found[fingerprint].append((ItemRef(kind, item_id), path))
        return found

    def file_of(self, ref: ItemRef) -> str:
        """The item's file, "" when it isn't on record."""
        with self._database.read() as db:
            row = db.execute(
                "SELECT fingerprint FROM item WHERE library_id = ? AND kind = ? AND item_id = ?", (self._id, *ref)
            ).fetchone()
        return str(row[0]) if row else ""

    def files_of_people(self, people: Sequence[int], model: str) -> list[str]:
        """Files with a face that one of these people was named on, or may be."""
        query = """SELECT DISTINCT f.fingerprint FROM json_each(?) AS j CROSS JOIN face AS f
            ON f.library_id = ? AND f.person = j.value AND f.person != 0 AND f.model = ?"""
        with self._database.read() as db:
            return [row[0] for row in db.execute(query, (dumps(list(people)), self._id, model))]

    def all_files(self, model: str) -> list[str]:
        """Files with a face of this model."""
        with self._database.read() as db:
            query = "SELECT DISTINCT fingerprint FROM face WHERE library_id = ? AND model = ?"
            return [row[0] for row in db.execute(query, (self._id, model))]

    # -- people
    def people(self) -> list[Person]:
        """By name; those merged into others are left out."""
        with self._database.read() as db:
            return [Person(*row) for row in db.execute(_PEOPLE, (self._id,))]

    def person(self, name: str, performer_id: str = "") -> Person:
        """The person of this performer, else of this name; made if there is none."""
        with self._database.write() as db:
            found = None
            if performer_id:
                query = "SELECT id FROM person WHERE library_id = ? AND performer_id = ? AND merged_into IS NULL"
                found = db.execute(query, (self._id, performer_id)).fetchone()
            if found is None:
                query = """SELECT id FROM person WHERE library_id = ? AND name = ? AND merged_into IS NULL
                    AND (performer_id = '' OR ? = '') ORDER BY id LIMIT 1"""
                found = db.execute(query, (self._id, name, performer_id)).fetchone()
            if found is None:
                found = db.execute(
                    "INSERT INTO person (library_id, performer_id, name) VALUES (?, ?, ?) RETURNING id",
                    (self._id, performer_id, name),
                ).fetchone()
            elif performer_id:
                db.execute("UPDATE person SET performer_id = ?, name = ? WHERE id = ?", (performer_id, name, found[0]))
            (person,) = [p for p in (Person(*r) for r in db.execute(_PEOPLE, (self._id,))) if p.id == found[0]]
            return person

    def link(self, person: int, performer_id: str, name: str) -> None:
        """The library knows this person under this id and name now."""
        with self._database.write() as db:
            db.execute(
                "UPDATE person SET performer_id = ?, name = ? WHERE id = ? AND library_id = ?",
                (performer_id, name, person, self._id),
            )

    def merge_people(self, person: int, into: int) -> None:
        """They are one: examples and all that was said go over, refusals too."""
        with self._database.write() as db:
            files = files_of(db, self._id, [person, into])
            for table in ("example", "said", "face"):
                db.execute(
                    f"UPDATE {table} SET person = ? WHERE person = ? AND library_id = ?",  # noqa: S608
                    (into, person, self._id),
                )
            db.execute("UPDATE person SET merged_into = ? WHERE merged_into = ?", (into, person))
            db.execute(
                "UPDATE person SET merged_into = ?, performer_id = '' WHERE id = ? AND library_id = ?",
                (into, person, self._id),
            )
            wait(db, self._id, "file", files)
            wait(db, self._id, "person", [into])

    # -- examples
    def add_example(self, new: Example, answer: int = 0) -> bool:
        """Whether it is one now: not when it was taken back before, or is one already. ``new.id`` doesn't count;
        ``answer`` is the answer of a review that it came by."""
        with self._database.write() as db:
            query = """SELECT place, person, taken_back FROM example WHERE library_id = ? AND fingerprint = ?
                AND model = ?"""
            for place, person, taken_back in db.execute(query, (self._id, new.fingerprint, new.model)).fetchall():
                if same_place(places_of(place), (new.place,)) and (person == new.person or not taken_back):
                    return False
            db.execute(
                """INSERT INTO example (library_id, person, model, source, origin, fingerprint, place, quality, vector,
                    crop, answer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                (self._id, new.person, new.model, new.source, new.origin, new.fingerprint, places_text([new.place]),
                 float(new.quality), new.vector, new.crop, answer),
            )  # fmt: skip
            wait(db, self._id, "person", [new.person])
            return True

    def examples(self, model: str = "", person: int = 0) -> list[Example]:
        """Those that count, of one model or all, of one person or all."""
        query = f"""SELECT {EXAMPLE_COLUMNS} FROM example AS e WHERE e.library_id = ?1 AND e.taken_back = 0
            AND (?2 = '' OR e.model = ?2) AND (?3 = 0 OR e.person = ?3) ORDER BY e.person, e.id"""  # noqa: S608
        with self._database.read() as db:
            return [example(row) for row in db.execute(query, (self._id, model, person))]

    def take_back_examples(self, ids: Sequence[int], answer: int = 0) -> int:
        """They count no more and are not learned again: while ``answer`` stands, or (0) for ever, and then nothing is
        kept of the face. How many."""
        gone = "taken_back = -?" if answer else "taken_back = 1, vector = x'', crop = x'', answer = ?"
        with self._database.write() as db:
            rows = db.execute(
                f"""UPDATE example SET {gone} WHERE library_id = ? AND taken_back = 0
                AND id IN (SELECT value FROM json_each(?)) RETURNING person""",  # noqa: S608
                (answer, self._id, dumps(list(ids))),
            ).fetchall()
            wait(db, self._id, "person", [person for (person,) in rows])
            wait(db, self._id, "file", files_of(db, self._id, [person for (person,) in rows]))
            return len(rows)

    # -- what waits
    def wait(self, kind: str, values: Iterable[str | int]) -> None:
        """These files (``file``) or people (``person``) have to be judged again."""
        with self._database.write() as db:
            wait(db, self._id, kind, values)

    def waiting(self, kind: str) -> list[str]:
        with self._database.read() as db:
            query = "SELECT value FROM pending WHERE library_id = ? AND kind = ? ORDER BY value"
            return [row[0] for row in db.execute(query, (self._id, kind))]

    def done(self, kind: str, values: Iterable[str]) -> None:
        """They wait no longer."""
        with self._database.write() as db:
            db.executemany(
                "DELETE FROM pending WHERE library_id = ? AND kind = ? AND value = ?",
                [(self._id, kind, value) for value in values],
            )

    def fact(self, name: str) -> str:
        """A remembered value, "" when absent."""
        with self._database.read() as db:
            row = db.execute("SELECT value FROM fact WHERE library_id = ? AND name = ?", (self._id, name)).fetchone()
        return str(row[0]) if row else ""

    def remember(self, name: str, value: str) -> None:
        with self._database.write() as db:
            db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?, ?)", (self._id, name, value))

    # -- forgetting
    def forget_person(self, person: int) -> None:
        """Everything of this person's face: examples, what was said, and the vectors and crops of all faces that were
        named so; what is left of those is that there is a face."""
        with self._database.write() as db:
            _forgetting.person(db, self._id, person)
        self._database.shrink()

    def forget_everybody(self) -> None:
        """All of this library, what was said too."""
        with self._database.write() as db:
            _forgetting.everybody(db, self._id)
        self._database.shrink()

    def others(self) -> list[str]:
        """The keys of other libraries in the same file of which people or faces are kept."""
        query = """SELECT key FROM library WHERE id != ?
            AND (id IN (SELECT library_id FROM person) OR id IN (SELECT library_id FROM face))"""
        with self._database.read() as db:
            return [key for (key,) in db.execute(query, (self._id,))]

    def forget_items(self, refs: Sequence[ItemRef]) -> None:
        """They are gone from the library: faces and examples of files that no item has any more go too."""
        with self._database.write() as db:
            _forgetting.items(db, self._id, refs)
        self._database.shrink()

    def drop_crops(self) -> None:
        """No crop is kept any more."""
        with self._database.write() as db:
            _forgetting.crops(db, self._id)
        self._database.shrink()


def _put_crop(db: sqlite3.Connection, face_id: int, jpeg: bytes) -> None:
    if jpeg:
        db.execute("INSERT OR REPLACE INTO crop VALUES (?, ?)", (face_id, jpeg))
    else:
        db.execute("DELETE FROM crop WHERE face = ?", (face_id,))
