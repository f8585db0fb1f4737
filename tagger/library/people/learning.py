"""Examples of known people: from performers' pictures, from items with one performer, from a folder of people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tagger.errors import LibraryRefusedError
from tagger.library.people.desk import Desk
from tagger.library.people.made import make
from tagger.library.progress import many
from tagger.people_store import Example, NewFace, Person
from tagger.pipeline import Pipeline
from tagger.ports import Library, Store
from tagger.types import ItemKind, ItemRef, Look, MediaItem, Performer, Scope

LEAST_WIDTH_PX = 40
_STANDS_OUT = 2.5  # the one face is so much larger than the next one
_MOST_EXAMPLES = 30  # of one person; more tell nothing new
_TURNED = 0.45
_PAGE = 500


@dataclass(slots=True)
class Learned:
    """What came of it: examples by person, pictures refused as (what, reason), performers that were made."""

    examples: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, str]] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For a person."""
        top = ", ".join(f"{name} ({n})" for name, n in self.examples.most_common(20))
        people = many(len(self.examples), "person", "people")
        lines = [f"Learned {many(self.examples.total(), 'new example')} of {people}: {top}."]
        if not self.examples:
            lines = ["No new examples were found."]
        if self.made:
            lines.append(f"Made performers: {', '.join(self.made)}.")
        if self.unknown:
            lines.append(
                f"No performers of these names, so nothing is written for them: {', '.join(self.unknown)} (--create "
                "makes them)."
            )
        lines += [f"Not an example: {what}: {reason}." for what, reason in self.refused[:50]]
        if len(self.refused) > 50:
            lines.append(f"… and {len(self.refused) - 50:,} more.")
        return lines


def prominent(faces: Sequence[NewFace], width_px: int, least_quality: float) -> tuple[NewFace | None, str]:
    """The one face of a picture or video that may be an example; else why there is none.

    ``width_px`` is the picture's width. A video's faces count by how often they are seen.
    """
    if not faces:
        return None, "no face was found"

    def size(face: NewFace) -> float:
        return face.places[0].box.area * len(face.places)

    first, *others = sorted(faces, key=lambda f: -size(f))
    others = [face for face in others if face.quality > 0.15]
    if others and size(first) < _STANDS_OUT * size(others[0]):
        return None, f"there are {1 + len(others)} faces, and none stands out"
    box = first.places[0].box
    wide = (box.x1 - box.x0) * width_px
    if width_px and wide < LEAST_WIDTH_PX:
        return None, f"the face is too small ({wide:.0f} pixels wide, {LEAST_WIDTH_PX} are needed)"
    if first.quality < least_quality:
        return None, "the face is turned away" if _turned(first) > _TURNED else "the face is blurred or hardly seen"
    return first, ""


def _turned(face: NewFace) -> float:
    """How far the nose is off the middle between the eyes, in eye distances; 0 where nothing is known."""
    if len(face.landmarks) != 5:
        return 0.0
    (ax, ay), (bx, by), (nx, ny) = face.landmarks[:3]
    length = max(1e-6, ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5)
    along = ((nx - ax) * (bx - ax) + (ny - ay) * (by - ay)) / length**2
    return float(abs(along - 0.5))


