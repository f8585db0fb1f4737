"""What the page of people shows: the same as of all faces, found in indexes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tagger.people_store import Example, NewFace, PeopleStore, Place
from tagger.people_store.schema import MIGRATIONS
from tagger.store.schema import migrate
from tagger.types import Box, ItemRef, MediaItem

MODEL = "m@1"
BOX = Box(0.1, 0.1, 0.3, 0.4)


def face(quality: float, crop: bytes = b"crop") -> NewFace:
    return NewFace((Place(0.0, BOX),), b"vector", quality, 0.95, crop=crop)


@pytest.fixture
def store(tmp_path: Path) -> PeopleStore:
    return PeopleStore(tmp_path / "people.sqlite", "library")


def put(store: PeopleStore, qualities: list[float]) -> list[int]:
    """A face a file; their ids."""
    for n, quality in enumerate(qualities):
        store.put_faces(MediaItem(ItemRef("image", str(n)), "image", "", f"md5:{n}"), MODEL, [face(quality)])
    return [one.id for one in store.unknown(MODEL)]


def test_the_largest_groups_with_their_best_faces(store: PeopleStore) -> None:
    ids = put(store, [0.5, 0.9, 0.7, 0.8, 0.6, 0.4, 0.3, 0.2])
    store.set_groups(dict(zip(ids, [7, 7, 7, 3, 3, 5, 9, -1], strict=True)))
    store.judged([(ids[6], 1, "apply")])
    assert store.group_sizes(MODEL, 1) == [(7, 3), (3, 2), (5, 1)]
    assert store.group_sizes(MODEL, 2) == [(7, 3), (3, 2)] and store.group_sizes("other@1", 1) == []
    best = store.best_of_groups(MODEL, [7, 3, 4], 2)
    assert best == {7: [ids[1], ids[2]], 3: [ids[3], ids[4]], 4: []}
    every = store.best_of_groups(MODEL, [7, 3, 5], 100)
    assert [(group, tuple(faces)) for group, faces in every.items()] == store.groups(MODEL)


def test_the_best_crops_of_each_person(store: PeopleStore) -> None:
    ada, bob = store.person("Ada").id, store.person("Bob").id
    for n, (person, quality, crop) in enumerate(
        [(ada, 0.5, b"5"), (ada, 0.9, b"9"), (ada, 0.7, b"7"), (ada, 0.8, b""), (bob, 0.1, b"1"), (bob, 0.2, b"2")]
    ):
        given = Example(0, person, MODEL, "named", "", f"md5:{n}", Place(0.0, BOX), b"vector", quality, crop)
        assert store.add_example(given)
    assert store.best_crops(MODEL, 2) == {ada: [b"9", b"7"], bob: [b"2", b"1"]}
    store.take_back_examples([one.id for one in store.examples(MODEL, bob)][:1])
    assert store.best_crops(MODEL, 2)[bob] == [b"2"] and store.best_crops("other@1", 2) == {}


def test_the_faces_of_a_person(store: PeopleStore) -> None:
    ids = put(store, [0.5, 0.9, 0.7])
    person = store.person("Ada").id
    store.judged([(ids[2], person, "apply"), (ids[0], person, "review")])
    assert store.faces_of_person(MODEL, person, 10) == [ids[0], ids[2]]
    assert store.faces_of_person(MODEL, person, 1) == [ids[0]] and store.faces_of_person(MODEL, 99, 10) == []


def test_a_page_reads_indexes_and_not_the_vectors_of_all_faces(store: PeopleStore) -> None:
    put(store, [0.5])
    said: list[str] = []
    with store._database.read() as db:
        db.set_trace_callback(said.append)
    sizes, best = store.group_sizes(MODEL, 2), store.best_of_groups(MODEL, [1], 6)
    store.faces_of_person(MODEL, 1, 9)
    store.items_of(["md5:0"])
    with store._database.read() as db:
        db.set_trace_callback(None)
        queries = [query for query in said if query.startswith("SELECT")]
        plans = [db.execute(f"EXPLAIN QUERY PLAN {query}").fetchall() for query in queries]
    assert (sizes, best) == ([], {1: []})
    first = [next(row[3] for row in plan if "VIRTUAL TABLE" not in row[3]) for plan in plans]
    assert "COVERING INDEX face_in_group (library_id=? AND model=? AND group_id>?)" in first[0]
    assert "COVERING INDEX face_in_group (library_id=? AND model=? AND group_id=?)" in first[1]
    assert "face_by_person (library_id=? AND person=?)" in first[2]
    assert "item_by_file (library_id=? AND fingerprint=?)" in first[3]


def test_a_file_of_before_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "people.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        migrate(db, path, MIGRATIONS[:2])
        db.executescript("""INSERT INTO library VALUES (1, 'library');
            INSERT INTO face (library_id, fingerprint, model, places, landmarks, spans, quality, score, vector,
                group_id) VALUES (1, 'a', 'm@1', '[]', '[]', '[]', 0.5, 1, x'00', 4),
                (1, 'b', 'm@1', '[]', '[]', '[]', 0.9, 1, x'00', 4)
        """)
    with closing(PeopleStore(path, "library")) as store:
        assert store.group_sizes(MODEL, 2) == [(4, 2)] and store.best_of_groups(MODEL, [4], 9) == {4: [2, 1]}
