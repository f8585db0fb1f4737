"""The half of the store of people that keeps what persons said: of faces, of items, of groups. Each method is one
transaction. A word whose place a newer one takes isn't lost: it counts again when the newer one is taken back."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from tagger.people_store import forgetting
from tagger.people_store.codec import SAID_COLUMNS, dumps, places_of, places_text, said
from tagger.people_store.values import Parting, Said, Spot, StoredFace, same_place
from tagger.store.database import Database
from tagger.types import ItemRef

_OF_FILE = f"SELECT {SAID_COLUMNS} FROM said AS s WHERE s.library_id = ? AND s.fingerprint = ? AND s.over = 0"  # noqa: S608
_OF_ITEM = f"""SELECT {SAID_COLUMNS} FROM said AS s WHERE s.library_id = ? AND s.kind = ? AND s.item_id = ?
    AND s.fingerprint != ? AND s.places = '[]' AND s.over = 0"""  # noqa: S608
_ACROSS = """SELECT m.places, o.places, s.places, s.person FROM parted AS m
    CROSS JOIN parted AS o ON o.parting = m.parting AND o.side != m.side
    CROSS JOIN said AS s ON s.library_id = ?1 AND s.fingerprint = o.fingerprint AND s.what = 'is' AND s.over = 0
        AND s.places != '[]'
    WHERE m.fingerprint = ?2 AND m.parting IN (SELECT id FROM parting WHERE library_id = ?1)"""


class WordStore:
    """Mixed into the store, whose connection and library it uses."""

    _database: Database
    _id: int

    # -- of faces and items
    def say(self, sayings: Sequence[Said]) -> None:
        """It stands for ever; what was said of the same place before and contradicts it doesn't any more."""
        with self._database.write() as db:
            for new in sayings:
                self._say(db, new)
            wait(db, self._id, "file", [new.fingerprint for new in sayings])

    def _say(self, db: sqlite3.Connection, new: Said) -> None:
        olds = [said(row) for row in db.execute(_OF_FILE, (self._id, new.fingerprint))]
        kind, item_id = new.ref or ("", "")
        cursor = db.execute(
            """INSERT INTO said (library_id, what, fingerprint, kind, item_id, places, person, answer)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            (self._id, new.what, new.fingerprint, kind, item_id, places_text(new.places), new.person or None,
             new.answer),
        )  # fmt: skip
        gone = [old.id for old in olds if _is_over(old, new)]
        db.execute(
            "UPDATE said SET over = ? WHERE id IN (SELECT value FROM json_each(?))", (cursor.lastrowid, dumps(gone))
        )

    def said_of(self, items: Sequence[tuple[str, ItemRef | None]]) -> list[list[Said]]:
        """What was said of each file, or of the item that has it."""
        found = []
        with self._database.read() as db:
            for fingerprint, ref in items:
                rows = db.execute(_OF_FILE, (self._id, fingerprint)).fetchall()
                rows += db.execute(_OF_ITEM, (self._id, *ref, fingerprint)).fetchall() if ref else []
                found.append([said(row) for row in rows])
        return found

    # -- by answers of reviews
    def taken_in(self) -> set[int]:
        """Answers whose words are here."""
        with self._database.read() as db:
            return {row[0] for row in db.execute("SELECT answer FROM taken_in WHERE library_id = ?", (self._id,))}

    def take_in(self, answers: Iterable[int]) -> None:
        """Their words are here now."""
        with self._database.write() as db:
            db.executemany("INSERT OR IGNORE INTO taken_in VALUES (?, ?)", [(self._id, one) for one in answers])

    def unsay(self, answers: Collection[int]) -> None:
        """These answers don't stand any more: their words and examples go, the words and examples before them count
        again."""
        asked = (self._id, dumps(sorted(answers)))
        mine = "library_id = ? AND answer IN (SELECT value FROM json_each(?))"
        with self._database.write() as db:
            words = db.execute(f"DELETE FROM said WHERE {mine} RETURNING id, over, fingerprint", asked).fetchall()  # noqa: S608
            forgetting.uncover(db, [(word, over) for word, over, _ in words])
            examples = db.execute(f"DELETE FROM example WHERE {mine} RETURNING person, fingerprint", asked).fetchall()  # noqa: S608
            examples += self._count_again(db, asked)
            db.execute(f"DELETE FROM taken_in WHERE {mine}", asked)  # noqa: S608
            wait(db, self._id, "file", {row[-1] for row in (*words, *examples)})
            people = {person for person, _ in examples}
            wait(db, self._id, "person", people)
            wait(db, self._id, "file", files_of(db, self._id, sorted(people)))

    def _count_again(self, db: sqlite3.Connection, asked: tuple[int, str]) -> list[tuple[int, str]]:
        """``(person, fingerprint)`` of the examples that these answers took back. Of a face that is another example
        meanwhile, or was refused by more than they, none comes back."""
        rows = db.execute(
            """SELECT id, model, place, person, fingerprint FROM example
            WHERE library_id = ? AND taken_back < 0 AND -taken_back IN (SELECT value FROM json_each(?))""",
            asked,
        ).fetchall()
        for number, model, place, person, fingerprint in rows:
            against = db.execute(
                """SELECT place FROM example WHERE library_id = ?1 AND fingerprint = ?2 AND model = ?3
                    AND taken_back = 0
                UNION ALL SELECT places FROM said WHERE library_id = ?1 AND fingerprint = ?2 AND over = 0
                    AND what = 'not' AND person = ?4""",
                (self._id, fingerprint, model, person),
            ).fetchall()
            if any(places == "[]" or same_place(places_of(places), places_of(place)) for (places,) in against):
                db.execute("DELETE FROM example WHERE id = ?", (number,))
            else:
                db.execute("UPDATE example SET taken_back = 0 WHERE id = ?", (number,))
        return [(person, fingerprint) for *_, person, fingerprint in rows]

    # -- of groups
    def put_together(self, pairs: Sequence[tuple[StoredFace, StoredFace]], everybody: Sequence[StoredFace]) -> None:
        """These pairs of faces are one person, whatever models say. Of ``everybody``, all faces of the groups that are
        now one, nobody is said to be apart from another any more."""
        with self._database.write() as db:
            self._revoke(db, [face.spot for face in everybody])
            db.executemany(
                """INSERT INTO tie (library_id, fingerprint, places, other_fingerprint, other_places)
                VALUES (?, ?, ?, ?, ?)""",
                [(self._id, *_spot_row(a.spot), *_spot_row(b.spot)) for a, b in pairs],
            )

    def part(self, one: Sequence[StoredFace], other: Sequence[StoredFace]) -> None:
        """Nobody of the one is anybody of the other, whatever models say."""
        with self._database.write() as db:
            self._part(db, [face.spot for face in one], [face.spot for face in other])

    def _part(self, db: sqlite3.Connection, one: Sequence[Spot], other: Sequence[Spot]) -> None:
        parting = db.execute("INSERT INTO parting (library_id) VALUES (?) RETURNING id", (self._id,)).fetchone()[0]
        db.executemany(
            "INSERT INTO parted VALUES (?, ?, ?, ?)",
            [(parting, side, *_spot_row(spot)) for side, spots in enumerate((one, other)) for spot in spots],
        )

    def _revoke(self, db: sqlite3.Connection, together: Sequence[Spot]) -> None:
        """What is left of a parting when some faces of its two sides are put together is two smaller partings."""
        here: dict[str, list[Spot]] = defaultdict(list)
        for spot in together:
            here[spot.fingerprint].append(spot)
        for number, parting in self._partings(db, list(here)):
            inside = [[s for s in side if any(map(s.is_at, here[s.fingerprint]))] for side in parting]
            if not all(inside):
                continue
            outside = [[s for s in side if s not in within] for side, within in zip(parting, inside, strict=True)]
            db.execute("DELETE FROM parting WHERE id = ?", (number,))
            for one, other in ((outside[0], parting.other), (inside[0], outside[1])):
                if one and other:
                    self._part(db, one, other)

    def partings(self) -> list[Parting]:
        """In the order they were said."""
        with self._database.read() as db:
            return [parting for _, parting in self._partings(db)]

    def _partings(self, db: sqlite3.Connection, fingerprints: Sequence[str] | None = None) -> list[tuple[int, Parting]]:
        """All, or those that concern a face in one of these files."""
        query = """SELECT d.parting, d.side, d.fingerprint, d.places FROM parting AS p
            CROSS JOIN parted AS d ON d.parting = p.id WHERE p.library_id = ?"""
        values = [self._id]
        if fingerprints is not None:
            query += """ AND p.id IN (SELECT x.parting FROM json_each(?) AS j
                CROSS JOIN parted AS x ON x.fingerprint = j.value)"""
            values.append(dumps(list(fingerprints)))  # type: ignore[arg-type]
        sides: dict[int, tuple[list[Spot], list[Spot]]] = defaultdict(lambda: ([], []))
        for parting, side, fingerprint, places in db.execute(query + " ORDER BY p.id, d.rowid", values):
            sides[parting][side].append(Spot(fingerprint, places_of(places)))
        return [(number, Parting(tuple(one), tuple(other))) for number, (one, other) in sides.items()]

    def parted_from(self, fingerprint: str) -> list[Said]:
        """What follows from partings for a file: who was confirmed on the other side isn't here, as ``not``."""
        found: dict[tuple[str, int], Said] = {}
        with self._database.read() as db:
            for mine, theirs, confirmed, person in db.execute(_ACROSS, (self._id, fingerprint)):
                if (mine, person) not in found and same_place(places_of(theirs), places_of(confirmed)):
                    found[mine, person] = Said("not", fingerprint, places_of(mine), person)
        return list(found.values())

    def ties(self) -> list[tuple[Spot, Spot]]:
        """Pairs of faces that are one person, the newest first."""
        query = """SELECT fingerprint, places, other_fingerprint, other_places FROM tie WHERE library_id = ?
            ORDER BY id DESC"""
        with self._database.read() as db:
            rows = db.execute(query, (self._id,)).fetchall()
        return [(Spot(row[0], places_of(row[1])), Spot(row[2], places_of(row[3]))) for row in rows]


def _is_over(old: Said, new: Said) -> bool:
    """Whether the newer word, of the same file, takes the older one's place. A face is one person or none: the newest
    word counts. Refusals go only when that very person is confirmed. Words of no file are each of an item alone."""
    if not new.fingerprint and old.ref != new.ref:
        return False
    same = same_place(old.places, new.places) if old.places and new.places else old.places == new.places
    if old.what == new.what and old.person == new.person and same:
        return True
    if new.what == "is":
        whole = old.what == "not" and not old.places and old.person == new.person
        return (same and (old.what != "not" or old.person == new.person)) or whole
    if new.what == "not":
        return old.what == "is" and old.person == new.person and (same or not new.places)
    return same and old.what in ("is", "ignored", "not_face")


def _spot_row(spot: Spot) -> tuple[str, str]:
    return spot.fingerprint, places_text(spot.places)


def wait(db: sqlite3.Connection, library_id: int, kind: str, values: Iterable[str | int]) -> None:
    """These files (``file``) or people (``person``) have to be judged again."""
    rows = [(library_id, kind, str(value)) for value in values]
    db.executemany("INSERT OR IGNORE INTO pending VALUES (?, ?, ?)", rows)


def files_of(db: sqlite3.Connection, library_id: int, people: Sequence[int]) -> list[str]:
    """Files with a face that was judged to be one of these people's."""
    query = """SELECT DISTINCT f.fingerprint FROM json_each(?) AS j CROSS JOIN face AS f
        ON f.library_id = ? AND f.person = j.value"""
    return [row[0] for row in db.execute(query, (dumps(list(people)), library_id))]
