"""What somebody split stays apart for ever, even where all models agree that it is one person; only the same person's
word brings it together again."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.judgement.decide import Policy
from tagger.library.people.desk import Desk, teach
from tagger.library.people.gathering import gather, put_together
from tagger.people_store import NewFace, PeopleStore, Place, Said, StoredFace
from tagger.people_store.schema import MIGRATIONS
from tagger.types import Box, ItemRef, MediaItem
from tests.laws import examples
from tests.people.drawn import LIKENESS, Cast

ONE, OTHER, THIRD = (0, 1, 2, 3), (4, 5, 6), (7, 8, 9)  # files; ONE and OTHER look like one person, THIRD like another
MODELS = ("m1@1", "m2@1", "m3@1")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("gather"), st.sampled_from(MODELS)),
        st.tuples(st.just("look"), st.sampled_from(MODELS), st.floats(-0.03, 0.03)),
        st.tuples(st.just("merge"), st.sampled_from(MODELS), st.booleans()),
        st.tuples(st.just("new face"), st.sampled_from(MODELS)),
        st.tuples(st.just("forget groups"), st.sampled_from(MODELS)),
    ),
    max_size=8,
)


class World:
    """Ten files with a face each, in the store of a library that several models look at."""

    def __init__(self, folder: Path) -> None:
        self.store = PeopleStore(folder / "people.sqlite", "library")
        self.cast = Cast(2, seed=3, alike=0.9)
        self.files = 10
        self.look(MODELS[0], 0.0)
        self.gather(MODELS[0])

    def item(self, number: int) -> MediaItem:
        return MediaItem(ItemRef("image", str(number)), "image", "", f"md5:{number}", f"/p/{number}.jpg")

    def look(self, model: str, shift: float) -> None:
        for number in range(self.files):
            self.put(model, number, shift)

    def put(self, model: str, number: int, shift: float) -> None:
        vector = self.cast.faces(int(number in THIRD), 1)[0].astype(np.float16).tobytes()
        place = Place(0.0, Box(0.3 + shift, 0.2, 0.5 + shift, 0.5))
        self.store.put_faces(self.item(number), model, [NewFace((place,), vector, 1.0, 0.95)])

    def desk(self, model: str) -> Desk:
        return Desk(self.store, model, LIKENESS, Policy())

    def gather(self, model: str) -> None:
        gather(self.desk(model), always=True)

    def faces(self, model: str, files: tuple[int, ...]) -> list[StoredFace]:
        found = self.store.faces_of([f"md5:{number}" for number in files], model)
        return [face for some in found.values() for face in some]

    def groups(self, model: str, files: tuple[int, ...]) -> set[int]:
        return {face.group for face in self.faces(model, files)} - {0}

    def split(self, model: str) -> None:
        taken = self.faces(model, OTHER)
        self.store.part(taken, self.faces(model, ONE))
        self.store.set_groups({face.id: taken[0].id for face in taken})

    def merge(self, model: str, one: tuple[int, ...], other: tuple[int, ...]) -> None:
        """Of the whole groups in which the first faces are."""
        parts = [self.store.faces(next(g for g in self.store.groups(model) if g.id == face.group).faces)
                 for face in (self.faces(model, one)[0], self.faces(model, other)[0])]  # fmt: skip
        put_together(self.store, parts[0], parts[1])
        self.store.set_groups({face.id: parts[0][0].group for part in parts for face in part})

    def do(self, step: tuple[object, ...]) -> None:
        match step:
            case ("gather", str(model)):
                self.gather(model)
            case ("look", str(model), float(shift)):
                self.look(model, shift)
                self.gather(model)
            case ("merge", str(model), bool(with_one)):
                side = ONE if with_one else OTHER
                groups = self.groups(model, side[:1]), self.groups(model, THIRD[:1])
                both = self.groups(model, ONE) & groups[1] or self.groups(model, OTHER) & groups[1]
                if all(groups) and groups[0] != groups[1] and not both:
                    self.merge(model, side, THIRD)
            case ("new face", str(model)):
                self.files += 1
                self.put(model, self.files - 1, 0.0)
                self.gather(model)
            case ("forget groups", str(model)):
                self.store.set_groups({face.id: 0 for face in self.faces(model, tuple(range(self.files)))})
                self.gather(model)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.store.close()


@settings(max_examples=examples(40), deadline=None)
@given(STEPS)
def test_what_was_split_never_comes_together_by_itself(steps: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        try:
            assert world.groups(MODELS[0], ONE) == world.groups(MODELS[0], OTHER), "the test shows nothing otherwise"
            world.split(MODELS[0])
            for step in [("gather", MODELS[0]), ("look", MODELS[1], 0.02), *steps]:
                world.do(step)
                for model in MODELS:
                    assert not world.groups(model, ONE) & world.groups(model, OTHER), (step, model)
        finally:
            world.store.close()


def test_a_wrong_merge_is_split_for_ever(world: World) -> None:
    model = MODELS[0]
    world.merge(model, ONE, THIRD)
    third = world.faces(model, THIRD)
    world.store.part(third, world.faces(model, ONE + OTHER))
    world.store.set_groups({face.id: third[0].id for face in third})
    for step in (("gather", model), ("look", MODELS[1], 0.02), ("forget groups", model)):
        world.do(step)
    for one in MODELS[:2]:
        assert not world.groups(one, THIRD) & world.groups(one, ONE + OTHER)


def test_only_a_persons_own_merge_brings_it_together_again(world: World) -> None:
    world.split(MODELS[0])
    world.gather(MODELS[0])
    world.merge(MODELS[0], ONE, OTHER)
    world.gather(MODELS[0])
    world.look(MODELS[1], 0.0)
    world.gather(MODELS[1])
    for model in MODELS[:2]:
        assert world.groups(model, ONE) == world.groups(model, OTHER)
    assert world.store.partings() == []


def test_a_merge_of_some_leaves_the_others_apart(world: World) -> None:
    faces = {number: world.faces(MODELS[0], (number,)) for number in range(10)}
    world.store.part([f for n in ONE for f in faces[n]], [f for n in OTHER for f in faces[n]])
    world.store.put_together([(faces[0][0], faces[4][0])], [*faces[0], *faces[4]])
    apart = {
        frozenset((a.fingerprint, b.fingerprint))
        for parting in world.store.partings() for a in parting.one for b in parting.other
    }  # fmt: skip
    every = {frozenset((f"md5:{a}", f"md5:{b}")) for a in ONE for b in OTHER}
    assert apart == every - {frozenset(("md5:0", "md5:4"))}


def test_who_was_split_off_is_not_taken_for_those_that_are_named_then(world: World) -> None:
    model = MODELS[0]
    world.split(model)
    ada = world.store.person("Ada", "7")
    rest = world.faces(model, ONE)
    teach(world.desk(model), rest, ada.id)
    world.store.say([Said("is", face.fingerprint, face.face.places, ada.id) for face in rest])
    world.look(MODELS[1], 0.0)
    teach(world.desk(MODELS[1]), world.faces(MODELS[1], ONE), ada.id)

    def named(model: str, number: int) -> bool:
        desk = world.desk(model)
        return any(d.tag == "Ada" and d.verdict in ("apply", "review") for d in desk.decide(world.item(number)))

    world.files = 12
    for one in MODELS[:2]:
        world.put(one, 11, 0.0)
        assert named(one, 11), "anybody else who looks so is Ada"
        assert not any(named(one, number) for number in OTHER)
    world.store.say([Said("is", face.fingerprint, face.face.places, ada.id) for face in world.faces(model, OTHER)])
    assert all(named(model, number) for number in OTHER), "but a person's own word counts"


def test_partings_of_an_older_file_hold(tmp_path: Path) -> None:
    path = tmp_path / "people.sqlite"
    db = sqlite3.connect(path)
    for statement in MIGRATIONS[0]:
        db.execute(statement)
    db.execute("INSERT INTO library (key) VALUES ('library')")
    spot = "[[0.0,0.1,0.1,0.3,0.4]]"
    tie = (
        "INSERT INTO tie (library_id, together, fingerprint, places, other_fingerprint, other_places) "
        "VALUES (1, ?, 'md5:1', ?, ?, ?)"
    )
    db.executemany(tie, [(0, spot, "md5:2", spot), (1, spot, "md5:3", spot)])
    db.execute(
        "INSERT INTO face (library_id, fingerprint, model, places, landmarks, spans, quality, score, vector, crop) "
        "VALUES (1, 'md5:1', 'm@1', ?, '[]', '[]', 1, 1, x'00', x'ff')", (spot,))  # fmt: skip
    db.execute("PRAGMA user_version = 1")
    db.commit()
    db.close()
    store = PeopleStore(path, "library")
    (parting,) = store.partings()
    assert [[spot.fingerprint for spot in side] for side in parting] == [["md5:1"], ["md5:2"]]
    assert [(one.fingerprint, other.fingerprint) for one, other in store.ties()] == [("md5:1", "md5:3")]
    assert store.faces([1])[0].face.crop == b"\xff"
    store.close()
