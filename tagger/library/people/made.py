"""Performers that we made: noted when they are, and deleted with what is undone if nobody uses them. Never others."""

from __future__ import annotations

from collections.abc import Collection

from tagger.answers import Selection
from tagger.errors import LibraryRefusedError
from tagger.library.delivery import items_of
from tagger.library.following import was_restored
from tagger.library.tools import Tools
from tagger.ports import Library, Store
from tagger.types import Performer

_MADE = "made performer "
UNMADE = "unmade performer "  # deleted by us: people are not forgotten for that
_MAKING = "making performer "
_NEXT_RUN = 0
_LOOK_AT = 20


def make(library: Library, store: Store, name: str, run_id: int = _NEXT_RUN) -> Performer:
    """A new performer, known as ours even if we are killed right after; ``run_id`` 0: of the run that begins next.
    Raises LibraryRefusedError."""
    store.remember(f"{_MAKING}{name}", str(run_id))
    try:
        performer = library.create_performer(name)
    except LibraryRefusedError:
        store.remember(f"{_MAKING}{name}", "")
        raise
    _note(store, performer, str(run_id))
    return performer


def _note(store: Store, performer: Performer, run_id: str) -> None:
    store.remember(f"{_MADE}{performer.id}", f"{run_id} {performer.name}")
    store.remember(f"{_MAKING}{performer.name}", "")


def own_up(library: Library, store: Store) -> None:
    """A performer that was made right before we were killed is put on record, so that undo knows them.

    When we were killed before, a person may have made one of that name; it doesn't say that a program did.
    """
    making = store.facts(_MAKING)
    made = {one.name: one for one in library.performers() if one.ignore_auto_tag} if making else {}
    for fact, run_id in making.items():
        if performer := made.get(fact.removeprefix(_MAKING)):
            _note(store, performer, run_id)
        store.remember(fact, "")


def stamp(library: Library, store: Store, run_id: int) -> None:
    """A run has begun: what was made for it is its."""
    own_up(library, store)
    for fact, said in store.facts(_MADE).items():
        number, _, name = said.partition(" ")
        if number == str(_NEXT_RUN):
            store.remember(fact, f"{run_id} {name}")


def is_that(library: Library, store: Store, performer: Performer, name: str) -> bool:
    """Whether it is whom we wrote under this name: they are still called so, or most that we wrote of them is still
    there. A restored or rebuilt library gives their id to somebody else."""
    if name.casefold() in {known.casefold() for known in (performer.name, *performer.aliases)}:
        return True
    about = (change for change in store.ours(Selection(tag=name), 0, _LOOK_AT) if change.plan.target == "performer")
    ours = [change for change in about if change.plan.tag_id == performer.id]
    there = items_of(library, ours)
    still = [performer.id in there[c.plan.ref].performer_ids for c in ours if c.plan.ref in there]
    return not still or 2 * sum(still) > len(still)


def may_be_lost(library: Library, store: Store, names: Collection[str]) -> bool:
    """Whether items are older than what we wrote of these people to them: then a backup was put back."""
    ours = [c for name in names for c in store.ours(Selection(tag=name), 0, _LOOK_AT) if c.plan.target == "performer"]
    return was_restored(items_of(library, ours), ours)


def delete_unused_performers(
    tools: Tools, run_id: int | None = None, among: Collection[str] | None = None
) -> tuple[str, ...]:
    """Of the performers that this run (or one undone before; None: any) made, ``among`` these ids (None: any), those
    that nobody uses: their names. Renamed, one is a person's now.
    """
    own_up(tools.library, tools.store)
    made = {fact.removeprefix(_MADE): said.partition(" ") for fact, said in tools.store.facts(_MADE).items()}
    there = {performer.id: performer.name for performer in tools.library.performers()} if made else {}
    deleted: list[str] = []
    for performer_id, (number, _, name) in made.items():
        if run_id is not None and int(number) != run_id and not _was_undone(tools.store, int(number)):
            continue
        if among is not None and performer_id not in among:
            continue
        if there.get(performer_id) == name:
            if not tools.library.delete_unused_performer(performer_id):
                continue
            tools.store.remember(f"{UNMADE}{performer_id}", name)
            deleted.append(name)
        tools.store.remember(f"{_MADE}{performer_id}", "")
    return tuple(deleted)


def _was_undone(store: Store, run_id: int) -> bool:
    run = store.run(run_id)
    return run is not None and run.state == "undone"
