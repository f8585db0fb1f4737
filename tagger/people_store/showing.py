"""What the page of people shows, of however many faces: a few rows by an index each."""

from __future__ import annotations

from collections.abc import Sequence

from tagger.store.database import Database

UNKNOWN = "f.library_id = ? AND f.model = ? AND f.verdict NOT IN ('apply', 'is', 'ignored', 'not_face')"
_SIZES = f"""SELECT f.group_id, count(*) AS n FROM face AS f WHERE {UNKNOWN} AND f.group_id > 0
    GROUP BY f.group_id HAVING n >= ? ORDER BY n DESC, f.group_id"""  # noqa: S608
_BEST = f"""SELECT f.id FROM face AS f WHERE {UNKNOWN} AND f.group_id = ?
    ORDER BY f.quality DESC, f.id LIMIT ?"""  # noqa: S608
# length(), since a blob is read for it no further than its size.
_BEST_EXAMPLES = """SELECT e.person, e.crop FROM (
        SELECT x.id, row_number() OVER (PARTITION BY x.person ORDER BY x.quality DESC, x.id) AS place FROM example AS x
        WHERE x.library_id = ? AND x.taken_back = 0 AND x.model = ? AND length(x.crop) > 0) AS best
    CROSS JOIN example AS e ON e.id = best.id WHERE best.place <= ? ORDER BY e.person, best.place"""


class ShowingStore:
    """Mixed into the store, whose connection and library it uses."""

    _database: Database
    _id: int

    def group_sizes(self, model: str, least: int) -> list[tuple[int, int]]:
        """Group and how many faces, the largest first, then by id."""
        with self._database.read() as db:
            return [(group, n) for group, n in db.execute(_SIZES, (self._id, model, least))]

    def best_of_groups(self, model: str, groups: Sequence[int], most: int) -> dict[int, list[int]]:
        """By group: at most so many of its faces, the best first."""
        with self._database.read() as db:
            return {group: [face for (face,) in db.execute(_BEST, (self._id, model, group, most))] for group in groups}

    def best_crops(self, model: str, most: int) -> dict[int, list[bytes]]:
        """By person: crops of at most so many examples, the best first."""
        found: dict[int, list[bytes]] = {}
        with self._database.read() as db:
            for person, crop in db.execute(_BEST_EXAMPLES, (self._id, model, most)):
                found.setdefault(person, []).append(crop)
        return found

    def faces_of_person(self, model: str, person: int, most: int) -> list[int]:
        """Faces that the person was named on, or may be, by file."""
        query = """SELECT f.id FROM face AS f WHERE f.library_id = ? AND f.person = ? AND f.model = ?
            AND f.person != 0 ORDER BY +f.fingerprint, f.id LIMIT ?"""
        with self._database.read() as db:
            return [face for (face,) in db.execute(query, (self._id, person, model, most))]
