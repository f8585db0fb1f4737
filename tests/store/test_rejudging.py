"""What deciding again asks of the store: numbers, verdicts in place, and taking back that can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tagger.judgement.families import row_of
from tagger.ports import Rejudged, Settlement
from tagger.store import DATABASE_NAME, SqliteStore
from tagger.types import MediaItem, PlannedChange, Row, Scope, Verdict
from tests.store.values import MODEL, decision, item, look, plan

KNOWLEDGE = "knowledge"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / DATABASE_NAME, "k", "n") as opened:
        yield opened


def settled(of: MediaItem, *plans: PlannedChange) -> Settlement:
    decisions = (decision("Dog"), decision("Cat", "review", 0.75), decision("Bird", "drop", 0.12))
    numbers = tuple(row_of(d.prediction) for d in decisions)
    return Settlement(of, decisions, plans, KNOWLEDGE, numbers)


def write(store: SqliteStore, of: MediaItem) -> int:
    run = store.begin_run("tag", Scope())
    store.record([look(of)])
    store.settle(run.id, "p1", [settled(of, replace(plan(of), feature="objects"))])
    carry(store)
    store.end_run(run.id, "done")
    return run.id


def carry(store: SqliteStore) -> None:
    for action in ("add", "remove"):
        ids = [change.id for change in store.pending(100, action)]
        store.mark(ids, "sending")
        store.mark(ids, "done")


def test_numbers_of_all_predictions_come_back_those_that_were_dropped_too(store: SqliteStore) -> None:
    write(store, item())
    (record,) = store.records(KNOWLEDGE, 0, 10)
    assert record.rows is not None and [(r.subject, r.probability) for r in record.rows] == [
        ("dog", 0.95), ("cat", 0.75), ("bird", 0.12)
    ]  # fmt: skip
    assert record.rows[0] == Row("objects", "dog", 0.95, False, 2.5)
    assert [verdict[:4] for verdict in record.verdicts] == [
        ("objects", "dog", "Dog", "apply"), ("objects", "cat", "Cat", "review")
    ]  # fmt: skip
    assert record.ours["7"].feature == "objects" and record.ours["7"].looked == frozenset({MODEL})
    assert not record.special and record.policy == "p1"
    assert store.numbers(item().ref) == record.rows
    assert store.records_of(KNOWLEDGE, [record.row]) == [record]
    assert store.records(KNOWLEDGE, record.row, 10) == []


def test_other_knowledge_or_another_model_makes_numbers_void(store: SqliteStore) -> None:
    write(store, item())
    assert store.records("other", 0, 10)[0].rows is None
    store.record([look(item(), "newer@1")])
    store.settle(1, "p1", [replace(settled(item()), knowledge="", numbers=())])
    assert store.records(KNOWLEDGE, 0, 10)[0].rows is None


def test_verdicts_change_in_place_and_a_person_was_quicker(store: SqliteStore) -> None:
    write(store, item())
    (record,) = store.records(KNOWLEDGE, 0, 10)
    run = store.begin_run("again", Scope())
    (dog, cat) = (verdict[4] for verdict in record.verdicts)
    changed: tuple[tuple[int, Verdict, Verdict, str, str], ...] = (
        (dog, "apply", "review", "thresholds.review", "Now."),
        (cat, "keep", "drop", "thresholds.keep", "It isn't what it was."),
    )
    store.rejudge(run.id, "p2", [Rejudged(record.row, None, changed, ())])
    now = {d.tag: d for d in store.decisions([item().ref])[item().ref]}
    assert (now["Dog"].verdict, now["Dog"].why) == ("review", "Now.")
    assert now["Dog"].prediction == decision("Dog").prediction, "the evidence stays"
    assert now["Cat"].verdict == "review", "its verdict was another one meanwhile"
    assert store.standing([item()])[item().ref].decided == "p2"


def test_what_comes_to_wait_has_its_place_in_the_queue(store: SqliteStore) -> None:
    write(store, item())
    (record,) = store.records(KNOWLEDGE, 0, 10)
    dog = record.verdicts[0][4]
    changed: tuple[tuple[int, Verdict, Verdict, str, str], ...] = ((dog, "apply", "review", "r", "Now."),)
    store.rejudge(1, "p2", [Rejudged(record.row, None, changed, ())])
    store.reorder()
    assert [one.decision.tag for one in store.review_queue(10)] == ["Dog", "Cat"], "the surer one first"


def test_another_name_is_written_in_place_and_waits_under_it(store: SqliteStore) -> None:
    write(store, item())
    (record,) = store.records(KNOWLEDGE, 0, 10)
    dog, cat = (verdict[4] for verdict in record.verdicts)
    changed: tuple[tuple[int, Verdict, Verdict, str, str], ...] = (
        (cat, "drop", "review", "r", "Called so."),
        (dog, "drop", "keep", "r", "A person was quicker."),
    )
    names: tuple[tuple[int, Verdict, str], ...] = ((cat, "review", "Kitty"), (dog, "review", "Hound"))
    store.rejudge(1, "p2", [Rejudged(record.row, None, changed, (), names)])
    now = {d.tag: d for d in store.decisions([item().ref])[item().ref]}
    assert now["Dog"].verdict == "apply" and set(now) == {"Dog", "Kitty"}
    assert now["Kitty"].prediction == decision("Cat", "review", 0.75).prediction and now["Kitty"].why == "Called so."
    assert store.tally("review") == {"Kitty": 1}


def test_what_was_taken_back_can_be_put_back_and_is_ours_again(store: SqliteStore) -> None:
    first = write(store, item())
    of = item(tags=["7"])
    (record,) = store.records(KNOWLEDGE, 0, 10)
    run = store.begin_run("again", Scope())
    removal = replace(plan(of), action="remove", rule="thresholds.review", why="Now.")
    store.rejudge(run.id, "p2", [Rejudged(record.row, of, (), (removal,))])
    carry(store)
    assert store.standing([item()])[item().ref].ours == frozenset()
    assert [(c.plan.action, c.state) for c in store.history(item().ref)] == [("add", "undone"), ("remove", "done")]
    assert store.restore(run.id) == 1
    assert [(c.plan.action, c.state) for c in store.history(item().ref)] == [("add", "planned"), ("remove", "undone")]
    assert store.restore(run.id) == 0, "once"
    carry(store)
    assert store.standing([of])[of.ref].ours == {"7"}
    assert store.changes(first, "done")[0].plan.tag_id == "7", "under the run that had added it"
