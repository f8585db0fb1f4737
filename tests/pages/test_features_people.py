"""People on the pages, with real faces: cards joined by keys and drag, parted by a suggestion, a missed face drawn."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tagger.types import ItemRef
from tests.double import StashDouble
from tests.pages.asking import ask, item
from tests.pages.browsing import serve

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

MIRROR, MEDIA = os.environ.get("AI_TAGGER_MIRROR", ""), os.environ.get("AI_TAGGER_TEST_MEDIA", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("worker_ends"),
    pytest.mark.skipif(
        not MIRROR or not MEDIA, reason="set AI_TAGGER_MIRROR and AI_TAGGER_TEST_MEDIA for real weights and faces"
    ),
]
ONLY_FACES = "models: {skip: [deimv2-femto, yolox-nano]}\n"
NAMES = ("amy", "raj", "sheldon")


@pytest.fixture
def stash(tmp_path: Path, plugin: Path) -> Iterator[StashDouble]:
    """With the model of faces."""
    home = tmp_path / "stash"
    (home / "ai_tagger").mkdir(parents=True)
    (home / "ai_tagger" / "config.yml").write_text(ONLY_FACES)
    environment = {"AI_TAGGER_PYTHON": sys.executable, "AI_TAGGER_MIRROR": MIRROR}
    with StashDouble(data_dir=home, plugin_dir=plugin, environment=environment) as double:
        yield double


@pytest.fixture
def world(stash: StashDouble) -> dict[str, list[ItemRef]]:
    """A library of portraits that was looked at; nobody is known."""
    files = {name: sorted((Path(MEDIA) / "faces" / name).glob("*.png")) for name in NAMES}
    refs = {name: [stash.add_image(file) for file in some] for name, some in files.items()}
    stash.run_task("Tag library")
    return refs


def open_people(stash: StashDouble, page: Page) -> tuple[Locator, list[str]]:
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}/plugins/ai_tagger/people")
    cards = page.locator(".ai-tagger-group-card")
    cards.first.wait_for()
    return cards, complaints


def shown(stash: StashDouble) -> dict[str, Any]:
    answer = ask(stash, "faces")
    return {
        "groups": [group["size"] for group in answer["groups"]],
        "people": [one["name"] for one in answer["people"]],
    }


def test_groups_are_joined_by_keys_and_parted_as_suggested(
    stash: StashDouble, page: Page, world: dict[str, list[ItemRef]]
) -> None:
    del world
    before = shown(stash)["groups"]
    cards, complaints = open_people(stash, page)
    cards.nth(0).focus()
    for key in ("x", "ArrowRight", "x", "m"):
        page.keyboard.press(key)
    page.get_by_text("They are one now").wait_for()
    together = shown(stash)["groups"]
    assert len(together) == len(before) - 1 and sum(together) == sum(before)
    page.wait_for_function("n => document.querySelectorAll('.ai-tagger-group-card').length === n", arg=len(together))
    cards.nth(0).focus()
    page.keyboard.press("s")
    page.get_by_role("button", name="Suggest").click()
    page.locator(".ai-tagger-face .chosen").first.wait_for()
    page.get_by_role("button", name="Put these in a group of their own").click()
    page.get_by_text("faces are group").wait_for()
    assert sorted(shown(stash)["groups"]) == sorted(before), "the two halves are the two people"
    assert not complaints


def test_a_known_person_takes_over_another_only_after_a_second_look(
    stash: StashDouble, page: Page, world: dict[str, list[ItemRef]]
) -> None:
    del world
    groups = ask(stash, "faces")["groups"]
    for group, name in zip(groups, ("Ada", "Bea"), strict=False):
        ask(stash, "people", action="name", names=[f"group:{group['id']}", name], create=True)
    cards, complaints = open_people(stash, page)
    cards.filter(has_text="Bea").drag_to(cards.filter(has_text="Ada"))
    dialog = page.get_by_role("alertdialog")
    dialog.wait_for()
    page.keyboard.press("Escape")
    assert not dialog.count() and shown(stash)["people"] == ["Ada", "Bea"]
    cards.filter(has_text="Bea").drag_to(cards.filter(has_text="Ada"))
    dialog.wait_for()
    page.keyboard.press("Enter")
    page.get_by_text("They are one now").wait_for()
    assert shown(stash)["people"] == ["Ada"]
    page.get_by_role("button", name="Forget: Ada").click()
    page.get_by_role("button", name="Really forget: Ada").click()
    page.get_by_text("Forgotten: Ada").wait_for()
    assert shown(stash)["people"] == [] and not complaints


def test_a_missed_face_is_drawn_by_keys_or_pointer_and_named(
    stash: StashDouble, page: Page, world: dict[str, list[ItemRef]]
) -> None:
    ref = world["amy"][0]
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}/images/{ref.id}")
    page.get_by_role("button", name="Draw a missed face").click()
    board = page.locator(".ai-tagger-board")
    board.wait_for()
    board.focus()
    page.keyboard.press("ArrowRight")
    page.locator(".ai-tagger-board .ai-tagger-box").wait_for()
    edges = board.bounding_box()
    assert edges is not None
    page.mouse.move(edges["x"] + 5, edges["y"] + 5)
    page.mouse.down()
    page.mouse.move(edges["x"] + edges["width"] / 2, edges["y"] + edges["height"] / 2)
    page.mouse.up()
    page.get_by_label("Who is it?").fill("Ada")
    page.get_by_label("Who is it?").press("Enter")
    page.get_by_text("That is Ada").wait_for()
    assert stash.performers_by_item()[ref] >= {"Ada"}
    (drawn,) = [tag for tag in ask(stash, "item", items=[item(ref)])["tags"] if tag["tag"] == "Ada"]
    assert drawn["verdict"] == "apply" and not complaints


@pytest.mark.parametrize("args", [{"box": "0,0,1"}, {"box": "0,0,2,2"}, {"box": "0.1,0.1,0.2,0.2", "timeS": "soon"}])
def test_a_box_that_is_none_gets_a_sentence(
    stash: StashDouble, world: dict[str, list[ItemRef]], args: dict[str, Any]
) -> None:
    with pytest.raises(AssertionError, match=r"fractions of the picture|number of seconds"):
        ask(stash, "people", action="add", names=[f"image:{world['amy'][0].id}", "Ada"], create=True, **args)
    assert not any(stash.performers_by_item().values())
