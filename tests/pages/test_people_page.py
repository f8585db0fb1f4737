"""The page of people with faces on record, and the menu of a tag: by keys, as a person without a mouse has them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.double import StashDouble
from tests.pages.asking import ask, item, until
from tests.pages.browsing import barriers, serve, settled
from tests.pages.filling import faces, open_store, people_store, waiting

if TYPE_CHECKING:
    from playwright.sync_api import Page

MIRROR = os.environ.get("AI_TAGGER_MIRROR", "")
pytestmark = pytest.mark.usefixtures("worker_ends")
CARD = ".ai-tagger-group-card"


@pytest.fixture
def with_faces(tmp_path: Path, plugin: Path) -> Iterator[StashDouble]:
    """People are on, and their model is here."""
    if not MIRROR:
        pytest.skip("set AI_TAGGER_MIRROR for the model of faces")
    data = tmp_path / "with faces" / "ai_tagger"
    data.mkdir(parents=True)
    (data / "config.yml").write_text("models: {skip: [deimv2-femto, yolox-nano]}\n")
    environment = {"AI_TAGGER_PYTHON": sys.executable, "AI_TAGGER_MIRROR": MIRROR}
    with StashDouble(data_dir=data.parent, plugin_dir=plugin, environment=environment) as stash:
        ask(stash, "models", action="fetch", names=["mobilefacenet"])
        yield stash


def test_a_group_is_named_by_keys_and_its_items_get_the_performer(with_faces: StashDouble, page: Page) -> None:
    refs = faces(with_faces)
    complaints = serve(page, with_faces, [])
    page.goto(f"{with_faces.url}/plugins/ai_tagger/people")
    settled(page)
    assert page.locator(f"{CARD} img").count() == 8, "five of one, three of another"
    page.get_by_role("button", name="Who is it?").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.type("Grace")
    assert not barriers(page)
    page.keyboard.press("Enter")
    page.get_by_label("Grace", exact=True).wait_for()
    performers = with_faces.performers_by_item()
    until(lambda: all("Grace" in with_faces.performers_by_item()[ref] for ref in refs[:5]))
    assert not any(performers[ref] for ref in refs[5:8])
    assert not complaints


def test_faces_of_a_group_are_put_into_one_of_their_own(with_faces: StashDouble, page: Page) -> None:
    faces(with_faces)
    complaints = serve(page, with_faces, [])
    page.goto(f"{with_faces.url}/plugins/ai_tagger/people")
    settled(page)
    page.get_by_role("button", name="Some are somebody else").first.focus()
    page.keyboard.press("Enter")
    for n in (1, 2):
        page.get_by_role("button", name=f"Face {n} of 5").focus()
        page.keyboard.press("Space")
    assert not barriers(page)
    page.get_by_role("button", name="Put these in a group of their own").focus()
    page.keyboard.press("Enter")
    until(lambda: page.locator(CARD).count() == 4)
    assert not complaints


def test_forgetting_asks_once_more(with_faces: StashDouble, page: Page) -> None:
    faces(with_faces)
    complaints = serve(page, with_faces, [])
    page.goto(f"{with_faces.url}/plugins/ai_tagger/people")
    settled(page)
    page.get_by_role("button", name="Forget: Ada", exact=True).click()
    page.get_by_role("button", name="Really forget: Ada").click()
    page.get_by_text("Nobody is known yet.").wait_for()
    store = people_store(with_faces)
    assert store.people() == []
    store.close()
    assert not complaints


def test_the_menu_says_instead_never_here_and_never_at_all(stash: StashDouble, page: Page) -> None:
    (ref,) = waiting(stash, 1, tags=["Dog"])
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}/images/{ref.id}")

    def choose(tag: str, entry: str) -> None:
        page.get_by_role("button", name=f"More: {tag}").focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name=entry).focus()
        page.keyboard.press("Enter")

    def verdict(tag: str) -> str:
        found = [one for one in ask(stash, "item", items=[item(ref)])["tags"] if one["tag"] == tag]
        return str(found[0]["rule"]) if found else ""

    choose("Dog", "It is … instead")
    until(lambda: page.evaluate("document.activeElement.tagName") == "INPUT")
    page.keyboard.type("Wolf")
    page.keyboard.press("Enter")
    page.get_by_text("“Wolf” instead of “Dog”.").wait_for()
    until(lambda: "Wolf" in stash.tags_by_item()[ref])
    assert verdict("Dog") == "person.refused"
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Taken back.").wait_for()
    until(lambda: "Wolf" not in stash.tags_by_item()[ref])
    assert verdict("Dog") == "thresholds.review"
    page.locator(".ai-tagger-group", has_text="To review").get_by_role("button", name="More: Dog").wait_for()
    choose("Dog", "Never here")
    page.get_by_text("“Dog” will never be put here again.").wait_for()
    assert verdict("Dog") == "person.refused"
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Taken back.").wait_for()
    page.locator(".ai-tagger-group", has_text="To review").get_by_role("button", name="More: Dog").wait_for()
    choose("Dog", "Never at all")
    page.get_by_text("“Dog” will never be written again.").wait_for()
    with open_store(stash) as store:
        assert [(rule.tag_name, rule.kind) for rule in store.rules()] == [("Dog", "never")]
    assert not complaints
