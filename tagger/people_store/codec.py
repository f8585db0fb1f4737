"""Values ↔ columns of the store of people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tagger.people_store.values import Example, NewFace, Place, Said, StoredFace
from tagger.types import Box, ItemRef

_CROP = "coalesce((SELECT c.jpeg FROM crop AS c WHERE c.face = f.id), x'')"
FACE_COLUMNS = f"""f.id, f.fingerprint, f.model, f.places, f.landmarks, f.spans, f.quality, f.score, f.vector, {_CROP},
    f.group_id, f.person, f.verdict"""
FACE_COLUMNS_WITHOUT_CROP = FACE_COLUMNS.replace(_CROP, "x''")
EXAMPLE_COLUMNS = "e.id, e.person, e.model, e.source, e.origin, e.fingerprint, e.place, e.vector, e.quality, e.crop"
SAID_COLUMNS = "s.what, s.fingerprint, s.places, coalesce(s.person, 0), s.kind, s.item_id, s.id, s.answer"


def dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def places_text(places: Sequence[Place]) -> str:
    """``[[time_s, x0, y0, x1, y1], …]``"""
    return dumps([[round(p.time_s, 3), *(round(edge, 5) for edge in p.box)] for p in places])


def places_of(text: str) -> tuple[Place, ...]:
    return tuple(Place(float(time_s), Box(*map(float, box))) for time_s, *box in json.loads(text))


def face_row(face: NewFace) -> tuple[Any, ...]:
    """places, landmarks, spans, quality, score, vector."""
    points = dumps([[round(x, 5), round(y, 5)] for x, y in face.landmarks])
    spans = dumps([[round(a, 3), round(b, 3)] for a, b in face.spans_s])
    numbers = (float(face.quality), float(face.score))
    return (places_text(face.places), points, spans, *numbers, face.vector)


def face(row: Sequence[Any]) -> StoredFace:
    """A row of ``FACE_COLUMNS``."""
    id_, fingerprint, model, places, landmarks, spans, quality, score, vector, crop, group, person, verdict = row
    new = NewFace(
        places_of(places),
        bytes(vector),
        quality,
        score,
        tuple((float(x), float(y)) for x, y in json.loads(landmarks)),
        tuple((float(a), float(b)) for a, b in json.loads(spans)),
        bytes(crop),
    )
    return StoredFace(id_, fingerprint, model, new, max(0, group), person, verdict)


def example(row: Sequence[Any]) -> Example:
    """A row of ``EXAMPLE_COLUMNS``."""
    id_, person, model, source, origin, fingerprint, place, vector, quality, crop = row
    (where,) = places_of(place)
    return Example(id_, person, model, source, origin, fingerprint, where, bytes(vector), quality, bytes(crop))


def said(row: Sequence[Any]) -> Said:
    """A row of ``SAID_COLUMNS``."""
    what, fingerprint, places, person, kind, item_id, id_, answer = row
    return Said(what, fingerprint, places_of(places), person, ItemRef(kind, item_id) if item_id else None, id_, answer)
