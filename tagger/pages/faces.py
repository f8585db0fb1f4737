"""Faces as the page of people shows them: groups of unknown ones, and who is known. Crops come inside the answers."""

from __future__ import annotations

import base64
from contextlib import closing
from typing import Any

from tagger.pages.arguments import Call
from tagger.pages.place import Place
from tagger.people_store import PeopleStore, StoredFace

NAME = "people.sqlite"
_LEAST = 2  # a face that was seen once is no group
_SHOWN = 6
_EXAMPLES = 4
_ALL = 120


def faces(place: Place, call: Call) -> dict[str, Any]:
    """``groups``, the largest first, each with its best faces, and ``people`` with some examples; of one ``group``, or
    of the person called ``tag``: all faces."""
    if not (place.data / NAME).exists():
        return {"groups": [], "people": [], "more": 0, "faces": 0}
    with closing(PeopleStore(place.data / NAME, place.key)) as store:
        model = store.newest_model()
        if call.group:
            group = next((one for one in store.groups(model) if one.id == call.group), None)
            return {"faces": _shown(store, store.faces(group.faces[:_ALL]) if group else [])}
        if call.tag:
            return {"faces": _shown(store, _of_person(store, call.tag, model))}
        groups = store.groups(model, _LEAST)
        return {
            "groups": [
                {"id": one.id, "size": len(one.faces), "faces": _shown(store, store.faces(one.faces[:_SHOWN]))}
                for one in groups[call.skip : call.skip + call.limit]
            ],
            "more": max(0, len(groups) - call.skip - call.limit),
            "people": _people(store, model),
            "faces": store.counts()["faces"],
        }


def _people(store: PeopleStore, model: str) -> list[dict[str, Any]]:
    examples: dict[int, list[str]] = {}
    for one in sorted(store.examples(model), key=lambda example: -example.quality):
        shown = examples.setdefault(one.person, [])
        if one.crop and len(shown) < _EXAMPLES:
            shown.append(_address(one.crop))
    return [
        {
            "id": one.id,
            "name": one.name,
            "performer": one.performer_id,
            "examples": one.examples,
            "pictures": examples.get(one.id, []),
        }
        for one in store.people()
    ]


def _of_person(store: PeopleStore, name: str, model: str) -> list[StoredFace]:
    person = next((one for one in store.people() if one.name.casefold() == name.casefold()), None)
    if person is None:
        return []
    files = store.faces_of(store.files_of_people([person.id], model), model)
    ids = [face.id for found in files.values() for face in found if face.person == person.id]
    return store.faces(ids[:_ALL])


def _shown(store: PeopleStore, found: list[StoredFace]) -> list[dict[str, Any]]:
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
