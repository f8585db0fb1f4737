"""Performers of the outbox → the library. Replaying it after a kill does no harm."""

from __future__ import annotations

from collections.abc import Sequence

from tagger.errors import LibraryRefusedError
from tagger.library import delivery
from tagger.library.delivery import Step
from tagger.library.people.made import make
from tagger.ports import Library, Store
from tagger.types import Change, ItemRef, MediaItem, Performer


class PerformerSender:
    """Sends planned performers. One that there isn't is made only if its change says so (no id, but a name)."""

    def __init__(self, library: Library, store: Store) -> None:
        self._library, self._store = library, store
        self._known: dict[str, Performer] = {}

    def send(self, changes: Sequence[Change]) -> int:
        """How many performers were added to items."""
        if not changes:
            return 0
        self._known = {performer.id: performer for performer in self._library.performers()}
        wanted = delivery.sort_out(self._store, changes, delivery.items_of(self._library, changes), self._step)
        added = 0
        for sent in delivery.deliver(self._library, self._store, "add", wanted):
            self._store.mark(delivery.ids(sent.done), "done")
            delivery.fail(self._store, sent)
            added += len(sent.done)
        return added

    def _step(self, change: Change, item: MediaItem) -> Step:
        plan = change.plan
        try:
            performer = self._performer(plan.tag_id, plan.tag_name, change.run_id)
        except LibraryRefusedError as error:
            return Step("failed", str(error))
        if performer.id not in item.performer_ids:
            return Step("sending", "", performer.id)
        ours = change.state == "sending" and plan.tag_id == performer.id
        return Step("done", "", performer.id) if ours else Step("failed", "a person added them first", performer.id)

    def _performer(self, performer_id: str, name: str, run_id: int) -> Performer:
        if performer_id in self._known:
            return self._known[performer_id]
        for performer in self._known.values():
            if name.casefold() in {known.casefold() for known in (performer.name, *performer.aliases)}:
                return performer
        if performer_id:
            raise LibraryRefusedError("The performer is gone from the library.")
        performer = make(self._library, self._store, name, run_id)
        self._known[performer.id] = performer
        return performer


def ours_on(store: Store, ref: ItemRef, performer_id: str) -> list[Change]:
    """Our changes that put this performer there."""
    return [
        change
        for change in store.history(ref)
        if change.plan.target == "performer" and change.plan.tag_id == performer_id and change.state == "done"
        and change.plan.action == "add"
    ]  # fmt: skip
