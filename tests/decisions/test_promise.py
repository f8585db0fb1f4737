"""Precision promised: the bounds are Wilson's, a promise is rarely wrong, and borrowing follows its stated rule."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.answers import TagRule
from tagger.judgement.decide import Policy, decide
from tagger.judgement.families import Family
from tagger.library.promise import (
    POOLED,
    STEPS,
    Promise,
    Seen,
    at_least,
    at_most,
    looks_needed,
    promises,
    threshold,
    with_answers,
    without_promises,
)
from tagger.types import Prediction

LOOKS = st.lists(st.builds(Seen, st.floats(0.3, 1.0), st.booleans()), max_size=120)
DOG = ("objects", "Dog")


def test_the_bounds_are_wilsons() -> None:
    # Wilson's score interval with z = 1.645, as any table has it.
    assert at_least(59, 60) == pytest.approx(0.9287, abs=1e-4)
    assert at_most(59, 60) == pytest.approx(0.9963, abs=1e-4)
    assert at_least(52, 52) == pytest.approx(0.9505, abs=1e-4)
    assert (at_least(0, 0), at_most(0, 0)) == (0.0, 1.0)


def test_so_many_flawless_looks_are_needed() -> None:
    assert looks_needed(0, 0, 0.95) == 52
    assert looks_needed(0, 0, 0.99) == 268
    assert looks_needed(60, 60, 0.95) == 0


@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.5, 0.995))
def test_exactly_so_many_looks_more_are_needed(right: int, wrong: int, promise: float) -> None:
    needed = looks_needed(right, right + wrong, promise)
    assert at_least(right + needed, right + wrong + needed) >= promise
    if needed:
        assert at_least(right + needed - 1, right + wrong + needed - 1) < promise


@given(st.integers(0, 200), st.integers(1, 200))
def test_the_bounds_hold_the_share_between_them(right: int, more: int) -> None:
    n = right + more
    assert 0 <= at_least(right, n) <= right / n <= at_most(right, n) <= 1
    assert at_least(right, n) <= at_least(right + 1, n)


@given(LOOKS, st.sampled_from([0.8, 0.9, 0.95]), st.sampled_from([0.6, 0.9]))
def test_a_threshold_keeps_its_promise_on_what_was_looked_at(looks: list[Seen], promise: float, now: float) -> None:
    found = threshold(looks, promise, now)
    if found is not None:
        right = [one.right for one in looks if one.probability >= found]
        assert at_least(sum(right), len(right)) >= promise
    assert found == threshold(list(reversed(looks)), promise, now), "the order of the looks doesn't matter"


@given(LOOKS, st.sampled_from([0.6, 0.9]))
def test_asking_for_more_never_lowers_a_threshold(looks: list[Seen], now: float) -> None:
    low, high = threshold(looks, 0.8, now), threshold(looks, 0.95, now)
    assert high is None or (low is not None and low <= high)


@pytest.mark.parametrize("slope", ["steep", "flat"])
def test_a_promise_is_wrong_for_at_most_one_tag_in_twenty(slope: str) -> None:
    """Many libraries whose truth is known: how often what is then applied is worse than promised."""
    dice = random.Random(7)
    promise, wrong, made, tags = 0.9, 0, 0, 600

    def chance(p: float) -> float:
        return max(0.0, 1 - (1 - p) * 0.8) if slope == "steep" else 0.88

    for _ in range(tags):
        looks = [Seen(p, dice.random() < chance(p)) for p in (dice.uniform(0.7, 1.0) for _ in range(200))]
        found = threshold(looks, promise, 0.9)
        if found is not None:
            made += 1
            span = [found + (1 - found) * (i + 0.5) / 200 for i in range(200)]
            wrong += sum(map(chance, span)) / len(span) < promise
    assert wrong <= 0.05 * tags + 3 * (0.05 * 0.95 * tags) ** 0.5, (wrong, made)
    if slope == "steep":
        assert made > tags / 2, "and promises are made at all"


def test_sixty_flawless_audits_and_some_reviews_move_a_threshold() -> None:
    looks = [Seen(0.95, True)] * 60 + [Seen(0.84, True)] * 20 + [Seen(0.80, False)] * 20
    (found,) = promises({DOG: looks}, 0.95, {DOG: 0.90})
    assert found.apply == pytest.approx(0.84, abs=0.01)
    assert found.sentence() == f"Dog: {found.apply:.2f}; 80 looked at, 80 right; at least 97 %"


def test_the_sentence_is_the_evidence() -> None:
    assert Promise("Dog", "objects", 0.81, 60, 59, at_least(59, 60)).sentence() == (
        "Dog: 0.81; 60 looked at, 59 right; at least 93 %"
    )
    (few,) = promises({DOG: [Seen(0.95, True)] * 10}, 0.95, {DOG: 0.9})
    assert few.sentence() == "Dog: not promised yet; 10 looked at, 10 right; 42 more right ones would do"


def test_a_tag_borrows_from_its_feature_unless_its_own_looks_speak_against_it() -> None:
    cats = [("objects", name) for name in ("Cat", "Cow", "Car", "Cup")]
    looks = {key: [Seen(0.95, True)] * POOLED for key in cats} | {
        DOG: [Seen(0.95, True)] * 4,
        ("objects", "Horse"): [Seen(0.95, True)] * 2,
        ("objects", "Tie"): [Seen(0.95, False)] * 3,
        ("scenes", "Beach"): [Seen(0.95, True)] * 4,
    }
    found = {one.tag: one for one in promises(looks, 0.9, dict.fromkeys(looks, 0.9))}
    assert (found["Dog"].apply, found["Dog"].borrowed) == (0.9, True)
    assert "by its feature, objects" in found["Dog"].sentence()
    assert (found["Horse"].apply, found["Horse"].needs) == (None, 1), "a third look of its own would do"
    assert found["Tie"].apply is None and found["Tie"].needs > 20
    assert found["Beach"].apply is None, "another feature says nothing"


def test_a_common_tag_does_not_speak_for_the_rest() -> None:
    looks = {DOG: [Seen(0.95, True)] * 3, ("objects", "Person"): [Seen(0.95, True)] * 5000}
    found = {one.tag: one for one in promises(looks, 0.95, dict.fromkeys(looks, 0.9))}
    assert found["Person"].apply == 0.9 and found["Dog"].apply is None


def test_rules_of_persons_reach_the_policy_and_leave_it_again() -> None:
    policy = Policy(modes={"objects": "apply"}, tags={"Dog": {"apply": 0.95}})
    rules = [TagRule("dog", "always", 0.5), TagRule("Cat", "never"), TagRule("Cow", "promise", 0.8)]
    plain = with_answers(policy, rules, 0.0).at("")
    assert (plain.bar("objects", "Dog").apply, plain.bar("objects", "Cow").apply) == (0.5, 0.9)
    assert [names for _, names in plain.lists("blacklist")] == [("Cat",)]
    promised = with_answers(policy, rules, 0.95).at("")
    assert promised.bar("objects", "Cow").apply == 0.8
    assert promised.bar("objects", "Horse").apply > 1.0, "what isn't promised waits"
    assert promised.bar("objects", "Dog").apply == 0.5
    assert without_promises(with_answers(policy, rules, 0.95)) == policy
    assert with_answers(policy, [], 0.0) == policy


def test_steps_go_down() -> None:
    assert list(STEPS) == sorted(STEPS, reverse=True) and STEPS[0] == 0.99


def test_nothing_is_sure_enough_of_which_nothing_is_promised() -> None:
    """Not even a parent whose members' sum is capped at 1."""
    plain = Policy(modes={"objects": "apply"}, family=Family({}, {"Animals": ("dog", "cat")}))
    found = [Prediction("objects", name, 0.9, 0.9, name, ("m@1",)) for name in ("dog", "cat")]
    (best, *_) = decide(found, with_answers(plain, (), 0.9).at(""))
    assert (best.tag, best.prediction.probability, best.verdict) == ("Animals", 1.0, "review")
    assert "nothing is promised" in best.why
    assert decide(found, plain)[0].verdict == "apply"
