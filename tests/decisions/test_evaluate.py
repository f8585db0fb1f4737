"""Measured figures are what counting by hand gives; files of truth are read or refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.errors import TaggerError
from tagger.evaluate import Case, coco_truth, csv_truth, measure, write_page
from tagger.evaluate.measure import equal_mass
from tagger.evaluate.page import as_json, lines
from tagger.judgement.vocabulary import Names
from tagger.types import Decision, Prediction, Verdict

NAMES = ("Dog", "Cat", "Cow")


def said(tag: str, verdict: Verdict, p: float) -> Decision:
    return Decision(Prediction("objects", tag.lower(), p, p, tag.lower(), ("m@1",)), verdict, tag, "r", "w")


CASES = (
    Case("a", "fa", (said("Dog", "apply", 0.95), said("Cat", "review", 0.8)), frozenset({"Dogs"})),
    Case("b", "fb", (said("Dog", "apply", 0.9), said("Night", "apply", 0.99)), frozenset({"Cat"})),
    Case("c", "fc", (said("Cow", "keep", 0.4),), frozenset({"Cow", "Elephant"})),
    Case("d", "fd", (), frozenset()),
)


def test_precision_recall_and_coverage_at_each_verdict() -> None:
    found = measure(CASES, frozenset(NAMES))
    apply, review, keep = found.levels
    assert (apply.said, apply.right, apply.true, apply.covered, apply.items) == (2, 1, 3, 2, 4)
    assert (review.said, review.right) == (3, 1)
    assert (keep.said, keep.right, keep.covered) == (4, 2, 3)
    assert (apply.precision, keep.recall, apply.coverage) == (0.5, 2 / 3, 0.5)
    assert {(c.said, c.true, c.count) for c in found.confusions} == {("Dog", "cat", 1), ("Cat", "nothing of it", 1)}


def test_a_calibration_error_is_the_mean_distance_over_bins_of_equal_mass() -> None:
    honest = [Case(str(i), "f", (said("Dog", "keep", 0.5),), frozenset({"Dog"} if i % 2 else ())) for i in range(20)]
    assert measure(honest, frozenset({"Dog"})).calibration_error == pytest.approx(0.0)
    boasting = [Case(str(i), "f", (said("Dog", "keep", 0.9),), frozenset({"Dog"} if i % 2 else ())) for i in range(20)]
    assert measure(boasting, frozenset({"Dog"})).calibration_error == pytest.approx(0.4)
    assert measure([Case("a", "f", (said("Dog", "keep", 0.29),), frozenset())], frozenset(NAMES)).bins == ()


@given(st.lists(st.tuples(st.sampled_from([0.3, 0.5, 0.7, 0.71, 0.9]) | st.floats(0.3, 1), st.booleans())))
def test_bins_hold_all_once_in_order(predictions: list[tuple[float, bool]]) -> None:
    bins = equal_mass(predictions)
    assert sum(b.count for b in bins) == len(predictions) and len(bins) <= 10
    assert [b.sure for b in bins] == sorted(b.sure for b in bins)
    assert bins == equal_mass(list(reversed(predictions)))


CASE = st.builds(
    lambda n, found, true: Case(n, "f", tuple(said(t, v, p) for t, v, p in found), frozenset(true)),
    st.text("abc", max_size=2),
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(("apply", "review", "keep")), st.floats(0.3, 1)), max_size=4
    ),
    st.sets(st.sampled_from(NAMES)),
)


@given(st.lists(CASE, max_size=12), st.randoms())
def test_the_order_of_items_does_not_matter_and_levels_grow(cases: list[Case], dice: object) -> None:
    found = measure(cases, frozenset(NAMES))
    assert measure(list(reversed(cases)), frozenset(NAMES)).levels == found.levels
    for surer, level in zip(found.levels, found.levels[1:], strict=False):
        assert surer.said <= level.said and surer.right <= level.right and surer.covered <= level.covered
    for level in found.levels:
        assert level.right <= min(level.said, level.true)


def test_the_page_stands_alone_and_escapes(tmp_path: Path) -> None:
    wrong = Case("<script>", "f", (said("Dog", "apply", 0.97),), frozenset({"Cat"}))
    measured = measure([*CASES, wrong], frozenset(NAMES))
    file = write_page(tmp_path / "x" / "e.html", measured, "truth & co", "2026-01-01T00:00:00Z", lambda f: b"jpeg")
    html = file.read_text(encoding="utf-8")
    assert "<script" not in html and "&lt;script&gt;" in html and "truth &amp; co" in html
    assert "<svg" in html and "data:image/jpeg;base64,anBlZw==" in html and "http" not in html.replace("http-equiv", "")
    assert json.loads(json.dumps(as_json(measured, "t")))["levels"][0]["verdict"] == "apply"
    assert "50.0 % right" in lines(measure(CASES, frozenset(NAMES)), "t")[1]


def test_a_coco_file_and_a_csv_say_the_same(tmp_path: Path) -> None:
    coco = tmp_path / "a.json"
    coco.write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "x/1.jpg"}, {"id": 2, "file_name": "2.jpg"}],
                "categories": [{"id": 7, "name": "dog"}, {"id": 8, "name": "tie"}],
                "annotations": [{"image_id": 1, "category_id": 7}, {"image_id": 1, "category_id": 8}],
            }
        )
    )
    table = tmp_path / "a.csv"
    table.write_text("path,tag\nx/1.jpg,Hound\n2.jpg,\n", encoding="utf-8")
    names = Names.of({"dog": "Hound", "tie": None})
    one, other = coco_truth(coco, names), csv_truth(table)
    assert one == other
    assert one.of("/media/x/1.jpg") == frozenset({"Hound"}) and one.of("C:\\m\\2.jpg") == frozenset()
    assert one.of("3.jpg") is None and one.of("/media/y/1.jpg") is None


@pytest.mark.parametrize("text", ["", "[]", '{"images": []}', "\xff"])
def test_a_file_that_is_no_truth_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "t.json"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(TaggerError, match="isn't a COCO file"):
        coco_truth(file, Names.of({}))
    file.write_text("only a path\n")
    with pytest.raises(TaggerError, match="line 1: a path and a tag"):
        csv_truth(file)
