"""The faces of one file → whose they are → decisions of the feature ``people``. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tagger.figures import against, percent
from tagger.judgement.decide import NEVER, NOT_PROMISED, Bar, Policy
from tagger.people.judge import Identity, People, Query
from tagger.people.likeness import Likeness
from tagger.people.tracks import View, tracks
from tagger.people_store import NewFace, Place, Said, same_place
from tagger.types import Decision, Evidence, Face, Prediction, Sighting, Verdict

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

PEOPLE = "people"  # the feature
CONFIRMED, IGNORED = "is", "ignored"
LEAST_FACE_PX = 16  # what is narrower isn't kept; the rest is, so that limits can change without a look
_MOST_EVIDENCE = 4
_MOST_PLACES = 64


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person set. ``only`` and ``never`` are names (casefolded); ``exclude_tags`` are names of tags."""

    least_face_px: int = LEAST_FACE_PX
    least_quality: float = 0.0
    least_group: int = 2
    create: bool = False
    only: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()
    exclude_tags: tuple[str, ...] = ()
    crops: bool = True

    @property
    def to_keep(self) -> Wanted:
        """The same with the limits for what is recorded: judging has the others."""
        return replace(self, least_face_px=min(self.least_face_px, LEAST_FACE_PX), least_quality=0.0)

    def takes(self, face: NewFace, width_px: int) -> bool:
        """Whether a face is large and good enough; ``width_px`` is the picture's, 0 when nobody knows it."""
        box = face.places[0].box
        wide = (box.x1 - box.x0) * width_px
        return face.quality >= self.least_quality and (not width_px or wide >= self.least_face_px)


@dataclass(frozen=True, slots=True)
class Whose:
    """What is known of one face now. ``said`` is a person's word (is, ignored, not_face), else ""; a face that the
    settings leave alone is ignored, too. ``person`` is 0 when nobody known is likely.
    """

    said: str = ""
    person: int = 0
    identity: Identity | None = None


def vector_of(data: bytes) -> Floats:
    """float16 bytes → (d,) float32."""
    return np.frombuffer(data, np.float16).astype(np.float32)


def faces_in(sightings: Sequence[Sighting], model: str, likeness: Likeness, video: bool, wanted: Wanted,
             width_px: int) -> list[NewFace]:  # fmt: skip
    """What is kept of one look: each face of a picture, or each person followed through a video."""
    frames = [frame for sighting in sightings if sighting.model == model for frame in sighting.frames]
    seen = [
        (frame.time_s, face)
        for frame in frames
        for face in frame.findings
        if isinstance(face, Face) and face.box is not None and face.vector and face.quality >= wanted.least_quality
        and (face.box.x1 - face.box.x0) * (width_px or 10_000) >= wanted.least_face_px
    ]  # fmt: skip
    if not video:
        return [_single(time_s, face) for time_s, face in seen]
    views = [
        View(time_s, face.box, vector_of(face.vector), face.quality) for time_s, face in seen if face.box is not None
    ]
    found = []
    for track in tracks(views, likeness, [frame.time_s for frame in frames]):
        _, best = seen[track.best]
        order = [track.best, *(i for i in track.views if i != track.best)]
        places = tuple(Place(views[i].time_s, views[i].box) for i in order[:_MOST_PLACES])
        vector = track.vector.astype(np.float16).tobytes()
        found.append(
            NewFace(places, vector, track.quality, best.score, best.landmarks, track.spans_s, best.crop)
        )  # fmt: skip
    return found


def _single(time_s: float, face: Face) -> NewFace:
    assert face.box is not None
    return NewFace((Place(time_s, face.box),), face.vector, face.quality, face.score, face.landmarks, (), face.crop)


def whose(
    faces: Sequence[NewFace],
    said: Sequence[Said],
    people: People,
    likeness: Likeness,
    never: frozenset[str] = frozenset(),
    only: frozenset[str] | None = None,
    left: Collection[int] = (),
) -> list[Whose]:
    """Whose each face of one file is; those at ``left`` are left alone unless somebody said whose they are.

    Ids of people are text here, as :mod:`tagger.people.judge` has them.
    """
    everywhere = {str(s.person) for s in said if s.what == "not" and not s.places}
    found: list[Whose] = []
    refused: list[set[str]] = []
    for i, face in enumerate(faces):
        here = [s for s in said if s.places and same_place(s.places, face.places)]
        word = next((s for s in reversed(here) if s.what != "not"), None)
        found.append(Whose(word.what, word.person) if word is not None else Whose(IGNORED if i in left else ""))
        refused.append({str(s.person) for s in here if s.what == "not"} | everywhere | never)
    vectors = [vector_of(face.vector) for face in faces]
    for together in _seen_at_once(faces):
        taken = [(str(found[i].person), vectors[i]) for i in together if found[i].said == CONFIRMED]
        open_ = [i for i in together if not found[i].said]
        queries = []
        for i in open_:
            # One person isn't twice in a picture, unless it looks so (a mirror).
            others = {p for p, vector in taken if not len(vectors[i]) or not len(vector)
                      or float(vector @ vectors[i]) < likeness.genuine_mean}  # fmt: skip
            queries.append(Query(vectors[i], faces[i].quality, frozenset(refused[i] | others), only))
        asked = [k for k, i in enumerate(open_) if len(vectors[i])]
        answers = people.identify([queries[k] for k in asked]) if len(people) else []
        for k, identity in zip(asked, answers, strict=False):
            if identity is not None:
                found[open_[k]] = Whose("", int(identity.person_id), identity)
    return found


