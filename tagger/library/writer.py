"""The outbox → the library: planned changes are sent, and marked done. Replaying it after a kill does no harm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from tagger.errors import LibraryRefusedError
from tagger.ports import Library, Store
from tagger.types import Change, ItemKind, ItemRef, MediaItem, Tag
from tagger.vocabulary import TagIndex, normal

_BATCH = 500


class Writer:
    """Sends what the store's outbox holds. ``parent`` is the tag under which new ones are made ("" = none).

    ``before_first`` is called before the first write of this process; it may raise, then nothing is written.
    """

    def __init__(self, library: Library, store: Store, parent: str, before_first: Callable[[], None]) -> None:
        self._library = library
        self._store = store
        self._parent = parent
        self._before_first: Callable[[], None] | None = before_first
        self._tags: dict[str, Tag] = {}
        self.index = TagIndex(())
        self.refresh()

    def refresh(self) -> None:
        """Read the library's tags again."""
        tags = self._library.tags()
        self._tags = {tag.id: tag for tag in tags}
        self.index = TagIndex(tags)

    def flush(self) -> int:
        """Send everything that is planned or was being sent; how many tags were added."""
        added = 0
        while changes := self._store.pending(_BATCH):
            added += self._send(changes)
        return added

    def _send(self, changes: Sequence[Change]) -> int:
        present = {item.ref: item for item in self._library.get(list({change.plan.ref for change in changes}))}
        groups: dict[tuple[ItemKind, frozenset[str]], list[ItemRef]] = defaultdict(list)
        by_place: dict[tuple[ItemRef, str], list[int]] = defaultdict(list)
        tags_of: dict[ItemRef, set[str]] = defaultdict(set)
        for change in changes:
            tag_id = self._ready(change, present.get(change.plan.ref))
            if tag_id:
                by_place[change.plan.ref, tag_id].append(change.id)
                tags_of[change.plan.ref].add(tag_id)
        # Items that get the same tags go together: one update, and one run of the hooks, for each item.
        for ref, new in tags_of.items():
            groups[ref.kind, frozenset(new)].append(ref)
        if groups and self._before_first is not None:
            self._before_first()
            self._before_first = None
        added = 0
        for (kind, tag_ids), refs in groups.items():
            ids_of = {ref.id: [i for tag_id in tag_ids for i in by_place[ref, tag_id]] for ref in refs}
            self._store.mark(_flat(ids_of.values()), "sending")
            written = self._library.add_tags(kind, list(ids_of), sorted(tag_ids))
            self._store.mark(_flat(ids_of[i] for i in written.done), "done")
            self._store.mark(_flat(ids_of[i] for i in written.missing), "failed", "it is gone from the library")
            for item_id, reason in written.refused:
                self._store.mark(ids_of[item_id], "failed", reason)
            silent = ids_of.keys() - {*written.done, *written.missing, *(item_id for item_id, _ in written.refused)}
            self._store.mark(_flat(ids_of[i] for i in silent), "failed", "the library didn't say what became of it")
            added += sum(len(ids_of[i]) for i in written.done)
        return added

    def _ready(self, change: Change, item: MediaItem | None) -> str:
        """The id of the tag to add now; "" when there is nothing to send (any more), which is then on record."""
        plan = change.plan
        if item is None:
            self._store.mark([change.id], "failed", "it is gone from the library")
            return ""
        if item.fingerprint != plan.fingerprint:
            self._store.mark([change.id], "failed", "its file has changed since it was looked at")
            return ""
        try:
            tag = self._tags.get(plan.tag_id) or self._tag(plan.tag_name, change.run_id)
        except LibraryRefusedError as error:
            self._store.mark([change.id], "failed", str(error))
            return ""
        if plan.tag_id != tag.id:
            self._store.mark([change.id], change.state, tag_id=tag.id)
        if tag.id in item.tag_ids:
            # Being sent when we were killed: it arrived. Only planned: somebody was quicker, so it's theirs.
            ours = change.state == "sending"
            self._store.mark([change.id], "done" if ours else "failed", "" if ours else "a person added it first")
            return ""
        return tag.id

    def _tag(self, name: str, run_id: int) -> Tag:
        found = self.index.find(name)
        if found is not None:
            return found
        parent_id = ""
        if self._parent and normal(self._parent) != normal(name):
            parent_id = self._tag(self._parent, run_id).id
        try:
            tag = self._library.create_tag(name, parent_id, "Made by AI Tagger.")
        except LibraryRefusedError:
            # Somebody made it in the meantime.
            self.refresh()
            found = self.index.find(name)
            if found is None:
                raise
            return found
        self._store.note_created_tag(run_id, tag)
        self._tags[tag.id] = tag
        self.index.add(tag)
        return tag


def _flat(ids: Iterable[Sequence[int]]) -> list[int]:
    return [i for several in ids for i in several]
