"""What waits for a person, and what persons say of it. An answer is kept at once; Stash gets what follows from whoever
works on the library, or from a worker that is started for it."""

from __future__ import annotations

from typing import Any

from tagger.answers import Audit, Narrow
from tagger.errors import ConfigError, SetupError, StoreError, TaggerError
from tagger.judgement.vocabulary import normal
from tagger.library import review as reviews
from tagger.pages import worker
from tagger.pages.arguments import Call, Click, read_click
from tagger.pages.item import address, as_json
from tagger.pages.place import Place
from tagger.store import SqliteStore
from tagger.types import Decision, ItemRef, Prediction

_AUDITS = 12  # as many as a sitting mixes in
_NEVER = 2**53
_FIRST = """query First($since: TimestampCriterionInput!, $one: FindFilterType!) {
    findScenes(filter: $one, scene_filter: { created_at: $since }) { scenes { id } }
    findImages(filter: $one, image_filter: { created_at: $since }) { images { id } }
    findGalleries(filter: $one, gallery_filter: { created_at: $since }) { galleries { id } } }"""


def review(place: Place, call: Call) -> dict[str, Any]:
    """What waits (of one ``tag``, or one ``feature``; of one ``kind``, by one ``model``, from ``least`` to ``most``
    percent, added ``since`` a day), the most useful first, each with its picture; how many of each tag; some that were
    written, to be audited among them."""
    store = place.store
    only = Narrow(call.kind, call.model, call.least / 100, call.most / 100, _first(place, call.since))
    waiting = store.review_queue(call.limit, call.tag, call.feature, call.skip, None if only == Narrow() else only)
    counts = store.tally("review")
    return {
        "waiting": [_shown(place, one.ref, one.fingerprint, one.decision) for one in waiting],
        "audits": [_audit(place, one) for one in store.audits(_AUDITS, call.tag)] if only == Narrow() else [],
        "models": store.fact("models").split(),
        "tags": [{"tag": tag, "n": n} for tag, n in sorted(counts.items(), key=lambda entry: -entry[1])],
        "all": sum(counts.values()),
    }


def _first(place: Place, since: str) -> tuple[int, int, int]:
    """The ids from which on scenes, images and galleries were added since that day: Stash's ids ascend with time."""
    if not since:
        return (0, 0, 0)
    one = {"per_page": 1, "sort": "id", "direction": "ASC"}
    found = place.ask(_FIRST, {"one": one, "since": {"value": f"{since}T00:00:00Z", "modifier": "GREATER_THAN"}})
    some = (found["findScenes"]["scenes"], found["findImages"]["images"], found["findGalleries"]["galleries"])
    scene, image, gallery = (int(items[0]["id"]) if items else _NEVER for items in some)
    return (scene, image, gallery)


def _shown(place: Place, ref: ItemRef, fingerprint: str, decision: Decision) -> dict[str, Any]:
    evidence = decision.prediction.evidence
    thumbs = place.store.thumbs(fingerprint)
    time_s = evidence[0].time_s if evidence else 0.0
    thumb = min(thumbs, key=lambda thumb: abs(thumb.time_s - time_s)) if thumbs else None
    return {"kind": ref.kind, "id": ref.id, "picture": address(thumb) if thumb else "", **as_json(decision)}


def _audit(place: Place, drawn: Audit) -> dict[str, Any]:
    """What was written, as it was decided; or as much as is still known of it."""
    question = drawn.question
    decisions = place.store.decisions([question.ref])[question.ref]
    for decision in decisions:
        if normal(decision.tag) == normal(question.tag_name):
            return {**_shown(place, question.ref, question.fingerprint, decision), "audit": True}
    said = Prediction(question.feature, question.subject, question.probability, drawn.change.plan.score, "", ())
    bare = Decision(said, "apply", question.tag_name, drawn.change.plan.rule, drawn.change.plan.why)
    return {**_shown(place, question.ref, question.fingerprint, bare), "audit": True}


def answer(place: Place, call: Call) -> dict[str, Any]:
    """Keep what somebody said; the ids under which each click can be taken back, in their order. One that can't be kept
    (its item is gone, it can't be understood) has None, and the reason: it keeps none of the others back. One that came
    before, by its key, is left as it was."""
    if not call.clicks:
        raise ConfigError("Nothing was said: give clicks: [{do: 'accept', places: [{kind, id, tag}]}].")
    acts: list[int | None] = []
    problems: list[str] = []
    for entry in call.clicks:
        try:
            acts.append(_do(place.store, read_click(entry)))
        except StoreError:
            raise  # About all of them.
        except TaggerError as error:
            acts.append(None)
            problems.append(str(error))
    return {"acts": acts, "problems": problems + _followed(place)}


def _followed(place: Place) -> list[str]:
    """See to it that Stash gets what follows, or say why not: what was said is kept all the same."""
    try:
        worker.see_that_one_works(place)
    except SetupError as error:
        return [str(error)]
    return []


def _do(store: SqliteStore, click: Click) -> int:
    (ref, tag), places, key = click.places[0], click.places, click.key
    match click.do:
        case "accept":
            return reviews.accept(store, places, click=key)
        case "reject":
            return reviews.reject(store, places, click=key)
        case "audit_right":
            return reviews.audit(store, ref, tag, True, key)
        case "audit_wrong":
            return reviews.audit(store, ref, tag, False, key)
        case "instead":
            return reviews.instead(store, places, click.other, key)
        case "add":
            return reviews.add(store, places, click=key)
        case "never_here":
            return reviews.never_here(store, places, key)
        case _:
            return reviews.never(store, tag, key)


def withdraw(place: Place, call: Call) -> dict[str, Any]:
    """Take one click back with all that followed: by its act, or by its key, as often as it takes to be sure."""
    if call.key:
        place.store.withdraw_click(call.key)
    else:
        reviews.undo(place.store, call.act)
    return {"withdrawn": call.key or call.act, "problems": _followed(place)}
