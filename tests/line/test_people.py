"""People in Stash and in a plain folder: real faces, the real process, real HTTP."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tagger.types import ItemRef
from tests.double import StashDouble
from tests.line.terminal import Ended, Terminal

MIRROR, MEDIA = os.environ.get("AI_TAGGER_MIRROR", ""), os.environ.get("AI_TAGGER_TEST_MEDIA", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not MIRROR or not MEDIA, reason="set AI_TAGGER_MIRROR and AI_TAGGER_TEST_MEDIA for real weights and faces"
    ),
]
ONLY_FACES = "models: {skip: [deimv2-femto, yolox-nano]}\n"
KNOWN, UNKNOWN = ("amy", "raj", "sheldon"), "stuart"
OTHER_MODEL = ("name: mobilefacenet\n", "name: another\n")


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
    assert world.run("undo").code == 0
    assert world.everything() == before, "naming is a run of its own"


def test_a_refusal_holds_through_a_full_run_with_another_model_and_other_settings(world: People) -> None:
    start(world)
    faces = world.people("faces", f"image:{world.party.id}")["faces"]
    raj = next(face for face in faces if face["person"] == "raj")
    world.people("not", "raj", f"face:{raj['face']}")
    world.people("not", "amy", f"image:{world.refs['amy'][3].id}")
    assert world.on(world.party) == {"sheldon"} and world.on(world.refs["amy"][3]) == set()
    yaml = (Path(__file__).parents[2] / "models" / "mobilefacenet.yaml").read_text()
    (world.terminal.data / "models").mkdir(exist_ok=True)
    (world.terminal.data / "models" / "another.yaml").write_text(yaml.replace(*OTHER_MODEL))
    other = (
        "--set", "models.skip=[deimv2-femto, yolox-nano, mobilefacenet]", "--set", "sampling.picture_side_px=900",
        "--set", "thresholds.apply=0.5",
    )  # fmt: skip
    assert world.run("tag", *other).code == 0
    people = world.people("list", more=other)["people"]
    assert all(person["examples"] >= 1 for person in people), "examples went over to the other model"
    assert world.on(world.party) == {"sheldon"} and world.on(world.refs["amy"][3]) == set()
    assert all(world.on(ref) == {"raj"} for ref in world.refs["raj"])


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


def test_nothing_of_a_face_is_said_and_no_crop_is_kept_when_nobody_wants_it(world: People, tmp_path: Path) -> None:
    world.terminal = Terminal(tmp_path / "other", Path(MIRROR), f"{ONLY_FACES}keep: {{crops: false}}\n")
    start(world)
    held = (tmp_path / "other" / "people.sqlite").read_bytes()
    assert b"JFIF" not in held
    world.people("report")
    assert "data:image/jpeg" not in (tmp_path / "other" / "people" / "report.html").read_text("utf-8")
    assert not any("face" in request.text.casefold().replace("interface", "") for request in world.stash.requests)


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
    html = (tmp_path / "folder data" / "report.html").read_text("utf-8")
    assert html.count("data:image/jpeg;base64,") > 5 and "5 unknown faces" in html and "amy" in html
