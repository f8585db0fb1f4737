"""Markers at a press and by a rule, highlights: ours come and go, nobody else's is ever touched."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import pytest

from tagger.errors import LibraryDownError
from tagger.library.marking import Ask, Scene, spans_of
from tagger.stash import StashServer
from tagger.types import Decision, ItemRef
from tests.double import StashDouble
from tests.line.drawing import picture
from tests.pages.asking import ask, item
from tests.pages.browsing import serve
from tests.pages.filling import filmed, open_store
from tests.pages.test_operations import BLACK_WHITE

if TYPE_CHECKING:
    from playwright.sync_api import Page

_MAKE = "mutation Make($input: SceneMarkerCreateInput!) { sceneMarkerCreate(input: $input) { id } }"


def somebodys(stash: StashDouble, ref: ItemRef, tag: str, seconds: float) -> str:
    """A marker that a person made; its id."""
    tag_id = next(t.id for t in stash.data.tags.values() if t.name == tag)
    given = {"scene_id": ref.id, "title": "mine", "seconds": seconds, "primary_tag_id": tag_id, "tag_ids": []}
    body = json.dumps({"query": _MAKE, "variables": {"input": given}}).encode()
    request = urllib.request.Request(f"{stash.url}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return str(json.load(response)["data"]["sceneMarkerCreate"]["id"])


def asker(stash: StashDouble, dies_after: int | None = None) -> Ask:
    """How the plugin asks the double. With ``dies_after`` the line breaks at the creation after so many: before Stash
    hears of it (0), or right after it did, before its answer is read (1)."""
    server = StashServer(stash.connection)

    def ask_it(query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        if dies_after is not None and "sceneMarkerCreate" in query:
            if dies_after:
                server.call(query, variables)
            raise LibraryDownError("The line broke.")
        return server.call(query, variables)

    return ask_it


def opened_decisions(stash: StashDouble, ref: ItemRef) -> list[Decision]:
    with open_store(stash) as store:
        return store.decisions([ref])[ref]


def film(path: Path) -> Path:
    """Four seconds in shades of grey."""
    frame = cv2.imread(str(picture(path.with_suffix(".png"), colour=False)))
    assert frame is not None
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 5, (frame.shape[1], frame.shape[0]))
    for _ in range(20):
        writer.write(frame)
    writer.release()
    return path


def markers(stash: StashDouble) -> list[tuple[str, float, float | None]]:
    return sorted((m.title, m.seconds, m.end_seconds) for m in stash.data.markers.values())


def all_spans(*tags: str) -> list[tuple[str, float, float]]:
    return sorted((tag, *span) for tag in tags for span in ((2.0, 6.5), (20.0, 31.0)))


def test_each_span_of_what_is_written_gets_one_marker_however_often_it_is_pressed(stash: StashDouble) -> None:
    scene = [item(filmed(stash))]
    assert ask(stash, "make-markers", items=scene) == {"markers": 4, "made": 4}
    assert ask(stash, "make-markers", items=scene) == {"markers": 4, "made": 0}
    assert markers(stash) == all_spans("Dog", "Beach"), "Cat only waits for a look"
    assert ask(stash, "item", items=scene)["markers"] == 4
    assert ask(stash, "take-markers-back", items=scene) == {"markers": 0, "taken_back": 4}
    assert not stash.data.markers


def test_somebody_elses_marker_and_one_that_was_changed_stay(stash: StashDouble) -> None:
    ref = filmed(stash)
    theirs = somebodys(stash, ref, "Dog", 20.2)
    ask(stash, "make-markers", items=[item(ref)])
    assert len(stash.data.markers) == 4, "where somebody has one of that tag, none is made"
    changed = next(m for m in stash.data.markers.values() if m.title == "Beach" and m.seconds == 2.0)
    changed.end_seconds = 9.0
    ask(stash, "take-markers-back", items=[item(ref)])
    assert set(stash.data.markers) == {theirs, changed.id}


def test_what_a_person_deleted_moved_or_named_anew_is_not_ours_and_not_made_again(stash: StashDouble) -> None:
    ref = filmed(stash)
    ask(stash, "make-markers", items=[item(ref)])
    dog, other_dog, beach, other_beach = sorted(
        stash.data.markers.values(), key=lambda m: (m.title != "Dog", m.seconds)
    )
    del stash.data.markers[dog.id]
    other_dog.seconds, beach.title = 25.0, "Sunset"
    assert ask(stash, "make-markers", items=[item(ref)]) == {"markers": 1, "made": 0}
    assert ask(stash, "take-markers-back", items=[item(ref)]) == {"markers": 0, "taken_back": 1}
    assert set(stash.data.markers) == {other_dog.id, beach.id}
    assert ask(stash, "make-markers", items=[item(ref)]) == {"markers": 1, "made": 1}, "only what we took back"
    assert (other_beach.title, other_beach.seconds) in {(m.title, m.seconds) for m in stash.data.markers.values()}
    ask(stash, "make-markers", items=[item(ref)], moments=[2.0])
    assert ("Dog", 2.0) in {(m.title, m.seconds) for m in stash.data.markers.values()}, "asked for, it comes again"


def test_of_two_that_make_markers_at_once_each_is_made_once_and_known(stash: StashDouble) -> None:
    ref = filmed(stash)
    decisions = [one for one in opened_decisions(stash, ref) if one.tag == "Dog"]
    with open_store(stash) as store, open_store(stash) as other:
        late = Scene(asker(stash), other, ref)
        assert Scene(asker(stash), store, ref).make(spans_of(decisions)) == 2
        assert late.make(spans_of(opened_decisions(stash, ref))) == 2, "those of Beach"
    assert markers(stash) == all_spans("Dog", "Beach")
    assert ask(stash, "take-markers-back", items=[item(ref)])["taken_back"] == 4


def test_a_marker_that_was_made_right_before_a_kill_is_known_as_ours(stash: StashDouble) -> None:
    ref = filmed(stash)
    killed = [decision for decision in opened_decisions(stash, ref) if decision.tag == "Dog"]
    with open_store(stash) as store, pytest.raises(LibraryDownError):
        Scene(asker(stash, dies_after=1), store, ref).make(spans_of(killed))
    assert len(stash.data.markers) == 1 and ask(stash, "item", items=[item(ref)])["markers"] == 1
    assert ask(stash, "make-markers", items=[item(ref)])["made"] == 3
    assert ask(stash, "take-markers-back", items=[item(ref)])["taken_back"] == 4
    assert not stash.data.markers


def test_a_marker_that_a_kill_prevented_is_made_a_minute_later(stash: StashDouble) -> None:
    ref = filmed(stash)
    with open_store(stash) as store:
        with pytest.raises(LibraryDownError):
            Scene(asker(stash, dies_after=0), store, ref).make(spans_of(opened_decisions(stash, ref)))
        assert ask(stash, "make-markers", items=[item(ref)])["made"] == 3, "perhaps somebody is at it"
        ((name, text),) = ((n, t) for n, t in store.facts("marker ").items() if not json.loads(t)["id"])
        store.remember(name, json.dumps(json.loads(text) | {"since": time.time() - 100}))
    assert ask(stash, "make-markers", items=[item(ref)]) == {"markers": 4, "made": 1}


def test_the_rule_marks_all_scenes_and_takes_back_only_ours(stash: StashDouble) -> None:
    ref = filmed(stash)
    theirs = somebodys(stash, ref, "Dog", 50.0)
    stash.data.settings["ai_tagger"] = {"markers": "dog"}
    assert ask(stash, "markers", action="make")["made"] == 2
    assert ask(stash, "markers", action="make")["made"] == 0
    assert markers(stash) == sorted([*all_spans("Dog"), ("mine", 50.0, None)])
    assert ask(stash, "markers")["markers"] == 2
    assert ask(stash, "markers", action="take-back", names=["Beach"])["taken_back"] == 0
    assert ask(stash, "markers", action="take-back")["taken_back"] == 2
    assert set(stash.data.markers) == {theirs}


def test_a_tag_that_only_our_markers_use_goes_with_everything_that_is_ours(stash: StashDouble, tmp_path: Path) -> None:
    ref = stash.add_scene(film(tmp_path / "a.avi"), duration_s=4.0)
    stash.data.settings["ai_tagger"] = {"markers": "*", "applyPercent": 80}
    stash.run_task("Tag library")
    assert BLACK_WHITE in stash.tags_by_item()[ref] and [title for title, _, _ in markers(stash)] == [BLACK_WHITE]
    stash.run_task("Undo last run")
    assert not stash.data.markers
    assert BLACK_WHITE not in {tag.name for tag in stash.data.tags.values()}, "nothing holds it back"


def test_highlights_become_markers_one_by_one(stash: StashDouble) -> None:
    scene = [item(filmed(stash))]
    found = ask(stash, "highlights", items=scene)["highlights"]
    assert [(one["from"], one["to"]) for one in found] == [(2.0, 6.5), (20.0, 31.0)], "no moment twice"
    assert ask(stash, "make-markers", items=scene, moments=[20.0])["made"] == 1
    assert [at for _, at, _ in markers(stash)] == [20.0]


@pytest.mark.parametrize(
    ("mode", "args"),
    [
        ("make-markers", {"items": [{"kind": "image", "id": "1"}]}),
        ("make-markers", {"items": [{"kind": "scene", "id": "999"}]}),
        ("make-markers", {"items": [{"kind": "scene", "id": "1"}], "moments": ["soon"]}),
        ("highlights", {}),
    ],
)
def test_a_bad_call_gets_a_sentence(stash: StashDouble, mode: str, args: dict[str, Any]) -> None:
    filmed(stash)
    answer = ask(stash, mode, **args)
    assert list(answer) == ["problem"] and answer["problem"].endswith(".")


def test_highlights_are_pressed_and_marked_on_the_page(stash: StashDouble, page: Page) -> None:
    ref = filmed(stash)
    complaints = serve(page, stash, [])
    page.goto(f"{stash.url}/scenes/{ref.id}")
    page.get_by_role("tab", name="AI", exact=True).click()
    highlights = page.locator(".ai-tagger-highlights")
    highlights.wait_for()
    highlights.locator("input").first.uncheck()
    highlights.get_by_role("button", name="Make markers of these").click()
    page.get_by_text("1 marker was made.").wait_for()
    assert [at for _, at, _ in markers(stash)] == [20.0]
    page.get_by_role("button", name="Take 1 marker back").click()
    page.get_by_text("1 marker was taken back.").wait_for()
    assert not stash.data.markers and not complaints
