"""The laws of answers, held against random histories: what a person says holds, and taken back it never was."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tagger.answers import Say
from tagger.library import review
from tagger.store import DATABASE_NAME, SqliteStore
from tagger.types import ItemRef, MediaItem, Scope
from tests.laws import examples
from tests.store.values import decision, item, settlement

NAMES = {"Dog": "7", "Cat": "8"}
ITEMS = st.sampled_from(["1", "2"])
TAGS = st.sampled_from(sorted(NAMES))
BY_HAND = ("2", "7")  # a person's own, from the beginning


class Answering(RuleBasedStateMachine):
    """Two items of which two tags wait; a person who answers and takes back, and a writer that sends what follows."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.tags: dict[str, set[str]] = {"1": set(), "2": {"7"}}
        self.said: list[tuple[int, str, str, Say, str]] = []  # act, item, tag, answer, file: those that stand
        self.clicks: dict[str, tuple[int, ItemRef, str, bool]] = {}  # all that came: act, place, and what was said
        self.store = SqliteStore(Path(self.folder.name) / DATABASE_NAME, "k", "n")
        run = self.store.begin_run("tag", Scope())
        both = (decision("Dog", "review", 0.8), decision("Cat", "review", 0.7))
        self.store.settle(run.id, "p", [settlement(self.item(i), decisions=both) for i in self.tags])
        self.store.end_run(run.id, "done")
        self.before = self.queue()

    def teardown(self) -> None:
        try:
            self.take_all_back()
        finally:
            self.store.close()
            self.folder.cleanup()

    def take_all_back(self) -> None:
        for act, *_ in self.said:
            self.store.withdraw(act)
        self.send()
        assert self.tags == {"1": set(), "2": {"7"}}, "taken back, an answer never was"
        assert self.queue() == self.before

    def item(self, item_id: str) -> MediaItem:
        return item(item_id, tags=self.tags[item_id])

    def queue(self) -> set[tuple[str, str]]:
        waiting = [(w.ref.id, w.decision.tag) for w in self.store.review_queue(100)]
        counted = Counter(tag for _, tag in waiting)
        assert self.store.tally("review") == counted, "what waits is counted right"
        return set(waiting)

    @rule(item_id=ITEMS, tag=TAGS, yes=st.booleans())
    def answer(self, item_id: str, tag: str, yes: bool) -> None:
        place = [(ItemRef("scene", item_id), tag)]
        click = f"click {len(self.clicks)}"
        act = (review.accept if yes else review.reject)(self.store, place, click=click)
        self.clicks[click] = (act, *place[0], yes)
        self.said.append((act, item_id, tag, "yes" if yes else "no", f"oshash:{item_id}"))

    @rule(n=st.integers(0, 10))
    def a_click_comes_once_more(self, n: int) -> None:
        """Whether it stands or was taken back: :meth:`what_was_said_last_holds` sees that it changed nothing."""
        for click in list(self.clicks)[n : n + 1]:
            act, ref, tag, yes = self.clicks[click]
            assert (review.accept if yes else review.reject)(self.store, [(ref, tag)], click=click) == act

    @rule(n=st.integers(0, 10))
    def take_a_click_back(self, n: int) -> None:
        """Once or twice, or one that was taken back otherwise."""
        for click in list(self.clicks)[n : n + 1]:
            self.store.withdraw_click(click)
            self.said = [one for one in self.said if one[0] != self.clicks[click][0]]

    @rule(item_id=ITEMS, tag=TAGS, yes=st.booleans())
    def a_click_comes_after_it_was_taken_back(self, item_id: str, tag: str, yes: bool) -> None:
        click, ref = f"click {len(self.clicks)}", ItemRef("scene", item_id)
        self.store.withdraw_click(click)
        act = (review.accept if yes else review.reject)(self.store, [(ref, tag)], click=click)
        self.clicks[click] = (act, ref, tag, yes)

    @rule(item_id=ITEMS, tag=TAGS)
    def never_here(self, item_id: str, tag: str) -> None:
        act = review.never_here(self.store, [(ItemRef("scene", item_id), tag)])
        self.said.append((act, item_id, tag, "no", ""))

    @rule(place=st.integers(0, 10))
    def take_back(self, place: int) -> None:
        if self.said:
            act, *_ = self.said.pop(place % len(self.said))
            assert self.store.withdraw(act)
            assert not self.store.withdraw(act), "twice is once"

    @rule()
    def send(self) -> None:
        """As the writer and ``send_removals``: only what isn't there is added, only what is there is removed."""
        for change in self.store.pending(100):
            tag_id, of = NAMES[change.plan.tag_name], self.tags[change.plan.ref.id]
            if tag_id in of:
                self.store.mark([change.id], "failed", "a person added it first", tag_id)
            else:
                self.store.mark([change.id], "sending", tag_id=tag_id)
                of.add(tag_id)
                self.store.mark([change.id], "done")
        for change in self.store.pending(100, "remove"):
            self.store.mark([change.id], "sending")
            self.tags[change.plan.ref.id].discard(change.plan.tag_id)
            self.store.mark([change.id], "done")

    @invariant()
    def what_was_said_last_holds(self) -> None:
        standing = self.store.standing([self.item(i) for i in self.tags])
        for item_id in self.tags:
            newest = {tag.lower(): say for act, i, tag, say, _ in sorted(self.said) if i == item_id}
            one = standing[ItemRef("scene", item_id)]
            assert one.accepted == {tag for tag, say in newest.items() if say == "yes"}
            assert one.refused == {tag for tag, say in newest.items() if say == "no"}
            assert not {(item_id, tag.capitalize()) for tag in newest} & self.queue(), "what is answered waits no more"

    @invariant()
    def somebodys_own_is_untouched(self) -> None:
        assert BY_HAND[1] in self.tags[BY_HAND[0]]

    @invariant()
    def at_most_one_change_is_under_way(self) -> None:
        under_way = [(c.plan.ref, c.plan.tag_name) for c in self.store.pending(100)]
        assert len(under_way) == len(set(under_way))


Answering.TestCase.settings = settings(max_examples=examples(80), stateful_step_count=15, deadline=None)
TestAnswering = Answering.TestCase
