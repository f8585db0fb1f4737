"""The store of people: what it keeps, for whom, and what is left after forgetting."""

from __future__ import annotations

import sqlite3
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from tagger.errors import StoreError
from tagger.people_store import Example, NewFace, PeopleStore, Place, Said, same_place
from tagger.types import Box, ItemRef, MediaItem

BOX, ELSEWHERE = Box(0.1, 0.1, 0.3, 0.4), Box(0.6, 0.1, 0.8, 0.4)
SECRET = np.full(64, 0.123, np.float16).tobytes()


def item(number: int = 1, fingerprint: str = "") -> MediaItem:
    return MediaItem(ItemRef("image", str(number)), "image", "", fingerprint or f"md5:{number}", f"/p/{number}.jpg")


def face(box: Box = BOX, time_s: float = 0.0, vector: bytes = SECRET) -> NewFace:
    return NewFace((Place(time_s, box),), vector, 0.9, 0.95, crop=b"crop of a face")


@pytest.fixture
def store(tmp_path: Path) -> PeopleStore:
    return PeopleStore(tmp_path / "data" / "people.sqlite", "library")


def example(person: int, fingerprint: str = "md5:1", box: Box = BOX) -> Example:
    return Example(0, person, "m@1", "item", "image:1", fingerprint, Place(0.0, box), SECRET, 0.9, b"crop of a face")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_only_the_owner_may_read_it(store: PeopleStore, tmp_path: Path) -> None:
    store.put_faces(item(), "m@1", [face()])
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    for file in (tmp_path / "data").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_a_face_keeps_its_id_and_group_when_it_is_looked_at_again(store: PeopleStore) -> None:
    store.put_faces(item(), "m@1", [face(), face(ELSEWHERE)])
    before = store.faces_of(["md5:1"], "m@1")["md5:1"]
    store.set_groups({before[0].id: before[0].id})
    store.put_faces(item(), "m@1", [face(Box(0.11, 0.1, 0.31, 0.41))])
    (after,) = store.faces_of(["md5:1"], "m@1")["md5:1"]
    assert (after.id, after.group) == (before[0].id, before[0].id)


def test_libraries_and_models_know_nothing_of_each_other(store: PeopleStore, tmp_path: Path) -> None:
    store.put_faces(item(), "m@1", [face()])
    store.person("Ada", "7")
    other = PeopleStore(tmp_path / "data" / "people.sqlite", "another")
    assert other.faces_of(["md5:1"], "m@1") == {"md5:1": []}
    assert other.people() == [] and other.counts()["faces"] == 0
    assert store.faces_of(["md5:1"], "other@1") == {"md5:1": []}
    other.forget_everybody()
    assert store.counts()["faces"] == 1


def test_a_person_is_found_by_performer_then_by_name(store: PeopleStore) -> None:
    nameless = store.person("ada")
    ada = store.person("Ada", "7")
    assert ada.id == nameless.id and ada.performer_id == "7"
    assert store.person("Ada Lovelace", "7").id == ada.id
    assert store.person("Ada Lovelace", "8").id != ada.id


def test_what_was_taken_back_is_not_learned_again_for_the_same_person(store: PeopleStore) -> None:
    ada, bob = store.person("Ada", "1"), store.person("Bob", "2")
    assert store.add_example(example(ada.id))
    assert not store.add_example(example(ada.id)), "it is one already"
    (kept,) = store.examples("m@1")
    assert store.take_back_examples([kept.id]) == 1
    assert store.examples("m@1") == []
    assert not store.add_example(example(ada.id))
    assert store.add_example(example(bob.id)), "that it isn't Ada says nothing of Bob"


def test_the_newest_word_on_a_face_counts_and_refusals_stay(store: PeopleStore) -> None:
    ada, bob = store.person("Ada", "1"), store.person("Bob", "2")
    place = (Place(0.0, BOX),)
    store.say([Said("not", "md5:1", place, ada.id), Said("is", "md5:1", place, bob.id)])
    store.say([Said("ignored", "md5:1", place)])
    (said,) = store.said_of([("md5:1", None)])
    assert {(s.what, s.person) for s in said} == {("not", ada.id), ("ignored", 0)}
    store.say([Said("is", "md5:1", place, ada.id)])
    (said,) = store.said_of([("md5:1", None)])
    assert {(s.what, s.person) for s in said} == {("is", ada.id)}, "only a person's own yes ends their no"


