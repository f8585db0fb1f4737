"""Deciding again over a store, with a library in memory: what is written, what isn't, and what it says of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.decide_again import KNOWLEDGE, LABELS, MODEL, Shelf, Silent, again, fill
from tagger.answers import PEOPLE
from tagger.judgement.decide import Policy
from tagger.judgement.vocabulary import Names, display
from tagger.library.judge import Judge
from tagger.ports import Standing
from tagger.store import DATABASE_NAME, SqliteStore
from tagger.types import Decision, ItemRef, Look, Prediction, Scope

ITEMS = 40
JUDGE = Judge(KNOWLEDGE, Policy())


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(ITEMS)


@pytest.fixture
def store(tmp_path: Path, shelf: Shelf) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / DATABASE_NAME, "bench", "Bench") as opened:
        fill(opened, shelf, JUDGE, ITEMS, 12, 10)
        yield opened


def decisions(store: SqliteStore) -> dict[tuple[ItemRef, str], Decision]:
    refs = [ItemRef("image", str(number)) for number in range(1, ITEMS + 1)]
    return {(ref, d.tag): d for ref, of in store.decisions(refs).items() for d in of}


def test_what_goes_says_the_model_its_score_and_the_rule(store: SqliteStore, shelf: Shelf) -> None:
    before = decisions(store)
    higher = replace(JUDGE, policy=Policy(apply=0.95))
    done = again(store, shelf, higher)
    fallen = {key for key, d in before.items() if d.verdict == "apply" and d.prediction.probability < 0.95}
    taken = store.changes(done.run_id, "done", 0, 1000, "remove")
    assert {(change.plan.ref, change.plan.tag_name) for change in taken} == fallen and fallen
    for change in taken:
        now = decisions(store)[change.plan.ref, change.plan.tag_name]
        said = before[change.plan.ref, change.plan.tag_name].prediction
        assert now.prediction == said and now.verdict == "review"
        plan = change.plan
        assert (plan.model, plan.score, plan.rule, plan.why) == (MODEL, said.score, now.rule, now.why)
    assert again(store, shelf, higher).changed == 0
    back = again(store, shelf, JUDGE)
    assert back.added == len(fallen) and back.removed == 0
    assert decisions(store) == before


def seen(d: Decision) -> tuple[str, str, str, float, int]:
    """What must be the same however it came about."""
    said = d.prediction
    return d.tag, d.verdict, said.subject, round(said.probability, 4), len(said.evidence)


FIRST, SECOND = LABELS[1:3]
WISHES = {
    "another name": Policy(names=Names.of({FIRST: "Another"})),
    "two labels change names": Policy(names=Names.of({FIRST: display(SECOND), SECOND: display(FIRST)})),
    "several names": Policy(names=Names.of({FIRST: ["Another", "One more"]})),
    "no name": Policy(names=Names.of({FIRST: None})),
    "a name and another threshold": Policy(apply=0.8, review=0.4, names=Names.of({FIRST: "Another"})),
    "a name on the blacklist": Policy(names=Names.of({FIRST: "Another"}), blacklist=("Another",)),
    "a label on the blacklist": Policy(blacklist=(FIRST,)),
    "less is kept": Policy(keep=0.6),
    "more is kept": Policy(keep=0.1),
}


@pytest.mark.parametrize("wish", WISHES)
def test_whatever_changes_it_ends_as_if_it_had_been_decided_so_from_the_beginning(
    store: SqliteStore, shelf: Shelf, wish: str
) -> None:
    judge = replace(JUDGE, policy=WISHES[wish])
    again(store, shelf, judge)
    assert again(store, shelf, judge).changed == 0
    found = {(ref, *seen(d)) for (ref, _), d in decisions(store).items()}
    wanted = set()
    for number in range(1, ITEMS + 1):
        item = replace(shelf.item(number), tag_ids=frozenset())
        sightings = store.sightings([item.fingerprint], [MODEL])[item.fingerprint]
        settled = judge.settle(item, sightings, 0.0, shelf.index(), Standing())
        wanted |= {(item.ref, *seen(d)) for d in settled.decisions if d.verdict != "drop"}
        named = {tag.id: tag.name for tag in shelf.tags()}
        assert {named[tag] for tag in shelf.item(number).tag_ids} == {plan.tag_name for plan in settled.plans}
    assert found == wanted
    assert store.tally("review") == Counter(tag for _, tag, verdict, *_ in wanted if verdict == "review")
    again(store, shelf, JUDGE)
    assert again(store, shelf, JUDGE).changed == 0


def test_what_a_list_forbids_is_taken_back_for_that_reason(store: SqliteStore, shelf: Shelf) -> None:
    done = again(store, shelf, replace(JUDGE, policy=Policy(blacklist=("label 1*",))))
    taken = store.changes(done.run_id, "done", 0, 1000, "remove")
    assert taken and {change.plan.rule for change in taken} == {"tags.blacklist"}


class Bar(Silent):
    """What a bar shows."""

    def __init__(self) -> None:
        self.shares: list[float] = []

    def at(self, done: int, total: int) -> None:
        self.shares.append(done / total)


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("apply", [0.9, 0.95])
def test_the_bar_only_ever_grows_and_ends_full(store: SqliteStore, shelf: Shelf, dry_run: bool, apply: float) -> None:
    store.record([Look(shelf.item(ITEMS + 1), (), error="It can't be read.")])
    bar = Bar()
    again(store, shelf, replace(JUDGE, policy=Policy(apply=apply)), dry_run=dry_run, progress=bar)
    assert bar.shares == sorted(bar.shares) and bar.shares[-1] == 1
    assert len(set(bar.shares)) > 1


def test_a_decision_about_a_person_is_left_alone(store: SqliteStore, shelf: Shelf) -> None:
    item = shelf.item(1)
    run = store.begin_run("tag", Scope())
    ann = Decision(Prediction(PEOPLE, "Ann", 0.99, 0.9, "Ann", ("faces@1",)), "apply", "Ann", "people", "It is Ann.")
    (standing,) = store.standing([item]).values()
    sightings = store.sightings([item.fingerprint], [MODEL])[item.fingerprint]
    settled = JUDGE.settle(item, sightings, 0.0, shelf.index(), standing)
    store.settle(run.id, JUDGE.policy_id, [replace(settled, decisions=(*settled.decisions, ann))])
    store.end_run(run.id, "done")
    assert again(store, shelf, JUDGE).changed == 0
    again(store, shelf, replace(JUDGE, policy=Policy(apply=0.95, review=0.5)))
    assert decisions(store)[item.ref, "Ann"] == ann
