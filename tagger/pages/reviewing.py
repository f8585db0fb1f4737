"""What waits for a person, and what persons say of it. An answer is kept at once; Stash gets what follows from whoever
works on the library, or from a worker that is started for it."""

from __future__ import annotations

from typing import Any

from tagger.answers import Waiting
from tagger.errors import ConfigError, StoreError, TaggerError
from tagger.library import review as reviews
from tagger.pages import worker
from tagger.pages.arguments import Call, Click
from tagger.pages.item import address, as_json
from tagger.pages.place import Place
from tagger.store import SqliteStore


def review(place: Place, call: Call) -> dict[str, Any]:
    """What waits (of one ``tag``, or one ``feature``), the most useful first, each with its picture; how many of each
    tag; the audits among them."""
    store = place.store
    waiting = store.review_queue(call.limit, call.tag, call.feature, call.skip)
    counts = store.tally("review")
    return {
        "waiting": [_waiting(place, entry) for entry in waiting],
        "tags": [{"tag": tag, "n": n} for tag, n in sorted(counts.items(), key=lambda entry: -entry[1])],
        "all": sum(counts.values()),
    }


def _waiting(place: Place, entry: Waiting) -> dict[str, Any]:
    evidence = entry.decision.prediction.evidence
    thumbs = place.store.thumbs(entry.fingerprint)
    time_s = evidence[0].time_s if evidence else 0.0
    thumb = min(thumbs, key=lambda thumb: abs(thumb.time_s - time_s)) if thumbs else None
    return {
        "kind": entry.ref.kind,
        "id": entry.ref.id,
        "picture": address(thumb) if thumb else "",
        **as_json(entry.decision),
    }


def answer(place: Place, call: Call) -> dict[str, Any]:
    """Keep what somebody said; the ids under which each click can be taken back, in their order. One that can't be kept
    (its item is gone) has None, and the reason: it keeps none of the others back."""
    if not call.clicks:
        raise ConfigError("Nothing was said: give clicks: [{do: 'accept', places: [{kind, id, tag}]}].")
    acts: list[int | None] = []
    problems: list[str] = []
    for click in call.clicks:
        try:
            acts.append(_do(place.store, click))
        except StoreError:
            raise  # About all of them.
        except TaggerError as error:
            acts.append(None)
            problems.append(str(error))
    worker.see_that_one_works(place)
    return {"acts": acts, "problems": problems}


def _do(store: SqliteStore, click: Click) -> int:
    (ref, tag), places = click.places[0], click.places
    match click.do:
        case "accept":
            return reviews.accept(store, places)
        case "reject":
            return reviews.reject(store, places)
        case "audit_right":
            return reviews.audit(store, ref, tag, True)
        case "audit_wrong":
            return reviews.audit(store, ref, tag, False)
        case "instead":
            return reviews.instead(store, ref, tag, click.other)
        case "add":
            return reviews.add(store, ref, tag)
        case "never_here":
            return reviews.never_here(store, places)
        case _:
            return reviews.never(store, tag)


def withdraw(place: Place, call: Call) -> dict[str, Any]:
    """Take one click back with all that followed."""
    reviews.undo(place.store, call.act)
    worker.see_that_one_works(place)
    return {"withdrawn": call.act}
