"""What is never to be written isn't asked about any more, at once and everywhere; taken back, it is again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tagger.answers import PEOPLE
from tagger.library import review
from tagger.store import DATABASE_NAME, SqliteStore
from tagger.types import Decision, Prediction, Scope
from tests.store.values import decision, item, settlement


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / DATABASE_NAME, "k", "n") as opened:
        run = opened.begin_run("tag", Scope())
        face = Prediction(PEOPLE, "Dog", 0.8, 0.8, "Dog", ("faces@1",))
        waits = (
            decision("Dog", "review", 0.72),
            decision("Cat", "review", 0.72),
            Decision(face, "review", "Dog", "people", "Somebody is called so."),
        )
        opened.settle(run.id, "p", [settlement(item(str(n)), decisions=waits) for n in range(1, 4)])
        yield opened


def queue(store: SqliteStore) -> list[tuple[str, str, str]]:
    waits = store.review_queue(100)
    refs = [one.ref for one in waits]
    of_items = dict(store.to_review(refs))
    assert sum(of_items.values()) == sum(store.tally("review").values()) == len(waits), "wherever they are counted"
    return sorted((one.ref.id, one.decision.tag, one.decision.prediction.feature) for one in waits)


def test_it_leaves_the_queue_at_once_and_comes_back(store: SqliteStore) -> None:
    before = queue(store)
    decisions = store.decisions([item("1").ref])
    act = review.never(store, "dogs")
    assert queue(store) == before, "a name in another number is another name"
    review.undo(store, act)
    act = review.never(store, "dog")
    assert queue(store) == [one for one in before if one[1] == "Cat" or one[2] == PEOPLE]
    assert store.decisions([item("1").ref]) == decisions, "what was decided stays until it is decided again"
    again = review.never(store, "Dog")
    review.undo(store, act)
    assert ("1", "Dog", "objects") not in queue(store), "the other one stands"
    review.undo(store, again)
    assert queue(store) == before


def test_what_was_answered_meanwhile_does_not_come_back(store: SqliteStore) -> None:
    before = queue(store)
    act = review.never(store, "Dog")
    review.reject(store, [(item("1").ref, "Dog")])
    review.undo(store, act)
    assert queue(store) == [one for one in before if one[:2] != ("1", "Dog")]
