"""People in Stash and in a plain folder: real faces, the real process, real HTTP."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tagger.types import ItemRef
from tests.double import StashDouble
from tests.line.terminal import Ended, Terminal, sentence
from tests.models.graphs import one_node
from tests.people.turned import add_another_embedder

MIRROR, MEDIA = os.environ.get("AI_TAGGER_MIRROR", ""), os.environ.get("AI_TAGGER_TEST_MEDIA", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not MIRROR or not MEDIA, reason="set AI_TAGGER_MIRROR and AI_TAGGER_TEST_MEDIA for real weights and faces"
    ),
]
ONLY_FACES = "models: {skip: [deimv2-femto, yolox-nano]}\n"
KNOWN, UNKNOWN = ("amy", "raj", "sheldon"), "stuart"


class People:
    """A Stash with portraits of four people and a group picture, and the terminal beside it."""

    def __init__(self, stash: StashDouble, tmp: Path) -> None:
        self.stash, self.tmp, self.faces = stash, tmp, Path(MEDIA) / "faces"
        self.terminal = Terminal(tmp / "data", Path(MIRROR), ONLY_FACES)
        self.refs: dict[str, list[ItemRef]] = {}
        for name in (*KNOWN, UNKNOWN):
            self.refs[name] = [stash.add_image(file) for file in sorted((self.faces / name).glob("*.png"))]
        self.party = stash.add_image(self.faces / "bbt1.jpg")

    def people(self, *arguments: str, code: int = 0, more: tuple[str, ...] = ()) -> Any:
        ended = self.run("people", *arguments, "--json", *more)
        assert ended.code == code, ended.err
        return ended.json

    def run(self, *arguments: str) -> Ended:
        return self.terminal.run(*arguments, "--stash", self.stash.connection.base_url)

    def known(self, *names: str, each: int = 2) -> Path:
        folder = self.tmp / "known"
        for name in names:
            (folder / name).mkdir(parents=True)
            for file in sorted((self.faces / name).glob("*.png"))[:each]:
                shutil.copy(file, folder / name)
        return folder

    def on(self, ref: ItemRef) -> frozenset[str]:
        return self.stash.performers_by_item()[ref]

    def everything(self) -> dict[ItemRef, frozenset[str]]:
        return self.stash.performers_by_item()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[People]:
    with StashDouble(tmp_path / "stash") as stash:
        yield People(stash, tmp_path)


def start(world: People) -> None:
    world.people("learn", str(world.known(*KNOWN)), "--create")
    assert world.run("tag").code == 0


def test_known_people_are_written_nobody_else_is_and_undo_takes_them_back(world: People) -> None:
    learned = world.people("learn", str(world.known(*KNOWN)), "--create")
    assert learned["examples"] == dict.fromkeys(KNOWN, 2) and sorted(learned["made"]) == sorted(KNOWN)
    assert world.run("tag").code == 0
    for name in KNOWN:
        assert all(world.on(ref) == {name} for ref in world.refs[name])
    assert all(world.on(ref) == set() for ref in world.refs[UNKNOWN])
    assert world.on(world.party) == {"raj", "sheldon"}
    assert world.run("undo").code == 0
    assert set(world.everything().values()) == {frozenset()}


def test_examples_come_from_performers_and_their_items_and_poor_ones_are_refused(world: People) -> None:
    world.stash.add_performer("amy", picture=world.faces / "amy" / "amy1.png")
    world.stash.add_performer("raj", picture=world.faces / "bbt1.jpg")
    world.stash.add_performer("sheldon")
    world.stash.set_performers(world.refs["sheldon"][0], ["sheldon"])
    world.stash.set_performers(world.party, ["sheldon"])
    learned = world.people("learn")
    assert learned["examples"] == {"amy": 1, "sheldon": 1}
    assert len(learned["refused"]) == 2
    assert all("none stands out" in refused["why"] for refused in learned["refused"])
    examples = world.people("examples")["examples"]
    assert {(e["name"], e["source"]) for e in examples} == {("amy", "performer"), ("sheldon", "item")}
    world.people("take-back", str(examples[0]["id"]))
    assert len(world.people("examples")["examples"]) == 1
    assert world.people("learn")["examples"] == {}, "what was taken back isn't learned again"


def test_unknown_faces_are_a_group_that_is_named_in_one_go(world: People) -> None:
    start(world)
    (group,) = world.people("groups", "--least", "5")["groups"]
    items = {f"{ref.kind}:{ref.id}" for ref in world.refs[UNKNOWN]}
    assert {member["item"] for member in group["members"]} == items
    assert set(group["members"][0]) >= {"item", "path", "time_s", "box"}
    before = world.everything()
    assert "no performer" in world.run("people", "name", str(group["id"]), UNKNOWN).err
    world.people("name", str(group["id"]), UNKNOWN, "--create")
    after = world.everything()
    assert all(after[ref] == {UNKNOWN} for ref in world.refs[UNKNOWN])
    others = before.keys() - set(world.refs[UNKNOWN])
    assert all(after[ref] == before[ref] for ref in others)
    assert world.people("groups", "--least", "5")["groups"] == []
    run = world.run("status", "--json").json["runs"][0]
    written = len(world.refs[UNKNOWN])
    assert (run["what"], run["counts"]["added"]) == (f"naming {UNKNOWN}", written)
    undone = world.run("undo")
    assert undone.code == 0
    assert re.search(rf"Taking back run {run['id']}, naming {UNKNOWN}, .*\d\d:\d\d: {written} performers\.", undone.err)
    assert world.everything() == before, "naming is a run of its own"


def test_a_group_is_likened_only_to_whom_it_may_well_be(world: People) -> None:
    asked = ("--set", "features.people=review")
    assert world.run("tag", *asked).code == 0
    world.people("learn", str(world.known("amy", each=1)), "--create", more=asked)
    groups = world.people("groups", more=asked)["groups"]
    hers = {f"{ref.kind}:{ref.id}" for ref in world.refs["amy"]}
    likened = {group["id"] for group in groups if group["near"]}
    assert likened == {group["id"] for group in groups if hers & {one["item"] for one in group["members"]}}
    assert len(likened) == 1 < len(groups) and all(group["suggestions"] for group in groups)
    lines = world.run("people", "groups", *asked).out.splitlines()
    assert ["perhaps amy (" in line for line in lines] == [group["id"] in likened for group in groups]
    assert "amy, not sure" in world.run("people", "faces", next(iter(hers)), *asked).out


def test_a_refusal_holds_through_a_full_run_with_another_model_and_other_settings(world: People) -> None:
    start(world)
    faces = world.people("faces", f"image:{world.party.id}")["faces"]
    raj = next(face for face in faces if face["person"] == "raj")
    world.people("not", "raj", f"face:{raj['face']}")
    world.people("not", "amy", f"image:{world.refs['amy'][3].id}")
    assert world.on(world.party) == {"sheldon"} and world.on(world.refs["amy"][3]) == set()
    yaml = Path(__file__).parents[2] / "models" / "mobilefacenet.yaml"
    weights = next(Path(MIRROR).rglob("MobileFaceNet_foamliu.onnx"))
    add_another_embedder(world.terminal.data / "models", yaml, weights)
    other = (
        "--set", "models.skip=[deimv2-femto, yolox-nano, mobilefacenet]", "--set", "sampling.picture_side_px=900",
        "--set", "thresholds.apply=0.5",
    )  # fmt: skip
    assert world.run("tag", *other).code == 0
    people = world.people("list", more=other)["people"]
    assert all(person["examples"] >= 1 for person in people), "examples went over to the other model"
    assert world.on(world.party) == {"sheldon"} and world.on(world.refs["amy"][3]) == set()
    assert all(world.on(ref) == {"raj"} for ref in world.refs["raj"])
    said = world.people("faces", f"image:{world.party.id}", more=other)["faces"]
    assert {face["face"] for face in said}.isdisjoint(face["face"] for face in faces), "the other model's own faces"
    assert world.run("tag").code == 0
    assert world.on(world.party) == {"sheldon"} and world.on(world.refs["amy"][3]) == set()


def test_a_split_holds_through_another_model(world: People) -> None:
    start(world)
    (group,) = world.people("groups", "--least", "5")["groups"]
    out = group["members"][0]
    world.people("split", f"group:{group['id']}", str(out["face"]))
    add_another_embedder(
        world.terminal.data / "models",
        Path(__file__).parents[2] / "models" / "mobilefacenet.yaml",
        next(Path(MIRROR).rglob("MobileFaceNet_foamliu.onnx")),
    )
    other = ("--set", "models.skip=[deimv2-femto, yolox-nano, mobilefacenet]")
    assert world.run("tag", *other).code == 0
    for more in (other, ()):
        found = world.people("groups", "--least", "1", more=more)["groups"]
        (with_it,) = [one for one in found if out["item"] in {member["item"] for member in one["members"]}]
        assert with_it["size"] == 1
    assert world.run("tag").code == 0
    assert max(one["size"] for one in world.people("groups", "--least", "1")["groups"]) == 4


def test_what_a_review_said_of_a_person_is_taken_back_with_it(world: People) -> None:
    world.people("learn", str(world.known(*KNOWN)), "--create")
    review = ("--set", "features.people=review")
    assert world.run("tag", *review).code == 0
    ref = world.refs["raj"][3]
    before = world.everything()
    item = f"image:{ref.id}"
    act = world.run("review", "accept", item, "raj", "--json", *review).json["act"]
    assert world.on(ref) == {"raj"}
    counts = world.people("list")["counts"]
    assert counts["said"] == 1 and {e["source"] for e in world.people("examples", "raj")["examples"]} >= {"named"}
    assert world.run("review", "undo", str(act), *review).code == 0
    assert world.everything() == before
    assert world.people("list")["counts"]["said"] == 0
    assert {e["source"] for e in world.people("examples", "raj")["examples"]} == {"folder"}
    no = world.run("review", "reject", item, "raj", "--json", *review).json["act"]
    assert world.run("tag").code == 0
    assert world.on(ref) == set() and world.on(world.refs["raj"][4]) == {"raj"}
    assert world.run("review", "undo", str(no)).code == 0
    assert world.run("tag").code == 0
    assert world.on(ref) == {"raj"}, "the refusal was never said"


def test_performers_that_we_made_go_with_what_is_undone_if_nobody_uses_them(world: People) -> None:
    start(world)
    world.stash.add_performer("somebody's own")
    (group,) = world.people("groups", "--least", "5")["groups"]
    world.people("name", str(group["id"]), UNKNOWN, "--create")
    assert world.on(world.refs[UNKNOWN][0]) == {UNKNOWN}
    assert world.run("undo").code == 0
    names = {performer.name for performer in world.stash.data.performers.values()}
    assert names == {*KNOWN, "somebody's own"}
    assert world.run("tag").code == 0
    assert UNKNOWN in {person["name"] for person in world.people("list")["people"]}, "undoing forgets nobody"
    assert world.run("undo", "--everything").code == 0
    assert {performer.name for performer in world.stash.data.performers.values()} == {"somebody's own"}


def test_performers_made_by_a_run_stay_while_somebody_uses_them(world: People) -> None:
    world.people("learn", str(world.known("amy", "raj")))
    create = ("--set", "people.create=true")
    assert world.run("tag", *create).code == 0
    assert {performer.name for performer in world.stash.data.performers.values()} == {"amy", "raj"}
    world.stash.set_performers(world.refs[UNKNOWN][0], ["raj"])
    assert world.run("undo").code == 0
    assert {performer.name for performer in world.stash.data.performers.values()} == {"raj"}
    assert world.on(world.refs[UNKNOWN][0]) == {"raj"}


def test_decide_again_judges_faces_again_and_looks_at_nothing(world: People) -> None:
    start(world)
    before = world.everything()
    verdicts = world.people("faces", f"image:{world.party.id}")["faces"]
    nobody = ("--set", "features.people=review")
    dry = world.run("again", "--dry-run", "--json", *nobody).json
    assert dry["removed"] == 17 and world.everything() == before
    assert world.run("again", "--json", "--yes", *nobody).json["removed"] == 17
    assert set(world.everything().values()) == {frozenset()}
    said = world.people("faces", f"image:{world.party.id}", more=nobody)["faces"]
    assert {face["verdict"] for face in said if face["person"]} == {"review"}
    again = world.run("again", "--json").json
    assert again["added"] == 17 and world.everything() == before
    assert world.people("faces", f"image:{world.party.id}")["faces"] == verdicts
    assert world.run("again", "--json").json["changed"] == 0
    looked = [run["counts"].get("looked", 0) for run in world.run("status", "--json").json["runs"][:3]]
    assert looked == [0, 0, 0]


def test_a_smallest_face_takes_effect_and_back_without_a_look(world: People) -> None:
    start(world)
    before, groups = world.everything(), world.people("groups", "--least", "5")
    assert world.on(world.party) == {"raj", "sheldon"}
    assert world.run("tag", "--set", "people.least_face_px=100", "--json").json["counts"].get("looked", 0) == 0
    assert world.on(world.party) == {"sheldon"}, "raj is farther away"
    assert world.run("tag").code == 0
    assert world.everything() == before
    assert world.people("groups", "--least", "5") == groups


def test_what_a_person_removed_in_stash_stays_away(world: People) -> None:
    start(world)
    ref = world.refs["raj"][4]
    world.stash.set_performers(ref, [])
    for threshold in ("0.85", "0.8"):
        assert world.run("tag", "--set", f"thresholds.apply={threshold}").code == 0
        assert world.on(ref) == set()
    assert world.people("list")["counts"]["said"] == 1


def test_who_is_deleted_in_stash_is_forgotten_here(world: People) -> None:
    start(world)
    world.stash.remove_performer("amy")
    assert world.run("tag").code == 0
    assert sorted(person["name"] for person in world.people("list")["people"]) == ["raj", "sheldon"]


def test_split_merge_ignore_and_forget(world: People) -> None:
    start(world)
    (group,) = world.people("groups", "--least", "5")["groups"]
    out = group["members"][-1]["face"]
    split = world.people("split", f"group:{group['id']}", str(out))
    sizes = {one["id"]: one["size"] for one in world.people("groups", "--least", "1")["groups"]}
    assert sizes[split["group"]] == 1 and sizes[group["id"]] == 4
    assert world.run("tag", "--set", "thresholds.apply=0.85").code == 0
    assert {one["id"]: one["size"] for one in world.people("groups", "--least", "1")["groups"]} == sizes, "stays apart"
    world.people("merge", f"group:{group['id']}", f"group:{split['group']}")
    assert world.people("groups", "--least", "5")["groups"][0]["size"] == 5
    world.people("ignore", f"face:{out}")
    assert world.people("groups", "--least", "4")["groups"][0]["size"] == 4
    world.people("forget", "raj")
    assert all(world.on(ref) == {"raj"} for ref in world.refs["raj"]), "forgetting a face takes no performer away"
    world.people("forget", "--everybody")
    assert world.people("list")["counts"] == {"people": 0, "examples": 0, "faces": 0, "said": 0}


def test_a_missed_face_is_drawn_and_somebody_else_is_said(world: People) -> None:
    start(world)
    ref = world.refs[UNKNOWN][0]
    world.people("add", f"image:{ref.id}", "amy", "--box", "0.1,0.1,0.2,0.2")
    assert world.on(ref) == {"amy"}
    face = world.people("faces", f"image:{world.refs['raj'][0].id}")["faces"][0]["face"]
    world.people("is", f"face:{face}", "sheldon")
    assert world.on(world.refs["raj"][0]) == {"sheldon"}


def test_look_alikes_wait_for_a_look_until_the_wrong_example_goes(world: People) -> None:
    """At once, both ways: a raj that is said to be sheldon makes the two too much alike to be told apart."""
    start(world)
    *others, wrong = world.refs["raj"]
    face = world.people("faces", f"image:{wrong.id}")["faces"][0]["face"]
    world.people("is", f"face:{face}", "sheldon")
    assert all(world.on(ref) == set() for ref in [*others, *world.refs["sheldon"]])
    (odd,) = [e["id"] for e in world.people("examples", "sheldon")["examples"] if e["odd"]]
    world.people("take-back", str(odd))
    assert all(world.on(ref) == {"raj"} for ref in others)
    assert all(world.on(ref) == {"sheldon"} for ref in [wrong, *world.refs["sheldon"]])


def test_nothing_of_a_face_is_said_and_no_crop_is_kept_when_nobody_wants_it(world: People, tmp_path: Path) -> None:
    world.terminal = Terminal(tmp_path / "other", Path(MIRROR), f"{ONLY_FACES}keep: {{crops: false}}\n")
    start(world)
    held = (tmp_path / "other" / "people.sqlite").read_bytes()
    assert b"JFIF" not in held
    report = world.people("report")["report"]
    assert "data:image/jpeg" not in Path(report).read_text("utf-8")
    assert not any("face" in request.text.casefold().replace("interface", "") for request in world.stash.requests)


def test_crops_that_are_kept_no_more_leave_the_store_and_the_report(world: People, tmp_path: Path) -> None:
    start(world)
    store, report = tmp_path / "data" / "people.sqlite", Path(world.people("report")["report"])
    assert b"JFIF" in store.read_bytes()
    assert "data:image/jpeg" in report.read_text("utf-8")
    assert world.run("tag", "--set", "keep.crops=false").code == 0
    assert b"JFIF" not in store.read_bytes()
    assert "data:image/jpeg" not in report.read_text("utf-8")


def test_a_model_of_ones_own_looks_at_faces(world: People, tmp_path: Path) -> None:
    """A red face on blue ground, and a model that says how red, green and blue a picture is."""
    models = tmp_path / "data" / "models"
    models.mkdir(parents=True)
    (models / "tint.onnx").write_bytes(one_node("GlobalAveragePool"))
    (models / "tint.yaml").write_text(
        "{name: tint, revision: 1, feature: things, family: multi-label-classifier, files: [{path: tint.onnx}],\n"
        "looks_at: faces, input: {size: [64, 64], scale: 0.0039, resize: stretch}, labels: [reddish, greenish, bluish]}"
    )
    bgr = np.full((300, 400, 3), (255, 0, 0), np.uint8)
    face = cv2.imread(str(world.faces / "amy" / "amy1.png"))
    bgr[100:250, 50:200] = np.clip(face * np.array([0.2, 0.2, 1.0]) + np.array([0, 0, 80]), 0, 255)
    cv2.imwrite(str(tmp_path / "red.png"), bgr)
    ended = world.terminal.run("look", tmp_path / "red.png", "--json", "--set", "models.use=[tint]")
    assert ended.code == 0, ended.err
    found = [p for p in ended.json["predictions"] if p["model"] == "tint@1"]
    best = max(found, key=lambda p: p["score"])
    assert best["label"] == "reddish", "the blue around the face wasn't shown"
    assert best["evidence"][0]["box"] == pytest.approx([60, 90, 200, 250], abs=25)


def test_look_takes_a_folder_of_people(world: People) -> None:
    ended = world.terminal.run(
        "look", "--people", world.known("amy", "raj"), world.faces / "bbt4.jpg", world.faces / "penny", "--json"
    )
    assert ended.code == 0, ended.err
    said = {
        Path(row["path"]).name: {(p["name"], p["verdict"]) for p in row["predictions"] if p["feature"] == "people"}
        for row in ended.rows
    }
    assert said.pop("bbt4.jpg") == {("amy", "apply"), ("raj", "apply")}
    assert set(map(frozenset, said.values())) == {frozenset()}
    assert not (world.terminal.data / "people.sqlite").exists()


def test_a_plain_folder_has_people_too_and_its_report_shows_rows_of_faces(world: People, tmp_path: Path) -> None:
    library = tmp_path / "library"
    for name in ("amy", UNKNOWN):
        shutil.copytree(world.faces / name, library / name)
    known = world.known("amy")
    terminal = Terminal(tmp_path / "folder data", Path(MIRROR), ONLY_FACES)
    assert terminal.run("people", "learn", known, "--create", "--folder", library).code == 0
    assert terminal.run("tag", "--folder", library).code == 0
    (report,) = (tmp_path / "folder data" / "reports").glob("library-*/report.html")
    html = report.read_text("utf-8")
    assert html.count("data:image/jpeg;base64,") > 5 and "5 unknown faces" in html and "amy" in html
    here = ("--folder", library)
    assert "people learn PEOPLE" in sentence(terminal.run("people", "learn", *here))
    group = terminal.run("people", "groups", *here).out.removesuffix(": 5 faces\n")
    assert group.removeprefix("Group ").isdigit(), "nobody known is near"
    named = terminal.run("people", "faces", library / UNKNOWN / f"{UNKNOWN}1.png", *here).out
    assert named.endswith(f"nobody known, {group.lower()}\n")
    assert "no image stuart1.png" in sentence(terminal.run("people", "faces", "image:stuart1.png", *here))
    people = Path(terminal.run("people", "report", *here, "--json").json["report"])
    assert "amy" in people.read_text("utf-8") and people.is_relative_to(report.parent)
    assert terminal.run("people", "forget", "amy", *here).code == 0
    assert "<h3>amy" not in people.read_text("utf-8") + report.read_text("utf-8")
