"""What a person does with people and faces: name, refuse, merge, split, ignore, draw, forget; the functions that pages
and the terminal call. What is said is stored first; what follows may be killed, and goes on with the next run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tagger.errors import TaggerError
from tagger.library.people import gathering
from tagger.library.people.census import change_people, forget_people
from tagger.library.people.desk import Desk, teach
from tagger.library.people.judging import vector_of
from tagger.library.people.made import make
from tagger.library.tools import Tools
from tagger.people.judge import Query
from tagger.people_store import Group, NewFace, Person, Said, SayWhat, StoredFace, same_place
from tagger.ports import Library
from tagger.types import ItemRef, parse_item

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

_WORTH_ASKING = 0.25  # a worse guess only leads astray


@dataclass(frozen=True, slots=True)
class Changed:
    """What a correction did: ``faces`` it was about, those ``left`` out since somebody had said no, ``items`` judged
    again; the ``group`` that goes on, or the new one (0: none)."""

    faces: int = 0
    left: int = 0
    items: int = 0
    group: int = 0


@dataclass(frozen=True, slots=True)
class About:
    """What is meant: some faces, or a whole item."""

    faces: tuple[StoredFace, ...] = ()
    ref: ItemRef | None = None
    fingerprint: str = ""


def about(desk: Desk, library: Library, text: str) -> About:
    """``face:12``, ``group:5``, ``image:3``, ``scene:4`` → what is meant. Raises TaggerError."""
    kind, _, number = text.partition(":")
    if kind == "face" and number.isdigit():
        if faces := desk.store.faces([int(number)]):
            return About(tuple(faces))
        raise TaggerError(f"There is no face {number}: 'people faces ITEM' and 'people groups' show them.")
    if kind == "group" and number.isdigit():
        return About(tuple(desk.store.faces(group_of(desk, int(number)).faces)))
    ref = parse_item(text)
    if ref is None or ref.kind == "gallery":
        raise TaggerError(
            f"{text} names no face: write face:12, group:5, image:3 or scene:4, or with --folder the path of a picture "
            "or video in it."
        )
    fingerprint = desk.store.file_of(ref)
    if not fingerprint:
        if not library.get([ref]):
            raise TaggerError(f"The library has no {ref.kind} {ref.id}.")
        raise TaggerError(f"{ref.kind} {ref.id} was never looked at for faces: run 'Tag library' first.")
    return About((), ref, fingerprint)


def group_of(desk: Desk, group_id: int) -> Group:
    """Raises TaggerError."""
    found = next((group for group in desk.store.groups(desk.model) if group.id == group_id), None)
    if found is None:
        raise TaggerError(f"There is no group {group_id}: 'people groups' lists them.")
    return found


def person_of(desk: Desk, name: str) -> Person:
    """Raises TaggerError when nobody has this name."""
    found = next((person for person in desk.store.people() if person.name.casefold() == name.casefold()), None)
    if found is None:
        raise TaggerError(f"Nobody known is called {name}: 'people list' shows who is.")
    return found


def near(desk: Desk, faces: Sequence[StoredFace]) -> tuple[str, float] | None:
    """Whom these faces may well be, with the probability; None when nobody known is likely enough to be asked about."""
    mean = _mean(faces)
    if mean is None or not len(desk.circle.people):
        return None
    (found,) = desk.circle.people.identify([Query(mean, max(face.face.quality for face in faces))])
    if found is None or found.probability < _WORTH_ASKING:
        return None
    return desk.circle.names[int(found.person_id)], found.probability


def suggestions(desk: Desk, faces: Sequence[StoredFace], count: int = 5) -> list[tuple[str, float]]:
    """Names for these faces, nearest first, with the cosine."""
    mean = _mean(faces)
    if mean is None or not len(desk.circle.people):
        return []
    return [(desk.circle.names[int(i)], cosine) for i, cosine in desk.circle.people.nearest(mean, count)]


def _mean(faces: Sequence[StoredFace]) -> Floats | None:
    vectors = [vector_of(face.face.vector) for face in faces if face.face.vector]
    if not vectors:
        return None
    mean = sum(vectors[1:], vectors[0])
    return mean / max(1e-9, float((mean @ mean) ** 0.5))


# ---------------------------------------------------------------- naming


def name_faces(tools: Tools, what: str, name: str, create: bool = False) -> Changed:
    """These faces are this person (a performer, or a new one): the items get the performer, and the faces teach.

    Faces of which somebody said that they are not this person are left out. Raises TaggerError.
    """
    desk = _desk(tools)
    meant = about(desk, tools.library, what)
    if not name.strip():
        raise TaggerError("A person needs a name.")
    person = _find_person(tools, desk, name, create)
    faces = _not_refused(desk, meant.faces, person.id) if what.startswith("group:") else list(meant.faces)

    def say(desk: Desk) -> None:
        if meant.ref is not None:
            desk.store.say([Said("is", meant.fingerprint, (), person.id, meant.ref)])
        teach(desk, faces, person.id)
        desk.store.say([Said("is", face.fingerprint, face.face.places, person.id) for face in faces])

    items = change_people(tools, say, why=f"naming {person.name}")
    return Changed(len(faces), len(meant.faces) - len(faces), items)


def _find_person(tools: Tools, desk: Desk, name: str, create: bool) -> Person:
    for performer in tools.library.performers():
        if name.casefold() in {known.casefold() for known in (performer.name, *performer.aliases)}:
            return desk.store.person(performer.name, performer.id)
    if not create:
        raise TaggerError(f"There is no performer {name}: name one that there is, or add --create to make one.")
    performer = make(tools.library, tools.store, name.strip())
    return desk.store.person(performer.name, performer.id)


def _not_refused(desk: Desk, faces: Sequence[StoredFace], person: int) -> list[StoredFace]:
    """A group is named in one go: whom somebody refused, or whose item, stays refused."""
    items = desk.store.items_of(sorted({face.fingerprint for face in faces}))
    left: list[StoredFace] = []
    for face in faces:
        refs: list[ItemRef | None] = [ref for ref, _ in items[face.fingerprint]]
        said = [s for some in desk.store.said_of([(face.fingerprint, ref) for ref in refs or [None]]) for s in some]
        refused = any(
            s.what == "not" and s.person == person and (not s.places or same_place(s.places, face.face.places))
            for s in said
        )
        if not refused:
            left.append(face)
    return left


# ---------------------------------------------------------------- refusing


def not_person(tools: Tools, name: str, whats: Sequence[str]) -> Changed:
    """These faces, groups or items are not this person, for ever. Raises TaggerError."""
    desk = _desk(tools)
    person = person_of(desk, name).id
    meant = [about(desk, tools.library, what) for what in whats]
    sayings = [Said("not", one.fingerprint, (), person, one.ref) for one in meant if one.ref is not None]
    faces = [face for one in meant for face in one.faces]
    sayings += [Said("not", face.fingerprint, face.face.places, person) for face in faces]

    def say(desk: Desk) -> None:
        desk.store.say(sayings)
        _unteach(desk, person, sayings)

    return Changed(len(sayings), 0, change_people(tools, say, why=f"not {name}"))


def _unteach(desk: Desk, person: int, sayings: Sequence[Said]) -> None:
    """What was refused is no example any more."""
    wrong = [
        e.id for e in desk.store.examples(person=person) for s in sayings
        if e.fingerprint == s.fingerprint and (not s.places or same_place(s.places, (e.place,)))
    ]  # fmt: skip
    desk.store.take_back_examples(wrong)


def somebody_else(tools: Tools, what: str, name: str, create: bool = False) -> Changed:
    """It is this person instead of whoever it was taken for. Raises TaggerError."""
    desk = _desk(tools)
    meant = about(desk, tools.library, what)
    other = _find_person(tools, desk, name, create).id
    taken = {(face, face.person) for face in meant.faces if face.person and face.person != other}
    wrong = [Said("not", face.fingerprint, face.face.places, person) for face, person in taken]
    desk.store.say(wrong)
    for said in wrong:
        _unteach(desk, said.person, [said])
    return name_faces(tools, what, name, create)


def mark_faces(tools: Tools, whats: Sequence[str], mark: SayWhat) -> Changed:
    """``ignored`` (posters, passers-by) or ``not_face``: never named, never gathered. Raises TaggerError."""
    desk = _desk(tools)
    meant = [about(desk, tools.library, what) for what in whats]
    if any(one.ref is not None for one in meant):
        raise TaggerError("Say which faces: face:12 or group:5 ('people faces ITEM' shows those of an item).")
    sayings = [Said(mark, face.fingerprint, face.face.places) for one in meant for face in one.faces]
    return Changed(len(sayings), 0, change_people(tools, lambda desk: desk.store.say(sayings)))


# ---------------------------------------------------------------- groups and people


def merge(tools: Tools, one: str, other: str) -> Changed:
    """Two groups (``group:1 group:2``), or two people by name (the first goes over into the second). TaggerError."""
    desk = _desk(tools)
    if one.startswith("group:") and other.startswith("group:"):
        parts = [about(desk, tools.library, one).faces, about(desk, tools.library, other).faces]
        kept = max(parts, key=len)[0].group

        def join(desk: Desk) -> None:
            gathering.put_together(desk.store, parts[0], parts[1])
            desk.store.set_groups({face.id: kept for part in parts for face in part})

        change_people(tools, join)
        return Changed(sum(map(len, parts)), group=kept)
    first, second = person_of(desk, one), person_of(desk, other)
    if first.id == second.id:
        raise TaggerError("That is the same person twice: name two.")
    return Changed(items=change_people(tools, lambda desk: desk.store.merge_people(first.id, second.id)))


def split(tools: Tools, group: str, wrong: Sequence[int] = ()) -> Changed:
    """Take faces out of a group, into one of their own; without any, its two halves part. Raises TaggerError."""
    desk = _desk(tools)
    faces = about(desk, tools.library, group).faces
    if len(faces) < 2:
        raise TaggerError("A group of one face can't be split.")
    out = set(wrong) or set(gathering.halves(faces)[1])
    taken, rest = [f for f in faces if f.id in out], [f for f in faces if f.id not in out]
    if not taken or not rest:
        raise TaggerError("Name some faces of the group, but not all of them.")
    old = faces[0].group
    new = next(i for i in sorted(f.id for f in taken) if i != old) if {f.id for f in taken} != {old} else 0
    if not new:  # Its first face alone goes: the others need another number.
        taken, rest = rest, taken
        new = min(f.id for f in taken)

    def part(desk: Desk) -> None:
        desk.store.part(taken, rest)
        desk.store.set_groups({face.id: new for face in taken})

    change_people(tools, part)
    return Changed(len(taken), group=new)


def draw(tools: Tools, ref: ItemRef, fingerprint: str, face: NewFace, name: str, create: bool = False) -> Changed:
    """A face that was missed, drawn by hand on an item, is this person. Raises TaggerError."""
    desk = _desk(tools)
    item = next(iter(tools.library.get([ref])), None)
    if item is None or item.fingerprint != fingerprint:
        raise TaggerError(f"{ref.kind} {ref.id} is gone from the library, or has another file now.")
    person = _find_person(tools, desk, name, create)
    face_id = desk.store.add_face(item, desk.model, face)

    def say(desk: Desk) -> None:
        teach(desk, desk.store.faces([face_id]), person.id)
        desk.store.say([Said("is", fingerprint, face.places, person.id)])

    return Changed(1, 0, change_people(tools, say, why=f"naming {person.name}"), 0)


# ---------------------------------------------------------------- forgetting


def take_back(tools: Tools, ids: Sequence[int]) -> Changed:
    """These are no examples any more, and are not learned again."""
    count = _desk(tools).store.take_back_examples(ids)
    return Changed(count, 0, change_people(tools, lambda _: None))


def forget(tools: Tools, name: str) -> Changed:
    """Everything known of this person's face. Performers in the library stay where they are. Raises TaggerError."""
    desk = _desk(tools)
    person = person_of(desk, name)
    return Changed(items=change_people(tools, lambda desk: forget_people(desk, [person])))


def _desk(tools: Tools) -> Desk:
    if tools.judge.people is None:
        raise TaggerError("People are off, or their model isn't here: set features.people and run 'Set up'.")
    return tools.judge.people
