"""The files a report consists of: what is in them, that they stream, and that a failure leaves the former ones."""

from __future__ import annotations

import html.parser
import json
import re
import sys
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tagger.errors import StoreError
from tagger.report import FaceRow, ReportItem, ReportSummary, prediction_json, write_report, write_tags_json
from tagger.types import Box, Evidence, Thumb
from tests.report.sample import MODEL, SUMMARY, broken, decision, items, jpeg, picture, video

VOID = {"meta", "link", "img", "input", "br"}


class Reader(html.parser.HTMLParser):
    """Reads a page as a browser would: its elements, and the text outside script and style."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)

    def all(self, name: str, **attributes: str) -> list[dict[str, str | None]]:
        wanted = {key.rstrip("_"): value for key, value in attributes.items()}
        return [a for tag, a in self.elements if tag == name and all(a.get(k) == v for k, v in wanted.items())]


def read(path: Path) -> Reader:
    page = Reader(path.read_text(encoding="utf-8"))
    assert page.open == []
    return page


def test_every_item_its_tags_and_its_reasons_are_on_the_page(tmp_path: Path) -> None:
    given_items = list(items(50))
    page = read(write_report(tmp_path, given_items, SUMMARY))
    assert len(page.all("article")) == len([one for one in given_items if one.error is None])
    for item in given_items:
        assert item.name in page.text
        assert item.path in page.text
        for one in item.decisions:
            assert one.verdict == "drop" or one.why in page.text
    assert "Kite" not in page.text
    for model, licence in SUMMARY.models:
        assert model in page.text
        assert licence in page.text
    assert SUMMARY.notes[0] in page.text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html"]


def test_the_page_needs_nothing_from_anywhere(tmp_path: Path) -> None:
    page = read(write_report(tmp_path, items(20), SUMMARY))
    for _, attributes in page.elements:
        for name in ("src", "href", "action", "srcset", "data"):
            value = attributes.get(name)
            assert not value or value.startswith(("data:", "#")), value
        assert not [name for name in attributes if name.startswith("on")]
    policy = page.all("meta")[1]["content"]
    assert policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_an_error_is_listed_with_its_reason_and_has_no_card(tmp_path: Path) -> None:
    partly = replace(video(1), error="The video breaks off after 40 seconds.")
    page = read(write_report(tmp_path, [broken(3), partly], SUMMARY))
    assert str(broken(3).error) in page.text
    assert "2 couldn’t be looked at." in page.text
    assert "Only partly looked at: The video breaks off after 40 seconds." in page.text
    assert len(page.all("article")) == 1


def test_an_empty_report_says_so(tmp_path: Path) -> None:
    assert "There are no pictures or videos to show." in read(write_report(tmp_path, [], SUMMARY)).text


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_only_its_owner_may_read_a_report(tmp_path: Path) -> None:
    assert write_report(tmp_path, [], SUMMARY).stat().st_mode & 0o777 == 0o600


def test_a_report_of_people_alone_speaks_of_people_alone(tmp_path: Path) -> None:
    faces = (
        FaceRow("Group 5", "2 unknown faces", (jpeg((9, 9), 0), jpeg((9, 9), 1))),
        FaceRow("Ada", "1 example", (jpeg((9, 9), 2),)),
    )
    page = Reader(write_report(tmp_path, [], replace(SUMMARY, counts={}, faces=faces)).read_text("utf-8"))
    said = " ".join(page.words)
    assert "Group 5" in said and "Ada" in said and "the largest first" in said
    assert "Nothing here has been changed" not in said and "No tags were found" not in said
    assert sum(name == "img" for name, _ in page.elements) == 3


def test_counts_count_an_item_once_however_the_tag_is_capitalised(tmp_path: Path) -> None:
    one = replace(picture(0), decisions=(decision("dog", 0.95, "apply"), decision("Dog", 0.75, "review")))
    two = replace(picture(1), decisions=(decision("DOG", 0.8, "review"),))
    page = read(write_report(tmp_path, [one, two], SUMMARY))
    counts = [a["aria-label"] for a in page.all("button") if "data-t" in a]
    assert counts == ["dog: 1 apply, 1 review"]


def test_pages_are_linked_and_a_shorter_report_takes_the_further_ones_away(tmp_path: Path) -> None:
    write_report(tmp_path, items(25), SUMMARY, per_page=10)
    names = ["report-2.html", "report-3.html", "report.html"]
    assert sorted(p.name for p in tmp_path.iterdir()) == names
    for name in names:
        page = read(tmp_path / name)
        assert {a["href"] for a in page.all("a") if a["href"] and not a["href"].startswith("#")} == set(names)
        assert len(page.all("a", **{"aria-current": "page"})) == 2
        assert "25 items" in page.text
    write_report(tmp_path, items(10), SUMMARY, per_page=10)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html"]


def test_boxes_are_drawn_only_over_the_frame_they_were_seen_in(tmp_path: Path) -> None:
    seen, unseen = Box(0.25, 0.5, 0.5, 1.0), Box(0, 0, 0.1, 0.1)
    item = replace(
        picture(0),
        kind="video",
        width=320,
        height=160,
        duration_s=10.0,
        decisions=(decision("Dog", 0.95, "apply", Evidence(4.0, 0.9, seen), Evidence(6.0, 0.8, unseen)),),
        thumbs=(Thumb(2.0, jpeg((320, 160), 0)), Thumb(4.02, jpeg((320, 160), 1))),
    )
    page = read(write_report(tmp_path, [item], SUMMARY))
    assert [a["d"] for a in page.all("path") if "data-f" in a] == ["M250 250H500V500H250z"]
    assert len(page.all("img")) == 1, "the frame that speaks for nothing isn't worth its bytes"


def test_frames_of_an_item_stay_within_their_bytes(tmp_path: Path) -> None:
    times = [float(n) for n in range(30)]
    large = tuple(Thumb(t, b"\xff\xd8" + bytes(60_000)) for t in times)
    item = replace(
        video(0), decisions=(decision("Dog", 0.95, "apply", *(Evidence(t, 0.9) for t in times)),), thumbs=large
    )
    assert write_report(tmp_path, [item], SUMMARY).stat().st_size < 300_000


def test_neither_page_nor_json_tells_where_the_folder_lies(tmp_path: Path) -> None:
    item = ReportItem(
        "a.jpg", "/home/anna/My Pictures/a.jpg", "image", 0, 0, 0.0, "Can't open /home/anna/My Pictures/a.jpg: broken."
    )
    windows = ReportItem("b.jpg", "C:\\Users\\anna\\b.jpg", "image", 0, 0, 0.0, "“C:\\Users\\anna\\b.jpg” is empty.")
    relative = ReportItem("c.jpg", "x/c.jpg", "image", 0, 0, 0.0, "/home/anna/x/c.jpg and/or its folder is gone.")
    write_report(tmp_path, [item, windows, relative], SUMMARY)
    write_tags_json(tmp_path / "tags.json", [item, windows, relative])
    for name in ("report.html", "tags.json"):
        assert "anna" not in (tmp_path / name).read_text(encoding="utf-8")
    errors = [one["error"] for one in json.loads((tmp_path / "tags.json").read_text(encoding="utf-8"))]
    assert errors == ["Can't open a.jpg: broken.", "“b.jpg” is empty.", "x/c.jpg and/or its folder is gone."]


HOSTILE = st.one_of(
    st.text(min_size=1, max_size=40),
    st.sampled_from(
        [
            "</script><script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "\" onmouseover=\"alert(1)",
            "' autofocus onfocus='alert(1)",
            "&lt;b&gt;&amp;#x41;",
            "<!-- ]]> --><style>*{}</style>",
            "{at}{n}%s\\1\\g<0>",
            "\udc80\ud800 \u202egpj.exe \x00\x0b",
            "../../etc/passwd",
        ]
    ),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=HOSTILE, path=HOSTILE, tag=HOSTILE, why=HOSTILE, error=st.one_of(st.none(), HOSTILE), title=HOSTILE)
def test_no_text_of_others_becomes_markup(
    tmp_path: Path, name: str, path: str, tag: str, why: str, error: str | None, title: str
) -> None:
    """Whatever the texts are, the page has the same elements with the same attributes as with harmless ones."""

    def written(name: str, path: str, tag: str, why: str, error: str | None, title: str) -> Reader:
        evidence = (Evidence(5.0, 0.9, Box(0.1, 0.1, 0.3, 0.3)),)
        said = decision(tag, 0.93, "apply", *evidence, feature=tag, label=tag, why=why, spans_s=((1.0, 2.0),))
        item = replace(video(0), name=name, path=path, error=error, decisions=(said,))
        summary = ReportSummary(title, title, {title: 1}, ((title, title),), 1.0, (title,))
        write_tags_json(tmp_path / "tags.json", [item])
        return read(write_report(tmp_path, [item], summary))

    plain = written("a", "b", "c", "d", None if error is None else "e", "f")
    hostile = written(name, path, tag, why, error, title)
    assert [(n, sorted(a)) for n, a in hostile.elements] == [(n, sorted(a)) for n, a in plain.elements]
    (entry,) = json.loads((tmp_path / "tags.json").read_text(encoding="utf-8"))
    assert entry["tags"] == [tag]
    assert not {"..", ""} & set(entry["path"].split("/")) or entry["path"] == ""


def test_tags_json_is_the_documented_list(tmp_path: Path) -> None:
    said = (
        decision("Sun", 0.84219, "review", Evidence(0.0, 0.80001, Box(0.5, 0.25, 1.0, 0.5)), label="sun"),
        decision("Dog", 0.95, "apply", Evidence(0.0, 0.9), label="golden retriever", why="Clear."),
        decision("", 0.9, "apply"),
    )
    item = replace(picture(0), path="x/ä.jpg", width=400, height=200, decisions=said)
    write_tags_json(tmp_path / "tags.json", [item, broken(1)])
    first, second = json.loads((tmp_path / "tags.json").read_text(encoding="utf-8"))
    assert first == {
        "path": "x/ä.jpg",
        "kind": "image",
        "error": None,
        "tags": ["Dog"],
        "review": ["Sun"],
        "predictions": [prediction_json(one, 400, 200) for one in said],
    }
    assert first["predictions"][0] == {
        "feature": "objects",
        "name": "Sun",
        "label": "sun",
        "score": 0.8422,
        "verdict": "review",
        "model": MODEL,
        "spans_s": [],
        "evidence": [{"time_s": 0.0, "box": [200.0, 50.0, 400.0, 100.0], "score": 0.8}],
        "why": said[0].why,
    }
    assert first["predictions"][1]["evidence"] == [{"time_s": 0.0, "box": None, "score": 0.9}]
    assert second["error"] == broken(1).error
    assert second["predictions"] == []
    write_tags_json(tmp_path / "tags.json", [])
    assert json.loads((tmp_path / "tags.json").read_text(encoding="utf-8")) == []


def test_a_failure_in_the_middle_leaves_the_former_report(tmp_path: Path) -> None:
    def failing() -> Iterator[ReportItem]:
        yield from items(5)
        raise StoreError("The store went away.")

    write_report(tmp_path, items(3), SUMMARY)
    write_tags_json(tmp_path / "tags.json", items(3))
    former = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(StoreError, match="went away"):
        write_report(tmp_path, failing(), SUMMARY, per_page=2)
    with pytest.raises(StoreError, match="went away"):
        write_tags_json(tmp_path / "tags.json", failing())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == former


def test_what_the_disk_refuses_is_one_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    for attempt in (
        lambda: write_report(blocked, items(1), SUMMARY),
        lambda: write_tags_json(blocked / "tags.json", items(1)),
    ):
        with pytest.raises(StoreError, match=r"can't be written \(.+\): make room or allow writing there"):
            attempt()
    assert blocked.read_text() == "not a folder"


def test_memory_does_not_grow_with_the_library(tmp_path: Path) -> None:
    item = video(0)

    def peak(count: int) -> int:
        tracemalloc.start()
        write_report(tmp_path, (item for _ in range(count)), SUMMARY, per_page=100)
        write_tags_json(tmp_path / "tags.json", (item for _ in range(count)))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    few, many = peak(100), peak(1000)
    assert many < few + 4_000_000, (few, many)  # the interpreter's own tables may grow once meanwhile
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) > 20_000_000
    assert len(re.findall("<article", (tmp_path / "report-5.html").read_text(encoding="utf-8"))) == 100
