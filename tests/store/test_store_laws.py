"""The laws of the outbox, held against random histories of several runs, a person and a library that hits back."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tagger.store import DATABASE_NAME, SqliteStore
from tagger.types import Change, ChangeState, ItemRef, MediaItem, Scope
from tests.laws import examples
from tests.store.values import item, plan, settlement

ITEMS = st.sampled_from(["1", "2"])
TAGS = st.sampled_from(["7", "8"])
NAMES = {"7": "Dog", "8": "Cat"}
STATES: tuple[ChangeState, ...] = ("planned", "sending", "done", "undone", "failed", "gone")


class Outbox(RuleBasedStateMachine):
    """A library of two items and two tags: what is on them, who put it there, and the store beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.tags: dict[str, set[str]] = {"1": set(), "2": set()}
        self.by_hand: set[tuple[str, str]] = set()  # put there by a person, and there ever since
        self.removed: set[tuple[str, str]] = set()  # by a person, learned by the store
        self.open()

    def open(self) -> None:
        self.store = SqliteStore(Path(self.folder.name) / DATABASE_NAME, "k", "n")

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def item(self, item_id: str) -> MediaItem:
        return item(item_id, tags=self.tags[item_id])

    @initialize()
    def begin_first_run(self) -> None:
        self.begin_another_run()

    @rule()
    def begin_another_run(self) -> None:
        self.run = self.store.begin_run("tag", Scope(), resume=False).id

    @rule()
    def be_killed_and_go_on(self) -> None:
        self.store.close()
        self.open()

    @rule(item_id=ITEMS, tag=TAGS)
    def person_adds(self, item_id: str, tag: str) -> None:
        if tag not in self.tags[item_id] and not self.under_way(item_id, tag):
            # Taken away and put back before anybody looked: nothing can tell it from the tag that we wrote.
            if tag not in self.store.standing([self.item(item_id)])[ItemRef("scene", item_id)].ours:
                self.by_hand.add((item_id, tag))
            self.tags[item_id].add(tag)

    @rule(item_id=ITEMS, tag=TAGS)
    def person_removes(self, item_id: str, tag: str) -> None:
        self.tags[item_id].discard(tag)
        self.by_hand.discard((item_id, tag))

    def under_way(self, item_id: str, tag: str) -> bool:
        """The library's writer looks at an item right before it writes; what comes in between isn't modelled."""
        return any((c.plan.ref.id, c.plan.tag_id) == (item_id, tag) for c in self.store.pending(100))

    @rule(item_id=ITEMS, tags=st.lists(TAGS, min_size=1, max_size=3), removed=TAGS)
    def go_through_a_life(self, item_id: str, tags: list[str], removed: str) -> None:
        """The whole way to a removal that is learned, which single steps take rarely."""
        self.settle(item_id, tags, False)
        self.write(False, "")
        self.person_removes(item_id, removed)
        self.begin_another_run()
        self.settle(item_id, tags, False)

    @rule(item_id=ITEMS, tags=st.lists(TAGS, max_size=3), twice=st.booleans())
    def settle(self, item_id: str, tags: list[str], twice: bool) -> None:
        of = self.item(item_id)
        ours_earlier = {
            c.plan.tag_id
            for run in self.runs()
            if run != self.run
            for c in self.of(run, "done")
            if c.plan.ref == of.ref
        }
        self.removed |= {(item_id, tag) for tag in ours_earlier - of.tag_ids}
        for _ in range(2 if twice else 1):
            self.store.settle(self.run, "p", [settlement(of, *(plan(of, NAMES[tag], tag) for tag in tags))])
        self.store.learn_missed()

    @rule(item_id=ITEMS)
    def lose_all_at_once(self, item_id: str) -> None:
        """A backup is put back: nobody removed anything."""
        self.tags[item_id] = {tag for tag in self.tags[item_id] if (item_id, tag) in self.by_hand}
        self.begin_another_run()
        of = self.item(item_id)
        self.store.settle(self.run, "p", [settlement(of)])
        self.store.forgive_missed("a backup was put back")

    @rule(twice=st.booleans(), dies=st.sampled_from(["", "before", "after"]))
    def write(self, twice: bool, dies: str) -> None:
        """Send what is pending; the process may die before the library has it, or before the store hears of it."""
        pending = self.store.pending(100)
        self.store.mark([c.id for c in pending], "sending")
        if dies == "before":
            return
        for change in pending:
            self.tags[change.plan.ref.id].add(change.plan.tag_id)
        for _ in range(0 if dies == "after" else 2 if twice else 1):
            self.store.mark([c.id for c in pending], "done")

    @rule(twice=st.booleans())
    def undo(self, twice: bool) -> None:
        """As the library's undo: only what is done in the newest run, and still there."""
        before = {pair for pair in self.by_hand if pair[1] in self.tags[pair[0]]}
        changes = self.of(self.run, "done")
        for change in changes:
            self.tags[change.plan.ref.id].discard(change.plan.tag_id)
        for _ in range(2 if twice else 1):
            self.store.mark([c.id for c in changes], "undone")
        assert before == {pair for pair in before if pair[1] in self.tags[pair[0]]}, "undo took a hand-made tag"

    @rule(state=st.sampled_from(STATES[:5]))
    def echo_on_the_gone(self, state: ChangeState) -> None:
        for run in self.runs():
            self.store.mark([c.id for c in self.of(run, "gone")], state)

    def runs(self) -> list[int]:
        return [run.id for run in self.store.runs(1000)]

    def of(self, run: int, state: ChangeState) -> list[Change]:
        return self.store.changes(run, state)

    @invariant()
    def the_laws_hold(self) -> None:
        everything = [(state, c) for run in self.runs() for state in STATES for c in self.of(run, state)]
        live = [(c.plan.ref.id, c.plan.tag_id) for state, c in everything if state in ("planned", "sending", "done")]
        gone = {(c.plan.ref.id, c.plan.tag_id) for state, c in everything if state == "gone"}
        assert len(live) == len(set(live)), "two live changes for one tag of one item"
        assert not any(c.plan.tag_id in c.plan.tags_before for _, c in everything), "planned what was there"
        assert gone == self.removed, "gone is what persons removed, for ever"
        assert not gone & set(live), "brought back what a person removed"
        standing = self.store.standing([self.item(i) for i in self.tags])
        for item_id in self.tags:
            one = standing[ItemRef("scene", item_id)]
            assert {(item_id, tag) for tag in one.gone} == {pair for pair in gone if pair[0] == item_id}
            assert one.ours == {c.plan.tag_id for s, c in everything if s == "done" and c.plan.ref.id == item_id}


Outbox.TestCase.settings = settings(max_examples=examples(60), stateful_step_count=25, deadline=None)
TestOutbox = Outbox.TestCase
