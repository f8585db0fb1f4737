"""The outbox → the library: planned changes are sent, and marked done. Replaying it after a kill does no harm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeAlias

from tagger.errors import LibraryRefusedError
from tagger.library.following import MADE_BY_US, under_old_names
from tagger.library.people.sending import PerformerSender
from tagger.ports import Library, Store
from tagger.types import Change, ChangeState, ItemKind, ItemRef, MediaItem, Tag
from tagger.vocabulary import TagIndex, Tree

_BATCH = 500
_MAKING = "making a tag"

# By item, then by tag: the change that adds it.
_Outgoing: TypeAlias = dict[ItemRef, dict[str, int]]


class Writer:
    """Sends what the store's outbox holds. ``tree`` says under which tag new ones are made.

    ``before_first`` is called before the first write of this process; it may raise, then nothing is written.
    """

    def __init__(self, library: Library, store: Store, tree: Tree, before_first: Callable[[], None]) -> None:
        self._library = library
        self._store = store
        self._tree = tree
        self._before_first: Callable[[], None] | None = before_first
        self._tried_again: set[int] = set()
        self._performers = PerformerSender(library, store)

    @cached_property
    def _known(self) -> tuple[dict[str, Tag], TagIndex]:
        """The library's tags, read when first needed: by then a run has followed those that were renamed."""
        tags = self._library.tags()
        return {tag.id: tag for tag in tags}, TagIndex(under_old_names(self._store, tags), self._tree.others)

    @property
    def _tags(self) -> dict[str, Tag]:
        return self._known[0]

    @property
    def index(self) -> TagIndex:
        """The library's tags by name, those made meanwhile among them."""
        return self._known[1]

    def refresh(self) -> None:
        """Read the library's tags again."""
        self.__dict__.pop("_known", None)

    def flush(self) -> int:
        """Send everything that is planned or was being sent; how many tags were added."""
        self.own_up()
        added = 0
        while changes := self._store.pending(_BATCH):
            if self._before_first is not None:
                self._before_first()
                self._before_first = None
            added += self._performers.send([change for change in changes if change.plan.target == "performer"])
            added += self._send([change for change in changes if change.plan.target == "tag"])
        return added

    def _send(self, changes: Sequence[Change]) -> int:
        present = {item.ref: item for item in self._library.get(list({change.plan.ref for change in changes}))}
        outgoing: _Outgoing = defaultdict(dict)
        settled: dict[tuple[ChangeState, str, str], list[int]] = defaultdict(list)
        for change in changes:
            state, reason, tag_id = self._step(change, present.get(change.plan.ref))
            if state != "sending":
                settled[state, reason, tag_id].append(change.id)
            elif outgoing[change.plan.ref].setdefault(tag_id, change.id) != change.id:
                settled["failed", "the same tag was planned under another name", tag_id].append(change.id)
        for (state, reason, tag_id), ids in settled.items():
            self._store.mark(ids, state, reason, tag_id)
        # Items that get the same tags go together: one update, and one run of the hooks, for each item.
        groups: dict[tuple[ItemKind, frozenset[str]], list[str]] = defaultdict(list)
        for ref, by_tag in outgoing.items():
            if by_tag:
                groups[ref.kind, frozenset(by_tag)].append(ref.id)
        return sum(self._add(kind, ids, sorted(tag_ids), outgoing) for (kind, tag_ids), ids in groups.items())

    def _step(self, change: Change, item: MediaItem | None) -> tuple[ChangeState, str, str]:
        """The state that a change comes into now ("sending": it is to be sent), the reason, and the tag's id."""
        plan = change.plan
        if item is None:
            return "failed", "it is gone from the library", ""
        if item.fingerprint != plan.fingerprint:
            return "failed", "its file has changed since it was looked at", ""
        try:
            tag = self._tags.get(plan.tag_id) or self._tag(plan.tag_name, change.run_id)
        except LibraryRefusedError as error:
            return "failed", str(error), ""
        if tag.id in plan.tags_before:
            return "failed", "the item had this tag before", ""
        if tag.id not in item.tag_ids:
            return "sending", "", tag.id
        # Being sent when we were killed: it arrived. Only planned: somebody was quicker, so it's theirs.
        ours = change.state == "sending" and plan.tag_id == tag.id
        return ("done", "", tag.id) if ours else ("failed", "a person added it first", tag.id)

    def _add(self, kind: ItemKind, ids: Sequence[str], tag_ids: Sequence[str], outgoing: _Outgoing) -> int:
        """Add these tags to these items; how many were added."""

        def changes(some: Sequence[str]) -> list[int]:
            return [change for i in some for change in outgoing[ItemRef(kind, i)].values()]

        for tag_id in tag_ids:
            self._store.mark([outgoing[ItemRef(kind, i)][tag_id] for i in ids], "sending", tag_id=tag_id)
        written = self._library.add_tags(kind, ids, tag_ids)
        self._store.mark(changes(written.done), "done")
        if written.missing:
            self._store.mark(changes(written.missing), "failed", "it is gone from the library")
        reasons = dict(written.refused)
        reasons |= dict.fromkeys(set(ids) - {*written.done, *written.missing, *reasons}, "the library said nothing")
        if reasons:
            self._refused({change: reason for i, reason in reasons.items() for change in changes([i])}, tag_ids)
        return len(changes(written.done))

    def _refused(self, reasons: dict[int, str], tag_ids: Sequence[str]) -> None:
        """They fail; but when somebody deleted or merged one of the tags meanwhile, they are planned once more."""
        self.refresh()
        changed = not self._tags.keys() >= set(tag_ids)
        for change, reason in reasons.items():
            again = changed and change not in self._tried_again
            self._tried_again.add(change)
            self._store.mark([change], "planned" if again else "failed", "" if again else reason)

    # ------------------------------------------------------------ making tags

    def _tag(self, name: str, run_id: int) -> Tag:
        found = self.index.find(name)
        if found is not None:
            return found
        parent_id = ""
        if parent := self._tree.parent(name):
            parent_id = self._tag(parent, run_id).id
        self._store.remember(_MAKING, f"{run_id} {name}")
        try:
            tag = self._library.create_tag(name, parent_id, MADE_BY_US)
        except LibraryRefusedError:
            # Somebody made it in the meantime.
            self._store.remember(_MAKING, "")
            self.refresh()
            found = self.index.find(name)
            if found is None:
                raise
            return found
        self._note(run_id, tag)
        self._tags[tag.id] = tag
        self.index.add(tag)
        return tag

    def _note(self, run_id: int, tag: Tag) -> None:
        self._store.note_created_tag(run_id, tag)
        self._store.remember(_MAKING, "")

    def own_up(self) -> None:
        """A tag that was made right before we were killed is put on record, so that undo knows it.

        When we were killed before it was made, a person may have made one of that name; it doesn't say that it is ours.
        """
        run_id, _, name = self._store.fact(_MAKING).partition(" ")
        made = next((t for t in self._tags.values() if (t.name, t.description) == (name, MADE_BY_US)), None)
        if name and made is not None:
            self._note(int(run_id), made)
