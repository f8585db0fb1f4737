"""Laws of turning raw scores into probabilities."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.judgement.calibration import (
    UNFITTED_AT_MOST,
    Calibration,
    Calibrations,
    Context,
    Curve,
    Jury,
    frame_scores,
    logistic,
    logit,
    over_frames,
    probability,
    roll_up,
)
from tagger.types import Box, Label

SCORES = st.floats(0, 1)
FITTED = Calibration(Curve(1.4, -0.3), known=frozenset({"dog", "cat"}))
BOTH = Calibrations({"a@1": FITTED, "b@1": FITTED}, (Jury({"a@1": 1.0, "b@1": 0.5}, 0.4),))


@given(SCORES)
def test_logistic_undoes_logit_within_its_bounds(score: float) -> None:
    assert logistic(logit(score)) == pytest.approx(min(0.999, max(0.02, score)))


@given(SCORES, SCORES, SCORES)
def test_a_higher_score_never_means_less(low: float, high: float, other: float) -> None:
    low, high = sorted((low, high))
    for calibrations in (BOTH, Calibrations({"a@1": FITTED}), Calibrations()):
        less, _ = probability({"a@1": low, "b@1": other}, "dog", calibrations)
        more, _ = probability({"a@1": high, "b@1": other}, "dog", calibrations)
        assert 0 <= less <= more <= 1


def test_a_jury_sits_only_when_all_its_models_looked() -> None:
    together, calibrated = probability({"a@1": 0.8, "b@1": 0.8}, "dog", BOTH)
    assert calibrated
    assert together == pytest.approx(logistic(0.4 + 1.5 * logit(0.8)))
    alone, calibrated = probability({"a@1": 0.8}, "dog", BOTH)
    assert calibrated
    assert alone == pytest.approx(logistic(-0.3 + 1.4 * logit(0.8)))


def test_silence_of_a_model_that_knows_the_label_speaks_against_it_and_of_another_does_not() -> None:
    alone, _ = probability({"a@1": 0.8}, "dog", BOTH)
    assert probability({"a@1": 0.8, "b@1": 0.0}, "dog", BOTH)[0] < alone
    assert probability({"a@1": 0.8, "b@1": 0.0}, "unicorn", BOTH)[0] == alone
    assert probability({"a@1": 0.8, "never heard of@1": 0.0}, "dog", BOTH)[0] == alone


def test_a_model_that_nobody_fitted_is_not_calibrated_and_reaches_review_at_most() -> None:
    assert probability({"new@1": 0.99}, "dog", Calibrations()) == (UNFITTED_AT_MOST, False)
    low, calibrated = probability({"new@1": 0.4}, "dog", Calibrations())
    assert low == pytest.approx(0.4)
    assert not calibrated


@given(SCORES, SCORES)
def test_a_model_that_nobody_fitted_can_add_to_fitted_ones_and_never_take_away(ours: float, new: float) -> None:
    alone, _ = probability({"a@1": ours}, "dog", BOTH)
    joined, calibrated = probability({"a@1": ours, "new@1": new}, "dog", BOTH)
    assert joined >= alone
    assert calibrated == (joined == alone)


def test_nothing_said_is_nothing() -> None:
    assert probability({}, "dog", BOTH) == (0.0, True)


def test_built_in_probabilities_are_taken_as_they_are() -> None:
    exact = Calibrations({"day@1": Calibration(exact=True)})
    day, calibrated = probability({"day@1": 0.9995}, "day", exact)
    assert day == pytest.approx(0.9995)
    assert calibrated


def test_own_curves_win_over_the_general_one() -> None:
    own = Calibration(Curve(1, 0), curves={"dog": Curve(1, 2)})
    assert own.log_odds(0.5, "dog") == 2
    assert own.log_odds(0.5, "cat") == 0


@given(st.lists(SCORES, max_size=40), st.integers(1, 40))
def test_a_video_never_says_more_than_its_best_frame_and_order_is_no_matter(scores: list[float], frames: int) -> None:
    said = over_frames(scores, max(frames, len(scores)))
    assert 0 <= said <= max(scores, default=0)
    assert said == over_frames(scores[::-1], max(frames, len(scores)))


def test_one_alarm_in_many_frames_is_none_and_a_thing_in_many_frames_is_one() -> None:
    assert over_frames([0.9], 1) == 0.9
    assert over_frames([0.9], 24) == 0
    assert over_frames([0.9, 0.8, 0.7, 0.1], 24) == 0.7
    assert over_frames([0.9, 0.7], 3) == pytest.approx(0.8)


@given(st.dictionaries(st.sampled_from("abcdef"), SCORES))
def test_a_groups_score_is_at_least_its_strongest_members_and_at_most_one(scores: dict[str, float]) -> None:
    rolled = roll_up(scores, {"vowels": frozenset("ae"), "none": frozenset("z")})
    assert "none" not in rolled
    strongest = max(scores.get("a", 0), scores.get("e", 0))
    assert strongest <= rolled.get("vowels", 0) <= 1


LEFT, RIGHT, FAR = Box(0.1, 0.1, 0.4, 0.4), Box(0.11, 0.1, 0.41, 0.4), Box(0.6, 0.6, 0.9, 0.9)
TUNED = Calibration(context=Context(crowd=0.5, rival=-0.2, area=0.0))


def test_without_a_context_a_frames_score_is_its_best_box() -> None:
    found = [Label("dog", 0.5, LEFT), Label("dog", 0.3, FAR), Label("cat", 0.4, RIGHT)]
    assert frame_scores(found, None) == frame_scores(found, FITTED) == {"dog": 0.5, "cat": 0.4}


def test_a_crowd_speaks_for_a_rival_on_the_same_box_against_and_one_elsewhere_not_at_all() -> None:
    alone = frame_scores([Label("dog", 0.5, LEFT)], TUNED)["dog"]
    assert alone == pytest.approx(0.5)
    assert frame_scores([Label("dog", 0.5, LEFT), Label("dog", 0.3, FAR)], TUNED)["dog"] > alone
    assert frame_scores([Label("dog", 0.5, LEFT), Label("cat", 0.4, RIGHT)], TUNED)["dog"] < alone
    assert frame_scores([Label("dog", 0.5, LEFT), Label("cat", 0.4, FAR)], TUNED)["dog"] == pytest.approx(alone)


def test_labels_without_a_box_keep_their_score() -> None:
    assert frame_scores([Label("beach", 0.5), Label("sea", 0.3)], TUNED) == {"beach": 0.5, "sea": 0.3}