def test_an_answer_that_is_taken_back_leaves_no_word_and_no_example(store: PeopleStore) -> None:
    ada, bob = store.person("Ada", "1"), store.person("Bob", "2")
    place, ref = (Place(0.0, BOX),), ItemRef("image", "1")

    def words() -> set[tuple[str, int]]:
        return {(s.what, s.person) for s in store.said_of([("md5:1", ref)])[0]}

    store.say([Said("not", "md5:1", (), ada.id, ref), Said("is", "md5:1", place, bob.id)])
    store.say([Said("is", "md5:1", place, ada.id, ref, answer=7)])
    store.add_example(example(ada.id), answer=7)
    store.take_in([7])
    assert words() == {("is", ada.id)} and store.taken_in() == {7}
    store.unsay([7])
    assert words() == {("not", ada.id), ("is", bob.id)}, "what it took the place of counts again"
    assert store.examples() == [] and store.taken_in() == set()
    assert "md5:1" in store.waiting("file") and str(ada.id) in store.waiting("person")
    assert store.add_example(example(ada.id)), "it may be learned again"


def test_a_newer_word_outlives_the_answer_that_it_took_the_place_of(store: PeopleStore) -> None:
    ada, bob = store.person("Ada", "1"), store.person("Bob", "2")
    place = (Place(0.0, BOX),)
    store.say([Said("is", "md5:1", place, bob.id)])
    store.say([Said("is", "md5:1", place, ada.id, answer=7)])
    store.say([Said("ignored", "md5:1", place)])
    store.unsay([7])
    assert [s.what for s in store.said_of([("md5:1", None)])[0]] == ["ignored"]


def test_a_refusal_goes_along_when_people_are_merged(store: PeopleStore) -> None:
    ada, twin = store.person("Ada", "1"), store.person("Ada again", "2")
    store.say([Said("not", "md5:1", (), twin.id, ItemRef("image", "1"))])
    store.merge_people(twin.id, ada.id)
    (said,) = store.said_of([("md5:new file", ItemRef("image", "1"))])
    assert [(s.what, s.person) for s in said] == [("not", ada.id)]
    assert [p.name for p in store.people()] == ["Ada"]
    assert "md5:1" not in store.waiting("file") or store.waiting("person") == [str(ada.id)]


def test_places_are_the_same_however_they_were_sampled() -> None:
    still = [Place(0.0, BOX)]
    assert same_place(still, [Place(0.0, Box(0.12, 0.1, 0.32, 0.42))])
    assert not same_place(still, [Place(0.0, ELSEWHERE)])
    walk = [Place(float(t), Box(0.1 + t / 20, 0.1, 0.3 + t / 20, 0.4)) for t in range(0, 10, 2)]
    assert same_place(walk, [Place(t + 0.9, Box(0.1 + t / 20, 0.1, 0.3 + t / 20, 0.4)) for t in range(0, 10, 2)])
    assert not same_place(walk, [Place(p.time_s, ELSEWHERE) for p in walk[:2]])


def test_nothing_of_a_face_is_left_on_the_disk_after_forgetting(store: PeopleStore, tmp_path: Path) -> None:
    ada = store.person("Ada", "1")
    store.put_faces(item(), "m@1", [face()])
    (known,) = store.faces_of(["md5:1"], "m@1")["md5:1"]
    store.judged([(known.id, ada.id, "apply")])
    store.add_example(example(ada.id))

    def held() -> bytes:
        return b"".join(file.read_bytes() for file in (tmp_path / "data").iterdir())

    assert SECRET in held() and b"crop of a face" in held()
    store.forget_person(ada.id)
    assert SECRET not in held() and b"crop of a face" not in held()
    store.put_faces(item(2), "m@1", [face()])
    store.drop_crops()
    assert SECRET in held() and b"crop of a face" not in held()
    store.forget_everybody()
    assert SECRET not in held()
    assert store.counts() == {"people": 0, "examples": 0, "faces": 0, "said": 0}


