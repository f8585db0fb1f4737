"""What is wanted: names, families, rules for folders, languages; and what can't be meant is refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tagger.config import load
from tagger.errors import ConfigError
from tagger.judgement.decide import Policy, decide
from tagger.judgement.vocabulary import TagIndex, normal
from tagger.policy import SHIPPED, doubts, known_names, load_language, policy_of, refuse_unknown, tree_of
from tagger.snapshot import read_policy, write_policy
from tagger.types import Decision, Prediction, Tag

ROOT = Path(__file__).parents[2]
LABELS = ["dog", "cat", "couch", "car", "person"]


def policy(arguments: dict[str, Any], libraries: tuple[str, ...] = ()) -> Policy:
    config = load(None, None, arguments).config
    return policy_of(config, load_language(config.tags.language), libraries)


def decided(policy: Policy, **chances: float) -> dict[str, Decision]:
    found = [Prediction("objects", s.replace("_", " "), p, p, s, ("m@1",)) for s, p in chances.items()]
    return {decision.tag: decision for decision in decide(found, policy)}


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ({"tags.parents": {"A": "B", "B": "a"}}, ["circle", "A"]),
        ({"tags.rollups": {"Animals": ["Pets"], "Pets": ["animals"]}}, ["circle", "Animals"]),
        ({"tags.synonyms": {"couch": ["seat"], "chair": ["seat"]}}, ["seat", "couch", "chair"]),
        ({"tags.names": {"cat": "Kitty", "Cat": "Tom"}}, ["cat", "Cat", "two different things"]),
        ({"tags.blacklist": ["Dog"], "tags.whitelist": ["dog"]}, ["Dog", "blacklist", "whitelist"]),
        ({"thresholds.tags": {"Dog": {"apply": 0.9}, "dog": {"apply": 0.8}}}, ["Dog", "dog"]),
        ({"rules": [{"thresholds": {"apply": 0.9}}]}, ["place"]),
        (
            {"rules": [{"below": "/a/", "most_tags": 3}, {"below": ["/b", "/a"], "most_tags": 4}]},
            ["rules[0]", "rules[1]", "most_tags", "/a"],
        ),
        (
            {"rules": [{"below": "/a", "blacklist": ["Dog"]}, {"below": "/a/", "whitelist": ["dog", "Cat"]}]},
            ["rules[0]", "rules[1]", "dog", "blacklist and whitelist", "/a"],
        ),
        ({"tags.update": "replce"}, ["tags.update", "replace", "merge"]),
    ],
)
def test_circles_and_contradictions_are_refused(arguments: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, None, arguments)
    assert all(part in str(caught.value) for part in parts), str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        ({"thresholds.tags": {"Dgo": {"apply": 0.9}}}, "dog"),
        ({"tags.names": {"kat": "Kitty"}}, "cat"),
        ({"tags.rollups": {"Animals": ["dog", "catt"]}}, "cat"),
        ({"tags.parents": {"Perso": "People"}}, "person"),
        ({"features": {"object": "look"}}, "objects"),
    ],
)
def test_a_name_that_nothing_answers_to_is_refused_with_the_nearest(arguments: dict[str, Any], near: str) -> None:
    config = load(None, None, arguments).config
    with pytest.raises(ConfigError, match=f"Did you mean .*“{near}”"):
        refuse_unknown(config, load_language("en"), LABELS, [], [])


def test_names_that_exist_anywhere_are_fine() -> None:
    arguments = {
        "thresholds.tags": {
            "Hund": {"apply": 0.9},
            "My own": {"apply": 0.9},
            "red car": {"review": 0.5},
            "Auto (rot)": {"keep": 0},
        },
        "tags.parents": {"Hund": "Tiere", "Tiere": "Natur"},
        "tags.language": "de",
        "tags.blacklist": ["anything at all"],
    }
    refuse_unknown(load(None, None, arguments).config, load_language("de"), LABELS, ["My own"], [])


def test_what_a_list_names_and_nothing_answers_to_is_doubted_with_the_nearest() -> None:
    arguments = {
        "tags.language": "de",
        "tags.blacklist": ["Hudn", "dogs", "couch", "*lie*", "Auto (rot)", "red car", "Red Cra", "*plnat*"],
        "tags.complete": ["My onw", "My own"],
        "rules": [{"below": "/a", "whitelist": ["Katzee"]}],
    }
    config = load(None, None, arguments).config
    said = doubts(config, known_names(config, load_language("de"), LABELS, ["My own", "Familie"]))
    assert [one.partition(" so far")[0] for one in said] == [
        "tags.blacklist: nothing is called “Hudn”",
        "tags.blacklist: nothing is called “Red Cra”",
        "tags.blacklist: nothing is called “*plnat*”",
        "tags.complete: nothing is called “My onw”",
        "rules[0].whitelist: nothing is called “Katzee”",
    ]
    assert "Did you mean “Hund”" in said[0] and "“My own”" in said[3] and "“Katze”" in said[4]


def test_siblings_too_weak_alone_speak_for_their_parent() -> None:
    wanted = policy({"thresholds.review": 0.7, "tags.rollups": {"Animals": ["dog", "cat"]}})
    found = decided(wanted, dog=0.7, cat=0.65)
    assert found["Dog"].verdict == "review" and found["Cat"].verdict == "keep"
    assert found["Animals"].verdict == "apply" and found["Animals"].prediction.probability == pytest.approx(
        0.9552, abs=1e-3
    )
    assert found["Animals"].why.startswith("Together, by tags.rollups (dog 70 %, cat 65 %): ")
    assert decided(policy({"tags.rollups": {"Animals": ["dog"]}}), dog=1.0)["Animals"].prediction.probability == 1.0


def test_synonyms_are_one_thing_and_find_the_persons_tag() -> None:
    wanted = policy({"tags.synonyms": {"couch": ["sofa", "settee"]}})
    found = decided(wanted, couch=0.6, sofa=0.95)
    assert set(found) == {"Couch"} and found["Couch"].verdict == "apply"
    tree = tree_of(load(None, None, {}).config, wanted.names)
    meant = TagIndex([Tag("7", "Sofas")], tree.others).find("Couch")
    assert meant is not None and meant.id == "7"


def test_the_deepest_rule_wins_and_says_its_place() -> None:
    wanted = policy(
        {
            "rules": [
                {"below": "/media", "thresholds": {"apply": 0.99}},
                {"below": ["/media/dogs"], "thresholds": {"tags": {"Dog": {"apply": 0.5, "review": 0.4}}}},
                {"below": "/media/cats", "blacklist": ["c*"], "features": {"objects": "review"}},
                {"library": "http://elsewhere", "features": {"objects": "off"}},
            ]
        },
        ("http://here",),
    )
    assert decided(wanted.at("/other/x.jpg"), dog=0.95)["Dog"].verdict == "apply"
    assert decided(wanted.at("/media/x.jpg"), dog=0.95)["Dog"].verdict == "review"
    inside = decided(wanted.at("/media/dogs/x.jpg"), dog=0.6)["Dog"]
    assert (inside.verdict, inside.rule) == ("apply", "rules[1].thresholds.tags.Dog.apply")
    assert decided(wanted.at("/media/dogs2/x.jpg"), dog=0.6)["Dog"].verdict != "apply"
    cats = decided(wanted.at("/media/cats/x.jpg"), dog=0.995, cat=0.995)
    assert (cats["Cat"].rule, cats["Dog"].rule) == ("rules[2].blacklist", "rules[2].features.objects")


def test_every_shipped_language_knows_every_label_of_the_starter_set() -> None:
    labels = set((ROOT / "models/labels/coco80.txt").read_text().split("\n")) - {""}
    for groups in (ROOT / "models" / "groups").glob("*.yaml"):
        labels |= set(yaml.safe_load(groups.read_text(encoding="utf-8")))
    for file in sorted(SHIPPED.glob("*.yaml")):
        language = load_language(file.stem)
        assert not {normal(label) for label in labels} - set(language.names), file
        assert language.name("red car") not in ("", "red car")
    assert load_language("de").name("dog") == "Hund" and load_language("de").name("red car") == "Auto (rot)"
    assert load_language("de").name("2 people") == "2 Personen"


def test_another_language_is_one_more_file(tmp_path: Path) -> None:
    (tmp_path / "fr.yaml").write_text("language: Français\nnames: {dog: Chien}\n", encoding="utf-8")
    assert load_language("fr", tmp_path).name("dog") == "Chien"
    assert load_language("fr", tmp_path).name("cat") == "Cat"
    with pytest.raises(ConfigError, match=r"tags\.language can't be it: there are de, en, fr"):
        load_language("it", tmp_path)
    (tmp_path / "fr.yaml").write_text("names: [dog]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"fr\.yaml"):
        load_language("fr", tmp_path)


def test_a_tag_of_the_other_language_is_used_rather_than_a_new_one() -> None:
    wanted = policy({"tags.language": "de"})
    tree = tree_of(load(None, None, {"tags.language": "de"}).config, wanted.names)
    meant = TagIndex([Tag("7", "Dogs")], tree.others).find("Hund")
    assert meant is not None and meant.id == "7"


def test_new_tags_go_under_their_parents() -> None:
    config = load(None, None, {"tags.parents": {"Dog": "Animals"}}).config
    tree = tree_of(config, policy({}).names)
    assert (tree.parent("dog"), tree.parent("Animals"), tree.parent("AI Tagger")) == ("Animals", "AI Tagger", "")


def test_a_page_reads_the_very_policy_that_is_in_force(tmp_path: Path) -> None:
    wanted = policy(
        {
            "tags.language": "de",
            "tags.names": {"cat": ["Kitty", "Pet"], "tie": None},
            "tags.synonyms": {"couch": ["sofa"]},
            "tags.rollups": {"Animals": ["dog", "cat"]},
            "thresholds.tags": {"Dog": {"apply": 0.5}},
            "rules": [{"below": "/media", "thresholds": {"apply": 0.99}, "most_tags": 3, "blacklist": ["x"]}],
        }
    )
    write_policy(tmp_path, wanted, {"tags.language": "config.yml"}, 0.9)
    read, origins, promise = read_policy(tmp_path)
    assert (
        promise == 0.9
        and read == wanted
        and read.fingerprint() == wanted.fingerprint()
        and origins == {"tags.language": "config.yml"}
    )
    (tmp_path / "policy.json").write_text("{", encoding="utf-8")
    assert read_policy(tmp_path) == (Policy(), {}, 0.0)


@pytest.mark.parametrize(
    ("said", "objects", "themes"),
    [
        ({}, 0.5, 0.7),
        ({"thresholds.features": {"objects": {"apply": 0.95}, "scenes": {"review": 0.8}}}, 0.5, 0.7),
        ({"thresholds.review": 0.75}, 0.75, 0.75),
        ({"thresholds.keep": 0.6}, 0.6, 0.7),
        ({"thresholds.features": {"objects": {"review": 0.65}}}, 0.65, 0.7),
        ({"thresholds.review": 0.8, "thresholds.features": {"objects": {"review": 0.65}}}, 0.65, 0.8),
        ({"rules": [{"below": "/media", "thresholds": {"review": 0.75}}]}, 0.75, 0.75),
    ],
)
def test_objects_wait_from_an_even_chance_on_unless_somebody_said_something_else(
    said: dict[str, Any], objects: float, themes: float
) -> None:
    here = policy(said).at("/media/x.jpg")
    assert here.bar("objects", "Dog").review == objects
    assert here.bar("themes", "Dog").review == themes
