"""The terminal: every command through the real process."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.double import StashDouble
from tests.line.drawing import broken, picture
from tests.line.terminal import Terminal, sentence

BLACK_WHITE = "Black and white"
KEY = "k3y-that-nobody-may-see-0123456789"
LOOK_KEYS = {"path", "kind", "error", "predictions"}
PREDICTION_KEYS = {"feature", "name", "label", "score", "verdict", "model", "spans_s", "evidence", "why"}


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "data", tmp_path / "no mirror")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two black and white ones, one in colour, one that is none, one in a folder below."""
    folder = tmp_path / "pictures"
    for n in (0, 2):
        picture(folder / f"{n}.jpg", colour=False, seed=n)
    picture(folder / "1.jpg", colour=True, seed=1)
    picture(folder / "below" / "3.jpg", colour=True, seed=3)
    broken(folder / "broken.jpg")
    (folder / "note.txt").write_text("nothing to look at")
    return folder


def listing(folder: Path) -> dict[str, tuple[int, str]]:
    """Every file with its time and a hash of its bytes."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(p): (p.stat().st_mtime_ns, hashlib.sha256(p.read_bytes()).hexdigest()) for p in files}


def test_look_says_the_same_to_programs_and_to_people(terminal: Terminal, pictures: Path) -> None:
    ended = terminal.run("look", pictures / "0.jpg", pictures / "broken.jpg", pictures / "missing.jpg", "--json")
    assert ended.code == 1
    rows = {Path(row["path"]).name: row for row in ended.rows}
    assert rows.keys() == {"0.jpg", "broken.jpg", "missing.jpg"}
    assert all(row.keys() == LOOK_KEYS and row["kind"] == "image" for row in rows.values())
    assert rows["0.jpg"]["error"] is None
    assert rows["broken.jpg"]["error"] and rows["missing.jpg"]["error"] and not rows["broken.jpg"]["predictions"]
    said = {p["name"]: p for p in rows["0.jpg"]["predictions"]}
    assert said[BLACK_WHITE]["verdict"] == "apply" and said[BLACK_WHITE]["why"]
    assert all(p.keys() == PREDICTION_KEYS for p in said.values())
    person = terminal.run("look", pictures / "0.jpg")
    assert person.code == 0 and BLACK_WHITE in person.out


def test_a_folder_is_tagged_reported_and_undone_and_nothing_in_it_changes(terminal: Terminal, pictures: Path) -> None:
    before = listing(pictures)
    dry = terminal.run("tag", "--folder", pictures, "--dry-run", "--json")
    assert dry.code == 1 and dry.json["tags"][BLACK_WHITE] == 2 and dry.json["run"] == 0
    assert not (terminal.data / "reports").exists()
    assert "apply" in (status := terminal.run("status", "--folder", pictures, "--json").json)["summary"]
    assert status["runs"] == [] and status["summary"]["ours"] == 0

    ended = terminal.run("tag", "--folder", pictures, "--json")
    assert ended.code == 1 and ended.json["finished"] and ended.json["counts"]["added"] >= 4
    report = Path(ended.json["report"])
    assert report.parent.parent == terminal.data / "reports" and report.parent.name.startswith("pictures-")
    entries = {e["path"]: e for e in json.loads((report.parent / "tags.json").read_text("utf-8"))}
    assert entries.keys() == {"0.jpg", "1.jpg", "2.jpg", "below/3.jpg", "broken.jpg"}
    assert BLACK_WHITE in entries["0.jpg"]["tags"] and BLACK_WHITE not in entries["1.jpg"]["tags"]
    assert entries["broken.jpg"]["error"]
    assert "below/3.jpg" in report.read_text("utf-8")

    second = terminal.run("tag", "--folder", pictures, "--json")
    assert second.code == 0 and second.json["counts"].get("looked", 0) == 0 and second.json["counts"]["unchanged"] == 4
    status = terminal.run("status", "--folder", pictures, "--json").json
    assert [run["state"] for run in status["runs"]] == ["done", "done"]
    assert [failure["path"].endswith("broken.jpg") for failure in status["failures"]] == [True]

    would = terminal.run("undo", "--folder", pictures, "--dry-run", "--json").json
    undone = terminal.run("undo", "--folder", pictures, "--json").json
    assert would["removed"] == undone["removed"] == status["summary"]["ours"] > 0
    again = terminal.run("undo", "--folder", pictures)
    assert again.code == 0 and again.out == "There is nothing to undo: no run has tags in the library.\n"
    assert "backup" not in (decided := terminal.run("again", "--folder", pictures)).err and decided.code == 0
    assert listing(pictures) == before


def test_no_folder_writes_over_the_report_of_another(terminal: Terminal, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "empty" / "below").mkdir(parents=True)
    first = Path(terminal.run("tag", "--folder", pictures, "--json").json["report"])
    before = first.read_bytes()
    for command in (("tag",), ("tag", "--dry-run"), ("new",), ("try",)):
        said = sentence(terminal.run(*command, "--folder", tmp_path / "empty"))
        assert "no pictures or videos" in said and "empty" in said
    second = Path(terminal.run("tag", "--folder", pictures / "below", "--json").json["report"])
    demo = Path(terminal.run("demo", pictures / "below", "--json").json["report"])
    assert demo == terminal.data / "report.html" and len({first, second, demo}) == 3
    assert first.read_bytes() == before and "1.jpg" not in second.read_text("utf-8")


def test_a_folder_that_was_emptied_can_still_be_forgotten(terminal: Terminal, tmp_path: Path) -> None:
    file = picture(tmp_path / "few" / "0.jpg", colour=False, seed=0)
    assert terminal.run("tag", "--folder", tmp_path / "few").code == 0
    file.unlink()
    assert "no pictures" in sentence(terminal.run("tag", "--folder", tmp_path / "few"))
    assert terminal.run("tag", "--folder", tmp_path / "few", "--forget-gone").code == 0


def test_how_sure_it_is_is_said_once(terminal: Terminal, pictures: Path) -> None:
    terminal.run("tag", "--folder", pictures, "--set", "thresholds.apply=1.0")
    waiting = terminal.run("review", "--folder", pictures).out.splitlines()[:-1]
    assert waiting and all(re.search(r"  \S+ % sure, below", line) for line in waiting), waiting
    assert not any(re.search(r"( \S+ %) +\1", line) for line in waiting), waiting


def test_an_item_of_a_folder_is_named_by_its_path(terminal: Terminal, pictures: Path) -> None:
    here = ("--folder", pictures)
    terminal.run("tag", *here)
    whole = terminal.run("why", "--item", "image:0.jpg", "--tag", BLACK_WHITE, *here)
    assert whole.code == 0 and BLACK_WHITE in whole.out
    from_here = os.path.relpath(pictures / "0.jpg")
    for path in ("0.jpg", pictures / "0.jpg", from_here, f"image:{pictures / '0.jpg'}", "below/../0.jpg"):
        assert terminal.run("why", "--item", path, "--tag", BLACK_WHITE, *here) == whole
    said = sentence(terminal.run("why", "--item", "nowhere.jpg", "--tag", BLACK_WHITE, *here))
    assert "nowhere.jpg names no item" in said and "--folder" in said
    assert terminal.run("review", "reject", pictures / "0.jpg", BLACK_WHITE, *here).code == 0
    assert terminal.run("why", "--item", "0.jpg", "--tag", BLACK_WHITE, *here).out != whole.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("tag",), "--stash URL"),
        (("people", "list"), "--stash URL"),
        (("people",), "--stash URL"),
        (("tag", "--folder", "/no/such/folder"), "isn't a folder"),
        (("tag", "--stash", "ftp://host"), "http://host:9999"),
        (("tag", "--stash", "http://127.0.0.1:9"), "127.0.0.1:9"),
        (("look", "x.jpg", "--set", "thresholds.apply"), "no '='"),
        (("look", "x.jpg", "--set", "thresholds.apply=[1"), "thresholds.apply=[1"),
        (("look", "x.jpg", "--set", "thresholds.apply=7"), "thresholds.apply"),
        (("look", "x.jpg", "--set", "treshold=7"), "treshold"),
        (("look", "x.jpg", "--set", "models.use=[no-such-model]"), "no-such-model"),
        (("models", "fetch", "no-such-model"), "no-such-model"),
        (("models", "remove"), "Which models"),
        (("look", "x.jpg", "--device", "abacus"), "abacus"),
        (("status", "--stash", "http://127.0.0.1:9", "--api-key-file", "/no/such/file"), "/no/such/file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_run_says_why_in_one_sentence(terminal: Terminal, arguments: tuple[str, ...], says: str) -> None:
    assert says in sentence(terminal.run(*arguments))


def test_without_a_way_to_the_models(tmp_path: Path, pictures: Path) -> None:
    terminal = Terminal(tmp_path / "bare", tmp_path / "no mirror", config="")
    (tmp_path / "no mirror").mkdir()
    for command in (("look", pictures / "0.jpg"), ("tag", "--folder", pictures)):
        assert "mirror" in sentence(terminal.run(*command))
    ended = terminal.run("demo", pictures)
    assert ended.code == 1 and "only the built-in recognizers" in ended.out and "--mirror" in ended.out
    assert "0.jpg" in (terminal.data / "report.html").read_text("utf-8")


def test_the_api_key_lets_in_and_is_seen_nowhere(terminal: Terminal, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(KEY + "\n")
    with StashDouble(tmp_path / "stash", locked=True, api_key=KEY) as stash:
        ref = stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=5))
        for n in range(6, 30):
            stash.add_image(picture(tmp_path / f"{n}.jpg", colour=False, seed=n))
        refused = terminal.run("tag", "--stash", stash.url)
        assert "key" in sentence(refused)
        wrong = Terminal(terminal.data, terminal.mirror, more={"AI_TAGGER_STASH_API_KEY": "wrong"})
        assert "key" in sentence(wrong.run("tag", "--stash", stash.url))
        process = terminal.start("tag", "--stash", stash.url, "--api-key-file", key_file)
        seen = ""
        while process.poll() is None:
            if sys.platform == "linux":
                seen += subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
            time.sleep(0.2)
        out, err = process.communicate()
        assert process.returncode == 0, err
        assert BLACK_WHITE in stash.tags_by_item()[ref]
        own = Terminal(terminal.data, terminal.mirror, more={"AI_TAGGER_STASH_API_KEY": KEY})
        ends = [own.run(*c, "--stash", stash.url) for c in (("status",), ("check",), ("undo",), ("tag", "--json"))]
        assert [ended.code for ended in ends] == [0, 0, 0, 0]
        assert KEY not in out + err + seen + "".join(ended.out + ended.err for ended in ends)
        assert "ai_tagger" in seen or sys.platform != "linux"
    for path in terminal.data.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def test_a_second_worker_says_that_it_waits_for_the_first(terminal: Terminal, pictures: Path) -> None:
    from tagger.library.told import at_work
    from tagger.store import worker_lock

    with worker_lock(terminal.data, at_work("tag")):
        assert "A library run is at work, since" in terminal.run("status", "--folder", pictures).out
        process = terminal.start("tag", "--folder", pictures)
        assert process.stderr is not None
        said = process.stderr.readline()
        assert "A library run is at work" in said and "waiting up to" in said
        assert process.poll() is None
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "3 items" not in err and BLACK_WHITE in out


def test_scope_by_path_date_and_kind(terminal: Terminal, pictures: Path) -> None:
    os.utime(pictures / "0.jpg", (0, 0))
    cases = (
        ("scope.paths=[below]", 1),
        ("scope.exclude_paths=[below]", 4),
        ("scope.date_from='2001-01-01'", 4),
        ("scope.date_to='2001-01-01'", 1),
    )
    for setting, items in cases:
        ended = terminal.run("tag", "--folder", pictures, "--dry-run", "--json", "--set", setting)
        assert ended.json["counts"].get("passed", 0) == items, (setting, ended.out)


def test_upright_boxes_and_labels_of_real_pictures(tmp_path: Path) -> None:
    mirror, media = os.environ.get("AI_TAGGER_MIRROR"), os.environ.get("AI_TAGGER_TEST_MEDIA")
    if not mirror or not media:
        pytest.skip("AI_TAGGER_MIRROR and AI_TAGGER_TEST_MEDIA name real weights and pictures")
    truth = json.loads((Path(media) / "objects128" / "objects.json").read_text())
    name = "000000000025.jpg"
    original = Path(media) / "objects128" / name
    pixels = cv2.imread(str(original))
    assert pixels is not None
    turned = tmp_path / "turned.jpg"  # Turned to the left, and EXIF says: turn it right (6).
    done, body = cv2.imencode(".jpg", np.ascontiguousarray(np.rot90(pixels)), [cv2.IMWRITE_JPEG_QUALITY, 95])
    exif = bytes.fromhex("ffe100224578696600004d4d002a00000008000101120003000000010006000000000000")
    turned.write_bytes(body.tobytes()[:2] + exif + body.tobytes()[2:])
    assert done
    video = tmp_path / "turns.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 5, (pixels.shape[1], pixels.shape[0]))
    for n in range(60):
        writer.write(np.full_like(pixels, 90) if n < 30 else pixels)
    writer.release()
    terminal = Terminal(tmp_path / "data", Path(mirror), config="")
    rows = {Path(r["path"]).name: r for r in terminal.run("look", original, turned, video, "--json").rows}
    boxes = [thing["box_xyxy"] for thing in truth[name]["objects"] if thing["label"] == "giraffe"]
    for file in (name, "turned.jpg"):
        giraffe = next(p for p in rows[file]["predictions"] if p["label"] == "giraffe")
        assert giraffe["verdict"] == "apply", giraffe
        found = giraffe["evidence"][0]["box"]
        assert max(overlap(found, box) for box in boxes) > 0.7, (file, found, boxes)
    giraffe = next(p for p in rows["turns.avi"]["predictions"] if p["label"] == "giraffe")
    assert giraffe["spans_s"] and giraffe["spans_s"][0][0] > 3 and giraffe["spans_s"][-1][1] <= 12.5, giraffe
    assert rows["turns.avi"]["kind"] == "video"


def overlap(a: list[float], b: list[float]) -> float:
    """Intersection over union of x0 y0 x1 y1."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(0.0, wide) * max(0.0, high)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def test_a_users_own_yaml_is_used_without_touching_code(tmp_path: Path) -> None:
    mirror, media = os.environ.get("AI_TAGGER_MIRROR"), os.environ.get("AI_TAGGER_TEST_MEDIA")
    if not mirror or not media:
        pytest.skip("AI_TAGGER_MIRROR and AI_TAGGER_TEST_MEDIA name real weights and pictures")
    folder = tmp_path / "pictures"
    folder.mkdir()
    original = Path(media) / "objects128" / "000000000025.jpg"
    (folder / "giraffe.jpg").write_bytes(original.read_bytes())
    terminal = Terminal(tmp_path / "data", Path(mirror))
    assert terminal.run("tag", "--folder", folder).code == 0
    from tests.line.conftest import ROOT

    yolox = (ROOT / "models" / "yolox-nano.yaml").read_text().split("calibration:")[0]
    (terminal.data / "models").mkdir(exist_ok=True)
    own = yolox.replace("name: yolox-nano", "name: my-detector").replace("presets: [fast, accurate]", "presets: []")
    (terminal.data / "models" / "my-detector.yaml").write_text(own)
    use = ("--set", "models.use=[my-detector]")
    listed = terminal.run("models", "list", *use).out
    assert "* my-detector" in listed and "Apache-2.0" in listed
    assert terminal.run("models", "fetch", "my-detector").code == 0
    checked = terminal.run("models", "check", "my-detector")
    assert checked.code == 0 and "my-detector@1: works" in checked.out
    ended = terminal.run("tag", "--folder", folder, *use)
    assert ended.code == 0 and "New since the last run: my-detector@1. 1 files are looked at again" in ended.err
    (tags,) = (terminal.data / "reports").glob("*/tags.json")
    (entry,) = json.loads(tags.read_text("utf-8"))
    giraffe = next(p for p in entry["predictions"] if p["label"] == "giraffe")
    assert giraffe["verdict"] == "review", "what has no calibration reaches review at most"
    assert giraffe["model"] == "my-detector@1"
    freed = terminal.run("models", "remove", "my-detector", "--json").json["freed"]
    assert freed["my-detector"] > 3_000_000
