"""“Tag this”: an item is put at the front of the queue; whoever works on the library serves it between its own."""

from __future__ import annotations

from typing import Any

from tagger.pages import worker
from tagger.pages.arguments import Call
from tagger.pages.place import Place
from tagger.store.lock import holder
from tagger.types import ItemRef

URGENT = 100  # as tagger.library.find has it; that one needs more than the standard library


def ask(place: Place, call: Call) -> dict[str, Any]:
    """Put these items at the front of the queue and see that somebody works on it."""
    place.store.enqueue(call.some, URGENT, "somebody waits for it")
    worker.forget_complaint(place)
    worker.see_that_one_works(place)
    return standing(place, call)


def standing(place: Place, call: Call) -> dict[str, Any]:
    """How far these items are: those that still wait, those that failed, who is at work, how many wait before all.

    Asked again and again by the page that waits, so it also sees to a worker when one was killed.
    """
    store = place.store
    waiting = store.still_waiting(call.some)
    problem = ""
    if waiting:
        problem = worker.complaint(place)
        if not problem:
            worker.see_that_one_works(place)
    failed = store.failed([ref for ref in call.some if ref not in waiting])
    works = holder(place.data)
    return {
        "asked": len(call.some),
        "waiting": [_item(ref) for ref in waiting],
        "ahead": len(store.waiting(1000, URGENT)),
        "failed": [{**_item(ref), "reason": reason} for ref, reason in failed.items()],
        "working": works.purpose if works else "",
        "problem": problem,
    }


def _item(ref: ItemRef) -> dict[str, str]:
    return {"kind": ref.kind, "id": ref.id}
