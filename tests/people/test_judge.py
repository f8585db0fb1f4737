"""Whose face it is: what the probability depends on, and each rule against the usual harm."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.people.judge import Identity, People, Query
from tagger.people.likeness import Likeness
from tagger.people.templates import Known
from tests.people.drawn import DIMENSIONS, LIKENESS, Cast, Floats, unit


def ask(people: People, vector: Floats, quality: float = 1.0, refused: frozenset[str] = frozenset()) -> Identity | None:
    return people.identify([Query(vector, quality, refused)])[0]


def at(cosine: float, target: Floats, seed: int = 0) -> Floats:
    """A unit vector with exactly this cosine to ``target``."""
    other = np.random.default_rng(seed).standard_normal(len(target)).astype(np.float32)
    other = unit(other - (other @ target) * target)
    return unit(cosine * target + np.sqrt(1 - cosine**2) * other)


def one_template(cast: Cast, person: int) -> Known:
    return Known(f"p{person}", cast.centres[person : person + 1], np.ones(1, np.float32))


def test_known_faces_are_named_and_strangers_are_not() -> None:
    cast = Cast(60)
    people = People([cast.known(p) for p in range(30)], LIKENESS)
    known = [ask(people, cast.faces(p, 1)[0]) for p in range(30)]
    strangers = [ask(people, cast.faces(p, 1)[0]) for p in range(30, 60)]
    applied = [k for p, k in enumerate(known) if k and k.sure and k.probability >= 0.9 and k.person_id == f"p{p}"]
    assert len(applied) >= 29
    assert not [s for s in strangers if s and s.probability >= 0.7]


def test_the_sentence_names_the_person_the_similarity_and_the_runner_up() -> None:
    cast = Cast(3)
    people = People([cast.known(p) for p in range(3)], LIKENESS)
    identity = ask(people, cast.faces(1, 1)[0])
    assert identity is not None
    assert identity.runner_up is not None
    assert identity.why.startswith("Looks like {p1}: similarity 0.")
    assert f"{{{identity.runner_up[0]}}}" in identity.why
    assert len(identity.examples) == 3
    assert identity.examples[0][1] >= identity.examples[-1][1]


@given(st.floats(0.2, 0.95), st.floats(0.0, 1.0), st.integers(1, 5))
def test_nearer_is_surer_and_poorer_is_less_sure(cosine: float, quality: float, examples: int) -> None:
    assert LIKENESS.odds(cosine + 0.02, examples, quality) >= LIKENESS.odds(cosine, examples, quality)
    assert LIKENESS.odds(cosine, examples, quality) <= LIKENESS.odds(cosine, examples, 1.0) * (1 + 1e-9)


def test_the_same_similarity_is_worth_less_among_more_people() -> None:
    cast = Cast(2000)
    vector = at(0.29, cast.centres[0])
    said = []
    for count in (2, 20, 200, 2000):
        near = [i for i in range(1, count) if float(cast.centres[i] @ vector) < 0.25]
        identity = ask(People([one_template(cast, p) for p in (0, *near)], LIKENESS), vector)
        said.append(identity.probability if identity else 0.0)
    assert said == sorted(said, reverse=True)
    assert said[0] > 0.9 > said[-1]


@pytest.mark.parametrize("people", [1, 10, 1000])
def test_strangers_stay_within_the_budget_however_many_are_known(people: int) -> None:
    """Cosines of strangers are drawn from the impostors' own distribution, the nearest of so many known people."""
    rng = np.random.default_rng(1)
    nearest = rng.normal(LIKENESS.impostor_mean, LIKENESS.impostor_deviation, (20_000, people)).max(axis=1)
    like = replace(LIKENESS, false_accepts=0.01)
    accepted = float((nearest >= like.threshold(people)).mean())
    assert 0.004 < accepted < 0.016


def test_a_near_runner_up_leaves_it_to_a_person() -> None:
    cast = Cast(2)
    both = unit(cast.centres[0] + 0.95 * cast.centres[1])
    identity = ask(People([one_template(cast, 0), one_template(cast, 1)], LIKENESS), both)
    assert identity is not None
    assert not identity.sure
    assert "{p1} is nearly as near" in identity.why


def test_twins_stay_in_review() -> None:
    cast = Cast(3)
    twin = at(0.75, cast.centres[0])
    known = [one_template(cast, 0), Known("twin", twin[None], np.ones(1, np.float32)), one_template(cast, 2)]
    people = People(known, LIKENESS)
    identity = ask(people, cast.centres[0])
    other = ask(people, cast.centres[2])
    assert people.alike == {"p0": {"twin"}, "twin": {"p0"}}
    assert identity is not None
    assert identity.person_id == "p0"
    assert not identity.sure
    assert other is not None
    assert other.sure


def test_a_poor_face_is_never_sure_and_an_unmeasured_model_neither() -> None:
    cast = Cast(2)
    known = [cast.known(0), cast.known(1)]
    poor = ask(People(known, LIKENESS), cast.centres[0], quality=0.1)
    unmeasured = ask(People(known, Likeness()), cast.centres[0])
    assert poor is not None
    assert unmeasured is not None
    assert not poor.sure
    assert not unmeasured.sure


def test_a_refused_person_is_never_named_again() -> None:
    cast = Cast(2)
    people = People([cast.known(0), cast.known(1)], LIKENESS)
    identity = ask(people, cast.centres[0], refused=frozenset({"p0"}))
    assert identity is None or identity.person_id != "p0"


def test_a_person_is_once_in_a_picture_and_contested_is_not_sure() -> None:
    cast = Cast(2)
    people = People([one_template(cast, 0), one_template(cast, 1)], LIKENESS)
    near, further = at(0.85, cast.centres[0], 1), at(0.55, cast.centres[0], 2)
    assert float(near @ further) < LIKENESS.genuine_mean
    first, second = people.identify([Query(near, 1.0), Query(further, 1.0)])
    assert first is not None
    assert first.person_id == "p0"
    assert not first.sure
    assert second is None or second.probability < 0.7


def test_a_mirror_shows_the_same_person_twice() -> None:
    cast = Cast(2)
    people = People([one_template(cast, 0), one_template(cast, 1)], LIKENESS)
    mirrored = people.identify([Query(at(0.9, cast.centres[0], 1), 1.0), Query(at(0.85, cast.centres[0], 2), 1.0)])
    assert [i.person_id for i in mirrored if i and i.sure] == ["p0", "p0"]


def test_one_wrong_example_neither_spoils_a_person_nor_is_hidden() -> None:
    cast = Cast(2)
    vectors = np.concatenate([cast.faces(0, 4), cast.faces(1, 1)])
    known = Known("p0", vectors, np.ones(5, np.float32), ("a", "b", "c", "d", "wrong"))
    people = People([known], LIKENESS)
    identity = ask(people, cast.faces(0, 1)[0])
    assert people.odd("p0") == ("wrong",)
    assert identity is not None
    assert identity.sure


def test_nobody_is_known() -> None:
    assert People([], LIKENESS).identify([Query(np.ones(DIMENSIONS, np.float32), 1.0)]) == [None]


def test_ten_thousand_people_are_asked_in_no_time() -> None:
    cast = Cast(10_000)
    people = People([one_template(cast, p) for p in range(10_000)], LIKENESS)
    faces = [cast.faces(p, 1)[0] for p in range(50)]
    started = time.process_time()
    for face in faces:
        ask(people, face)
    assert (time.process_time() - started) / len(faces) < 0.05  # 5 ms when nothing else runs
