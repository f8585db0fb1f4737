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


@pytest.mark.parametrize("clock", [0, 2**32])
def test_a_killed_worker_is_replaced_by_who_waits(stash: StashDouble, tmp_path: Path, data: Path, clock: int) -> None:
    first = stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1))
    looked_at(stash, [item(first)])
    works = holder(data)
    assert works is not None
    os.kill(works.pid, signal.SIGKILL)
    until(lambda: holder(data) is None)
    # Long ago, as for whoever waits; or of tomorrow, after the clock was set back.
    for name in ("worker.log", "worker.wanted"):
        (data / name).touch()
        os.utime(data / name, (clock, clock))
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


def test_a_click_may_come_and_be_taken_back_more_than_once(stash: StashDouble, tmp_path: Path) -> None:
    ref = stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1), tags=["mine"])
    looked_at(stash, [item(ref)])
    click = {"do": "reject", "places": [{**item(ref), "tag": BLACK_WHITE}], "key": "answer 1"}
    acts = ask(stash, "answer", clicks=[click, click])["acts"] + ask(stash, "answer", clicks=[click])["acts"]
    assert len(set(acts)) == 1
    until(lambda: stash.tags_by_item()[ref] == {"mine"})
    for _ in range(2):
        assert ask(stash, "withdraw", key="answer 1") == {"withdrawn": "answer 1", "problems": []}
    until(lambda: stash.tags_by_item()[ref] == {"mine", BLACK_WHITE})
    assert ask(stash, "answer", clicks=[click])["acts"] == acts[:1]
    (found,) = [t for t in ask(stash, "item", items=[item(ref)])["tags"] if t["tag"] == BLACK_WHITE]
    assert found["rule"] != "person.refused", "it comes late, and was taken back"


@pytest.mark.parametrize(
    ("mode", "args"),
    [
        ("ask", {}),
        ("ask", {"items": [{"kind": "film", "id": "1"}]}),
        ("ask", {"items": [{"kind": "scene", "id": "../1"}]}),
        ("ask", {"items": "1"}),
        ("ask", {"items": [{"kind": "image", "id": "²"}]}),
        ("ask", {"items": [{"kind": "image", "id": "7" * 20}]}),
        ("item", {"items": [{"kind": "image", "id": "9" * 5000}]}),
        ("review", {"tag": "Dog\0"}),
        ("item", {"items": [{"kind": "scene", "id": "1"}, {"kind": "scene", "id": "2"}]}),
        ("item", {"surprise": 1}),
        ("review", {"limit": "many"}),
        ("review", {"limit": -1}),
        ("answer", {}),
        ("withdraw", {"act": 999}),
        ("review", {"least": 101}),
        ("estimate", {"apply": "much"}),
        ("faces", {"group": -1}),
    ],
)
def test_a_bad_call_gets_a_sentence(stash: StashDouble, mode: str, args: dict[str, Any]) -> None:
    answer = ask(stash, mode, **args)
    assert list(answer) == ["problem"] and re.search(r"[.:]", answer["problem"]), answer


REVIEW = "thresholds: {apply: 1.0, review: 0.5}\n"


def test_what_waits_can_be_narrowed(stash: StashDouble, tmp_path: Path, data: Path) -> None:
    (data / "config.yml").write_text((data / "config.yml").read_text() + REVIEW)
    refs = [stash.add_image(picture(tmp_path / f"{i}.jpg", colour=False, seed=i)) for i in range(3)]
    looked_at(stash, [item(ref) for ref in refs])
    every = ask(stash, "review", limit=1000)["waiting"]
    assert len({entry["id"] for entry in every}) == 3
    (model, *_) = every[0]["models"]
    for wish, fits in (
        ({"kind": "image"}, lambda entry: entry["kind"] == "image"),
        ({"kind": "scene"}, lambda entry: entry["kind"] == "scene"),
        ({"least": 95}, lambda entry: entry["probability"] >= 0.95),
        ({"most": 80}, lambda entry: entry["probability"] <= 0.8),
        ({"model": model}, lambda entry: model in entry["models"]),
        ({"model": "nobody@1"}, lambda entry: False),
    ):
        assert ask(stash, "review", limit=1000, **wish)["waiting"] == [entry for entry in every if fits(entry)]


def test_what_was_written_is_audited_among_what_waits(stash: StashDouble, tmp_path: Path) -> None:
    refs = [stash.add_image(picture(tmp_path / f"{i}.jpg", colour=False, seed=i)) for i in range(3)]
    stash.run_task("Tag library")
    audits = ask(stash, "review")["audits"]
    assert {audit["id"] for audit in audits if audit["tag"] == BLACK_WHITE} == {ref.id for ref in refs}
    assert all(audit["audit"] and audit["verdict"] == "apply" for audit in audits)
    place = {**item(refs[0]), "tag": BLACK_WHITE}
    ask(stash, "answer", clicks=[{"do": "audit_wrong", "places": [place]}])
    until(lambda: BLACK_WHITE not in stash.tags_by_item()[refs[0]])
    left = ask(stash, "review")["audits"]
    assert refs[0].id not in {audit["id"] for audit in left if audit["tag"] == BLACK_WHITE}


