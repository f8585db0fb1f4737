"""Why a tag is on an item, or isn't: the sentence of the rule that decided, and all the numbers it rests on.

Standard library only, so that a page's operation can ask it from a light process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tagger.answers import PEOPLE
from tagger.figures import decimal
from tagger.judgement.decide import Court, Policy
from tagger.judgement.families import row_of
from tagger.judgement.vocabulary import TagIndex, normal, singular
from tagger.library.promise import PLACE
from tagger.ports import Store
from tagger.types import Change, Decision, Evidence, ItemRef, MediaItem, Sighting

_MOST_EVIDENCE = 4


class _File(Protocol):
    @property
    def fingerprint(self) -> str: ...


class Memory(Store, Protocol):
    """The store, with what it knows of one item at a glance."""

    def known_item(self, ref: ItemRef) -> _File | None: ...

    def failed(self, refs: Sequence[ItemRef]) -> dict[ItemRef, str]: ...


_SAID_BY_A_PERSON = ("person.", "review.")
_ELSEWHERE = {
    "tags.create": "Make that tag yourself, or set tags.create to true.",
    "limits.gallery_share": "More of its images would have to have it, or limits.gallery_share be lower.",
    "tags.applied_marker": "Empty tags.applied_marker.",
    "tags.review_marker": "Empty tags.review_marker.",
}


def why_of(
    store: Memory,
    policy: Policy,
    ref: ItemRef,
    tag: str,
    origins: Mapping[str, str],
    index: TagIndex | None = None,
    item: MediaItem | None = None,
) -> dict[str, Any]:
    """Plain values for a page and a terminal.

    ``verdict`` is what stands: apply, review, keep, drop, or "" when nothing here was ever about this tag. ``why`` was
    made by the ``rule`` that decided; ``origin`` says where that rule was set. ``otherwise`` is what would have to
    change for another verdict under the settings in force (those of its folder, if ``item`` is given); ``now`` is what
    these say, where they would decide otherwise. ``score`` is the model's, ``probability`` the calibrated one. Boxes
    are fractions of the upright picture. ``written`` is the tag's place in the outbox, with run and time. ``index`` are
    the library's tags: then a tag is found by its aliases, too; ``yours`` says whether it is on ``item``, not by us,
    and ``taken_back`` that it is decided as applied, but what we wrote was undone since.
    """
    names = _names(tag, index)
    history = [change for change in store.history(ref) if normal(change.plan.tag_name) in names]
    decided = store.decisions([ref])[ref]
    about = [d for d in decided if _is_about(d, names, index, tag)]
    names |= {normal(d.tag) for d in about}
    rows = store.numbers(ref) or tuple(dict.fromkeys(row_of(d.prediction) for d in decided))
    judged = Court(policy.at(item.path if item is not None else "")).explain(rows, names)
    explained = [one for one in judged if one[0].feature != PEOPLE]  # These are judged by their faces.
    known = store.known_item(ref)
    said_by_you = _answer(store, ref, known.fingerprint if known else "", names)
    found: dict[str, Any] = {"item": f"{ref.kind}:{ref.id}", "tag": tag, "verdict": "", "now": None}
    if about:
        found |= _of_decision(max(about, key=lambda d: (d.verdict == "apply", d.prediction.probability)))
    elif explained:
        row, name, said = explained[0]
        sightings = _seen(store, known.fingerprint) if known else []
        found |= {"tag": name or tag, "verdict": said.verdict, "feature": row.feature, "subject": row.subject}
        found |= {"probability": row.probability, "calibrated": row.calibrated, "rule": said.rule, "why": said.why}
        found |= _places(sightings, normal(row.subject))
    elif history:
        found |= _of_change(history[-1])
    elif said_by_you is None:
        looked = [s.model for s in _seen(store, known.fingerprint)] if known else []
        why = (
            f"No model said anything of “{tag}” here; {', '.join(looked)} looked."
            if looked
            else _never_looked(store, ref)
        )
        found |= {"rule": "", "why": why, "otherwise": "", "origin": "", "written": None, "history": []}
        return found | {"yours": _is_yours(item, tag, index, history)}
    if said_by_you is not None and not found.get("rule", "").startswith(_SAID_BY_A_PERSON):
        found |= said_by_you
    if explained and not found["rule"].startswith(_SAID_BY_A_PERSON):
        row, _, said = explained[0]
        found["otherwise"] = _ELSEWHERE.get(found["rule"], said.otherwise)
        if said.verdict == found["verdict"] and found["rule"] not in _ELSEWHERE:
            # The same verdict isn't written anew when another place of the configuration comes to give it.
            found |= {"rule": said.rule, "why": f"{row.together}: {said.why}" if row.together else said.why}
        elif said.verdict != found["verdict"] and found["rule"] not in _ELSEWHERE:
            found["now"] = {"verdict": said.verdict, "rule": said.rule, "why": said.why}
    else:
        found["otherwise"] = _of_another_kind(found)
    found["origin"] = origin_of(found["rule"], origins)
    if found["rule"].startswith(f"{PLACE}."):
        found |= _of_looks(store, found["rule"], names)
    found["written"] = _written(history)
    found["history"] = [_of_outbox(change) for change in history]
    found["yours"] = _is_yours(item, tag, index, history)
    found["taken_back"] = found["verdict"] == "apply" and not found["yours"] and _was_taken_back(history)
    return found


def _was_taken_back(history: Sequence[Change]) -> bool:
    """Whether what we had added of it last was undone."""
    added = [change.state for change in history if change.plan.action == "add"]
    return bool(added) and added[-1] == "undone" and "done" not in added


def _of_another_kind(found: Mapping[str, Any]) -> str:
    """What would change a verdict that no threshold gave."""
    if found["rule"].startswith(_SAID_BY_A_PERSON):
        return "Say otherwise in a review."
    if found.get("feature") == PEOPLE:
        change = f", or change {found['rule']}" if "thresholds" in found["rule"] else ""
        return f"Say whose face it is, or isn't ('people is', 'people not'){change}."
    return _ELSEWHERE.get(found["rule"], "")


def _answer(store: Memory, ref: ItemRef, fingerprint: str, names: frozenset[str]) -> dict[str, Any] | None:
    """What the newest answer that stands makes of it: a refused one is forgotten as a decision."""
    given = [
        answer
        for name in names
        for answer in store.answers(tag=name)
        if (answer.question.ref == ref and not answer.question.fingerprint)
        or (fingerprint and answer.question.fingerprint == fingerprint)
    ]
    if not given:
        return None
    newest = max(given, key=lambda answer: answer.id)
    if newest.say == "yes":
        verdict, rule, why = "apply", "person.accepted", "You said that it is here."
    elif newest.source == "library":
        verdict, rule, why = "drop", "person.removed", "You removed it, so it stays away."
    else:
        verdict, rule, why = "drop", "person.refused", "You said that it isn't here."
    return {"verdict": verdict, "rule": rule, "why": why}


def _of_looks(store: Store, rule: str, names: frozenset[str]) -> dict[str, str]:
    """Of a rule that answers made: on what it rests, and what would move it."""
    if ".tags." in rule:
        made = [one for one in store.rules() if one.kind != "never" and normal(one.tag_name) in names]
        always = next((one for one in made if one.kind == "always"), None)
        if always is not None:
            return {"origin": "you", "otherwise": "Take that answer back: 'review acts' lists them."}
        origin = next((f"what you looked at: {one.why}" for one in made), "what you looked at")
        return {"origin": origin, "otherwise": "More looks ('audit') move it, and so does promise in config.yml."}
    if ".blacklist" in rule:
        return {"origin": "you", "otherwise": "Take that answer back: 'review acts' lists them."}
    needs = "Look at more of this tag ('audit', 'promise' says how many), or leave promise out of config.yml."
    return {"origin": "promise in config.yml: nothing is promised of this tag yet", "otherwise": needs}


def _is_yours(item: MediaItem | None, tag: str, index: TagIndex | None, history: Sequence[Change]) -> bool:
    """Whether the item has the tag, and none of our changes put it there."""
    meant = index.find(tag) if index is not None else None
    if item is None or meant is None or meant.id not in item.tag_ids:
        return False
    live = ("sending", "done")
    return not any(change.plan.action == "add" and change.state in live for change in history)


def _names(tag: str, index: TagIndex | None) -> frozenset[str]:
    """What the tag is called, and what it may be called besides."""
    meant = index.find(tag) if index is not None else None
    others = (meant.name, *meant.aliases) if meant is not None else ()
    return frozenset({normal(tag), singular(tag), *map(normal, others)})


def _is_about(decision: Decision, names: frozenset[str], index: TagIndex | None, tag: str) -> bool:
    if normal(decision.tag) in names or normal(decision.prediction.subject) in names:
        return True
    meant = index.find(tag) if index is not None else None
    found = index.find(decision.tag) if index is not None and decision.tag else None
    return meant is not None and found is not None and found.id == meant.id


def _never_looked(store: Memory, ref: ItemRef) -> str:
    reason = store.failed([ref]).get(ref, "")
    return (
        f"It could not be looked at: {reason}" if reason else "Nobody has looked at this item yet: run 'Tag library'."
    )


def _of_decision(decision: Decision) -> dict[str, Any]:
    p = decision.prediction
    return {
        "tag": decision.tag or p.subject,
        "verdict": decision.verdict,
        "rule": decision.rule,
        "why": decision.why,
        "feature": p.feature,
        "subject": p.subject,
        "label": p.label,
        "models": list(p.models),
        "score": round(p.score, 4),
        "probability": round(p.probability, 4),
        "calibrated": p.calibrated,
        "spans_s": [list(span) for span in p.spans_s],
        "evidence": [_evidence(evidence) for evidence in p.evidence],
    }


def _of_change(change: Change) -> dict[str, Any]:
    """Of a tag that nothing speaks of any more (a marker, or one that was written under other settings)."""
    plan = change.plan
    there = plan.action == "add" and change.state in ("planned", "sending", "done")
    return {
        "tag": plan.tag_name,
        "verdict": "apply" if there else "drop",
        "rule": plan.rule,
        "why": plan.why,
        "feature": plan.feature,
        "models": [model for model in plan.model.split(",") if model],
        "score": round(plan.score, 4),
        "probability": round(plan.probability, 4),
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "time_s": evidence.time_s,
        "box": [round(edge, 4) for edge in evidence.box] if evidence.box else None,
        "score": round(evidence.score, 4),
        "model": evidence.model,
    }


def _seen(store: Store, fingerprint: str) -> list[Sighting]:
    return store.sightings([fingerprint], sorted(store.seen()))[fingerprint]


def _places(sightings: Sequence[Sighting], subject: str) -> dict[str, Any]:
    """Where models saw it, of a prediction whose evidence isn't kept."""
    places = [
        Evidence(frame.time_s, finding.score, finding.box, sighting.model)
        for sighting in sightings
        for frame in sighting.frames
        for finding in frame.findings
        if normal(finding.name) == subject
    ]
    best = sorted(places, key=lambda e: (-e.score, e.time_s, e.model))[:_MOST_EVIDENCE]
    return {
        "models": sorted({evidence.model for evidence in places}),
        "score": round(best[0].score, 4) if best else 0.0,
        "evidence": [_evidence(evidence) for evidence in best],
    }


