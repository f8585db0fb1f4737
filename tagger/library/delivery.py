"""Changes on their way to the library. Writing, taking back and undoing send them alike, and replaying it does no harm.

Items that get (or lose) the same go together: one request, and one run of the hooks, for each item. Few changes are
under way at a time, since a kill leaves it open which of them arrived; but not one alone, since every mark is a
transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from tagger.library import targets
from tagger.ports import Library, Store
from tagger.types import Action, Change, ChangeState, ItemKind, ItemRef, MediaItem, Target

GONE = "it is gone from the library"
_ANOTHER_FILE = "its file has changed since"
_SILENCE = "the library didn't say what became of it"
_UNDER_WAY = 250

# What is to be sent: by item, then by the id of the tag (or performer).
Wanted: TypeAlias = dict[tuple[ItemRef, Target], dict[str, Change]]


class Step(NamedTuple):
    """What becomes of a change: it is sent ("sending"), or only marked. ``of_id`` is the tag's (or performer's) id."""

    state: ChangeState
    reason: str = ""
    of_id: str = ""


class Group(NamedTuple):
    """Items of one kind that get, or lose, the same tags (or performers): what changes, by item id."""

    kind: ItemKind
    target: Target
    of_ids: frozenset[str]
    items: dict[str, dict[str, Change]]

    @property
    def changes(self) -> list[Change]:
        return [change for by_id in self.items.values() for change in by_id.values()]


class Sent(NamedTuple):
    """``done`` arrived. The others didn't: why, and what was wanted of that item, by the id of the tag."""

    done: list[Change]
    left: list[tuple[str, dict[str, Change]]]


def ids(changes: Iterable[Change]) -> list[int]:
    """As the store knows them."""
    return [change.id for change in changes]


def items_of(library: Library, changes: Iterable[Change]) -> dict[ItemRef, MediaItem]:
    """The items that they are about as they are now; those that are gone are missing."""
    refs = list({change.plan.ref: None for change in changes})
    return {item.ref: item for item in library.get(refs)} if refs else {}


def sort_out(
    store: Store, changes: Sequence[Change], there: dict[ItemRef, MediaItem], step: Callable[[Change, MediaItem], Step]
) -> Wanted:
    """What is to be sent of these changes; the others are marked with what became of them."""
    wanted: Wanted = defaultdict(dict)
    marks: dict[Step, list[int]] = defaultdict(list)
    for change in changes:
        plan = change.plan
        item = there.get(plan.ref)
        if item is None:
            now = Step("failed", GONE)
        elif item.fingerprint != plan.fingerprint:
            now = Step("failed", _ANOTHER_FILE)
        else:
            now = step(change, item)
        if now.state == "sending":
            if wanted[plan.ref, plan.target].setdefault(now.of_id, change) is not change:
                now = Step("failed", "the same was planned under another name", now.of_id)
            elif now.of_id != plan.tag_id:
                now = Step("planned", "", now.of_id)  # Only now it is known which tag it is.
            else:
                continue
        marks[now].append(change.id)
    for now, some in marks.items():
        store.mark(some, now.state, now.reason, now.of_id)
    return wanted


def parts(wanted: Wanted) -> Iterator[list[Group]]:
    """In groups, and of these as many together as may be under way at a time."""
    groups: dict[tuple[ItemKind, Target, frozenset[str]], dict[str, dict[str, Change]]] = defaultdict(dict)
    for (ref, target), by_id in wanted.items():
        if by_id:
            groups[ref.kind, target, frozenset(by_id)][ref.id] = by_id
    part: list[Group] = []
    size = 0
    for key, items in groups.items():
        part.append(Group(*key, items))
        size += len(items) * len(key[2])
        if size >= _UNDER_WAY:
            yield part
            part, size = [], 0
    if part:
        yield part


def send(library: Library, action: Action, part: Sequence[Group]) -> Sent:
    """Add these tags and performers to these items, or take them away. Marks nothing."""
    sent = Sent([], [])
    for group in part:
        written = targets.write(library, action, group.target, group.kind, list(group.items), sorted(group.of_ids))
        sent.done.extend(change for item_id in written.done for change in group.items[item_id].values())
        why_not = dict(written.refused) | dict.fromkeys(written.missing, GONE)
        for item_id in group.items.keys() - set(written.done):
            sent.left.append((why_not.get(item_id, _SILENCE), group.items[item_id]))
    return sent


def deliver(library: Library, store: Store, action: Action, wanted: Wanted) -> Iterator[Sent]:
    """Mark what is under way, and send it. Whoever takes a part of it from here marks what came of that."""
    for part in parts(wanted):
        store.mark(ids(change for group in part for change in group.changes), "sending")
        yield send(library, action, part)


def fail(store: Store, sent: Sent) -> None:
    """What didn't arrive is marked so."""
    reasons: dict[str, list[int]] = defaultdict(list)
    for reason, by_id in sent.left:
        reasons[reason] += ids(by_id.values())
    for reason, some in reasons.items():
        store.mark(some, "failed", reason)
