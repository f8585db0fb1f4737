"""Which tag of the person's is meant by a label."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.judgement.vocabulary import Names, TagIndex, display, matches, normal, singular
from tagger.types import Tag

TAGS = [
    Tag("3", "Dogs"),
    Tag("7", "automobile", aliases=("Car", "Auto")),
    Tag("9", "people"),
    Tag("12", "Potted-Plant"),
    Tag("20", "car"),
]


@pytest.mark.parametrize(
    ("label", "tag_id"),
    [("dog", "3"), ("Car", "20"), ("AUTO", "7"), ("person", "9"), ("potted plants", "12"), ("cars", "20")],
)
def test_an_existing_tag_is_found_by_name_alias_case_and_plural(label: str, tag_id: str) -> None:
    tag = TagIndex(TAGS).find(label)
    assert tag is not None and tag.id == tag_id


@pytest.mark.parametrize("label", ["do", "carpet", "cat", "dogma", ""])
def test_nothing_else_is_found(label: str) -> None:
    assert TagIndex(TAGS).find(label) is None


def test_of_two_that_look_alike_the_older_one_is_meant() -> None:
    tags = [Tag("10", "horse"), Tag("9", "HORSE")]
    found = TagIndex(tags).find("Horses")
    assert found is not None and found.id == "9"


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("buses", "bus"),
        ("skis", "ski"),
        ("knives", "knife"),
        ("tennis", "tennis"),
        ("bus", "bus"),
    ],
)
def test_plurals(many: str, one: str) -> None:
    assert singular(many) == one


@pytest.mark.parametrize(
    "name",
    [
        "glasses",
        "sunglasses",
        "news",
        "pants",
        "trousers",
        "scissors",
        "jeans",
        "shorts",
        "series",
        "species",
        "clothes",
        "overalls",
        "lens",
    ],
)
def test_what_only_looks_like_a_plural_is_a_word_of_its_own(name: str) -> None:
    assert singular(name) == name and singular(f"Red {name.upper()}") == f"red {name}"
    shorter = {name[:-1], name.removesuffix("es"), name.removesuffix("ies") + "y"} - {name}
    assert TagIndex([Tag(str(i), other) for i, other in enumerate(sorted(shorter), 1)]).find(name) is None
    assert not matches(name, sorted(shorter))


def test_names_map_a_label_to_others_to_several_or_to_nothing() -> None:
    names = Names.of({"cat": "Kitty", "Potted_Plant": ["Plants", "Home"], "tie": None})
    assert names.of_label("CAT") == ("Kitty",)
    assert names.of_label("potted plant") == ("Plants", "Home")
    assert names.of_label("tie") == ()
    assert names.of_label("traffic light") == ("Traffic light",)


def test_patterns() -> None:
    assert matches("Potted plant", ["*plant*"]) == "*plant*"
    assert matches("Dog", ["dogs"]) == "dogs"
    assert matches("Dog", ["do"]) == ""


@given(st.text(max_size=40))
def test_names_compare_the_same_however_often_they_are_prepared(name: str) -> None:
    assert normal(normal(name)) == normal(name)
    assert normal(display(name)) == normal(name) or normal(name) == ""


@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12), max_size=8))
def test_every_tag_is_found_by_its_own_name(names: list[str]) -> None:
    tags = [Tag(str(i), name) for i, name in enumerate(names)]
    index = TagIndex(tags)
    for tag in tags:
        found = index.find(tag.name)
        assert found is not None and normal(found.name) == normal(tag.name)
