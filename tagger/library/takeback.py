"""Planned removals → the library: what is ours is taken back, and marked. Replaying it after a kill does no harm."""

from __future__ import annotations

from collections import Counter, defaultdict

from tagger.ports import Library, Store
from tagger.types import Change, ItemKind, MediaItem

_BATCH = 500
REMOVED_FIRST = "a person removed it first"


def send_removals(library: Library, store: Store) -> Counter[str]:
    """Take back every tag whose removal is planned or was being sent; how many by tag name."""
    removed: Counter[str] = Counter()
    while changes := store.pending(_BATCH, "remove"):
        present = {item.ref: item for item in library.get(list({change.plan.ref for change in changes}))}
        groups: dict[tuple[ItemKind, frozenset[str]], list[str]] = defaultdict(list)
        wanted: dict[tuple[ItemKind, str], list[Change]] = defaultdict(list)
        for change in changes:
            if _is_to_send(store, change, present.get(change.plan.ref)):
                wanted[change.plan.ref].append(change)
        for (kind, item_id), some in wanted.items():
            groups[kind, frozenset(change.plan.tag_id for change in some)].append(item_id)
        for (kind, tag_ids), ids in groups.items():
            store.mark([change.id for i in ids for change in wanted[kind, i]], "sending")
            written = library.remove_tags(kind, ids, sorted(tag_ids))
            done = [change for i in written.done for change in wanted[kind, i]]
            store.mark([change.id for change in done], "done")
            removed.update(change.plan.tag_name for change in done)
            why_not = dict(written.refused) | dict.fromkeys(written.missing, "it is gone from the library")
            for item_id in ids:
                if item_id not in written.done:
                    reason = why_not.get(item_id, "the library didn't say what became of it")
                    store.mark([change.id for change in wanted[kind, item_id]], "failed", reason)
    return removed


def _is_to_send(store: Store, change: Change, item: MediaItem | None) -> bool:
    """Whether the tag is there, on the file that we wrote to; else the change is marked with what became of it."""
    if item is None:
        return _settled(store, change, "it is gone from the library")
    if item.fingerprint != change.plan.fingerprint:
        return _settled(store, change, "its file has changed")
    if change.plan.tag_id not in item.tag_ids:
        # Being sent when we were killed: it arrived. Only planned: a person was quicker, which the next look learns.
        return _settled(store, change, "" if change.state == "sending" else REMOVED_FIRST)
    return True


def _settled(store: Store, change: Change, reason: str) -> bool:
    store.mark([change.id], "failed" if reason else "done", reason)
    return False
