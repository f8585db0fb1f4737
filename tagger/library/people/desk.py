"""Where faces are kept and judged: the people's part of recording, deciding and planning for one library."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tagger.judgement.decide import Policy, fingerprint
from tagger.judgement.vocabulary import normal
from tagger.library.people.judging import PEOPLE, Wanted, decide_people, faces_in, vector_of, whose
from tagger.people.judge import People
from tagger.people.likeness import Likeness
from tagger.people.templates import Known
from tagger.people_store import Example, NewFace, PeopleStore, Person, StoredFace
from tagger.ports import Standing
from tagger.types import Decision, Look, MediaItem, Performer, PlannedChange, Prediction, Sighting

_MOST_TAUGHT = 12  # faces of a group that become examples


@dataclass(frozen=True, slots=True)
class _Circle:
    """The known people, ready to be asked."""

    people: People
    names: Mapping[int, str]
    performers: Mapping[str, str]  # name → performer's id
    with_examples: frozenset[str]  # performers whose faces are known


@dataclass
class Desk:
    """The people of one library, by one embedder (``model``). Not safe in several threads.

    :meth:`decide` and :meth:`plan` are what judging an item asks for; :meth:`record` keeps what a look found.
    """

    store: PeopleStore
    model: str
    likeness: Likeness
    policy: Policy
    wanted: Wanted = field(default_factory=Wanted)
    update: str = "replace"
    embed: Callable[[Sequence[bytes]], list[bytes]] | None = None  # kept crops → vectors
    width_px: Callable[[str], int] = lambda _: 0  # of a file's pictures, by fingerprint; 0: nobody knows
    tag_ids: frozenset[str] = frozenset()  # items with one of these are left alone
    _circle: _Circle | None = None
    _verdicts: list[tuple[int, int, str]] = field(default_factory=list)

    @property
    def settings_id(self) -> str:
        """Changes whenever the same faces, examples and words could give other decisions."""
        return fingerprint(self.model, self.likeness, self.wanted)

    @property
    def decided_id(self) -> str:
        """Changes whenever the same faces could get other verdicts: settings, and what the policy says of people."""
        policy = self.policy
        bars = (policy.apply, policy.review, policy.keep, policy.features.get(PEOPLE), policy.tags)
        rules = [
            (rule.place, rule.below, rule.thresholds, rule.features.get(PEOPLE), rule.tags, rule.modes.get(PEOPLE))
            for rule in policy.rules
        ]
        return fingerprint(self.settings_id, bars, policy.modes.get(PEOPLE), rules)

    # ------------------------------------------------------------ who is known

    @property
    def circle(self) -> _Circle:
        if self._circle is None:
            people = {person.id: person for person in self.store.people()}
            by_person: dict[int, list[tuple[bytes, float, int]]] = {}
            for example in self.store.examples(self.model):
                if example.vector and example.person in people:
                    by_person.setdefault(example.person, []).append((example.vector, example.quality, example.id))
            known = [
                Known(
                    str(person),
                    np.array([vector_of(vector) for vector, _, _ in mine]),
                    np.array([quality for _, quality, _ in mine], np.float32),
                    tuple(str(i) for _, _, i in mine),
                )
                for person, mine in by_person.items()
            ]
            self._circle = _Circle(
                People(known, self.likeness),
                {person.id: person.name for person in people.values()},
                {person.name.casefold(): person.performer_id for person in people.values()},
                frozenset(people[i].performer_id for i in by_person if people[i].performer_id),
            )
        return self._circle

    def changed(self) -> None:
        """Examples, names or settings have changed: ask the store again."""
        self._circle = None

    def _limits(self) -> tuple[frozenset[str], frozenset[str] | None]:
        names = self.circle.names
        never = frozenset(str(i) for i, name in names.items() if name.casefold() in self.wanted.never)
        only = frozenset(str(i) for i, name in names.items() if name.casefold() in self.wanted.only)
        return never, only if self.wanted.only else None

    # ------------------------------------------------------------ recording

    def off(self, item: MediaItem) -> bool:
        """Whether faces are left alone here: by the folder's rule, or by a tag."""
        return self.policy.at(item.path).mode(PEOPLE)[0] == "off" or bool(self.tag_ids & item.tag_ids)

    def record(self, looks: Iterable[Look]) -> None:
        """Keep the faces of these looks. It comes before the looks themselves are recorded: what is on record as seen
        has its faces here, however we are killed."""
        for look in looks:
            if look.error is None and any(s.model == self.model for s in look.sightings) and not self.off(look.item):
                faces = self.faces_in(look.item, look.sightings, look.width, self.wanted.to_keep)
                self.store.put_faces(look.item, self.model, faces, self.wanted.crops)

    def faces_in(
        self, item: MediaItem, sightings: Sequence[Sighting], width_px: int, wanted: Wanted | None = None
    ) -> list[NewFace]:
        """What is wanted of one look."""
        video = item.media == "video"
        return faces_in(sightings, self.model, self.likeness, video, wanted or self.wanted, width_px)

    # ------------------------------------------------------------ deciding

    def decide(self, item: MediaItem) -> list[Decision]:
        """Who is on a scene or an image, from its faces on record and all that was said of them."""
        if item.ref.kind == "gallery" or self.off(item):
            return []
        faces = self.store.faces_of([item.fingerprint], self.model)[item.fingerprint]
        (said,) = self.store.said_of([(item.fingerprint, item.ref)])
        said += self.store.parted_from(item.fingerprint)
        never, only = self._limits()
        circle = self.circle
        left = self._left_alone(faces)
        found = whose([f.face for f in faces], said, circle.people, self.likeness, never, only, left)
        decisions, verdicts = decide_people(
            [f.face for f in faces], found, circle.names, self.policy.at(item.path), self.model
        )
        for face, one, verdict in zip(faces, found, verdicts, strict=True):
            if (face.person, face.verdict) != (one.person, verdict):
                self._verdicts.append((face.id, one.person, verdict))
        # What somebody said of the item as a whole holds where no face was found, too.
        sure = [s for s in said if s.what == "is" and not s.places and s.person in circle.names]
        there = {decision.tag for decision in decisions if decision.verdict == "apply"}
        decisions = [d for d in decisions if d.tag not in {circle.names[s.person] for s in sure} or d.tag in there]
        decisions += [said_so(circle.names[s.person], self.model) for s in sure if circle.names[s.person] not in there]
        return decisions

    def _left_alone(self, faces: Sequence[StoredFace]) -> frozenset[int]:
        """Places of those that are smaller or poorer than what is wanted."""
        if not faces or self.wanted == self.wanted.to_keep:
            return frozenset()
        width_px = self.width_px(faces[0].fingerprint)
        return frozenset(i for i, one in enumerate(faces) if not self.wanted.takes(one.face, width_px))

    def decide_look(self, look: Look) -> list[Decision]:
        """The same for a look that isn't recorded."""
        if self.off(look.item):
            return []
        faces = self.faces_in(look.item, look.sightings, look.width)
        never, only = self._limits()
        found = whose(faces, (), self.circle.people, self.likeness, never, only)
        return decide_people(faces, found, self.circle.names, self.policy.at(look.item.path), self.model)[0]

    @property
    def unwritten(self) -> int:
        """How many faces were judged otherwise than they were before, and that isn't written down yet."""
        return len(self._verdicts)

    def flush(self, keep: bool = True) -> None:
        """Write down whose the faces are that were judged since; ``keep`` False: forget it."""
        if keep and self._verdicts:
            self.store.judged(self._verdicts)
        self._verdicts = []

    # ------------------------------------------------------------ planning

    def plan(self, item: MediaItem, decisions: Sequence[Decision], standing: Standing) -> list[PlannedChange]:
        """Performers to add to an item, and those of ours to take back."""
        mine = [d for d in decisions if d.prediction.feature == PEOPLE]
        plans: dict[str, PlannedChange] = {}
        wanted: set[str] = set()
        refused = {normal(name) for name in standing.people_refused}
        for decision in mine:
            if decision.verdict != "apply" or normal(decision.tag) in refused:
                continue
            performer = self.circle.performers.get(decision.tag.casefold(), "")
            wanted.add(performer)
            if performer in item.performer_ids or performer in standing.gone_performers:
                continue
            if performer or self.wanted.create:
                plans.setdefault(performer or decision.tag, _addition(item, decision, performer))
        lost = (standing.our_performers & item.performer_ids) - wanted
        return [*plans.values(), *self._removals(item, mine, lost, refused)]

    def _removals(
        self, item: MediaItem, decisions: Sequence[Decision], lost: frozenset[str], refused: set[str]
    ) -> list[PlannedChange]:
        if not lost or self.update == "add":
            return []
        names = {performer: name for name, performer in self.circle.performers.items()}
        (said,) = self.store.said_of([(item.fingerprint, item.ref)])
        not_here = {self.circle.names.get(s.person, "").casefold() for s in said if s.what == "not"}
        found = {d.tag.casefold(): d for d in decisions}
        plans = []
        for performer in sorted(lost):
            name = names.get(performer, "")
            no = name in not_here or normal(name) in refused
            # Silence isn't a "no": of somebody who isn't known any more nothing is taken back.
            if no or (performer in self.circle.with_examples and self.update == "replace"):
                plans.append(_removal(item, performer, found.get(name), name, no, self.model))
        return plans


