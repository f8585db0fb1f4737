"""What is known of people and faces, as lines for a person and data for programs; nothing changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from tagger.app import App
from tagger.figures import percent
from tagger.library.people import correcting
from tagger.library.people.desk import Desk
from tagger.library.progress import many
from tagger.operations.operation import Wish
from tagger.people_store import StoredFace

Said: TypeAlias = tuple[list[str], Mapping[str, Any]]

_TOLD = {
    "review": ", not sure",
    "keep": ", not likely",
    "drop": ", not likely",
    "is": ", as you said",
    "ignored": ", ignored",
    "not_face": ", no face",
}


def people(app: App, desk: Desk, wish: Wish) -> Said:
    """Everybody known, with how many examples, and who can't be told apart from whom."""
    del app, wish
    alike = desk.circle.people.alike
    rows: list[dict[str, Any]] = [
        {
            "id": person.id,
            "name": person.name,
            "performer": person.performer_id,
            "examples": len(desk.store.examples(desk.model, person.id)),
            "too_like": sorted(desk.circle.names[int(i)] for i in alike.get(str(person.id), ())),
        }
        for person in desk.store.people()
    ]
    lines = [
        f"{row['name']}: {many(row['examples'], 'example')}"
        + ("" if row["performer"] else " (no performer)")
        + (f"; too like {', '.join(row['too_like'])} to be told apart" if row["too_like"] else "")
        for row in rows
    ]
    counts = desk.store.counts()
    lines.append(f"{counts['people']:,} people, {counts['examples']:,} examples, {counts['faces']:,} faces on record.")
    return lines, {"people": rows, "counts": counts}


def examples(app: App, desk: Desk, wish: Wish) -> Said:
    """What counts as example, of the person named or of all; those unlike the person's others are marked."""
    del app
    chosen = correcting.person_of(desk, " ".join(wish.names)).id if wish.names else 0
    odd = {i for person in desk.circle.names for i in _odd(desk, person)}
    rows = [
        {
            "id": e.id,
            "name": desk.circle.names.get(e.person, ""),
            "source": e.source,
            "origin": e.origin,
            "quality": round(e.quality, 2),
            "odd": e.id in odd,
        }
        for e in desk.store.examples(desk.model, chosen)
    ]
    lines = [
        f"{row['id']:6} {row['name']}: {row['source']} {row['origin']}, quality {row['quality']}"
        + (" — unlike the others" if row["odd"] else "")
        for row in rows
    ]
    return lines or ["Nobody has examples yet: 'people learn' finds some."], {"examples": rows}


def _odd(desk: Desk, person: int) -> list[int]:
    try:
        return [int(i) for i in desk.circle.people.odd(str(person))]
    except KeyError:
        return []


def groups(app: App, desk: Desk, wish: Wish) -> Said:
    """Groups of unknown faces, the largest first, with names that may be right."""
    del app
    rows: list[dict[str, Any]] = [
        {
            "id": group.id,
            "size": len(group.faces),
            "suggestions": [
                {"name": name, "similarity": round(cosine, 3)} for name, cosine in correcting.suggestions(desk, faces)
            ],
            "near": _near_json(desk, faces),
            "members": [_face_json(desk, face) for face in faces],
        }
        for group in desk.store.groups(desk.model, wish.least or desk.wanted.least_group)
        for faces in [desk.store.faces(group.faces)]
    ]
    lines = [
        f"Group {row['id']}: {many(row['size'], 'face')}"
        + (f"; perhaps {row['near']['name']} ({percent(row['near']['probability'])})" if row["near"] else "")
        for row in rows
    ]
    return lines or ["No unknown faces are gathered."], {"groups": rows}


def _near_json(desk: Desk, faces: Sequence[StoredFace]) -> dict[str, Any] | None:
    near = correcting.near(desk, faces)
    return {"name": near[0], "probability": round(near[1], 3)} if near else None


def _face_json(desk: Desk, face: StoredFace) -> dict[str, Any]:
    refs = desk.store.items_of([face.fingerprint])[face.fingerprint]
    ref, path = refs[0] if refs else (None, "")
    return {
        "face": face.id,
        "item": f"{ref.kind}:{ref.id}" if ref else "",
        "path": path,
        "time_s": face.best.time_s,
        "box": [round(edge, 4) for edge in face.best.box],
        "spans_s": [list(span) for span in face.face.spans_s],
        "quality": round(face.face.quality, 3),
        "group": face.group,
        "person": desk.circle.names.get(face.person, ""),
        "verdict": face.verdict,
    }


def faces(app: App, desk: Desk, wish: Wish) -> Said:
    """The faces of items, or of groups."""
    rows = []
    for name in wish.names:
        meant = correcting.about(desk, app.library, name)
        found = meant.faces or tuple(desk.store.faces_of([meant.fingerprint], desk.model)[meant.fingerprint])
        rows += [_face_json(desk, face) for face in found]
    lines = [
        f"face:{row['face']} on {row['item']} at {row['time_s']:.1f} s, box {row['box']}: "
        f"{row['person'] or 'nobody known'}{_TOLD.get(row['verdict'], '')}"
        + (f", group {row['group']}" if row["group"] else "")
        for row in rows
    ]
    return lines or ["No faces there."], {"faces": rows}
