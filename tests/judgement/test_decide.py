"""The laws of deciding, and the reasons it gives."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.judgement.decide import Court, GalleryRule, Policy, decide, decide_gallery
from tagger.judgement.vocabulary import Names
from tagger.types import NOT_TIMED, Decision, Prediction, Row

ROOT = Path(__file__).parents[2]
SUBJECTS = ["dog", "cat", "person", "beach", "potted plant"]
predictions = st.builds(
    Prediction,
    feature=st.sampled_from(["objects", "scenes", "colours"]),
    subject=st.sampled_from(SUBJECTS),
    probability=st.floats(0, 1),
    score=st.just(0.5),
    label=st.just("x"),
    models=st.just(("m@1",)),
    calibrated=st.booleans(),
)
fractions = st.floats(0, 1)
policies = st.builds(
    Policy,
    apply=fractions,
    review=fractions,
    keep=fractions,
    tags=st.dictionaries(st.sampled_from(SUBJECTS), st.fixed_dictionaries({"apply": fractions}), max_size=2),
    modes=st.dictionaries(st.sampled_from(["colours", "scenes"]), st.sampled_from(["apply", "review", "look"])),
    most_tags=st.integers(0, 3),
    blacklist=st.lists(st.sampled_from(SUBJECTS), max_size=1).map(tuple),
)


def applied(decisions: list[Decision]) -> set[str]:
    return {decision.tag for decision in decisions if decision.verdict == "apply"}


@given(st.lists(predictions, max_size=8), policies, fractions)
def test_raising_the_threshold_never_adds_a_tag(found: list[Prediction], policy: Policy, more: float) -> None:
    raised = replace(policy, apply=max(policy.apply, more))
    assert applied(decide(found, raised)) <= applied(decide(found, policy))


@given(st.lists(predictions, max_size=8), policies, st.sampled_from(SUBJECTS), fractions)
def test_raising_one_tags_threshold_never_adds_a_tag(
    found: list[Prediction], policy: Policy, tag: str, more: float
) -> None:
    before = replace(policy, tags={tag: {"apply": policy.apply}})
    after = replace(policy, tags={tag: {"apply": max(policy.apply, more)}})
    assert applied(decide(found, after)) <= applied(decide(found, before))


@given(st.lists(predictions, max_size=8), policies, st.randoms())
def test_the_order_of_predictions_does_not_matter(
    found: list[Prediction], policy: Policy, shuffler: random.Random
) -> None:
    shuffled = list(found)
    shuffler.shuffle(shuffled)
    assert applied(decide(found, policy)) == applied(decide(shuffled, policy))


@given(st.lists(predictions, max_size=8), policies)
def test_every_verdict_has_a_rule_and_a_sentence(found: list[Prediction], policy: Policy) -> None:
    decisions = decide(found, policy)
    assert len(decisions) == len(found)
    for decision in decisions:
        assert decision.rule and decision.why.endswith(".")
    if policy.most_tags:
        assert len(applied(decisions)) <= policy.most_tags


@given(st.lists(predictions, max_size=8), policies)
def test_without_a_calibration_nothing_is_applied(found: list[Prediction], policy: Policy) -> None:
    assert not applied(decide([replace(p, calibrated=False) for p in found], policy))


def prediction(subject: str, probability: float, feature: str = "objects") -> Prediction:
    return Prediction(feature, subject, probability, probability, subject, ("m@1",))


@pytest.mark.parametrize(
    ("policy", "verdict", "rule"),
    [
        (Policy(), "apply", "thresholds.apply"),
        (Policy(apply=0.95), "review", "thresholds.review"),
        (Policy(features={"objects": {"apply": 0.99, "review": 0.95}}), "keep", "thresholds.features.objects.keep"),
        (Policy(apply=0.99, tags={"DOG": {"apply": 0.9}}), "apply", "thresholds.tags.DOG.apply"),
        (Policy(blacklist=("d*",)), "drop", "tags.blacklist"),
        (Policy(whitelist=("cat",)), "drop", "tags.whitelist"),
        (Policy(modes={"objects": "look"}), "keep", "features.objects"),
        (Policy(names=Names.of({"dog": None})), "drop", "tags.names"),
    ],
)
def test_the_rule_that_decides_is_named(policy: Policy, verdict: str, rule: str) -> None:
    (decision,) = decide([prediction("dog", 0.93)], policy)
    assert (decision.verdict, decision.rule) == (verdict, rule)


def test_a_gallery_gets_what_enough_of_its_images_share() -> None:
    dog = decide([prediction("dog", 0.95)], Policy())
    maybe = decide([prediction("dog", 0.8)], Policy())
    none: list[Decision] = []
    rule = GalleryRule(share=0.3, least=2)
    assert applied(decide_gallery([dog, dog, none, none, none], rule, Policy())) == {"Dog"}
    assert not applied(decide_gallery([dog, none, none, none, none], rule, Policy()))
    assert not applied(decide_gallery([dog, dog, *[none] * 8], rule, Policy()))
    (waiting,) = decide_gallery([dog, maybe, none], rule, Policy())
    assert waiting.verdict == "review" and "1 of its 3 images" in waiting.why
    assert applied(decide_gallery([dog], rule, Policy())) == {"Dog"}


def test_the_fingerprint_of_a_policy_moves_with_what_it_says() -> None:
    assert Policy().fingerprint() == Policy().fingerprint()
    assert Policy().fingerprint() != Policy(apply=0.8).fingerprint()
    assert Policy().fingerprint() != Policy().fingerprint("calibration")
    names = [f"label {i}" for i in range(50)]
    # A set has no order, and another one in every process; the library must not be decided again for that.
    assert Policy().fingerprint(frozenset(names)) == Policy().fingerprint(frozenset(reversed(names)))
    command = [
        sys.executable,
        "-c",
        "from tagger.judgement.decide import Policy;print(Policy().fingerprint(frozenset('abcdef')))",
    ]
    said = {
        subprocess.run(command, cwd=ROOT, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1


def test_all_that_holds_a_verdict_back_is_said() -> None:
    """Lowering the threshold alone would change nothing: what is told to do has to be enough."""
    policy = Policy(modes={"object_colours": "review"})
    seen = Row("object_colours", "red car", 0.74, False, NOT_TIMED)
    ((_, _, said),) = Court(policy).explain([seen], frozenset({"red car"}))
    assert said.verdict == "review" and said.why == "74 % sure, below 90 % you are asked."
    for part in ("thresholds.apply to 0.74", "And set features.object_colours to apply", "And say yes in a review"):
        assert part in said.otherwise


def test_what_lasts_a_hair_too_short_is_not_shown_as_long_enough() -> None:
    ((_, _, said),) = Court(Policy(least_seen_s=5)).explain(
        [Row("objects", "dog", 0.95, True, 4.97)], frozenset({"dog"})
    )
    assert said.why == "Seen for 4.9 s, at least 5 s are asked for."
    assert "limits.least_seen_s to 4.9 or less" in said.otherwise
