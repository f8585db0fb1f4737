"""Faces as the page of people shows them: groups of unknown ones, and who is known. Crops come inside the answers."""

from __future__ import annotations

import base64
from contextlib import closing
from typing import Any

from tagger.pages.arguments import Call
from tagger.pages.place import Place
from tagger.people_store import PEOPLE_NAME, PeopleStore

_LEAST = 2  # a face that was seen once is no group
_SHOWN = 6
_EXAMPLES = 4
_ALL = 120


def faces(place: Place, call: Call) -> dict[str, Any]:
    """``groups``, the largest first, each with its best faces, and ``people`` with some examples; of one ``group``, or
    of the person called ``tag``: all faces."""
    if not (place.data / PEOPLE_NAME).exists():
        return {"groups": [], "people": [], "more": 0, "faces": 0}
    with closing(PeopleStore(place.data / PEOPLE_NAME, place.key)) as store:
        model = store.newest_model()
        if call.group:
            ids = store.best_of_groups(model, [call.group], _ALL)[call.group]
            return {"faces": _shown(store, ids)}
        if call.tag:
            return {"faces": _shown(store, _of_person(store, call.tag, model))}
        sizes = store.group_sizes(model, _LEAST)
        groups = dict(sizes[call.skip : call.skip + call.limit])
        best = store.best_of_groups(model, list(groups), _SHOWN)
        return {
            "groups": [
                {"id": group, "size": size, "faces": _shown(store, best[group])} for group, size in groups.items()
            ],
            "more": max(0, len(sizes) - call.skip - call.limit),
            "people": _people(store, model),
            "faces": store.counts()["faces"],
        }


def _people(store: PeopleStore, model: str) -> list[dict[str, Any]]:
    crops = store.best_crops(model, _EXAMPLES)
    return [
        {
            "id": one.id,
            "name": one.name,
            "performer": one.performer_id,
            "examples": one.examples,
            "pictures": [_address(crop) for crop in crops.get(one.id, ())],
        }
        for one in store.people()
    ]


def _of_person(store: PeopleStore, name: str, model: str) -> list[int]:
    person = next((one for one in store.people() if one.name.casefold() == name.casefold()), None)
    return store.faces_of_person(model, person.id, _ALL) if person else []


def _shown(store: PeopleStore, ids: list[int]) -> list[dict[str, Any]]:
    found = store.faces(ids)
    items = store.items_of([face.fingerprint for face in found])
    rows = []
    for face in found:
        ref = next((ref for ref, _ in items[face.fingerprint]), None)
        rows.append(
            {
                "face": face.id,
                "picture": _address(face.face.crop) if face.face.crop else "",
                "kind": ref.kind if ref else "",
                "id": ref.id if ref else "",
                "time_s": face.best.time_s,
                "verdict": face.verdict,
            }
        )
    return rows


def _address(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
