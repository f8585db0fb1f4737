"""What is ours is taken back: removals are planned, then sent and marked. Replaying any of it does no harm."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tagger.answers import Answers, Selection
from tagger.errors import TaggerError
from tagger.library import targets
from tagger.library.marking import take_all_back, tidy
from tagger.library.ours import Ours, delete_unused
from tagger.library.people.made import delete_unused_performers
from tagger.library.tools import Tools
from tagger.library.writer import Writer
from tagger.ports import Store
from tagger.types import Change, ItemKind, ItemRef, MediaItem, Scope, Target, parse_item

_BATCH = 500
REMOVED_FIRST = "a person removed it first"


def send_removals(tools: Tools) -> Counter[str]:
    """Take back every tag whose removal is planned or was being sent, and markers of ours that hung on it; how many
    tags, by name."""
    library, store = tools.library, tools.store
    removed: Counter[str] = Counter()
    while changes := store.pending(_BATCH, "remove"):
        present = {item.ref: item for item in library.get(list({change.plan.ref for change in changes}))}
        groups: dict[tuple[ItemKind, Target, frozenset[str]], list[str]] = defaultdict(list)
        wanted: dict[tuple[ItemKind, Target, str], list[Change]] = defaultdict(list)
        for change in changes:
            if _is_to_send(store, change, present.get(change.plan.ref)):
                wanted[change.plan.ref.kind, change.plan.target, change.plan.ref.id].append(change)
        for (kind, target, item_id), some in wanted.items():
            groups[kind, target, frozenset(change.plan.tag_id for change in some)].append(item_id)
        # Marked for all of them at once, since every mark is a transaction; what a kill leaves as sending is either
        # still there, and sent again, or it arrived.
        store.mark([change.id for some in wanted.values() for change in some], "sending")
        arrived: list[int] = []
        for (kind, target, tag_ids), ids in groups.items():
            written = targets.remove(library, target, kind, ids, sorted(tag_ids))
            done = [change for i in written.done for change in wanted[kind, target, i]]
            arrived += [change.id for change in done]
            removed.update(change.plan.tag_name for change in done)
            why_not = dict(written.refused) | dict.fromkeys(written.missing, "it is gone from the library")
            for item_id in ids:
                if item_id not in written.done:
                    reason = why_not.get(item_id, "the library didn't say what became of it")
                    store.mark([change.id for change in wanted[kind, target, item_id]], "failed", reason)
        if tools.ask is not None:
            tidy(tools.ask, store, present)
        store.mark(arrived, "done")
    return removed


def _is_to_send(store: Store, change: Change, item: MediaItem | None) -> bool:
    """Whether the tag is there, on the file that we wrote to; else the change is marked with what became of it."""
    if item is None:
        return _settled(store, change, "it is gone from the library")
    if item.fingerprint != change.plan.fingerprint:
        return _settled(store, change, "its file has changed")
    if change.plan.tag_id not in targets.present(item, change.plan.target):
        # Being sent when we were killed: it arrived. Only planned: a person was quicker, which the next look learns.
        return _settled(store, change, "" if change.state == "sending" else REMOVED_FIRST)
    return True


def _settled(store: Store, change: Change, reason: str) -> bool:
    store.mark([change.id], "failed" if reason else "done", reason)
    return False


def _nothing() -> None:
    pass


def send_all(tools: Tools, before_first: Callable[[], None] = _nothing) -> tuple[int, Counter[str]]:
    """Send what answers and undoing left in the outbox: how many tags were added, and which were taken back."""
    added = Writer(tools.library, tools.store, tools.tree, before_first).flush()
    return added, send_removals(tools)


# ---------------------------------------------------------------- undo by tag, model, item, time, everything


@dataclass(frozen=True, slots=True)
class TakenBack:
    """``by_tag`` were taken from items; ``left`` are not, by reason; ``deleted`` are tags that we made and are gone."""

    by_tag: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    deleted: tuple[str, ...] = ()

    @property
    def removed(self) -> int:
        return sum(self.by_tag.values())


def undo_selection(tools: Tools, chosen: Selection, dry_run: bool) -> TakenBack:
    """Take back what is ours of the selection; tags that we made and nothing uses any more go too.

    It may be killed: what was planned is sent by the next run, or by undoing the same again.
    """
    still = Ours(tools)
    by_tag: Counter[str] = Counter()
    left: Counter[str] = Counter()
    performers: set[str] = set()
    run = None if dry_run else tools.store.begin_run("undo", Scope(), resume=False)
    for changes in _pages(tools.store, chosen):
        present = {item.ref: item for item in tools.library.get(list({change.plan.ref for change in changes}))}
        ours = []
        for change in changes:
            reason = still.why_not(change, present.get(change.plan.ref))
            left[reason] += bool(reason)
            if not reason:
                ours.append(change)
                by_tag[change.plan.tag_name] += 1
        performers.update(change.plan.tag_id for change in ours if change.plan.target == "performer")
        if run is not None:
            tools.store.take_back(run.id, [change.id for change in ours], "undo", "You undid it.")
    if run is None:
        return TakenBack(dict(by_tag), dict(+left))
    sent = send_removals(tools)
    tools.store.end_run(run.id, "done", f"{sum(sent.values())} tags taken back")
    if failed := sum(by_tag.values()) - sum(sent.values()):
        left["the library refused it"] += failed
    # Others that nobody uses may wait for a look, named a moment ago.
    among = None if chosen == Selection() else performers
    deleted = (*delete_unused(tools, tools.store.created_tags()), *delete_unused_performers(tools, among=among))
    return TakenBack(dict(sent), dict(+left), deleted)


def undo_everything(tools: Tools, dry_run: bool) -> TakenBack:
    """As if we had never been here: all that is ours, what is still planned, and the tags that we made."""
    if not dry_run:
        while planned := tools.store.pending(_BATCH):
            tools.store.mark([change.id for change in planned if change.state == "planned"], "undone", "You undid it.")
            if any(change.state == "sending" for change in planned):
                Writer(tools.library, tools.store, tools.tree, _nothing).flush()
        if tools.ask is not None:
            take_all_back(tools.ask, tools.store)
    return undo_selection(tools, Selection(), dry_run)


def _pages(answers: Answers, chosen: Selection) -> Iterator[list[Change]]:
    after = 0
    while changes := answers.ours(chosen, after, _BATCH):
        after = changes[-1].id
        yield changes


def parse_ref(text: str) -> ItemRef:
    """``image:12`` → the item. Raises TaggerError."""
    ref = parse_item(text)
    if ref is None:
        raise TaggerError(f"{text} names no item: write scene:12, image:12 or gallery:12.")
    return ref
