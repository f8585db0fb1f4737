"""One item as a page shows it: every tag with its verdict, its reason, its places; and the pictures of those places."""

from __future__ import annotations

import base64
from typing import Any

from tagger.library.marking import count as count_markers
from tagger.pages.arguments import Call
from tagger.pages.place import Place
from tagger.types import Decision, Thumb


def item(place: Place, call: Call) -> dict[str, Any]:
    """What is known of one item. ``known`` False: nobody has looked at it yet."""
    ref, store = call.one, place.store
    known = store.known_item(ref)
    written = store.written(ref)
    return {
        "known": known is not None and known.looked,
        "waiting": ref in store.still_waiting([ref]),
        "failure": store.failed([ref]).get(ref, ""),
        "width": known.width if known else 0,
        "height": known.height if known else 0,
        "duration_s": known.duration_s if known else 0.0,
        "markers": count_markers(store, ref) if ref.kind == "scene" else 0,
        "tags": [as_json(decision) for decision in store.decisions([ref])[ref]],
        "written": [{"name": w.name, "id": w.id, "state": w.state, "run": w.run_id} for w in written],
    }


def as_json(decision: Decision) -> dict[str, Any]:
    """A judged tag as pages have it."""
    prediction = decision.prediction
    return {
        "tag": decision.tag,
        "subject": prediction.subject,
        "feature": prediction.feature,
        "verdict": decision.verdict,
        "probability": int(prediction.probability * 1e4 + 1e-6) / 1e4,  # Down: it is compared with limits.
        "score": round(prediction.score, 4),
        "rule": decision.rule,
        "why": decision.why,
        "models": list(prediction.models),
        "spans_s": [list(span) for span in prediction.spans_s],
        "evidence": [
            {"time_s": e.time_s, "score": e.score, "box": list(e.box) if e.box else None, "model": e.model}
            for e in prediction.evidence
        ],
    }


def pictures(place: Place, call: Call) -> dict[str, Any]:
    """The kept frames of one item as data addresses; nothing of a picture is ever in an address that Stash serves."""
    known = place.store.known_item(call.one)
    thumbs = place.store.thumbs(known.fingerprint) if known else []
    return {"pictures": [{"time_s": thumb.time_s, "url": address(thumb)} for thumb in thumbs]}


def address(thumb: Thumb) -> str:
    """The picture itself as an address."""
    return f"data:image/jpeg;base64,{base64.b64encode(thumb.jpeg).decode()}"


def marks(place: Place, call: Call) -> dict[str, Any]:
    """How many tags wait for a look, of the items of a list that have some: ``{"scene-12": 3}``."""
    found = place.store.to_review(call.some)
    return {"marks": {f"{ref.kind}-{ref.id}": count for ref, count in found.items()}}
