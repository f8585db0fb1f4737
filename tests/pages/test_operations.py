"""What pages ask, through the real process that Stash starts for each question."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tagger.light.entry import PAGE_MODES
from tagger.pages.door import PAGE_OPERATIONS
from tagger.store import holder
from tests.double import StashDouble
from tests.line.drawing import broken, picture
from tests.pages.asking import ask, item, until

BLACK_WHITE = "Black and white"


@pytest.fixture(autouse=True)
def no_worker_is_left(data: Path, stash: StashDouble) -> Iterator[None]:
    yield
    if works := holder(data):
        os.kill(works.pid, signal.SIGTERM)


def looked_at(stash: StashDouble, items: list[dict[str, str]]) -> dict[str, Any]:
    """Ask for them and wait as a page does."""
    state = ask(stash, "ask", items=items)

    def done() -> bool:
        nonlocal state
        state = ask(stash, "asked", items=items)
        assert not state["problem"], state
        return not state["waiting"]

    until(done)
    return dict(state)


def test_the_table_and_the_way_in_name_the_same_operations() -> None:
    assert set(PAGE_MODES) == set(PAGE_OPERATIONS)


def test_what_is_asked_for_is_looked_at_without_a_job(stash: StashDouble, tmp_path: Path, data: Path) -> None:
    ref = stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1), tags=["mine"])
    looked_at(stash, [item(ref)])
    assert stash.tags_by_item()[ref] == {"mine", BLACK_WHITE}
    assert not stash.jobs.ended(), "Stash's queue has nothing to do with it"

    seen = ask(stash, "item", items=[item(ref)])
    assert seen["known"] and not seen["waiting"]
    (tag,) = [tag for tag in seen["tags"] if tag["tag"] == BLACK_WHITE]
    assert tag["verdict"] == "apply" and tag["why"] and 0.9 <= tag["probability"] <= 1
    assert [w["name"] for w in seen["written"] if w["state"] == "done"] == [BLACK_WHITE]
    pictures = ask(stash, "pictures", items=[item(ref)])["pictures"]
    assert pictures and all(p["url"].startswith("data:image/jpeg;base64,") for p in pictures)


def test_a_gallery_is_looked_at_by_its_images(stash: StashDouble, tmp_path: Path) -> None:
    refs = [stash.add_image(picture(tmp_path / f"{i}.jpg", colour=False, seed=i)) for i in range(3)]
    gallery = stash.add_gallery(images=refs, title="Old")
    looked_at(stash, [item(gallery)])
    tags = stash.tags_by_item()
    assert all(BLACK_WHITE in tags[ref] for ref in [*refs, gallery])


def test_an_item_outside_of_the_scope_is_looked_at_when_somebody_asks(
    stash: StashDouble, tmp_path: Path, data: Path
) -> None:
    (data / "config.yml").write_text((data / "config.yml").read_text() + "scope: {images: false}\n")
    ref = stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1))
    looked_at(stash, [item(ref)])
    assert BLACK_WHITE in stash.tags_by_item()[ref]


def test_what_cannot_be_read_says_why(stash: StashDouble, tmp_path: Path) -> None:
    ref = stash.add_image(broken(tmp_path / "bad.jpg"))
    state = looked_at(stash, [item(ref)])
    assert [failed["id"] for failed in state["failed"]] == [ref.id] and state["failed"][0]["reason"]


def test_a_killed_worker_is_replaced_by_who_waits(stash: StashDouble, tmp_path: Path, data: Path) -> None:
    first = stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1))
    looked_at(stash, [item(first)])
    works = holder(data)
    assert works is not None
    os.kill(works.pid, signal.SIGKILL)
    until(lambda: holder(data) is None)
    os.utime(data / "worker.log", (0, 0))  # long ago, as for whoever waits
    second = stash.add_image(picture(tmp_path / "b.jpg", colour=False, seed=2))
    looked_at(stash, [item(second)])
    assert BLACK_WHITE in stash.tags_by_item()[second]


def test_a_task_gets_the_place_of_the_worker(stash: StashDouble, tmp_path: Path) -> None:
    ref = stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1))
    looked_at(stash, [item(ref)])
    job = stash.run_task("Tag library")
    assert job.status == "FINISHED"
    assert not [text for level, text in stash.log if level == "error"]


def test_an_answer_is_written_and_can_be_taken_back(stash: StashDouble, tmp_path: Path) -> None:
    ref = stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1), tags=["mine"])
    looked_at(stash, [item(ref)])
    place = {**item(ref), "tag": BLACK_WHITE}
    (act,) = ask(stash, "answer", clicks=[{"do": "reject", "places": [place]}])["acts"]
    until(lambda: stash.tags_by_item()[ref] == {"mine"})
    ask(stash, "withdraw", act=act)
    until(lambda: stash.tags_by_item()[ref] == {"mine", BLACK_WHITE})
    ask(stash, "answer", clicks=[{"do": "add", "places": [{**item(ref), "tag": "Sunset"}]}])
    until(lambda: "Sunset" in stash.tags_by_item()[ref])


@pytest.mark.parametrize(
    ("mode", "args"),
    [
        ("ask", {}),
        ("ask", {"items": [{"kind": "film", "id": "1"}]}),
        ("ask", {"items": [{"kind": "scene", "id": "../1"}]}),
        ("ask", {"items": "1"}),
        ("item", {"items": [{"kind": "scene", "id": "1"}, {"kind": "scene", "id": "2"}]}),
        ("item", {"surprise": 1}),
        ("review", {"limit": "many"}),
        ("review", {"limit": -1}),
        ("answer", {}),
        ("answer", {"clicks": [{"do": "guess", "places": []}]}),
        ("answer", {"clicks": [{"do": "accept", "places": []}]}),
        ("withdraw", {"act": 999}),
    ],
)
def test_a_bad_call_gets_a_sentence(stash: StashDouble, mode: str, args: dict[str, Any]) -> None:
    answer = ask(stash, mode, **args)
    assert list(answer) == ["problem"] and re.search(r"[.:]", answer["problem"]), answer


def test_an_answer_that_cannot_be_kept_keeps_none_of_the_others_back(stash: StashDouble, tmp_path: Path) -> None:
    ref = stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1))
    looked_at(stash, [item(ref)])
    unknown = {"do": "accept", "places": [{"kind": "scene", "id": "999", "tag": "Dog"}]}
    known = {"do": "add", "places": [{**item(ref), "tag": "Dog"}]}
    said = ask(stash, "answer", clicks=[unknown, known])
    assert said["acts"][0] is None and said["acts"][1] and len(said["problems"]) == 1
    until(lambda: "Dog" in stash.tags_by_item()[ref])


def test_the_overview_answers_before_anything_was_done(stash: StashDouble) -> None:
    overview = ask(stash, "overview")
    assert overview["set_up"] and overview["runs"] == [] and overview["working"] is None
    assert ask(stash, "waiting") == {"set_up": True, "review": 0}


def test_nothing_of_the_session_is_kept(stash: StashDouble, tmp_path: Path, data: Path) -> None:
    ref = stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1))
    looked_at(stash, [item(ref)])
    works = holder(data)
    assert works is not None
    secrets = list(stash._sessions)
    assert secrets
    seen = [path.read_bytes() for path in data.rglob("*") if path.is_file()]
    if Path("/proc").exists():
        seen += [Path(f"/proc/{works.pid}/cmdline").read_bytes(), Path(f"/proc/{works.pid}/environ").read_bytes()]
    assert not [secret for secret in secrets if any(secret.encode() in content for content in seen)]
