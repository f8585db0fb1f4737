"""What sightings say together."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tagger.judgement.aggregate import Knowledge, aggregate
from tagger.judgement.calibration import Calibration, Calibrations
from tagger.types import Box, FrameFindings, Label, Sighting

EXACT = Calibration(exact=True, known=frozenset({"dog", "cat", "person"}))
KNOWLEDGE = Knowledge(
    features={"a@1": "objects", "b@1": "objects", "c@1": "themes"},
    groups={"c@1": {"dog": frozenset({"pug", "husky"})}},
    only_groups=frozenset({"c@1"}),
    calibrations=Calibrations({"a@1": EXACT, "b@1": Calibration(known=EXACT.known), "c@1": EXACT}),
)
BOX = Box(0.1, 0.2, 0.3, 0.4)


def frames(*found: tuple[float, dict[str, float]]) -> tuple[FrameFindings, ...]:
    return tuple(
        FrameFindings(time, tuple(Label(name, score, BOX) for name, score in labels.items())) for time, labels in found
    )


def test_a_picture_keeps_its_score_and_its_box() -> None:
    (prediction,) = aggregate([Sighting("a@1", frames((0.0, {"dog": 0.9})))], KNOWLEDGE)
    assert (prediction.subject, round(prediction.probability, 3), prediction.spans_s) == ("dog", 0.9, ())
    assert prediction.evidence[0].box == BOX and prediction.evidence[0].model == "a@1"


def test_a_model_that_knows_it_and_did_not_see_it_speaks_against_it() -> None:
    both = [Sighting("a@1", frames((0.0, {"dog": 0.9}))), Sighting("b@1", frames((0.0, {})))]
    assert 0.05 < aggregate(both, KNOWLEDGE)[0].probability < 0.9


def test_one_frame_of_many_is_not_enough() -> None:
    found = [(float(t), {"dog": 0.95} if t == 7 else {}) for t in range(24)]
    assert not [p for p in aggregate([Sighting("a@1", frames(*found))], KNOWLEDGE, 24.0) if p.probability > 0.3]


def test_spans_say_where_in_a_video_it_is_seen() -> None:
    found = [(float(t), {"dog": 0.9} if t in (2, 3, 4, 8) else {}) for t in range(10)]
    (prediction,) = aggregate([Sighting("a@1", frames(*found))], KNOWLEDGE, 10.0)
    assert prediction.spans_s == ((1.5, 4.5), (7.5, 8.5))


def test_a_group_is_the_sum_of_its_members_and_its_members_are_no_tags() -> None:
    (prediction,) = aggregate([Sighting("c@1", frames((0.0, {"pug": 0.4, "husky": 0.5})))], KNOWLEDGE)
    assert (prediction.subject, round(prediction.probability, 3), prediction.label) == ("dog", 0.9, "husky")


def test_people_are_counted() -> None:
    three = FrameFindings(0.0, tuple(Label("person", score, BOX) for score in (0.99, 0.98, 0.97)))
    counts = [p for p in aggregate([Sighting("a@1", (three,))], KNOWLEDGE) if p.feature == "counts"]
    assert counts[0].subject == "3 people" and counts[0].probability > 0.9


times = st.lists(st.integers(0, 50), min_size=1, max_size=12, unique=True)


@given(times, st.data())
def test_the_order_of_sightings_and_frames_does_not_matter(at: list[int], data: st.DataObject) -> None:
    labels = st.dictionaries(st.sampled_from(["dog", "cat", "person"]), st.floats(0.05, 1), max_size=3)
    sightings = [Sighting(model, frames(*((float(t), data.draw(labels)) for t in at))) for model in ("a@1", "b@1")]
    shuffler: random.Random = data.draw(st.randoms())
    shuffled = [Sighting(s.model, tuple(shuffler.sample(s.frames, len(s.frames)))) for s in reversed(sightings)]
    assert aggregate(sightings, KNOWLEDGE, 60.0) == aggregate(shuffled, KNOWLEDGE, 60.0)
    for prediction in aggregate(sightings, KNOWLEDGE, 60.0):
        assert 0 <= prediction.probability <= 1
        assert all(a < b for a, b in prediction.spans_s)


def test_a_thing_of_a_colour_comes_from_its_own_box_and_is_not_called_calibrated() -> None:
    red = FrameFindings(0.0, (Label("car", 0.95, BOX, ("red", 0.8)), Label("person", 0.9, BOX, ("blue", 0.9))))
    known = replace(KNOWLEDGE, calibrations=Calibrations({"a@1": Calibration(exact=True, known=frozenset({"car"}))}))
    (coloured,) = [p for p in aggregate([Sighting("a@1", (red,))], known) if p.feature == "object_colours"]
    assert coloured.subject == "red car" and 0.9 < coloured.probability < 0.95 and not coloured.calibrated
    dull = FrameFindings(0.0, (Label("car", 0.95, BOX, ("grey", 0.3)),))
    weak = [p for p in aggregate([Sighting("a@1", (dull,))], known) if p.feature == "object_colours"]
    assert weak[0].probability < 0.3
