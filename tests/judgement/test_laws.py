"""The laws of judging one item, over any predictions, policies and what persons did."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tagger.judgement.aggregate import Knowledge
from tagger.judgement.decide import RANK, Court, Policy
from tagger.judgement.families import Family, row_of
from tagger.judgement.vocabulary import TagIndex, normal
from tagger.library.judge import Judge, UpdateStrategy
from tagger.ports import Mine, Standing
from tagger.types import Decision, ItemRef, MediaItem, PlannedChange, Prediction, Tag

SUBJECTS = ["dog", "cat", "hound", "beach", "car"]
TAGS = [Tag(str(n), name) for n, name in enumerate([*map(str.capitalize, SUBJECTS), "Animals", "Mine", "Seen"], 1)]
INDEX = TagIndex(TAGS)
IDS = [tag.id for tag in TAGS]
fractions = st.integers(0, 100).map(lambda n: n / 100)
predictions = st.lists(
    st.builds(
        Prediction,
        feature=st.sampled_from(["objects", "scenes"]),
        subject=st.sampled_from(SUBJECTS),
        probability=fractions,
        score=st.just(0.5),
        label=st.just("x"),
        models=st.just(("m@1",)),
        calibrated=st.booleans(),
        spans_s=st.sampled_from([(), ((0.0, 1.0),), ((0.0, 20.0),)]),
    ),
    max_size=8,
    unique_by=lambda p: (p.feature, p.subject),
)
families = st.sampled_from(
    [Family(), Family({"hound": "dog", "dog": "dog"}), Family({}, {"Animals": ("dog", "cat", "hound")})]
)
policies = st.builds(
    Policy,
    apply=fractions,
    review=fractions,
    keep=fractions,
    tags=st.dictionaries(st.sampled_from(SUBJECTS), st.fixed_dictionaries({"apply": fractions}), max_size=2),
    modes=st.dictionaries(st.sampled_from(["objects", "scenes"]), st.sampled_from(["apply", "review", "look"])),
    most_tags=st.integers(0, 3),
    least_seen_s=st.sampled_from([0.0, 5.0]),
    blacklist=st.lists(st.sampled_from(SUBJECTS), max_size=1).map(tuple),
    family=families,
)
strategies: st.SearchStrategy[UpdateStrategy] = st.sampled_from(["add", "replace", "merge"])
some_tags = st.frozensets(st.sampled_from(IDS))


def applied(decisions: list[Decision]) -> set[str]:
    return {decision.tag for decision in decisions if decision.verdict == "apply"}


@given(predictions, policies, fractions, st.sampled_from([None, *SUBJECTS, "Animals"]))
def test_raising_a_threshold_never_adds_a_tag(
    found: list[Prediction], policy: Policy, more: float, tag: str | None
) -> None:
    raised = (
        replace(policy, apply=max(policy.apply, more))
        if tag is None
        else replace(policy, tags={tag: {"apply": max(policy.apply, more)}})
    )
    before = policy if tag is None else replace(policy, tags={tag: {"apply": policy.apply}})
    assert applied(Court(raised).decide(found)) <= applied(Court(before).decide(found))


@given(predictions, policies)
def test_numbers_alone_give_the_same_verdicts(found: list[Prediction], policy: Policy) -> None:
    """What deciding again rests on: without words and evidence, and with the same court twice, nothing differs."""
    court = Court(policy)
    rows = [row_of(p) for p in sorted(found, key=lambda p: (-p.probability, p.feature, p.subject))]
    whole = sorted((d.prediction.feature, d.prediction.subject, d.tag, RANK[d.verdict]) for d in court.decide(found))
    assert sorted(court.hear(rows).verdicts()) == whole
    hearing = court.hear(rows)
    assert sorted(hearing.verdicts()) == whole
    words = [hearing.words(place)[:2] for place in range(len(whole))]
    assert sorted(words) == sorted((d.verdict, d.rule) for d in court.decide(found))


@given(predictions, policies, st.randoms())
def test_the_order_does_not_matter(found: list[Prediction], policy: Policy, shuffler: random.Random) -> None:
    shuffled = list(found)
    shuffler.shuffle(shuffled)
    assert Court(policy).decide(found) == Court(policy).decide(shuffled)


@given(predictions, policies)
def test_every_verdict_has_a_rule_and_a_reason(found: list[Prediction], policy: Policy) -> None:
    for decision in Court(policy).decide(found):
        assert decision.rule and decision.why.endswith(".")


def item(tags: frozenset[str]) -> MediaItem:
    return MediaItem(ItemRef("image", "1"), "image", "", "md5:1", tag_ids=tags)


def decided(judge: Judge, found: list[Prediction], standing: Standing) -> list[Decision]:
    return [judge.respect(decision, INDEX, standing) for decision in judge.court("").decide(found)]


def after(tags: frozenset[str], plans: list[PlannedChange]) -> frozenset[str]:
    added = {plan.tag_id for plan in plans if plan.action == "add"}
    return (tags - {plan.tag_id for plan in plans if plan.action == "remove"}) | added


def standing_of(ours: frozenset[str], gone: frozenset[str]) -> Standing:
    names = {tag.id: tag.name for tag in TAGS}
    mine = {i: Mine(names[i], "objects", frozenset({"old@1"})) for i in ours}
    return Standing(seen=frozenset({"m@1"}), ours=ours, gone=gone - ours, mine=mine)


KNOWS = Judge().knowledge
judges = st.builds(
    lambda policy, update, marker: Judge(
        replace(KNOWS, features={"m@1": "objects"}), policy, update=update, applied_marker=marker
    ),
    policies,
    strategies,
    st.sampled_from(["", "Seen"]),
)


@given(judges, predictions, some_tags, some_tags, some_tags)
def test_a_persons_tag_is_in_the_result_whenever_it_was_in_the_input(
    judge: Judge, found: list[Prediction], theirs: frozenset[str], ours: frozenset[str], gone: frozenset[str]
) -> None:
    standing = standing_of(ours - theirs, gone)
    before = theirs | standing.ours
    plans = judge.plan(item(before), decided(judge, found, standing), INDEX, standing)
    assert theirs <= after(before, plans)
    assert not standing.gone & {plan.tag_id for plan in plans if plan.action == "add"}
    if judge.update == "add":
        assert before <= after(before, plans)


@given(judges, predictions, some_tags, some_tags)
def test_deciding_twice_is_deciding_once(
    judge: Judge, found: list[Prediction], theirs: frozenset[str], ours: frozenset[str]
) -> None:
    standing = standing_of(ours - theirs, frozenset())
    before = theirs | standing.ours
    plans = judge.plan(item(before), decided(judge, found, standing), INDEX, standing)
    now = after(before, plans)
    added = {plan.tag_id for plan in plans if plan.action == "add"}
    again = standing_of((standing.ours | added) & now, frozenset())
    assert not judge.plan(item(now), decided(judge, found, again), INDEX, again)


@given(judges, predictions, some_tags, some_tags)
def test_undo_after_apply_gives_the_state_before(
    judge: Judge, found: list[Prediction], theirs: frozenset[str], ours: frozenset[str]
) -> None:
    standing = standing_of(ours - theirs, frozenset())
    before = theirs | standing.ours
    plans = judge.plan(item(before), decided(judge, found, standing), INDEX, standing)
    reverse = [replace(p, action="remove" if p.action == "add" else "add") for p in plans]
    assert after(after(before, plans), reverse) == before


@given(judges, predictions, st.sampled_from(SUBJECTS), st.booleans())
def test_a_persons_word_comes_before_any_probability(
    judge: Judge, found: list[Prediction], subject: str, yes: bool
) -> None:
    said = frozenset({normal(subject)})
    standing = Standing(accepted=said) if yes else Standing(refused=said)
    for decision in decided(judge, found, standing):
        if normal(decision.tag) == subject:
            assert decision.verdict == ("apply" if yes else "drop") and decision.rule.startswith("person.")


def test_what_is_made_from_objects_goes_when_those_who_look_for_objects_have_looked() -> None:
    judge = Judge(Knowledge(features={"detector@1": "objects"}))
    for feature in ("objects", "counts", "object_colours"):
        assert judge.takes_back(Mine("Group", feature), frozenset({"detector@1"}), False)
        assert not judge.takes_back(Mine("Group", feature), frozenset({"another@1"}), False)
    assert not judge.takes_back(Mine("Beach", "scenes"), frozenset({"detector@1"}), False)