def _written(history: Sequence[Change]) -> dict[str, Any] | None:
    """The newest of it that we added."""
    added = [change for change in history if change.plan.action == "add"]
    return _of_outbox(added[-1]) if added else None


def _of_outbox(change: Change) -> dict[str, Any]:
    plan = change.plan
    return {
        "change": change.id,
        "action": plan.action,
        "state": change.state,
        "run": change.run_id,
        "at": change.changed_at,
        "tag": plan.tag_name,
        "tag_id": plan.tag_id,
        "model": plan.model,
        "score": round(plan.score, 4),
        "probability": round(plan.probability, 4),
        "rule": plan.rule,
        "why": plan.why,
        "reason": change.reason,
    }


def origin_of(rule: str, origins: Mapping[str, str]) -> str:
    """Where a rule's value was said: a file, Stash's settings, this call, you, or the default."""
    if rule.startswith(_SAID_BY_A_PERSON):
        return "you"
    place = rule.partition("[")[0]
    while place:
        if place in origins:
            return origins[place]
        inner = next((origin for key, origin in origins.items() if key.startswith(place + ".")), "")
        if inner and place.count(".") >= 1:
            return inner
        place = place.rpartition(".")[0]
    return "default"


def _seen_as(found: Mapping[str, Any]) -> str:
    subject, label = found.get("subject", ""), found.get("label", "")
    saw = f" saw “{subject}”" if subject and normal(subject) != normal(found["tag"]) else ""
    return saw + (
        f", most of all “{label}”" if label and normal(label) not in map(normal, (subject, found["tag"])) else ""
    )