class Learner:
    """Learns for one library (None: only from folders). ``pipeline`` looks with the face model alone."""

    def __init__(self, desk: Desk, pipeline: Pipeline, library: Library | None, store: Store | None) -> None:
        self._desk, self._pipeline, self._library, self._store = desk, pipeline, library, store
        self.learned = Learned()
        self._people: dict[str, Person] = {}
        self._held: Counter[int] = Counter(e.person for e in desk.store.examples(desk.model))
        self._files = {e.fingerprint for e in desk.store.examples(desk.model)}

    # ------------------------------------------------------------ from what is there

    def from_performers(self) -> None:
        """Performers' own pictures."""
        assert self._library is not None
        performers = [p for p in self._library.performers() if p.image_url]
        by_ref = {f"performer:{p.id}": p for p in performers}
        items = [
            MediaItem(ItemRef("image", ref), "image", p.name, f"performer:{p.id}:{p.image_url.rpartition('?')[2]}",
                      url=p.image_url)
            for ref, p in by_ref.items()
        ]  # fmt: skip
        for look in self._looks(item for item in items if item.fingerprint not in self._files):
            performer = by_ref[look.item.ref.id]
            self._take(look, self._person(performer), "performer", f"the picture of {performer.name}")

    def from_items(self, scope: Scope) -> None:
        """Scenes and images with exactly one performer, put there by a person, and one prominent face."""
        assert self._library is not None
        performers = {p.id: p for p in self._library.performers()}
        for look in self._looks(self._with_one(scope)):
            (performer_id,) = look.item.performer_ids
            if performer_id in performers:
                origin = f"{look.item.ref.kind}:{look.item.ref.id}"
                self._take(look, self._person(performers[performer_id]), "item", origin, record=True)

    def _with_one(self, scope: Scope) -> Iterator[MediaItem]:
        assert self._library is not None and self._store is not None
        kinds: tuple[ItemKind, ...] = ("image", "scene")
        for kind in kinds:
            after = ""
            while kind in scope.kinds and (page := self._library.page(kind, scope, after, _PAGE)):
                after = page[-1].ref.id
                standing = self._store.standing(page)
                for item in page:
                    # What we wrote ourselves teaches us nothing.
                    theirs = item.performer_ids - standing[item.ref].our_performers
                    fresh = item.fingerprint not in self._files and not self._desk.off(item)
                    if len(item.performer_ids) == len(theirs) == 1 and fresh:
                        yield item

    # ------------------------------------------------------------ from a folder

    def from_folder(self, people: Sequence[tuple[str, Sequence[MediaItem]]], create: bool) -> None:
        """``(name, pictures)`` of each person; ``create``: those whom the library doesn't know are made performers."""
        known = self._library.performers() if self._library is not None else []
        by_name = {name.casefold(): p for p in reversed(known) for name in (*p.aliases, p.name)}
        for name, pictures in people:
            performer = by_name.get(name.casefold())
            if performer is None and create and self._library is not None and self._store is not None:
                try:
                    performer = make(self._library, self._store, name)
                    self.learned.made.append(name)
                except LibraryRefusedError as error:
                    self.learned.refused.append((name, str(error).rstrip(".")))
                    continue
            if performer is None:
                self.learned.unknown.append(name)
            person = self._person(performer) if performer else self._desk.store.person(name)
            for look in self._looks(item for item in pictures if item.fingerprint not in self._files):
                self._take(look, person, "folder", look.item.path)

    # ------------------------------------------------------------ the parts

    def _person(self, performer: Performer) -> Person:
        if performer.id not in self._people:
            self._people[performer.id] = self._desk.store.person(performer.name, performer.id)
        return self._people[performer.id]

    def _looks(self, items: Iterable[MediaItem]) -> Iterator[Look]:
        models = self._pipeline.models
        yield from self._pipeline.looks((item, models) for item in items)

    def _take(self, look: Look, person: Person, source: str, origin: str, record: bool = False) -> None:
        if look.error is not None:
            self.learned.refused.append((origin, look.error.rstrip(".")))
            return
        desk = self._desk
        if record:
            desk.record([look])
        faces = desk.faces_in(look.item, look.sightings, look.width)
        face, reason = prominent(faces, look.width, desk.likeness.least_quality)
        if face is None:
            self.learned.refused.append((origin, reason))
        elif self._held[person.id] < _MOST_EXAMPLES:
            self._add(look.item.fingerprint, face, person, source, origin)

    def _add(self, fingerprint: str, face: NewFace, person: Person, source: str, origin: str) -> None:
        desk = self._desk
        crop = face.crop if desk.wanted.crops else b""
        example = Example(
            0, person.id, desk.model, source, origin, fingerprint, face.places[0], face.vector, face.quality, crop
        )
        if desk.store.add_example(example):
            self.learned.examples[person.name] += 1
            self._held[person.id] += 1
        else:
            self.learned.refused.append((origin, "it was taken back before, or is one already"))
