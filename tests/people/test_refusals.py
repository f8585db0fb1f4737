"""A refusal holds for ever: whatever models, sampling, examples, merges and groups come after it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.judgement.decide import Policy
from tagger.library.people.desk import Desk
from tagger.library.people.gathering import gather
from tagger.people_store import Example, NewFace, PeopleStore, Place, Said
from tagger.ports import Standing
from tagger.types import Box, ItemRef, MediaItem
from tests.laws import examples
from tests.people.drawn import LIKENESS, Cast

REFUSED, OTHER, REF = "Ada", "Bob", ItemRef("image", "1")
PICTURE = MediaItem(REF, "image", "", "md5:1", "/p/1.jpg")
VIDEO = MediaItem(ItemRef("scene", "1"), "video", "", "oshash:1", "/p/1.mp4", duration_s=60.0)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("look"), st.integers(1, 3), st.floats(-0.03, 0.03), st.floats(0.5, 5.0)),
        st.tuples(st.just("teach"), st.integers(1, 3)),
        st.tuples(st.just("merge"), st.booleans()),
        st.tuples(st.just("gather"), st.integers(1, 3)),
        st.tuples(
            st.just("new file"),
        ),
    ),
    max_size=8,
)


class World:
    """One item with one face, which every model takes for Ada's."""

    def __init__(self, folder: Path, item: MediaItem) -> None:
        self.store = PeopleStore(folder / "people.sqlite", "library")
        self.item, self.cast = item, Cast(3, seed=7)
        self.people = {name: self.store.person(name, name) for name in (REFUSED, OTHER)}
        self.ada = self.people[REFUSED].id
        for model in (1, 2, 3):
            self.teach(model)
        self.look(1, 0.0, 2.0)

    def desk(self, model: int) -> Desk:
        return Desk(self.store, f"m{model}@1", LIKENESS, Policy())

    def look(self, model: int, shift: float, step_s: float) -> None:
        times = np.arange(0.0, 30.0, step_s).tolist() if self.item.media == "video" else [0.0]
        places = tuple(Place(t, Box(0.3 + shift + t / 200, 0.2, 0.5 + shift + t / 200, 0.5)) for t in times)
        vector = self.cast.faces(0, 1)[0].astype(np.float16).tobytes()
        self.store.put_faces(self.item, f"m{model}@1", [NewFace(places, vector, 1.0, 0.9, spans_s=((0.0, 30.0),))])

    def teach(self, model: int) -> None:
        for k, vector in enumerate(self.cast.faces(0, 3)):
            place = Place(float(k), Box(0, 0, 1, 1))
            data = vector.astype(np.float16).tobytes()
            origin = f"md5:example {model} {k} {self.cast.rng.integers(10**9)}"
            self.store.add_example(Example(0, self.ada, f"m{model}@1", "item", "", origin, place, data, 1.0))

    def do(self, step: tuple[object, ...]) -> None:
        match step:
            case ("look", int(model), float(shift), float(step_s)):
                self.look(model, shift, step_s)
            case ("teach", int(model)):
                self.teach(model)
            case ("merge", bool(into_other)):
                names = [person.name for person in self.store.people()]
                if len(names) == 2:
                    other = self.people[OTHER].id
                    pair = (self.ada, other) if into_other else (other, self.ada)
                    self.store.merge_people(*pair)
                    self.ada = pair[1]
            case ("gather", int(model)):
                gather(self.desk(model), always=True)

    def applied(self, model: int) -> set[int]:
        desk = self.desk(model)
        decisions = desk.decide(self.item)
        desk.flush()
        plans = desk.plan(self.item, decisions, Standing())
        names = {d.tag for d in decisions if d.verdict in ("apply", "review")} | {plan.tag_name for plan in plans}
        return {person.id for person in self.store.people() if person.name in names}


@settings(max_examples=examples(40), deadline=None)
@given(STEPS, st.booleans(), st.sampled_from([PICTURE, VIDEO]))
def test_a_refused_face_is_never_that_person_again(
    steps: list[tuple[object, ...]], whole: bool, item: MediaItem
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), item)
        try:
            assert world.applied(1) == {world.ada}, "the test shows nothing if nobody is recognised"
            (face,) = world.store.faces_of([item.fingerprint], "m1@1")[item.fingerprint]
            places = () if whole else face.face.places
            world.store.say([Said("not", item.fingerprint, places, world.ada, item.ref if whole else None)])
            for step in [("look", 1, 0.0, 2.0), *steps]:
                world.do(step)
                for model in (1, 2, 3):
                    assert world.ada not in world.applied(model), step
        finally:
            world.store.close()


def test_an_items_refusal_outlives_its_file(tmp_path: Path) -> None:
    world = World(tmp_path, PICTURE)
    world.store.say([Said("not", PICTURE.fingerprint, (), world.ada, REF)])
    world.item = MediaItem(REF, "image", "", "md5:another file", "/p/1.jpg")
    world.look(1, 0.0, 2.0)
    assert world.applied(1) == set()


def test_two_faces_of_one_picture_are_refused_apart(tmp_path: Path) -> None:
    world = World(tmp_path, PICTURE)
    vectors = [v.astype(np.float16).tobytes() for v in (world.cast.faces(2, 1)[0], world.cast.faces(0, 1)[0])]
    boxes = (Box(0.05, 0.2, 0.2, 0.5), Box(0.6, 0.2, 0.8, 0.5))
    faces = [NewFace((Place(0.0, box),), vector, 1.0, 0.9) for box, vector in zip(boxes, vectors, strict=True)]
    world.store.put_faces(PICTURE, "m1@1", faces)
    world.store.say([Said("not", PICTURE.fingerprint, faces[0].places, world.ada)])
    assert world.applied(1) == {world.ada}, "that the one is not Ada says nothing of the other"
