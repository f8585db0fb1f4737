"""Spans of a scene as Stash's markers, and its highlights: made at a press, taken back at another one."""

from __future__ import annotations

from typing import Any

from tagger.library import marking
from tagger.library.highlights import Highlight, highlights_of
from tagger.pages.arguments import Call
from tagger.pages.place import Place


def make_markers(place: Place, call: Call) -> dict[str, Any]:
    """A marker for each span of each tag that the scene has, or (``moments``) for its highlights that begin at these
    seconds only, even if a person had deleted such a one before."""
    scene = marking.Scene(place.ask, place.store, call.one)
    if call.moments:
        chosen = [one for one in _highlights(place, call) if any(abs(one.from_s - at) < 0.01 for at in call.moments)]
        spans = [marking.Span(one.tag, one.title, one.from_s, one.to_s) for one in chosen if one.tag]
    else:
        spans = marking.spans_of(place.store.decisions([call.one])[call.one])
    made = scene.make(spans, again=bool(call.moments))
    return {"markers": marking.count(place.store, call.one), "made": made}


def take_markers_back(place: Place, call: Call) -> dict[str, Any]:
    """Those that we made and nobody changed since; how many were taken back."""
    taken = marking.Scene(place.ask, place.store, call.one).take_back()
    return {"markers": 0, "taken_back": taken}


def highlights(place: Place, call: Call) -> dict[str, Any]:
    """The best spans of the best people and tags of a scene, as a suggestion."""
    return {"highlights": [_as_json(one) for one in _highlights(place, call)]}


def _highlights(place: Place, call: Call) -> list[Highlight]:
    known = place.store.known_item(call.one)
    return highlights_of(place.store.decisions([call.one])[call.one], known.duration_s if known else 0.0)


def _as_json(one: Highlight) -> dict[str, Any]:
    return {"title": one.title, "tag": one.tag, "from": one.from_s, "to": one.to_s, "probability": one.probability}