def test_looks_count_towards_a_promise(stash: StashDouble, tmp_path: Path, data: Path) -> None:
    refs = [stash.add_image(picture(tmp_path / f"{i}.jpg", colour=False, seed=i)) for i in range(3)]
    stash.run_task("Tag library")
    clicks = [
        {"do": do, "places": [{**item(ref), "tag": BLACK_WHITE}]}
        for do, ref in zip(("audit_right", "audit_right", "audit_wrong"), refs, strict=True)
    ]
    ask(stash, "answer", clicks=clicks)
    said = ask(stash, "looks")
    (row,) = [row for row in said["tags"] if row["tag"] == BLACK_WHITE]
    assert (row["looks"], row["looked"], row["right"], row["apply"]) == (3, 3, 2, None)
    assert 0 < row["at_least"] < 2 / 3
    assert said["left"] == sum(other["left"] for other in said["tags"])
    assert all(other["left"] <= other["waiting"] for other in said["tags"])
    assert (said["promise"], said["follows"]) == (0.95, False)
    plain = (data / "config.yml").read_text()
    (data / "config.yml").write_text(plain + "promise: 0.2\n")
    stash.run_task("Decide again")
    said = ask(stash, "looks")
    (row,) = [row for row in said["tags"] if row["tag"] == BLACK_WHITE]
    assert (said["promise"], said["follows"]) == (0.2, True) and row["apply"] == 0.9


def test_an_estimate_is_what_deciding_again_does(stash: StashDouble, tmp_path: Path, data: Path) -> None:
    plain = (data / "config.yml").read_text()
    (data / "config.yml").write_text(plain + REVIEW)
    refs = [stash.add_image(picture(tmp_path / f"{i}.jpg", colour=False, seed=i)) for i in range(3)]
    looked_at(stash, [item(ref) for ref in refs])
    before = ask(stash, "review", limit=1000)["all"]
    guess = ask(stash, "estimate", apply=90, review=50)
    assert guess["sampled"] == guess["items"] == 3 and guess["add"] >= 3 and not guess["remove"]
    (data / "config.yml").write_text(plain + "thresholds: {apply: 0.9, review: 0.5}\n")
    exact = ask(stash, "again", dryRun=True)
    assert exact["added"] == guess["add"] == guess["no_review"] <= before
    assert ask(stash, "estimate", apply=100, review=50)["add"] == 0


def test_there_are_no_faces_before_anybody_looked(stash: StashDouble) -> None:
    assert ask(stash, "faces") == {"groups": [], "people": [], "more": 0, "faces": 0}


def test_an_answer_that_cannot_be_kept_keeps_none_of_the_others_back(stash: StashDouble, tmp_path: Path) -> None:
    ref = stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1))
    looked_at(stash, [item(ref)])
    unknown = {"do": "accept", "places": [{"kind": "scene", "id": "999", "tag": "Dog"}]}
    known = {"do": "add", "places": [{**item(ref), "tag": "Dog"}]}
    unclear = [{"do": "guess", "places": []}, {"do": "accept", "places": []}, "accept"]
    said = ask(stash, "answer", clicks=[unknown, *unclear, known])
    assert said["acts"][:-1] == [None] * 4 and said["acts"][-1]
    assert len(said["problems"]) == 4 and all(re.search(r"[.:]", text) for text in said["problems"])
    until(lambda: "Dog" in stash.tags_by_item()[ref])


def test_the_overview_answers_before_anything_was_done(stash: StashDouble) -> None:
    overview = ask(stash, "overview")
    assert overview["set_up"] and overview["runs"] == [] and overview["working"] is None
    assert ask(stash, "waiting") == {"set_up": True, "review": 0}


def test_the_overview_lists_what_changed_something_and_was_said(stash: StashDouble, tmp_path: Path) -> None:
    ref = stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1))
    looked_at(stash, [item(ref)])
    ask(stash, "answer", clicks=[{"do": "reject", "places": [{**item(ref), "tag": BLACK_WHITE}]}])
    until(lambda: BLACK_WHITE not in stash.tags_by_item()[ref])
    runs = ask(stash, "overview", limit=2)["runs"]
    assert (runs[0]["what"], runs[0]["state"]) == ("your answers in reviews", "done")
    assert runs[0]["counts"] == {"removed": 1} and runs[1]["what"] == "what was asked for"


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
