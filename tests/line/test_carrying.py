"""Evaluate, promise, export and import through the real process, on a plain folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tagger.operations import Wish
from tests.double import StashDouble
from tests.line.drawing import picture
from tests.line.terminal import Terminal, sentence
from tests.line.test_meanwhile import BLACK_WHITE, Line
from tests.line.test_people import KNOWN, MEDIA, MIRROR, ONLY_FACES, People, start


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for n in range(6):
        picture(tmp_path / "media" / f"{n}.jpg", colour=n % 2 == 1, seed=n)
    return tmp_path / "media"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "data", tmp_path / "no mirror")


def test_what_was_said_and_written_moves_to_another_data_folder(
    terminal: Terminal, folder: Path, tmp_path: Path
) -> None:
    here = ("--folder", folder)
    before = sorted(p.name for p in folder.iterdir())
    assert terminal.run("tag", *here).code == 0
    assert terminal.run("review", "reject", "image:0.jpg", BLACK_WHITE, *here).code == 0
    assert terminal.run("review", "add", "image:1.jpg", "Holiday", *here).code == 0
    assert terminal.run("review", "never", "Night", *here).code == 0
    file = tmp_path / "out" / "mine.json"
    assert terminal.run("export", file, *here).code == 0
    content = json.loads(file.read_text(encoding="utf-8"))
    assert {(row["say"], row["tag_name"]) for row in content["answers"]} == {("no", BLACK_WHITE), ("yes", "Holiday")}
    assert [rule["kind"] for rule in content["rules"]] == ["never"]
    assert {row["tag_name"] for row in content["tags"]} >= {BLACK_WHITE, "Holiday"}

    other = Terminal(tmp_path / "other", tmp_path / "no mirror")
    taken = other.run("import", file, *here, "--json").json
    assert (taken["answers"], taken["rules"]) == (2, 1)
    again = other.run("import", file, *here, "--json").json
    assert (again["answers"], again["rules"]) == (0, 0)
    assert other.run("tag", *here).code == 0
    (file,) = (tmp_path / "other" / "reports").glob("*/tags.json")
    tags = json.loads(file.read_text(encoding="utf-8"))
    shown = {item["path"]: [p["name"] for p in item["predictions"] if p["verdict"] == "apply"] for item in tags}
    assert BLACK_WHITE not in shown["0.jpg"] and BLACK_WHITE in shown["2.jpg"]
    assert sorted(p.name for p in folder.iterdir()) == before, "nothing is written into the media folder"


def test_tags_for_other_programs_never_replace_their_files(terminal: Terminal, folder: Path, tmp_path: Path) -> None:
    here = ("--folder", folder)
    assert terminal.run("tag", *here).code == 0
    table = tmp_path / "out.csv"
    terminal.run("export", "--as", "csv", table, *here)
    rows = [line.split(",")[:2] for line in table.read_text(encoding="utf-8").splitlines()]
    assert rows[0] == ["path", "tag"] and sum(tag == BLACK_WHITE for _, tag in rows) == 3
    assert terminal.run("export", "--as", "xmp", tmp_path / "xmp", *here, "--json").json["written"] >= 3
    sidecars = sorted((tmp_path / "xmp").rglob("*.xmp"))
    assert {p.name for p in sidecars} >= {"0.jpg.xmp", "2.jpg.xmp", "4.jpg.xmp"}
    text = sidecars[0].read_text(encoding="utf-8")
    assert BLACK_WHITE in [e.text for e in ElementTree.fromstring(text).iter() if e.tag.endswith("}li")]
    theirs = folder / "0.jpg.xmp"
    theirs.write_text("another program's")
    for _ in range(2):
        said = terminal.run("export", "--beside-media", *here, "--json").json
        assert said["left"] == 1 and said["written"] >= 2
    assert theirs.read_text() == "another program's" and (folder / "2.jpg.xmp").exists()
    assert "Say where to" in sentence(terminal.run("export", *here))


def test_evaluate_against_a_csv(terminal: Terminal, folder: Path, tmp_path: Path) -> None:
    here = ("--folder", folder)
    assert terminal.run("tag", *here).code == 0
    truth = tmp_path / "truth.csv"
    truth.write_text("path,tag\n" + "".join(f"{n}.jpg,{BLACK_WHITE if n in (0, 2) else ''}\n" for n in range(6)))
    found = terminal.run("evaluate", truth, *here, "--json").json
    apply = found["levels"][0]
    assert (apply["said"], apply["right"], apply["true"], found["items"]) == (3, 2, 2, 6)
    html = Path(found["page"]).read_text(encoding="utf-8")
    assert "<svg" in html and "data:image/jpeg" in html
    assert "Nothing can be compared" in sentence(terminal.run("evaluate", *here))
    assert "isn't a COCO file" in sentence(terminal.run("evaluate", folder / "0.jpg", *here))
    for way in ("nope.csv", "nope.json"):
        assert f"There is no file {tmp_path / way}: check" in sentence(terminal.run("evaluate", tmp_path / way, *here))
    assert "There is no file" in sentence(terminal.run("import", tmp_path / "nope.json", *here))
    out = terminal.run("evaluate", truth, *here).out
    assert "of the items: the share on which it says at least one tag" in out and "apart on average" in out
    assert "not promised yet" in terminal.run("promise", *here).out


def test_audits_move_a_threshold_and_the_evidence_is_shown(terminal: Terminal, tmp_path: Path) -> None:
    media = tmp_path / "many"
    for n in range(60):
        picture(media / f"{n}.jpg", colour=False, seed=n)
    here = ("--folder", media)
    config = terminal.data / "config.yml"
    config.write_text(config.read_text() + "features: {day_night: off}\n")
    assert terminal.run("tag", *here).code == 0
    drawn = terminal.run("audit", "--limit", "60", *here, "--json").json["audits"]
    assert len({row["ref"] for row in drawn}) == len(drawn) == 60
    for row in drawn[:3]:
        assert terminal.run("audit", "right", row["ref"], row["tag_name"], *here).code == 0
    left = terminal.run("audit", "--limit", "60", *here, "--json").json["audits"]
    assert len(left) == 57
    out = terminal.run("promise", *here).out
    assert f"{BLACK_WHITE}: not promised yet; 3 looked at, 3 right; 49 more right ones would do." in out


def test_former_names_of_tags_move_too_and_folders_get_no_sidecar(tmp_path: Path) -> None:
    with StashDouble(tmp_path / "stash") as stash:
        line = Line(stash, tmp_path)
        refs = [line.add() for _ in range(4)]
        gallery = stash.add_gallery(folder=str(tmp_path), images=refs)
        line.do("tag")
        with stash.lock:
            stash.data.tags[stash.tag_id(BLACK_WHITE)].name = "Monochrome"
        line.do("tag")
        before = stash.tags_by_item()
        assert before[gallery] == {"Monochrome"}
        file = tmp_path / "mine.json"
        line.do("export", wish=Wish(paths=(str(file),)))
        assert line.do("export", wish=Wish(paths=(str(tmp_path / "xmp"),), format="xmp")).data["written"] == 4
        (tmp_path / "data").rename(tmp_path / "gone")
        line.do("import", wish=Wish(paths=(str(file),)))
        for _ in range(2):
            line.do("tag")
            assert stash.tags_by_item() == before


def test_performers_move_too_where_it_is_surely_them(tmp_path: Path) -> None:
    with StashDouble(tmp_path / "stash") as stash:
        line = Line(stash, tmp_path)
        amy_is, amy_is_not, two_are = refs = [line.add() for _ in range(3)]
        line.do("tag")
        stash.add_performer("Amy Pond", aliases=["amy"])
        stash.add_performer("Twin")
        stash.add_performer("Twin's sister", aliases=["twin"])
        stash.set_performers(amy_is, ["Amy Pond"])
        stash.set_performers(two_are, ["Twin", "Twin's sister"])
        file = tmp_path / "mine.json"
        line.do("export", wish=Wish(paths=(str(file),)))
        content = json.loads(file.read_text(encoding="utf-8"))
        # As a folder exports them that knew their faces.
        for ref, name in zip(refs, ("Amy", "Amy", "Twin"), strict=True):
            row = next(row for row in content["tags"] if row["ref"] == list(ref))
            content["tags"].append({**row, "target": "performer", "tag_name": name})
        file.write_text(json.dumps(content), encoding="utf-8")
        (tmp_path / "data").rename(tmp_path / "gone")

        taken = line.do("import", wish=Wish(paths=(str(file),)))
        assert (taken.data["tags"], taken.data["performers"], taken.data["skipped"]) == (3, 1, 2)
        assert "ours here too: 3 tags, 1 performer." in taken.lines[0]
        assert "left out: 0 tags, 2 performers." in taken.lines[1]
        again = line.do("export", wish=Wish(paths=(str(file),)))
        assert (again.data["tags"], again.data["performers"]) == (3, 1)
        table = tmp_path / "out.csv"
        line.do("export", wish=Wish(paths=(str(table),), format="csv"))
        rows = [line.split(",")[1:3] for line in table.read_text(encoding="utf-8").splitlines()]
        assert ["Amy", "performer"] in rows and rows.count([BLACK_WHITE, "tag"]) == 3
        line.do("export", wish=Wish(paths=(str(tmp_path / "xmp"),), format="xmp"))
        (sidecar,) = (tmp_path / "xmp").rglob("0.jpg.xmp")
        found = {
            bag.tag.rpartition("}")[2]: {entry.text for entry in bag.iter() if entry.tag.endswith("}li")}
            for bag in ElementTree.parse(sidecar).iter()
            if bag.tag.endswith(("}subject", "}PersonInImage"))
        }
        assert found == {"subject": {"Amy", BLACK_WHITE}, "PersonInImage": {"Amy"}}

        line.do("undo", wish=Wish(tag="Amy"))
        assert [stash.performers_by_item()[ref] for ref in refs] == [set(), set(), {"Twin", "Twin's sister"}]
        assert not stash.performers_by_item()[amy_is_not]


@pytest.mark.slow
@pytest.mark.skipif(not MIRROR or not MEDIA, reason="set AI_TAGGER_MIRROR and AI_TAGGER_TEST_MEDIA")
def test_who_was_written_moves_to_a_new_data_folder_and_can_be_taken_back_there(tmp_path: Path) -> None:
    with StashDouble(tmp_path / "stash") as stash:
        world = People(stash, tmp_path)
        before = world.everything()
        start(world)
        after = world.everything()
        written = sum(len(names) for names in after.values())
        file = world.tmp / "mine.json"
        assert world.run("export", str(file)).code == 0
        shutil.move(world.terminal.data, world.tmp / "gone")
        world.terminal = Terminal(world.tmp / "data", Path(MIRROR), ONLY_FACES)
        taken = world.run("import", str(file), "--json").json
        assert (taken["performers"], taken["skipped"]) == (written, 0) and written
        assert world.run("tag").code == 0
        assert world.everything() == after, "nobody is taken off whose face isn't known here"
        for name in KNOWN:
            assert world.run("undo", "--tag", name).code == 0
        assert world.everything() == before
