"""Unknown faces → groups: whole, pure, stable; decisions of people hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.people.grouping import FaceBatch, Grouper
from tests.laws import examples
from tests.people.drawn import DIMENSIONS, LIKENESS, Cast, Floats


def batch(
    ids: list[int], vectors: Floats, pictures: list[int] | None = None, groups: list[int] | None = None
) -> FaceBatch:
    return FaceBatch(
        np.array(ids, np.int64),
        vectors,
        np.ones(len(ids), np.float32),
        None if pictures is None else np.array(pictures, np.int64),
        None if groups is None else np.array(groups, np.int64),
    )


def partition(grouper: Grouper) -> set[frozenset[int]]:
    return {frozenset(members) for members in grouper.groups().values()}


def people_of(cast: Cast, people: int, each: int) -> tuple[Floats, list[int]]:
    vectors = np.concatenate([cast.faces(p, each) for p in range(people)])
    return vectors, [p for p in range(people) for _ in range(each)]


def test_a_group_a_person() -> None:
    vectors, who = people_of(Cast(20), 20, 8)
    grouper = Grouper(LIKENESS, DIMENSIONS)
    grouper.add(batch(list(range(160)), vectors))
    assert partition(grouper) == {frozenset(i for i, w in enumerate(who) if w == p) for p in range(20)}
    assert all(group_id == min(members) for group_id, members in grouper.groups().items())


def test_strangers_stay_alone() -> None:
    cast = Cast(300)
    grouper = Grouper(LIKENESS, DIMENSIONS)
    grouper.add(batch(list(range(300)), np.concatenate([cast.faces(p, 1) for p in range(300)])))
    assert len(grouper.groups()) >= 299


@settings(max_examples=examples(20), deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_a_group_never_falls_apart_and_the_order_hardly_matters(seed: int, at_once: int) -> None:
    vectors, who = people_of(Cast(8, seed), 8, 6)
    order = np.random.default_rng(seed).permutation(48)
    grouper = Grouper(LIKENESS, DIMENSIONS)
    before: set[frozenset[int]] = set()
    names: dict[int, int] = {}
    for start in range(0, 48, at_once):
        some = order[start : start + at_once]
        done = grouper.add(batch(some.tolist(), vectors[some]))
        now = partition(grouper)
        assert all(any(group <= later for later in now) for group in before)
        for face, group in names.items():
            assert int(grouper.group_of([face])[0]) == done.merged.get(group, group)
        names = {int(i): int(grouper.group_of([int(i)])[0]) for i in order[: start + at_once]}
        before = now
    assert len(before) <= 10
    assert all(len({who[i] for i in group}) == 1 for group in before)


def test_an_earlier_run_goes_on_under_its_ids() -> None:
    vectors, _ = people_of(Cast(5), 5, 6)
    first = Grouper(LIKENESS, DIMENSIONS)
    first.add(batch(list(range(0, 30, 2)), vectors[::2]))
    ids = list(range(0, 30, 2))
    again = Grouper(LIKENESS, DIMENSIONS)
    done = again.add(batch(ids, vectors[::2], groups=first.group_of(ids).tolist()))
    assert again.groups() == first.groups()
    assert not done.merged
    again.add(batch(list(range(1, 30, 2)), vectors[1::2]))
    assert len(again.groups()) == 5
    assert (again.group_of(ids) == first.group_of(ids)).all()


def test_joined_groups_keep_the_larger_ones_id() -> None:
    cast = Cast(1)
    faces = cast.faces(0, 12)
    grouper = Grouper(LIKENESS, DIMENSIONS)
    grouper.add(batch([1, 2], faces[:2], groups=[1, 1]), apart=[])
    away = Cast(2, seed=9).faces(1, 5)
    grouper.add(batch([10, 11, 12, 13, 14], away, groups=[10] * 5))
    done = grouper.add(batch([20], cast.faces(0, 1)), together=[(1, 10)])
    assert done.merged == {1: 10}
    assert int(grouper.group_of([2])[0]) == 10


def test_what_is_apart_stays_apart_even_when_faces_agree() -> None:
    faces = Cast(1).faces(0, 10)
    grouper = Grouper(LIKENESS, DIMENSIONS)
    grouper.add(batch([0, 1], faces[:2]), apart=[([0], [1])])
    for i in range(2, 10):
        grouper.add(batch([i], faces[i : i + 1]))
    zero, one = grouper.group_of([0, 1]).tolist()
    assert zero != one
    assert len(grouper.groups()) == 2


def test_two_faces_of_a_picture_are_two_people() -> None:
    cast = Cast(1, alike=0.9)
    grouper = Grouper(LIKENESS, DIMENSIONS)
    grouper.add(batch([0, 1], cast.faces(0, 2), pictures=[7, 7]))
    assert len(grouper.groups()) == 2


def test_one_collage_does_not_halve_a_large_group() -> None:
    cast = Cast(1, alike=0.8)
    grouper = Grouper(LIKENESS, DIMENSIONS)
    grouper.add(batch(list(range(60)), cast.faces(0, 60), pictures=[0, 0, *range(2, 60)]))
    assert max(len(members) for members in grouper.groups().values()) >= 58


def test_copies_of_a_file_are_one_group() -> None:
    vectors = np.repeat(Cast(3).centres, 4, axis=0)
    grouper = Grouper(LIKENESS, DIMENSIONS)
    grouper.add(batch(list(range(12)), vectors))
    assert sorted(len(members) for members in grouper.groups().values()) == [4, 4, 4]


def test_poor_faces_are_in_no_group_unless_somebody_says_so() -> None:
    faces = Cast(1, alike=0.9).faces(0, 4)
    grouper = Grouper(LIKENESS, DIMENSIONS)
    grouper.add(FaceBatch(np.arange(4), faces, np.array([1, 1, 0.1, 0.1], np.float32)))
    assert grouper.group_of([0, 1, 2, 3]).tolist() == [0, 0, -1, -1]
    grouper.add(batch([], np.empty((0, DIMENSIONS), np.float32)), together=[(0, 2)])
    assert grouper.group_of([2, 3]).tolist() == [0, -1]
    assert Grouper(LIKENESS, DIMENSIONS).groups() == {}


def test_a_face_comes_once() -> None:
    grouper = Grouper(LIKENESS, DIMENSIONS)
    grouper.add(batch([5], Cast(1).faces(0, 1)))
    with pytest.raises(ValueError, match="once"):
        grouper.add(batch([5], Cast(1).faces(0, 1)))


@pytest.mark.slow
def test_many_faces_through_the_inverted_file() -> None:
    vectors, who = people_of(Cast(1200), 1200, 20)
    grouper = Grouper(LIKENESS, DIMENSIONS)
    grouper.add(batch(list(range(len(who))), vectors))
    groups = grouper.groups()
    assert sum(max(np.bincount([who[i] for i in m])) for m in groups.values()) >= 0.99 * len(who)
    gathered = {who[m[0]]: len(m) for m in reversed(groups.values())}
    assert sum(gathered.values()) >= 0.9 * len(who)
