"""Spans of a scene as Stash's markers with a beginning and an end: made at a press, and taken back as long as they are
as we made them. What we made is remembered in the store; nobody else's marker is ever touched."""

from __future__ import annotations

import json
from typing import Any

from tagger.errors import ConfigError
from tagger.pages.arguments import Call
from tagger.pages.place import Place
from tagger.types import ItemRef

_MARKERS = """query Markers($id: ID!) { findScene(id: $id) {
    tags { id name } scene_markers { id seconds end_seconds primary_tag { id } } } }"""
_CREATE = "mutation Create($input: SceneMarkerCreateInput!) { sceneMarkerCreate(input: $input) { id } }"
_DESTROY = "mutation Destroy($ids: [ID!]!) { sceneMarkersDestroy(ids: $ids) }"
_NEAR_S = 0.5


def make_markers(place: Place, call: Call) -> dict[str, Any]:
    """A marker for each span of each tag that the scene has; where its tag has one at that place already, none."""
    ref = _scene(call)
    scene = _ask(place, ref)
    tag_ids = {tag["name"].casefold(): tag["id"] for tag in scene["tags"]}
    there = [(marker["primary_tag"]["id"], marker["seconds"]) for marker in scene["scene_markers"]]
    made = _ours(place, ref)
    for decision in place.store.decisions([ref])[ref]:
        tag_id = tag_ids.get(decision.tag.casefold())
        if decision.verdict != "apply" or tag_id is None:
            continue
        for begin, end in decision.prediction.spans_s:
            if any(tag == tag_id and abs(at - begin) < _NEAR_S for tag, at in there):
                continue
            given = {"scene_id": ref.id, "title": decision.tag, "seconds": begin, "end_seconds": end}
            answer = place.ask(_CREATE, {"input": {**given, "primary_tag_id": tag_id, "tag_ids": []}})
            made.append({"id": answer["sceneMarkerCreate"]["id"], "tag": tag_id, "from": begin, "to": end})
            _keep(place, ref, made)  # After each: what a kill leaves can still be taken back.
    return {"markers": len(made)}


def take_markers_back(place: Place, call: Call) -> dict[str, Any]:
    """Those that we made and nobody changed since; how many were taken back."""
    ref = _scene(call)
    present = {marker["id"]: marker for marker in _ask(place, ref)["scene_markers"]}
    ours = [marker for marker in _ours(place, ref) if _unchanged(marker, present.get(marker["id"]))]
    if ours:
        place.ask(_DESTROY, {"ids": [marker["id"] for marker in ours]})
    _keep(place, ref, [])
    return {"markers": 0, "taken_back": len(ours)}


def markers(place: Place, ref: ItemRef) -> int:
    """How many of ours are known for this scene."""
    return len(_ours(place, ref))


def _unchanged(ours: dict[str, Any], there: dict[str, Any] | None) -> bool:
    if there is None:
        return False
    same = (there["primary_tag"]["id"], there["seconds"], there["end_seconds"])
    return same == (ours["tag"], ours["from"], ours["to"])


def _scene(call: Call) -> ItemRef:
    if call.one.kind != "scene":
        raise ConfigError("Only a scene has markers.")
    return call.one


def _ask(place: Place, ref: ItemRef) -> dict[str, Any]:
    scene: dict[str, Any] | None = place.ask(_MARKERS, {"id": ref.id})["findScene"]
    if scene is None:
        raise ConfigError(f"There is no scene {ref.id} any more.")
    return scene


def _ours(place: Place, ref: ItemRef) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = json.loads(place.store.fact(f"markers of scene {ref.id}") or "[]")
    return kept


def _keep(place: Place, ref: ItemRef, made: list[dict[str, Any]]) -> None:
    place.store.remember(f"markers of scene {ref.id}", json.dumps(made))
