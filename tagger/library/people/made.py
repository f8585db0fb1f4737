"""Performers that we made: noted when they are, and deleted with what is undone if nobody uses them. Never others."""

from __future__ import annotations

from collections.abc import Collection

from tagger.library.tools import Tools
from tagger.ports import Store
from tagger.types import Performer

_MADE = "made performer "
UNMADE = "unmade performer "  # deleted by us: people are not forgotten for that
_NEXT_RUN = 0


def note_made(store: Store, performer: Performer, run_id: int = _NEXT_RUN) -> None:
    """``run_id`` 0: it belongs to the run that begins next."""
    store.remember(f"{_MADE}{performer.id}", f"{run_id} {performer.name}")


def stamp(store: Store, run_id: int) -> None:
    """A run has begun: what was made for it is its."""
    for fact, said in store.facts(_MADE).items():
        number, _, name = said.partition(" ")
        if number == str(_NEXT_RUN):
            store.remember(fact, f"{run_id} {name}")


def delete_unused_performers(
    tools: Tools, run_id: int | None = None, among: Collection[str] | None = None
) -> tuple[str, ...]:
    """Of the performers that this run (or one undone before; None: any) made, ``among`` these ids (None: any), those
    that nobody uses: their names. Renamed, one is a person's now.
    """
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
