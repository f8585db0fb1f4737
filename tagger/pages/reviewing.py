"""What waits for a person, and what persons say of it. An answer is kept at once; Stash gets what follows from whoever
works on the library, or from a worker that is started for it."""

from __future__ import annotations

from typing import Any

from tagger.answers import Question, Saying, TagRule, Waiting
from tagger.errors import ConfigError
from tagger.pages import worker
from tagger.pages.arguments import Call, Said
from tagger.pages.item import address, as_json
from tagger.pages.place import Place


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
    """Keep what somebody said; the ids under which each click can be taken back, in their order."""
    if not call.clicks:
        raise ConfigError("Nothing was said: give clicks: [{answers: [{kind, id, tag, say}]}].")
    store = place.store
    acts = []
    for click in call.clicks:
        sayings = [Saying(_question(place, said), said.say, said.source) for said in click.answers]
        rules = [TagRule(name, "never", why="You said: never at all.") for name in click.never]
        acts.append(store.say(click.what or "review", sayings, rules))
    worker.see_that_one_works(place)
    return {"acts": acts}


def _question(place: Place, said: Said) -> Question:
    question = place.store.question(said.ref, said.tag)
    if question is None:
        raise ConfigError(f"Nobody has looked at {said.ref.kind} {said.ref.id} yet: tag it first.")
    if said.source == "never here":  # Whatever file the item gets.
        return Question(said.ref, "", question.tag_name, question.feature, question.subject, question.probability)
    return question


def withdraw(place: Place, call: Call) -> dict[str, Any]:
    """Take one click back with all that followed."""
    done = place.store.withdraw(call.act)
    if done:
        worker.see_that_one_works(place)
    return {"withdrawn": done}
