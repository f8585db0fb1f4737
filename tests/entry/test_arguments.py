"""The terminal's commands: the light half knows them all, helps without a set-up, and says mistakes in a sentence."""

from __future__ import annotations

from dataclasses import fields

import pytest

from tagger.light import arguments
from tagger.operations import OPERATIONS, Wish, peopling, saying
from tests.entry.installed import Installed

NEEDED = {"look": ["a.jpg"], "import": ["a.json"]}
EVERYWHERE = {"command", "stash", "api_key_file", "folder", "mirror", "device", "data", "set", "json"}


def test_the_light_half_knows_every_operation_and_every_action() -> None:
    assert set(arguments.WORDS) == set(OPERATIONS)
    assert set(arguments.REVIEW_ACTIONS) == set(saying.REVIEW_ACTIONS)
    assert tuple(peopling.ACTIONS) == arguments.PEOPLE_ACTIONS


@pytest.mark.parametrize("command", arguments.WORDS)
def test_a_command_takes_what_operations_know(command: str) -> None:
    said = vars(arguments.parse([command, *NEEDED.get(command, [])]))
    assert said.keys() >= EVERYWHERE and said["command"] == command
    wish = Wish(**{name: said[name] for name in said.keys() - EVERYWHERE})
    usual = {"try": 50}.get(command, 20) if "limit" in said else Wish().limit
    assert {field.name: getattr(wish, field.name) for field in fields(Wish)} == {
        **{field.name: getattr(Wish(), field.name) for field in fields(Wish)},
        "limit": usual,
        "paths": tuple(NEEDED.get(command, ())),
    }


def test_one_folder_or_several_names_are_tuples() -> None:
    assert arguments.parse(["demo", "here"]).paths == ("here",)
    assert arguments.parse(["models", "fetch", "a", "b", "--json"]).names == ("a", "b")


@pytest.mark.parametrize(
    "said",
    [["people", "name", "--create", "group:5", "Ada"], ["people", "--create", "name", "group:5", "--json", "Ada"]],
)
def test_an_option_may_stand_anywhere(said: list[str]) -> None:
    options = arguments.parse(said)
    assert (options.action, options.names, options.create) == ("name", ("group:5", "Ada"), True)


def test_a_file_may_begin_like_an_option() -> None:
    assert arguments.parse(["look", "--json", "--", "-a.jpg"]).paths == ("-a.jpg",)


def test_help_needs_no_set_up(bare: Installed) -> None:
    code, out, err = bare.run("--help")
    assert (code, err) == (0, "")
    assert all(f"  {command} " in out for command in arguments.WORDS)
    code, out, _ = bare.run("tag", "--help")
    assert code == 0 and "--dry-run" in out and "--folder" in out and "--limit" not in out
    code, out, _ = bare.run("export", "--help")
    assert code == 0 and "--device" not in out
    assert not bare.data.exists()


def test_mistakes_are_said_before_anything_is_made(bare: Installed) -> None:
    for mistake, says in (
        (("tga",), "did you mean 'tag'"),
        (("--folder", "x", "tag"), "a command comes first"),
        (("undo", "--since", "soon"), "2026-01-31"),
        (("tag", "--dry"), "--dry"),
    ):
        code, out, err = bare.run(*mistake)
        assert (code, out) == (2, "") and says in err and len(err.splitlines()) == 1, err
    assert not bare.data.exists()
