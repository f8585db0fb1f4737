"""Performers of the outbox → the library. Replaying it after a kill does no harm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tagger.errors import LibraryRefusedError
from tagger.library.people.made import make
from tagger.ports import Library, Store
from tagger.types import Change, ChangeState, ItemKind, ItemRef, MediaItem, Performer


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
        there = {item.ref: item for item in self._library.get(list({change.plan.ref for change in changes}))}
        groups: dict[tuple[ItemKind, str], list[Change]] = defaultdict(list)
        for change in changes:
            state, reason, performer_id = self._step(change, there.get(change.plan.ref))
            if state == "sending":
                groups[change.plan.ref.kind, performer_id].append(change)
            else:
                self._store.mark([change.id], state, reason, performer_id)
        return sum(self._add(kind, performer_id, some) for (kind, performer_id), some in groups.items())

    def _step(self, change: Change, item: MediaItem | None) -> tuple[ChangeState, str, str]:
        """The state that a change comes into now, the reason, and the performer's id."""
        plan = change.plan
        if item is None:
            return "failed", "it is gone from the library", ""
        if item.fingerprint != plan.fingerprint:
            return "failed", "its file has changed since it was looked at", ""
        try:
            performer = self._performer(plan.tag_id, plan.tag_name, change.run_id)
        except LibraryRefusedError as error:
            return "failed", str(error), ""
        if performer.id not in item.performer_ids:
            return "sending", "", performer.id
        ours = change.state == "sending" and plan.tag_id == performer.id
        return ("done", "", performer.id) if ours else ("failed", "a person added them first", performer.id)

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

    def _add(self, kind: ItemKind, performer_id: str, changes: Sequence[Change]) -> int:
        of_item: dict[str, list[int]] = defaultdict(list)
        for change in changes:
            of_item[change.plan.ref.id].append(change.id)
        self._store.mark([change.id for change in changes], "sending", tag_id=performer_id)
        written = self._library.add_performers(kind, list(of_item), [performer_id])
        done = [change for i in written.done for change in of_item[i]]
        self._store.mark(done, "done")
        reasons = dict(written.refused) | dict.fromkeys(written.missing, "it is gone from the library")
        for item_id in set(of_item) - set(written.done):
            self._store.mark(of_item[item_id], "failed", reasons.get(item_id, "the library said nothing"))
        return len(done)


def ours_on(store: Store, ref: ItemRef, performer_id: str) -> list[Change]:
    """Our changes that put this performer there."""
    return [
        change
        for change in store.history(ref)
        if change.plan.target == "performer" and change.plan.tag_id == performer_id and change.state == "done"
        and change.plan.action == "add"
    ]  # fmt: skip
