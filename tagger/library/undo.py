"""Undo a run: exactly what it added and is still ours is taken back, nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tagger.errors import TaggerError
from tagger.library.tools import Tools
from tagger.types import Change, ItemKind, ItemRef, MediaItem, Run

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Undone:
    """``removed`` tags were taken from items; ``left`` were not ours any more, by reason; ``deleted`` tags are gone."""

    run_id: int
    removed: int
    left: dict[str, int]
    deleted: tuple[str, ...]
    by_tag: dict[str, int]


def last_run(tools: Tools) -> Run | None:
    """The newest run of which something is still there to be undone."""
    for run in tools.store.runs(1000):
        if run.state != "undone" and tools.store.changes(run.id, "done", 0, 1):
            return run
    return None


def undo_run(tools: Tools, run_id: int | None, dry_run: bool) -> Undone:
    """Take back what a run wrote (None: the last one that wrote). Raises TaggerError when there is none."""
    known = {run.id: run for run in tools.store.runs(1000)}
    run = last_run(tools) if run_id is None else known.get(run_id)
    if run is None:
        if run_id is None:
            raise TaggerError("There is nothing to undo: no run has tags in the library.")
        raise TaggerError(f"There is no run {run_id}; 'status' lists them.")
    return _Undo(tools, run, dry_run).undo()


class _Undo:
    def __init__(self, tools: Tools, run: Run, dry_run: bool) -> None:
        self._tools, self._run, self._dry_run = tools, run, dry_run
        self._removed = 0
        self._left: dict[str, int] = defaultdict(int)
        self._by_tag: dict[str, int] = defaultdict(int)

    def undo(self) -> Undone:
        store = self._tools.store
        if not self._dry_run:
            # What a killed run was about to write must not be written later.
            pending = store.pending(1_000_000)
            store.mark([c.id for c in pending if c.run_id == self._run.id and c.state == "planned"], "undone")
        after = 0
        for state in ("done", "sending"):
            after = 0
            while changes := store.changes(self._run.id, state, after, _PAGE):
                after = changes[-1].id
                self._take_back(changes)
        deleted = self._delete_tags()
        if not self._dry_run:
            store.end_run(self._run.id, "undone", f"{self._removed} tags taken back")
        return Undone(self._run.id, self._removed, dict(self._left), deleted, dict(self._by_tag))

    def _take_back(self, changes: Sequence[Change]) -> None:
        present = {item.ref: item for item in self._tools.library.get(list({change.plan.ref for change in changes}))}
        groups: dict[tuple[ItemKind, frozenset[str]], list[ItemRef]] = defaultdict(list)
        ours: dict[ItemRef, dict[str, Change]] = defaultdict(dict)
        for change in changes:
            reason = _not_ours(change, present.get(change.plan.ref))
            if reason:
                self._left[reason] += 1
                self._mark([change], "gone", reason)
            else:
                ours[change.plan.ref][change.plan.tag_id] = change
        for ref, by_tag in ours.items():
            groups[ref.kind, frozenset(by_tag)].append(ref)
        for (kind, tag_ids), refs in groups.items():
            gone_from = [ref.id for ref in refs]
            if not self._dry_run:
                written = self._tools.library.remove_tags(kind, gone_from, sorted(tag_ids))
                for _, reason in written.refused:
                    self._left[reason] += len(tag_ids)
                gone_from = [*written.done, *written.missing]
            done = [change for item_id in gone_from for change in ours[ItemRef(kind, item_id)].values()]
            self._removed += len(done)
            for change in done:
                self._by_tag[change.plan.tag_name] += 1
            self._mark(done, "undone")
            if not self._dry_run:
                self._tools.store.reopen([ItemRef(kind, item_id) for item_id in gone_from])

    def _mark(self, changes: Sequence[Change], state: str, reason: str = "") -> None:
        if not self._dry_run and changes:
            self._tools.store.mark([change.id for change in changes], "undone" if state == "undone" else "gone", reason)

    def _delete_tags(self) -> tuple[str, ...]:
        """Tags that the run made and that nothing uses go too; children before their parent."""
        if self._dry_run:
            return ()
        deleted = []
        made = self._tools.store.created_tags()
        for tag in sorted(made, key=lambda tag: not tag.parent_ids):
            if self._tools.library.delete_unused_tag(tag.id):
                self._tools.store.note_deleted_tag(tag.id)
                deleted.append(tag.name)
        return tuple(deleted)


def _not_ours(change: Change, item: MediaItem | None) -> str:
    """Why a tag can't be taken back, "" when it can. Both the item's id and its file must be the ones we wrote to."""
    if item is None:
        return "the item is gone from the library"
    if item.fingerprint != change.plan.fingerprint:
        return "the item is another file now"
    if change.plan.tag_id not in item.tag_ids:
        return "a person removed it already"
    return ""
