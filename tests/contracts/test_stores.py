"""What every Store does. There is one implementation, which tests elsewhere use too, on a temporary folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tagger.answers import Selection, TagMove
from tagger.errors import StoreError
from tagger.ports import Settlement, Standing, Store
from tagger.store import DATABASE_NAME, SqliteStore
from tagger.types import Change, ChangeState, ItemRef, MediaItem, RunState, Scope, Tag, Thumb
from tests.store.values import MODEL, decision, item, look, plan, settlement, sighting

Opener = Callable[[str], SqliteStore]  # a library's key → a store of that library, over the same data


@pytest.fixture(params=["sqlite"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    stores: list[SqliteStore] = []

    def open_store(key: str) -> SqliteStore:
        stores.append(SqliteStore(tmp_path / DATABASE_NAME, key, f"The library {key}"))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Opener) -> SqliteStore:
    return opened("stash:one")


def settle_done(store: Store, run_id: int, settled: Settlement) -> list[Change]:
    """Settle, and carry all pending changes through."""
    store.settle(run_id, "policy", [settled])
    changes = store.pending(100)
    store.mark([c.id for c in changes], "sending")
    store.mark([c.id for c in changes], "done")
    return changes


def only(store: Store, of: MediaItem | None = None) -> Standing:
    one = of or item()
    return store.standing([one])[one.ref]


# -- runs


def test_an_unfinished_run_goes_on_under_its_id_with_its_cursor_and_totals(opened: Opener) -> None:
    scope = Scope(kinds=("image",), paths=("/a",), organized=False)
    first = opened("k").begin_run("tag", scope)
    opened("k").checkpoint(first.id, {"image": "5"}, {"looked": 2})
    opened("k").settle(first.id, "p", [], {"scene": "1"}, {"looked": 3, "added": 1})
    states: tuple[RunState, ...] = ("running", "paused")
    for state in states:
        opened("k").end_run(first.id, state, "stopped")
        again = opened("k").begin_run("tag", scope)
        assert (again.id, again.state, again.scope) == (first.id, "running", scope)
        assert again.cursor == {"image": "5", "scene": "1"}
        assert again.counts == {"looked": 5, "added": 1}


def test_another_operation_scope_library_or_an_ended_run_is_not_resumed(opened: Opener, store: Store) -> None:
    first = store.begin_run("tag", Scope())
    others = [
        store.begin_run("new", Scope()),
        store.begin_run("tag", Scope(paths=("/a",))),
        store.begin_run("tag", Scope(), resume=False),
        opened("stash:two").begin_run("tag", Scope()),
    ]
    for run in (first, *others):
        store.end_run(run.id, "done", "all of it")
    others.append(store.begin_run("tag", Scope()))
    assert len({first.id, *(run.id for run in others)}) == 6
    newest = store.runs(limit=2)
    assert [run.id for run in newest] == [others[-1].id, others[2].id]
    assert (newest[1].state, newest[1].message, bool(newest[1].ended_at)) == ("done", "all of it", True)


def test_a_run_is_found_by_its_id_and_the_last_that_wrote_among_those_that_did_not(
    opened: Opener, store: Store
) -> None:
    assert store.run(1) is None and store.last_written() is None
    first = store.begin_run("tag", Scope())
    store.settle(first.id, "p", [settlement(item(), plan(item()))])
    later = [store.begin_run("new", Scope(), resume=False) for _ in range(3)]
    found = store.run(later[0].id)
    assert found is not None and (found.id, found.operation) == (later[0].id, "new")
    assert opened("stash:two").run(first.id) is None and opened("stash:two").last_written() is None
    last = store.last_written()
    assert last is not None and last.id == first.id
    store.end_run(first.id, "undone")
    assert store.last_written() is None


def test_tags_that_changed_places_are_followed_at_once_and_twice_does_no_harm(store: Store) -> None:
    run = store.begin_run("tag", Scope())
    for tag_id, name in (("1", "Cat"), ("2", "Dog")):
        settle_done(store, run.id, settlement(item(tag_id), plan(item(tag_id), name, tag_id=tag_id)))
    now = [Tag("1", "Dog"), Tag("2", "Cat")]
    store.follow_tags([TagMove("1", "2", "Cat", "Cat"), TagMove("2", "1", "Dog", "Dog")], now)
    ours = {change.plan.ref.id: (change.plan.tag_id, change.plan.tag_name) for change in store.ours(Selection())}
    assert ours == {"1": ("2", "Cat"), "2": ("1", "Dog")}
    assert store.known_tags() == {"1": "Dog", "2": "Cat"}


def test_what_is_there_after_all_is_not_missed(store: Store) -> None:
    first, second = store.begin_run("tag", Scope()), store.begin_run("new", Scope())
    (change,) = settle_done(store, first.id, settlement(item(), plan(item(), tag_id="5")))
    store.notice(second.id, [(item().ref, item().fingerprint, frozenset())])
    assert [one.id for one in store.missed()] == [change.id]
    store.not_missed([change.id])
    assert store.missed() == [] and store.learn_missed() == 0
    assert [one.id for one in store.ours(Selection())] == [change.id]


def test_work_for_a_run_that_is_not_there_is_refused_and_leaves_nothing(store: Store) -> None:
    with pytest.raises(StoreError, match="no run 99"):
        store.settle(99, "p", [settlement(item(), plan(item()))])
    assert store.pending(10) == []
    assert store.known("scene", "", 10) == []


# -- looking


def test_sightings_come_back_as_they_were(store: Store) -> None:
    store.record([look(item("1"), "a@1", "b@2"), look(item("2"), "a@1")])
    found = store.sightings(["oshash:1", "oshash:2", "oshash:3"], ["b@2", "a@1", "c@1"])
    assert found == {"oshash:1": [sighting("b@2"), sighting("a@1")], "oshash:2": [sighting("a@1")], "oshash:3": []}
    assert only(store).seen == {"a@1", "b@2"}
    assert store.seen() == {"a@1": 2, "b@2": 1}


def test_a_second_look_of_a_model_replaces_its_first(store: Store) -> None:
    store.record([look(item())])
    store.record([look(item())] * 2)
    assert store.sightings(["oshash:1"], [MODEL]) == {"oshash:1": [sighting()]}


def test_a_copy_is_seen_already_in_any_library_but_known_only_in_its_own(opened: Opener, store: Store) -> None:
    store.record([look(item("1", "oshash:same"))])
    other = opened("stash:two")
    assert only(store, item("2", "oshash:same")).seen == {MODEL}
    assert only(other, item("1", "oshash:same")).seen == {MODEL}
    assert other.known("scene", "", 10) == []
    assert other.seen() == {}


def test_thumbs_come_back_in_time_order(store: Store) -> None:
    store.record([look(item(), thumbs=(Thumb(2.5, b"b"), Thumb(0.0, b"a")))])
    assert store.thumbs("oshash:1") == [Thumb(0.0, b"a"), Thumb(2.5, b"b")]
    assert store.thumbs("oshash:2") == []


def test_an_item_is_given_up_after_two_tries_until_its_file_changes(store: Store) -> None:
    broken = item(path="/media/1.mp4")
    for tries in (1, 2):
        store.record([look(broken, error="It is truncated.", thumbs=(Thumb(0.0, b"a"),))])
        standing = only(store, broken)
        assert (standing.given_up, standing.failure, standing.seen) == (tries == 2, "It is truncated.", frozenset())
    (failure,) = store.failures()
    assert (failure.ref, failure.path, failure.reason, failure.tries) == (
        broken.ref,
        broken.path,
        "It is truncated.",
        2,
    )
    assert store.thumbs(broken.fingerprint) == []

    replaced = item("1", "oshash:new")
    assert only(store, replaced) == Standing()
    store.record([look(replaced, error="Also truncated.")])
    assert only(store, replaced).given_up is False
    store.record([look(replaced)])
    assert only(store, replaced) == Standing(seen=frozenset({MODEL}))
    assert store.failures() == []


# -- deciding


def test_decisions_come_back_in_order_and_replace_the_former_ones(store: Store) -> None:
    run = store.begin_run("tag", Scope())
    first = (decision("Dog"), decision("Cat", "review", 0.8), decision("Cow", "keep", 0.4), decision("Ox", "drop", 0.1))
    store.settle(run.id, "p", [settlement(item(), decisions=first)])
    assert store.decisions([item().ref, item("2").ref]) == {item().ref: [*first[:3]], item("2").ref: []}
    store.settle(run.id, "p", [settlement(item(), decisions=first[1:2])])
    assert store.decisions([item().ref]) == {item().ref: [first[1]]}


def test_decided_holds_for_that_file_policy_and_the_models_of_then(store: Store) -> None:
    run = store.begin_run("tag", Scope())
    store.record([look(item(), "a@1")])
    assert only(store).decided == ""
    store.settle(run.id, "policy 1", [settlement(item())])
    assert only(store).decided == "policy 1"
    assert only(store, item("1", "oshash:new")).decided == ""
    store.record([look(item(), "b@1")])
    assert only(store).decided == ""
    store.settle(run.id, "policy 2", [settlement(item())])
    assert only(store).decided == "policy 2"
    store.reopen([item().ref, item("2").ref])
    assert only(store).decided == ""


# -- the outbox


def test_a_plan_becomes_ours_with_all_its_provenance(store: Store) -> None:
    run = store.begin_run("tag", Scope())
    of = item(tags=["1", "2"])
    store.settle(run.id, "p", [settlement(of, plan(of))])
    (change,) = store.pending(10)
    assert (change.plan, change.state, change.run_id) == (plan(of), "planned", run.id)
    store.mark([change.id], "sending")
    assert [c.state for c in store.pending(10)] == ["sending"]
    assert only(store, of).ours == frozenset()
    store.mark([change.id], "done")
    assert store.pending(10) == []
    assert only(store, of).ours == {"7"}
    assert [c.id for c in store.changes(run.id, "done")] == [change.id]
    assert store.changes(run.id, "done", after=change.id) == []
    assert store.changes(run.id, "planned") == []


@pytest.mark.parametrize("reached", [[], ["sending"], ["done"]])
def test_a_plan_for_a_live_change_adds_nothing(store: Store, reached: list[ChangeState]) -> None:
    run = store.begin_run("tag", Scope())
    store.settle(run.id, "p", [settlement(item(), plan(item()), plan(item()))])
    ids = [c.id for c in store.pending(10)]
    assert len(ids) == 1
    for state in reached:
        store.mark(ids, state)
    store.settle(run.id, "p", [settlement(item(), plan(item()), plan(item(), "dog", ""), plan(item(), "Hound", "7"))])
    assert [c.id for c in store.pending(10) + store.changes(run.id, "done")] == ids


@pytest.mark.parametrize("state", ["failed", "undone"])
def test_what_failed_or_was_undone_may_be_planned_again(store: Store, state: ChangeState) -> None:
    run = store.begin_run("tag", Scope())
    store.settle(run.id, "p", [settlement(item(), plan(item()))])
    (first,) = store.pending(10)
    store.mark([first.id], state, "because")
    store.settle(run.id, "p", [settlement(item(), plan(item()))])
    (second,) = store.pending(10)
    assert second.id > first.id
    (old,) = store.changes(run.id, state)
    assert (old.id, old.reason) == (first.id, "because")


def test_a_tag_that_the_item_has_is_never_planned(store: Store) -> None:
    run = store.begin_run("tag", Scope())
    of = item(tags=["7"])
    store.settle(run.id, "p", [settlement(of, plan(of), plan(of, "Cat", "8"))])
    assert [c.plan.tag_id for c in store.pending(10)] == ["8"]


def test_a_tag_made_later_gets_its_id_unless_the_item_had_it_before(store: Store) -> None:
    run = store.begin_run("tag", Scope())
    with_it, without = item("1", tags=["9"]), item("2", tags=["3"])
    store.settle(run.id, "p", [settlement(of, plan(of, "New", "")) for of in (with_it, without)])
    ids = [c.id for c in store.pending(10)]
    store.mark(ids, "sending", tag_id="9")
    store.mark(ids, "done")
    assert [(c.plan.ref.id, c.plan.tag_id) for c in store.changes(run.id, "done")] == [("2", "9")]
    assert [c.plan.ref.id for c in store.changes(run.id, "failed")] == ["1"]
    assert only(store, with_it).ours == frozenset()


def test_a_removal_is_noticed_by_the_next_run_and_once_learned_holds_for_ever(store: SqliteStore) -> None:
    of = item()
    first, second = store.begin_run("tag", Scope()), store.begin_run("new", Scope())
    (change,) = settle_done(store, first.id, settlement(of, plan(of)))
    store.settle(second.id, "p", [settlement(item(tags=["7"]))])
    assert only(store).ours == {"7"}

    store.settle(second.id, "p", [settlement(of, plan(of))])
    assert store.pending(10) == []
    assert only(store).ours == frozenset()
    assert only(store).gone == {"7"}
    assert [c.id for c in store.missed()] == [change.id]
    assert store.changes(first.id, "gone") == []
    assert (store.learn_missed(), store.learn_missed(), store.missed()) == (1, 0, [])
    assert only(store).refused == {"dog"}
    assert [(c.id, c.plan, bool(c.reason)) for c in store.changes(first.id, "gone")] == [(change.id, plan(of), True)]
    others: tuple[ChangeState, ...] = ("planned", "sending", "done", "failed", "undone")
    for state in others:
        store.mark([change.id], state)
    replaced = item("1", "oshash:new")
    store.settle(second.id, "p", [settlement(of, plan(of, "DOG", "")), settlement(replaced, plan(replaced))])
    assert store.pending(10) == []
    assert only(store, replaced).gone == {"7"}


def test_what_came_back_before_anything_was_learned_is_ours_again(store: SqliteStore) -> None:
    first, second = store.begin_run("tag", Scope()), store.begin_run("new", Scope())
    settle_done(store, first.id, settlement(item(), plan(item())))
    store.settle(second.id, "p", [settlement(item())])
    store.settle(second.id, "p", [settlement(item(tags=["7"]))])
    assert store.missed() == [] and only(store).ours == {"7"}


def test_what_got_lost_teaches_nothing_and_may_be_written_again(store: SqliteStore) -> None:
    first, second = store.begin_run("tag", Scope()), store.begin_run("new", Scope())
    (change,) = settle_done(store, first.id, settlement(item(), plan(item())))
    store.settle(second.id, "p", [settlement(item(), plan(item()))])
    assert store.forgive_missed("a backup was put back") == 1
    assert (store.missed(), only(store)) == ([], Standing())
    assert [(c.id, c.reason) for c in store.changes(first.id, "undone")] == [(change.id, "a backup was put back")]
    store.settle(second.id, "p", [settlement(item(), plan(item()))])
    assert [c.state for c in store.pending(10)] == ["planned"]


def test_a_removal_takes_back_what_is_ours_and_nothing_else(store: Store) -> None:
    run = store.begin_run("tag", Scope())
    of = item(tags=["7", "8"])
    (change,) = settle_done(store, run.id, settlement(item(), plan(item())))
    removals = [replace(plan(of), action="remove"), replace(plan(of, "Cat", "8"), action="remove")]
    store.settle(run.id, "p", [settlement(of, *removals, *removals)])
    assert store.pending(10) == []
    (removal,) = store.pending(10, "remove")
    assert removal.plan.tag_id == "7" and only(store, of).ours == {"7"}
    store.mark([removal.id], "sending")
    store.mark([removal.id], "done")
    store.mark([removal.id], "done")
    assert only(store, of).ours == frozenset()
    assert [c.id for c in store.changes(run.id, "undone")] == [change.id]
    assert [c.id for c in store.changes(run.id, "done", action="remove")] == [removal.id]
    store.settle(run.id, "p", [settlement(item(), plan(item()))])
    assert len(store.pending(10)) == 1, "it may be written again"


def test_nothing_is_learned_from_another_file_under_the_same_id(store: Store) -> None:
    of, other_file = item(), item("1", "oshash:new")
    first, second = store.begin_run("tag", Scope()), store.begin_run("new", Scope())
    settle_done(store, first.id, settlement(of, plan(of)))
    store.settle(second.id, "p", [settlement(other_file, plan(other_file))])
    assert [c.plan.fingerprint for c in store.pending(10)] == ["oshash:new"]
    assert only(store, other_file) == Standing(decided="p")
    assert only(store, of).ours == {"7"}


@pytest.mark.parametrize("state", ["planned", "sending"])
def test_a_change_under_way_is_not_taken_for_removed(store: Store, state: ChangeState) -> None:
    first, second = store.begin_run("tag", Scope()), store.begin_run("new", Scope())
    store.settle(first.id, "p", [settlement(item(), plan(item()))])
    store.mark([c.id for c in store.pending(10)], state)
    store.settle(second.id, "p", [settlement(item())])
    assert [c.state for c in store.pending(10)] == [state]


def test_a_run_does_not_take_its_own_write_for_removed(store: Store) -> None:
    run = store.begin_run("tag", Scope())
    settle_done(store, run.id, settlement(item(), plan(item())))
    store.settle(run.id, "p", [settlement(item())])
    assert only(store).ours == {"7"}


def test_an_echo_of_an_earlier_step_changes_nothing(store: Store) -> None:
    run = store.begin_run("tag", Scope())
    (change,) = settle_done(store, run.id, settlement(item(), plan(item())))
    echoes: tuple[ChangeState, ...] = ("planned", "sending", "failed", "done")
    for state in echoes:
        store.mark([change.id], state)
    assert [c.state for c in store.changes(run.id, "done")] == ["done"]
    store.mark([change.id], "undone")
    store.mark([change.id], "done")
    assert len(store.changes(run.id, "undone")) == 1
    assert only(store).ours == frozenset()


def test_the_changes_of_a_run_are_counted(opened: Opener, store: Store) -> None:
    run, other = store.begin_run("tag", Scope()), store.begin_run("new", Scope())
    settle_done(store, run.id, settlement(item("1"), plan(item("1")), plan(item("1"), "Cat", "8")))
    store.settle(run.id, "p", [settlement(item("2"), plan(item("2")), replace(plan(item("2")), target="performer"))])
    store.settle(other.id, "p", [settlement(item("3"), plan(item("3")))])
    assert store.count_changes(run.id) == {
        ("done", "add", "tag"): 2,
        ("planned", "add", "tag"): 1,
        ("planned", "add", "performer"): 1,
    }
    assert opened("stash:two").count_changes(run.id) == {} and store.count_changes(99) == {}


def test_changes_of_another_library_are_out_of_reach(opened: Opener, store: Store) -> None:
    run = store.begin_run("tag", Scope())
    (change,) = settle_done(store, run.id, settlement(item(), plan(item())))
    other = opened("stash:two")
    other.mark([change.id], "undone")
    assert other.pending(10) == []
    assert other.changes(run.id, "done") == []
    assert only(other) == Standing()
    assert only(store).ours == {"7"}


def test_a_plan_for_another_item_is_refused(store: Store) -> None:
    run = store.begin_run("tag", Scope())
    with pytest.raises(ValueError, match="its own item"):
        store.settle(run.id, "p", [settlement(item("1"), plan(item("2")))])


def test_created_tags_are_remembered_until_deleted(opened: Opener, store: Store) -> None:
    first, second = store.begin_run("tag", Scope()), store.begin_run("new", Scope())
    store.note_created_tag(first.id, Tag("7", "Dog", parent_ids=("1",)))
    store.note_created_tag(second.id, Tag("8", "Cat"))
    store.note_created_tag(second.id, Tag("7", "Dog", parent_ids=("1",)))
    assert store.created_tags() == [Tag("8", "Cat"), Tag("7", "Dog", parent_ids=("1",))]
    assert store.created_tags(first.id) == [Tag("7", "Dog", parent_ids=("1",))]
    assert opened("stash:two").created_tags() == []
    store.note_deleted_tag("7")
    store.note_deleted_tag("7")
    assert store.created_tags() == [Tag("8", "Cat")]


# -- waiting and forgetting


def test_the_queue_serves_the_highest_priority_first_then_the_longest_waiting(store: Store) -> None:
    refs = [ItemRef("scene", n) for n in ("10", "9", "8")]
    assert store.enqueue(refs, 0, "new") == 3
    assert store.enqueue([refs[1], ItemRef("image", "1")], 100, "asked") == 1
    assert store.enqueue([refs[1]], 0, "new") == 0
    order = [ItemRef("scene", "9"), ItemRef("image", "1"), ItemRef("scene", "10"), ItemRef("scene", "8")]
    assert [e.ref for e in store.waiting(10)] == order
    assert [(e.ref, e.reason) for e in store.waiting(10, 1)] == [(order[0], "asked"), (order[1], "asked")]
    store.dequeue([*order[:3], ItemRef("gallery", "1")])
    assert [e.ref for e in store.waiting(10)] == order[3:]


def test_known_items_ascend_numbers_as_numbers(opened: Opener, store: Store) -> None:
    ids = ["9", "10", "100", "007", "a/b.jpg", "b", "ä"]
    store.record([look(item(i, kind="image")) for i in reversed(ids)] + [look(item("5"))])
    paged, after = [], ""
    while page := store.known("image", after, 2):
        paged += [ref.id for ref in page]
        after = page[-1].id
    assert paged == ids
    assert store.known("gallery", "", 10) == []
    assert opened("stash:two").known("image", "", 10) == []


def test_forgetting_takes_all_of_an_item_but_what_another_item_shares(opened: Opener, store: Store) -> None:
    run = store.begin_run("tag", Scope())
    shared, copy, alone = item("1", "oshash:same"), item("2", "oshash:same"), item("3")
    store.record([look(shared, thumbs=(Thumb(0.0, b"s"),)), look(alone, thumbs=(Thumb(0.0, b"a"),))])
    opened("stash:two").record([look(copy, "other@1")])
    store.settle(run.id, "p", [settlement(shared, plan(shared)), settlement(alone, plan(alone))])
    store.enqueue([shared.ref, alone.ref], 0, "new")
    store.forget([shared.ref, alone.ref, ItemRef("scene", "99")])
    store.forget([shared.ref])
    assert (store.known("scene", "", 10), store.pending(10), store.waiting(10)) == ([], [], [])
    assert store.decisions([alone.ref]) == {alone.ref: []}
    assert {k: len(v) for k, v in store.sightings(["oshash:same", "oshash:3"], [MODEL]).items()} == {
        "oshash:same": 1,
        "oshash:3": 0,
    }
    assert store.thumbs("oshash:3") == []
    assert len(store.thumbs("oshash:same")) == 1
    assert only(store, alone) == Standing()


# -- small facts


def test_facts_belong_to_a_library(opened: Opener, store: Store) -> None:
    assert store.fact("watermark") == ""
    store.remember("watermark", "1")
    store.remember("watermark", "2")
    assert store.fact("watermark") == "2"
    assert opened("stash:two").fact("watermark") == ""
    assert opened("stash:one").fact("watermark") == "2"


def test_of_two_who_claim_a_fact_one_gets_it(opened: Opener, store: Store) -> None:
    other = opened("stash:one")
    with ThreadPoolExecutor(2) as pool:
        for n in range(20):
            claims = [pool.submit(one.swap, f"claim {n}", "", name) for one, name in ((store, "a"), (other, "b"))]
            assert sorted(claim.result() for claim in claims) == [False, True]
    winner = store.fact("claim 0")
    assert not store.swap("claim 0", "somebody's", "mine") and store.fact("claim 0") == winner
    assert store.swap("claim 0", winner, "") and "claim 0" not in store.facts("claim")


def test_the_summary_counts(opened: Opener, store: Store) -> None:
    run = store.begin_run("tag", Scope())
    one, two, three = item("1"), item("2"), item("3")
    store.record([look(one), look(two), look(three, error="broken")])
    settle_done(store, run.id, settlement(one, plan(one), decisions=(decision(), decision("Cat", "review"))))
    store.settle(run.id, "p", [settlement(two, plan(two, "Cat", "8"))])
    store.enqueue([three.ref], 0, "new")
    counts = store.summary()
    assert counts.pop("bytes") > 10_000
    assert counts == {
        "items": 3,
        "looked": 2,
        "failed": 1,
        "apply": 2,
        "review": 1,
        "pending": 1,
        "ours": 1,
        "gone": 0,
        "waiting": 1,
    }
    assert sum(v for k, v in opened("stash:two").summary().items() if k != "bytes") == 0
