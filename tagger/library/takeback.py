"""What is ours is taken back: removals are planned, then sent and marked. Replaying any of it does no harm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from tagger.answers import Answers, Selection
from tagger.errors import TaggerError
from tagger.library import delivery, targets
from tagger.library.delivery import Step
from tagger.library.marking import take_all_back, tidy
from tagger.library.ours import Ours, delete_unused
from tagger.library.people.made import delete_unused_performers
from tagger.library.progress import many
from tagger.library.tools import Tools
from tagger.library.writer import Writer
from tagger.types import Change, ItemRef, MediaItem, Scope, parse_item

_BATCH = 500
REMOVED_FIRST = "a person removed it first"


def send_removals(tools: Tools) -> Counter[str]:
    """Take back every tag whose removal is planned or was being sent, and markers of ours that hung on it; how many
    tags, by name."""
    library, store = tools.library, tools.store
    removed: Counter[str] = Counter()
    if not store.pending(1, "remove"):
        return removed
    still = Ours(tools)
    while changes := store.pending(_BATCH, "remove"):
        # What was being sent when we were killed may have arrived, and its markers may still hang there.
        _tidy(tools, (change for change in changes if change.state == "sending"))
        wanted = delivery.sort_out(store, changes, delivery.items_of(library, changes), partial(_step, still))
        for sent in delivery.deliver(library, store, "remove", wanted):
            _tidy(tools, sent.done)
            store.mark(delivery.ids(sent.done), "done")
            delivery.fail(store, sent)
            removed.update(change.plan.tag_name for change in sent.done)
    return removed


def _tidy(tools: Tools, changes: Iterable[Change]) -> None:
    if tools.ask is not None:
        tidy(tools.ask, tools.store, {change.plan.ref for change in changes})


def _step(still: Ours, change: Change, item: MediaItem) -> Step:
    if change.plan.tag_id in targets.present(item, change.plan.target):
        reason = still.why_not(change, item)
        return Step("failed", reason) if reason else Step("sending", "", change.plan.tag_id)
    # Being sent when we were killed: it arrived. Only planned: a person was quicker, which the next look learns.
    return Step("done") if change.state == "sending" else Step("failed", REMOVED_FIRST)


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
        there = delivery.items_of(tools.library, changes)
        ours = []
        for change in changes:
            reason = still.why_not(change, there.get(change.plan.ref))
            left[reason] += bool(reason)
            if not reason:
                ours.append(change)
                by_tag[change.plan.tag_name] += 1
        performers.update(change.plan.tag_id for change in ours if change.plan.target == "performer")
        if run is not None:
            tools.store.reopen([change.plan.ref for change in ours])
            tools.store.take_back(run.id, delivery.ids(ours), "undo", "You undid it.")
    if run is None:
        return TakenBack(dict(by_tag), dict(+left))
    sent = send_removals(tools)
    tools.store.end_run(run.id, "done", f"{many(sum(sent.values()), 'tag')} taken back")
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
            unsent = [change for change in planned if change.state == "planned"]
            tools.store.reopen([change.plan.ref for change in unsent])
            tools.store.mark(delivery.ids(unsent), "undone", "You undid it.")
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
        raise TaggerError(
            f"{text} names no item: write scene:12, image:12 or gallery:12, or with --folder the path of a picture or "
            "video in it."
        )
    return ref