def _seen_at_once(faces: Sequence[NewFace]) -> list[list[int]]:
    """Faces that are seen in one frame, and those with whom these are, and so on."""
    left = list(range(len(faces)))
    times = [{place.time_s for place in face.places} for face in faces]
    parts = []
    while left:
        part, seen = [left.pop(0)], set[float]()
        seen |= times[part[0]]
        while more := [i for i in left if times[i] & seen]:
            part += more
            left = [i for i in left if i not in more]
            for i in more:
                seen |= times[i]
        parts.append(part)
    return parts


def decide_people(
    faces: Sequence[NewFace],
    found: Sequence[Whose],
    names: Mapping[int, str],
    policy: Policy,
    model: str,
) -> tuple[list[Decision], list[str]]:
    """Decisions of one file, the surest first; and the verdict of each face ("" where nobody is likely)."""
    verdicts = [one.said for one in found]
    by_person: dict[int, list[int]] = {}
    for i, one in enumerate(found):
        if one.person in names and one.said in ("", CONFIRMED):
            by_person.setdefault(one.person, []).append(i)
    decisions = []
    for mine in by_person.values():
        each = {i: _decision(faces[i], found[i], names, policy, model) for i in mine}
        for i, decision in each.items():
            verdicts[i] = verdicts[i] or decision.verdict
        # Of several places the best verdict counts, then the surest.
        best = max(mine, key=lambda i: (_RANK[each[i].verdict], each[i].prediction.probability))
        joined = replace(
            each[best].prediction,
            spans_s=_joined(span for i in mine for span in faces[i].spans_s),
            evidence=tuple(each[i].prediction.evidence[0] for i in [best, *(i for i in mine if i != best)])[
                :_MOST_EVIDENCE
            ],
        )
        decisions.append(replace(each[best], prediction=joined))
    return sorted(decisions, key=lambda d: (-d.prediction.probability, d.tag)), verdicts


_RANK: Mapping[Verdict, int] = {"drop": 0, "keep": 1, "review": 2, "apply": 3}


def _decision(face: NewFace, one: Whose, names: Mapping[int, str], policy: Policy, model: str) -> Decision:
    name = names[one.person]
    score = one.identity.similarity if one.identity is not None else 1.0
    chance = one.identity.probability if one.identity is not None else 1.0
    sure = one.identity is None or one.identity.sure
    place = face.places[0]
    prediction = Prediction(
        PEOPLE, name, round(chance, 4), score, name, (model,), sure, face.spans_s,
        (Evidence(place.time_s, max(0.0, score), place.box, model),),
    )  # fmt: skip
    if one.identity is None:
        return Decision(prediction, "apply", name, "person.accepted", f"You said that this is {name}.")
    verdict, rule, more = _verdict(name, chance, sure, policy)
    return Decision(prediction, verdict, name, rule, f"{_named(one.identity.why, names)} {more}".strip())


def _verdict(name: str, chance: float, sure: bool, policy: Policy) -> tuple[Verdict, str, str]:
    mode, place = policy.mode(PEOPLE)
    if mode in ("look", "off"):
        return "keep", place, f"People are only remembered, as {place} says."
    bar: Bar = policy.bar(PEOPLE, name)
    if chance < bar.keep:
        return "drop", f"{bar.place}.keep", "{} is below {}.".format(*against(chance, bar.keep))
    if chance < bar.review:
        return "keep", f"{bar.place}.review", "{} is below {}.".format(*against(chance, bar.review))
    if bar.apply == NEVER:
        return "review", f"{bar.place}.apply", f"{percent(chance)}, {NOT_PROMISED}"
    if chance < bar.apply:
        return "review", f"{bar.place}.apply", "{} is below {}.".format(*against(chance, bar.apply))
    if not sure:
        return "review", "people.doubts", ""
    if mode == "review":
        return "review", place, f"People are never applied without you, as {place} says."
    return "apply", f"{bar.place}.apply", "{} is at least {}.".format(*against(chance, bar.apply))


def _named(why: str, names: Mapping[int, str]) -> str:
    for person, name in names.items():
        why = why.replace(f"{{{person}}}", name)
    return why


def _joined(spans: object) -> tuple[tuple[float, float], ...]:
    ordered = sorted(spans)  # type: ignore[call-overload]
    joined: list[tuple[float, float]] = []
    for start, end in ordered:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
