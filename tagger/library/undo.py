"""Undo a run: exactly what it added and is still ours is taken back, nothing else. It may be killed and goes on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tagger.errors import TaggerError
from tagger.judgement.vocabulary import Tree
from tagger.library import delivery
from tagger.library.delivery import Wanted
from tagger.library.marking import tidy
from tagger.library.ours import REMOVED, Ours, delete_unused
from tagger.library.people.made import delete_unused_performers
from tagger.library.progress import many
from tagger.library.told import called, when
from tagger.library.tools import Tools
from tagger.library.writer import Writer
from tagger.ports import Store
from tagger.types import Action, Change, ChangeState, Run, Target

_PAGE = 500
_UNDOING = "undoing"
_WRITTEN: tuple[ChangeState, ...] = ("done", "sending")
_NEVER_SENT = "it was never sent"


@dataclass(frozen=True, slots=True)
class Undone:
    """``removed`` tags were taken from items; ``left`` were not ours any more, by reason; ``deleted`` tags are gone.

    ``restored`` were put back, since the run had taken them away. ``what`` names the run for a person; ``answers`` of
    persons were withdrawn with what they had written.
    """

    run_id: int
    removed: int
    left: dict[str, int]
    deleted: tuple[str, ...]
    by_tag: dict[str, int]
    restored: int = 0
    what: str = ""
    answers: int = 0


def undo_run(tools: Tools, run_id: int | None, dry_run: bool) -> Undone:
    """Take back what a run wrote (None: the last one that wrote; run 0 when there is none).

    Raises TaggerError for a run that there isn't.
    """
    store = tools.store
    unfinished = finish_step(tools)
    if run_id is None:
        candidates = [run for run in (store.last_written(), store.run(unfinished)) if run is not None]
        if not candidates:
            return Undone(0, 0, {}, (), {})
        run = max(candidates, key=lambda run: run.id)
    else:
        found = store.run(run_id)
        if found is None:
            raise TaggerError(f"There is no run {run_id}: 'status' lists them.")
        run = found
    return _Undo(tools, run, dry_run).undo()


def finish_step(tools: Tools) -> int:
    """After an undo that was killed: mark what it had taken away already; which run it was about (0 = none)."""
    run_id, _, last = tools.store.fact(_UNDOING).partition(" ")
    if not run_id:
        return 0
    ours_now = Ours(tools)
    for state in _WRITTEN:
        for changes in _pages(tools.store, int(run_id), state):
            ours = [change for change in changes if change.id <= int(last)]
            there = delivery.items_of(tools.library, ours)
            taken = [change for change in ours if ours_now.why_not(change, there.get(change.plan.ref)) == REMOVED]
            _mark_undone(tools, taken)
            if len(ours) < len(changes):
                break
    return int(run_id)


def forget_unfinished(tools: Tools) -> None:
    """A new run begins: an undo that was killed stays where it got to, and the next one is about the new run."""
    if finish_step(tools):
        tools.store.remember(_UNDOING, "")


class _Undo:
    def __init__(self, tools: Tools, run: Run, dry_run: bool) -> None:
        self._tools, self._run, self._dry_run = tools, run, dry_run
        self._still = Ours(tools)
        self._removed = 0
        self._left: dict[str, int] = defaultdict(int)
        self._by_tag: dict[str, int] = defaultdict(int)

    def undo(self) -> Undone:
        store, run_id = self._tools.store, self._run.id
        what = f"run {run_id}, {called(self._run)}, {when(self._run)}"
        self._tools.progress.say(f"{'Would take' if self._dry_run else 'Taking'} back {what}: {self._size()}.")
        if not self._dry_run:
            # A tag that was made right before a kill is put on record, and what was planned must not be written later.
            Writer(self._tools.library, store, Tree(), lambda: None).own_up()
            store.remember(_UNDOING, f"{run_id} 0")
            for changes in _pages(store, run_id, "planned"):
                _mark_undone(self._tools, changes)
        for state in _WRITTEN:
            for changes in _pages(store, run_id, state):
                self._take_back(changes)
        restored = self._put_back()
        # Those of runs that were undone before, too: something may have used them then.
        deleted: tuple[str, ...] = ()
        answers = 0
        if not self._dry_run:
            answers = store.forget_answers(run_id)
            deleted = delete_unused(self._tools, store.created_tags(run_id, or_undone=True))
            deleted += delete_unused_performers(self._tools, run_id)
        if not self._dry_run:
            said = f"{self._run.message}; " if self._run.message else ""
            store.end_run(run_id, "undone", f"{said}{many(self._removed, 'tag')} taken back")
            store.remember(_UNDOING, "")
        by_tag, left = dict(self._by_tag), dict(self._left)
        return Undone(run_id, self._removed, left, deleted, by_tag, restored, what, answers)

    def _size(self) -> str:
        """What it wrote, and what it had taken back."""
        written = Counter[Target]()
        for (state, action, target), n in self._tools.store.count_changes(self._run.id).items():
            if action == "add" and state in _WRITTEN:
                written[target] += n
        said = [many(n, target) for target, n in sorted(written.items())]
        if removed := self._tools.store.restorable(self._run.id):
            said.append(f"{removed:,} that it took back")
        return " and ".join(said) or "nothing is left of it"

    def _put_back(self) -> int:
        """What the run had taken back is ours and in the library again, where nothing else was written since."""
        store, run_id = self._tools.store, self._run.id
        if self._dry_run:
            return store.restorable(run_id)
        for changes in _pages(store, run_id, "planned", "remove"):
            store.mark(delivery.ids(changes), "undone", _NEVER_SENT)
        store.restore(run_id)
        # Also when nothing was left to restore: an undo that was killed may have stopped before all was sent.
        return Writer(self._tools.library, store, self._tools.tree, lambda: None).flush()

    def _take_back(self, changes: Sequence[Change]) -> None:
        ours = self._ours(changes)
        if not ours:
            return
        if not self._dry_run:
            # From here to the marks below, a tag that is missing was taken away by us.
            self._tools.store.remember(_UNDOING, f"{self._run.id} {changes[-1].id}")
        for part in delivery.parts(ours):
            if self._dry_run:
                taken = [change for group in part for change in group.changes]
            else:
                sent = delivery.send(self._tools.library, "remove", part)
                taken = sent.done
                for reason, by_id in sent.left:
                    if reason == delivery.GONE:
                        taken += by_id.values()
                    else:
                        self._left[reason] += len(by_id)
                _mark_undone(self._tools, taken)
            self._removed += len(taken)
            for change in taken:
                self._by_tag[change.plan.tag_name] += 1

    def _ours(self, changes: Sequence[Change]) -> Wanted:
        """By item and tag; the others are counted and marked. What a person removed stays away for ever."""
        there = delivery.items_of(self._tools.library, changes)
        ours: Wanted = defaultdict(dict)
        others: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            reason = self._still.why_not(change, there.get(change.plan.ref))
            if reason == REMOVED and change.state == "sending":
                reason = _NEVER_SENT
            if reason:
                others[reason].append(change)
            else:
                ours[change.plan.ref, change.plan.target][change.plan.tag_id] = change
        for reason, some in others.items():
            if reason != _NEVER_SENT:
                self._left[reason] += len(some)
            if self._dry_run:
                continue
            if reason == REMOVED:
                self._tools.store.mark(delivery.ids(some), "gone", reason)
            else:
                _mark_undone(self._tools, some, reason)
        return ours


def _pages(store: Store, run_id: int, state: ChangeState, action: Action = "add") -> Iterator[list[Change]]:
    after = 0
    while changes := store.changes(run_id, state, after, _PAGE, action):
        after = changes[-1].id
        yield changes


def _mark_undone(tools: Tools, changes: Sequence[Change], reason: str = "") -> None:
    """Also asks for these items to be decided again by the next run, and lets their markers go."""
    if changes:
        refs = list({change.plan.ref for change in changes})
        if tools.ask is not None:
            tidy(tools.ask, tools.store, refs)
        tools.store.reopen(refs)
        tools.store.mark(delivery.ids(changes), "undone", reason)
