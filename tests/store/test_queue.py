"""The queue for review: the surest and the most contested first, rare tags early, one of those that look alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tagger.answers import Narrow, Question, Say, Saying, Source
from tagger.library import review
from tagger.store import DATABASE_NAME, SqliteStore
from tagger.types import Decision, Evidence, ItemRef, Scope
from tests.store.values import MODEL, decision, item, settlement


def contested(of: Decision) -> Decision:
    """Of two models one sees it and one doesn't."""
    said = replace(of.prediction, models=("a@1", "b@1"), evidence=(Evidence(0.0, 0.9, None, "a@1"),))
    return replace(of, prediction=said)


def order(store: SqliteStore, tag: str = "") -> list[str]:
    return [waiting.ref.id for waiting in store.review_queue(100, tag)]


def test_the_most_useful_first(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / DATABASE_NAME, "k", "n") as store:
        run = store.begin_run("tag", Scope())
        waits = {"1": decision("Dog", "review", 0.72), "2": decision("Dog", "review", 0.85)}
        waits["3"] = contested(decision("Dog", "review", 0.72))
        waits["4"] = decision("Okapi", "review", 0.70)
        for n in range(100, 140):
            waits[str(n)] = decision("Dog", "apply", 0.95)
        store.settle(run.id, "p", [settlement(item(i), decisions=(d,)) for i, d in waits.items()])
        assert order(store) == ["3", "2", "1", "4"], "in some order at once"
        store.reorder()
        assert order(store) == ["3", "4", "2", "1"], "a tag that is rarely applied comes early"
        assert order(store, "Dog") == ["3", "2", "1"]
        assert [w.ref.id for w in store.review_queue(100, feature="objects", skip=1)] == ["4", "2", "1"]

        assert sorted(store.unhashed(100)) == ["oshash:1", "oshash:2", "oshash:3", "oshash:4"]
        store.put_hashes([("oshash:1", 7), ("oshash:2", 7), ("oshash:3", 8), ("oshash:4", 7)])
        store.reorder()
        assert order(store) == ["3", "4", "2", "1"] and store.unhashed(100) == []
        last = store.review_queue(100)[-1]
        assert last.useful < 0 < store.review_queue(100)[-2].useful, "2 stands for 1, which looks like it"
        store.reorder()
        assert order(store) == ["3", "4", "2", "1"]


def test_of_new_items_alone_the_most_useful_first(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / DATABASE_NAME, "k", "n") as store:
        run = store.begin_run("tag", Scope())
        waits = [("scene", "9", 0.75), ("scene", "10", 0.72), ("scene", "11", 0.85), ("image", "8", 0.74)]
        waits += [("image", "7", 0.8), ("gallery", "3", 0.9)]
        some = [settlement(item(i, f"{kind} {i}", kind=kind), decisions=(decision("Dog", "review", p),))  # type: ignore[arg-type]
                for kind, i, p in waits]  # fmt: skip
        written = settlement(item("12"), decisions=(decision("Dog", "apply"), decision("Cat", "review", 0.6)))
        store.settle(run.id, "p", [*some, written])

        def found(only: Narrow, tag: str = "", feature: str = "", skip: int = 0) -> list[tuple[str, str]]:
            return [(one.ref.kind, one.ref.id) for one in store.review_queue(3, tag, feature, skip, only)]

        new = Narrow(first=(10, 8, 4))
        assert found(new) == [("scene", "11"), ("image", "8"), ("scene", "10")]
        assert found(new, skip=2) == [("scene", "10"), ("scene", "12")]
        assert found(new, "Cat") == [("scene", "12")] and found(new, feature="objects", skip=3) == [("scene", "12")]
        assert found(new, feature="places") == []
        assert found(replace(new, kind="image")) == [("image", "8")]
        assert found(replace(new, least=0.73, most=0.8)) == [("image", "8")]
        assert found(replace(new, model="a@1")) == [] and len(found(replace(new, model=MODEL))) == 3


def test_what_was_added_by_hand_is_no_look(tmp_path: Path) -> None:
    said: list[tuple[Say, Source]] = [("yes", "audit"), ("no", "library"), ("yes", "library"), ("yes", "missed")]
    said += [("no", "review"), ("no", "never here"), ("no", "instead")]
    with SqliteStore(tmp_path / DATABASE_NAME, "k", "n") as store:
        for n, (say, source) in enumerate(said):
            question = Question(ItemRef("image", str(n)), f"md5:{n}", "Dog", "objects", "dog", 0.9)
            store.say("", [Saying(question, say, source)])
        store.say("", [Saying(Question(ItemRef("image", "9"), "md5:9", "Dog"), "yes", "review")])  # no model said it
        looks = [("objects", "Dog", 0.9, right) for right in (True, False, False, False)]
        assert store.looked_at() == looks
        store.withdraw(store.acts(1)[0].id - 3)
        assert store.looked_at() == looks[:2] + looks[3:]


def test_of_which_features_and_tags_something_waits(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / DATABASE_NAME, "k", "n") as store:
        run = store.begin_run("tag", Scope())
        both = (decision("Dog", "review"), decision("Cat", "review"), decision("Cow", "apply"))
        store.settle(run.id, "p", [settlement(item("1"), decisions=both)])
        assert sorted(store.tags_waiting()) == [("objects", "Cat"), ("objects", "Dog")]
        review.accept(store, [(item("1").ref, "Dog")])
        assert store.tags_waiting() == [("objects", "Cat")]