def why_lines(found: Mapping[str, Any]) -> list[str]:
    """The same for a person."""
    verdicts = {"apply": "applied", "review": "waits for your look", "keep": "only remembered", "drop": "not applied"}
    refused = found["rule"].startswith(_SAID_BY_A_PERSON) and found["verdict"] == "keep"
    verdict = "drop" if refused else found["verdict"]
    stands = f"{verdicts.get(verdict, 'never said')}. {found['why']}"
    if found.get("taken_back"):
        stands = f"taken back, so it isn't there; the next run decides it again. It had been applied: {found['why']}"
    lines = [f"{found['tag']} on {found['item']}: {stands}"]
    if found["verdict"]:
        place = f"  Rule: {found['rule']} ({found['origin']})"
        lines.append(place)
    if found.get("models"):
        sure = "calibrated" if found.get("calibrated", True) else "not calibrated"
        lines.append(
            f"  {', '.join(found['models'])}{_seen_as(found)}: raw score {decimal(found['score'])}, "
            f"probability {decimal(found['probability'])} ({sure})"
        )
    for place in found.get("evidence", ()):
        box = ", ".join(f"{edge:.2f}" for edge in place["box"]) if place["box"] else "the whole picture"
        when = f"at {place['time_s']:.1f} s, " if found["item"].startswith("scene:") else ""
        lines.append(f"  {when}{box}: {decimal(place['score'])} ({place['model']})")
    if found.get("spans_s"):
        lines.append("  seen " + ", ".join(f"{a:.0f}–{b:.0f} s" for a, b in found["spans_s"]))
    lines += [
        f"  {c['action']} in run {c['run']}, {c['at']}: {c['state']}{' since ' + c['reason'] if c['reason'] else ''} "
        f"({c['rule']}: {c['why']})"
        for c in found["history"]
    ]
    if found["now"]:
        lines.append(f"  Under the settings in force: {verdicts[found['now']['verdict']]}. {found['now']['why']}")
    if found.get("yours"):
        lines.append("  The item has this tag, and not from us: it is yours, and stays whatever is decided.")
    if found["otherwise"]:
        lines.append(f"  For another verdict: {found['otherwise']}")
    return lines