def test_what_is_gone_from_the_library_is_gone_here_unless_another_item_has_the_file(store: PeopleStore) -> None:
    for number in (1, 2):
        store.put_faces(item(number, "md5:same"), "m@1", [face()])
    ada = store.person("Ada", "1")
    store.say([Said("not", "md5:same", (Place(0.0, BOX),), ada.id)])
    store.forget_items([ItemRef("image", "1")])
    assert store.counts()["faces"] == 1
    store.forget_items([ItemRef("image", "2")])
    assert store.counts()["faces"] == 0
    assert store.said_of([("md5:same", None)])[0], "a refusal holds, should the file come back"


def test_a_newer_file_is_refused_in_one_sentence(store: PeopleStore, tmp_path: Path) -> None:
    store.close()
    db = sqlite3.connect(tmp_path / "data" / "people.sqlite")
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match="newer version"):
        PeopleStore(tmp_path / "data" / "people.sqlite", "library")


def test_words_of_items_alone_do_not_cover_each_other(store: PeopleStore) -> None:
    ada = store.person("Ada").id
    for number in ("1", "2"):
        store.say([Said("not", "", person=ada, ref=ItemRef("image", number))])
    for number in ("1", "2"):
        (said,) = store.said_of([(f"md5:{number}", ItemRef("image", number))])
        assert [(one.what, one.person) for one in said] == [("not", ada)]


def test_words_taken_back_together_leave_what_lay_beneath_both(store: PeopleStore) -> None:
    ada, bea = store.person("Ada").id, store.person("Bea").id
    place = (Place(0.0, BOX),)
    store.say([Said("not_face", "md5:1", place)])
    store.say([Said("is", "md5:1", place, ada, answer=1)])
    store.say([Said("is", "md5:1", place, bea, answer=2)])
    store.unsay([1, 2])
    (said,) = store.said_of([("md5:1", None)])
    assert [one.what for one in said] == ["not_face"]


def test_what_was_said_before_a_person_counts_again_when_they_are_forgotten(store: PeopleStore) -> None:
    ada = store.person("Ada").id
    place = (Place(0.0, BOX),)
    store.say([Said("ignored", "md5:1", place), Said("is", "md5:1", place, ada)])
    store.forget_person(ada)
    (said,) = store.said_of([("md5:1", None)])
    assert [one.what for one in said] == ["ignored"]


def test_an_example_counts_again_when_the_no_that_took_it_back_is_taken_back(store: PeopleStore) -> None:
    ada = store.person("Ada").id
    store.add_example(example(ada))
    (before,) = store.examples()
    store.take_back_examples([before.id], answer=7)
    assert store.examples() == [] and not store.add_example(example(ada)), "while the no stands"
    store.done("person", [str(ada)])
    store.unsay([7])
    assert store.examples() == [before] and before.vector == SECRET and store.waiting("person") == [str(ada)]
    store.unsay([7])
    assert store.examples() == [before]
    store.forget_person(ada)
    assert store.examples() == []


def test_an_example_taught_by_an_answer_goes_with_it_whatever_another_answer_did(store: PeopleStore) -> None:
    ada = store.person("Ada").id
    store.add_example(example(ada), answer=6)
    store.take_back_examples([one.id for one in store.examples()], answer=7)
    store.unsay([7])
    assert len(store.examples()) == 1
    store.unsay([6])
    assert store.examples() == []


def test_no_example_comes_back_that_was_refused_or_given_to_another_meanwhile(store: PeopleStore) -> None:
    ada, bob = store.person("Ada").id, store.person("Bob").id
    for number in ("1", "2", "3"):
        store.add_example(example(ada, f"md5:{number}"))
    store.take_back_examples([one.id for one in store.examples()], answer=7)
    store.add_example(example(bob, "md5:1"))
    store.say([Said("not", "md5:2", (Place(0.0, BOX),), ada), Said("not", "md5:3", (Place(0.0, ELSEWHERE),), ada)])
    store.unsay([7])
    assert {(one.person, one.fingerprint) for one in store.examples()} == {(bob, "md5:1"), (ada, "md5:3")}
