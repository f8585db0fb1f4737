"""Deciding again over a store, with a library in memory: what is written, what isn't, and what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.decide_again import KNOWLEDGE, MODEL, Shelf, again, fill
from tagger.answers import PEOPLE
from tagger.decide import Policy
from tagger.library.judge import Judge
from tagger.store import DATABASE_NAME, SqliteStore
from tagger.types import Decision, ItemRef, Prediction, Scope

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