def said_so(name: str, model: str) -> Decision:
    """Somebody said that this person is here, though no face shows it."""
    prediction = Prediction(PEOPLE, name, 1.0, 1.0, name, (model,))
    return Decision(prediction, "apply", name, "person.accepted", f"You said that {name} is here.")


def _addition(item: MediaItem, decision: Decision, performer: str) -> PlannedChange:
    said = decision.prediction
    return PlannedChange(
        item.ref, item.fingerprint, decision.tag, performer, ",".join(said.models), said.score, said.probability,
        decision.rule, decision.why, item.performer_ids, "performer", "add", PEOPLE,
    )  # fmt: skip


def _removal(
    item: MediaItem, performer: str, decision: Decision | None, name: str, no: bool, model: str
) -> PlannedChange:
    why = decision.why if decision is not None else "You said no." if no else "Nobody is recognised here as them now."
    rule = decision.rule if decision is not None else "person.refused" if no else "tags.update"
    said = decision.prediction if decision is not None else None
    return PlannedChange(
        item.ref, item.fingerprint, decision.tag if decision else name, performer, model,
        said.score if said else 0.0, said.probability if said else 0.0, rule, why, item.performer_ids, "performer",
        "remove", PEOPLE,
    )  # fmt: skip


def follow_performers(
    store: PeopleStore,
    performers: Sequence[Performer],
    unmade: Collection[str],
    is_that: Callable[[Performer, str], bool],
) -> tuple[list[str], list[Person]]:
    """Renamed and rebuilt performers are followed. Lines for a person; and people whose performer is gone.

    ``is_that``: whether a performer with another name is whom we knew by this one; else it is somebody else's id now.
    Not those that we made and deleted ourselves (``unmade``): of these only the performer is gone.
    """
    by_id = {one.id: one for one in performers}
    by_name = {name.casefold(): one for one in reversed(performers) for name in (*one.aliases, one.name)}
    lines, gone = [], []
    for person in store.people():
        there = by_id.get(person.performer_id)
        namesake = by_name.get(person.name.casefold())
        if there is not None and there.name.casefold() == person.name.casefold():
            continue
        if namesake is not None and (there is None or namesake.id != there.id):
            store.link(person.id, namesake.id, namesake.name)
        elif there is not None and not is_that(there, person.name):
            store.link(person.id, "", person.name)
            lines.append("A known person's performer is somebody else now: not followed.")
        elif there is not None:
            store.link(person.id, there.id, there.name)
            lines.append("A person was renamed in the library: followed.")
        elif person.performer_id in unmade:
            store.link(person.id, "", person.name)
        elif person.performer_id:
            gone.append(person)
    return lines, gone


def teach(desk: Desk, faces: Sequence[StoredFace], person: int, answer: int = 0) -> None:
    """The best of these faces become examples of this person; by an ``answer`` of a review, or none."""
    good = [f for f in faces if f.face.vector and f.face.quality >= desk.likeness.least_quality]
    items = desk.store.items_of(sorted({face.fingerprint for face in good}))
    for face in sorted(good, key=lambda f: -f.face.quality)[:_MOST_TAUGHT]:
        ref = next((f"{ref.kind}:{ref.id}" for ref, _ in items[face.fingerprint]), "")
        crop = face.face.crop if desk.wanted.crops else b""
        example = Example(
            0, person, face.model, "named", ref, face.fingerprint, face.best, face.face.vector, face.face.quality, crop
        )
        desk.store.add_example(example, answer)
