"""Faces, measured on pictures with known people; and what cosines mean, fitted and written into the embedder's yaml.

    python -m bench.faces measure --media DIR [--mirror DIR] [--model mobilefacenet]
    python -m bench.faces fit     --media DIR [--mirror DIR] [--model mobilefacenet] [--write]

``--media`` (or AI_TAGGER_TEST_MEDIA) holds ``faces/`` with a folder a person and group pictures, and ``objects*/``,
whose pictures are full of strangers (no two pictures there show the same person, as far as is known).
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from tagger.catalogue import SHIPPED, FaceEmbedderSpec, Source, fetch, load
from tagger.engines.onnx import OnnxEngine
from tagger.library.people.gathering import trust
from tagger.people.grouping import FaceBatch, Grouper
from tagger.people.judge import Identity, People, Query
from tagger.people.likeness import Likeness
from tagger.people.templates import Known
from tagger.ports import Recognizer
from tagger.recognizers import build
from tagger.types import Face, Frame

# Who stands where in the group pictures, from left to right; "" is a passer-by (in bbt2 somebody out of focus, with
# glasses, at another table: he may stay unknown, and must not be named).
GROUPS = {
    "bbt1.jpg": ("raj", "leonard", "howard", "sheldon"),
    "bbt2.jpg": ("", "leonard", "sheldon"),
    "bbt3.jpg": ("sheldon", "howard", "penny", "raj", "leonard"),
    "bbt4.jpg": ("leonard", "amy", "raj", "penny", "sheldon", "bernadette"),
    "bbt5.jpg": ("raj", "penny", "sheldon", "leonard", "howard"),
}
_PICTURE_SIDE_PX = 1280
_APPLY, _REVIEW = 0.90, 0.70
_STRANGERS_FROM = 0.5
_CAUTION = 1.10  # on the impostors' deviation: few people, hardly a child, an old photograph or dark skin among them

Floats = npt.NDArray[np.float32]
Change: TypeAlias = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A face with its truth: ``person`` "" = a stranger."""

    person: str
    picture: str
    vector: Floats
    quality: float
    score: float = 1.0


def recogniser(name: str, source: Source, folder: Path) -> tuple[FaceEmbedderSpec, Recognizer]:
    """The embedder of this name with its detector."""
    spec = load().get(name)
    if not isinstance(spec, FaceEmbedderSpec):
        raise SystemExit(f"{name} is no face embedder")
    fetch(spec, folder, source)
    return spec, build(spec, folder, lambda weights: OnnxEngine(weights, "cpu"))


def faces_of(path: Path, recognizer: Recognizer) -> list[Face]:
    """Faces in a picture's file, from left to right."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    return faces_in(np.asarray(bgr, np.uint8), recognizer) if bgr is not None else []


def faces_in(bgr: npt.NDArray[np.uint8], recognizer: Recognizer) -> list[Face]:
    """Faces in a picture (h, w, 3), from left to right."""
    height, width = bgr.shape[:2]
    scale = min(1.0, _PICTURE_SIDE_PX / max(height, width))
    rgb = np.asarray(cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)[:, :, ::-1]
    found = recognizer.recognise([Frame(np.ascontiguousarray(rgb), 0.0, width, height)])[0]
    return sorted((f for f in found if isinstance(f, Face) and f.box), key=lambda f: f.box.x0 if f.box else 0.0)


def vector(face: Face) -> Floats:
    """Its embedding (d,)."""
    return np.frombuffer(face.vector, np.float16).astype(np.float32)


def portraits(media: Path, recognizer: Recognizer, change: Change | None = None) -> list[Example]:
    """The largest face of every picture in a person's folder; ``change`` is done to the pictures first."""
    examples = []
    for path in sorted((media / "faces").glob("*/*")):
        bgr = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR), np.uint8)
        faces = faces_in(change(bgr) if change else bgr, recognizer)
        if faces:
            best = max(faces, key=lambda f: f.box.area if f.box else 0.0)
            examples.append(Example(path.parent.name, path.name, vector(best), best.quality, best.score))
    return examples


def groups(media: Path, recognizer: Recognizer) -> dict[str, list[Example]]:
    """Faces of the group pictures with their truth; a picture in which others are found than there are is refused."""
    found = {}
    for name, people in GROUPS.items():
        faces = faces_of(media / "faces" / name, recognizer)
        if len(faces) != len(people):
            raise SystemExit(f"{name}: {len(people)} faces are there, {len(faces)} were found")
        found[name] = [Example(p, name, vector(f), f.quality, f.score) for p, f in zip(people, faces, strict=True)]
    return found


def strangers(media: Path, recognizer: Recognizer) -> list[Example]:
    """Faces of everybody else."""
    paths = [*sorted((media / "objects").glob("*.jpg")), *sorted((media / "objects128").glob("*.jpg"))]
    return [Example("", p.name, vector(f), f.quality, f.score) for p in paths for f in faces_of(p, recognizer)]


def known(examples: Sequence[Example]) -> list[Known]:
    """Examples → known people."""
    people = sorted({e.person for e in examples} - {""})
    mine = {p: [e for e in examples if e.person == p] for p in people}
    return [
        Known(p, np.array([e.vector for e in some]), np.array([e.quality for e in some], np.float32))
        for p, some in mine.items()
    ]


def fit(faces: Sequence[Example], others: Sequence[Example], before: Likeness) -> Likeness:
    """Both distributions from pairs across pictures with at least one face of a known person in them.

    The impostors' deviation is the larger of the measured one and the one that puts a normal tail where the 99.9th
    percentile lies: few pictures say little of the tail. (Strangers among themselves are left out: things that the
    detector takes for faces, clocks and doughnuts, resemble each other, but nobody known.) ``blur`` is never less than
    it was: that poor pictures lower certainty is not left to a small sample.
    """
    fair = [*faces, *(e for e in others if e.quality >= _STRANGERS_FROM)]
    vectors = np.array([e.vector for e in fair])
    cosines = vectors @ vectors.T
    person = np.array([e.person or f"stranger {e.picture}" for e in fair])
    picture = np.array([e.picture for e in fair])
    upper = np.triu(np.ones_like(cosines, bool), 1) & (picture[:, None] != picture[None])
    upper[len(faces) :] = False
    genuine = cosines[upper & (person[:, None] == person[None])]
    impostor = cosines[upper & (person[:, None] != person[None])]
    mean = float(impostor.mean())
    tail = (float(np.quantile(impostor, 0.999)) - mean) / 3.09
    poor = [e for e in others if e.quality < before.least_quality]
    blur = before.blur
    if poor:
        rough = (np.array([e.vector for e in poor]) @ np.array([e.vector for e in faces]).T).ravel()
        blur = max(before.blur, (float(np.quantile(rough, 0.999)) - mean) / 3.09 / max(tail, float(impostor.std())) - 1)
    return replace(
        before,
        genuine_mean=float(genuine.mean()),
        genuine_deviation=float(genuine.std()),
        impostor_mean=mean,
        impostor_deviation=_CAUTION * max(float(impostor.std()), tail),
        blur=blur,
        fitted=True,
    )


def ask(people: People, face: Example) -> Identity | None:
    """Who a face is, alone in its picture."""
    return people.identify([Query(face.vector, face.quality)])[0]


def verdict(identity: Identity | None) -> str:
    """apply, review or unknown."""
    if identity is None or identity.probability < _REVIEW:
        return "unknown"
    return "apply" if identity.sure and identity.probability >= _APPLY else "review"


def tally(name: str, rows: Sequence[tuple[Identity | None, str]]) -> str:
    """Counts of what was said of faces whose truth is known."""
    said = [(verdict(identity), identity is not None and identity.person_id == truth) for identity, truth in rows]
    count = {key: said.count(key) for key in sorted(set(said))}
    return f"{name}: {len(rows)} faces; " + ", ".join(
        f"{v} {'right' if ok else 'wrong' if v != 'unknown' else 'or nobody'} {n}" for (v, ok), n in count.items()
    )


def measure(
    faces: Sequence[Example], parties: dict[str, list[Example]], others: Sequence[Example], like: Likeness
) -> None:
    """Print the figures of the issue."""
    vectors, person = np.array([e.vector for e in faces]), np.array([e.person for e in faces])
    cosines, upper = vectors @ vectors.T, np.triu(np.ones((len(faces), len(faces)), bool), 1)
    same, different = cosines[upper & (person[:, None] == person)], cosines[upper & (person[:, None] != person)]
    print(f"pairs: same 5th percentile {np.percentile(same, 5):.3f}, median {np.median(same):.3f}; ", end="")
    print(f"different at most {different.max():.3f}")
    for most in (1, 2, 4):
        print(tally(f"leave one out, {most} examples", leave_one_out(faces, like, most)))
    print(tally("hold out each person", hold_out(faces, like)))
    everybody = People(known(faces), like)
    print(tally("strangers", [(ask(everybody, e), "") for e in others]))
    found = gathered([*faces, *(e for party in parties.values() for e in party)], others, like)
    print(f"names hidden: {found.pure:.1%} pure, {found.whole:.1%} gathered; ", end="")
    print(f"{found.groups} groups of two and more, {found.mixed} of them not one person's")
    for name, party in parties.items():
        judged = everybody.identify([Query(e.vector, e.quality) for e in party])
        print(tally(name, [(identity, e.person) for identity, e in zip(judged, party, strict=True)]))
        for identity, e in zip(judged, party, strict=True):
            p = (
                f"{identity.person_id} {identity.probability:.3f} cos {identity.similarity:.2f}"
                if identity
                else "nobody"
            )
            print(f"    {e.person or 'stranger':11} q {e.quality:.2f} → {verdict(identity):7} {p}")


class Gathered(NamedTuple):
    """All names hidden: shares of faces in groups with people that are of the group's person, and of people's faces
    that are in their person's largest group; groups of two and more, and how many of these aren't one person's."""

    pure: float
    whole: float
    groups: int
    mixed: int


def gathered(faces: Sequence[Example], others: Sequence[Example], like: Likeness) -> Gathered:
    """Groups as a library's are made."""
    every = [*faces, *others]
    names = sorted({e.picture for e in every})
    pictures = np.array([names.index(e.picture) for e in every])
    grouper = Grouper(like, len(every[0].vector))
    trusted = np.array([trust(e.quality, e.score) for e in every], np.float32)
    grouper.add(FaceBatch(np.arange(1, len(every) + 1), np.array([e.vector for e in every]), trusted, pictures))
    groups = [[every[i - 1] for i in members] for members in grouper.groups(2).values()]
    truths = [[e.person or e.picture for e in group] for group in groups]
    of_people = [truth for truth, group in zip(truths, groups, strict=True) if any(e.person for e in group)]
    pure = sum(max(map(truth.count, truth)) for truth in of_people) / max(1, sum(map(len, of_people)))
    people = sorted({e.person for e in faces} - {""})
    most = sum(max(truth.count(p) for truth in [*of_people, []]) for p in people)
    mixed = sum(len(set(truth)) > 1 for truth in truths)
    return Gathered(pure, most / sum(e.person != "" for e in faces), len(groups), mixed)


def leave_one_out(
    faces: Sequence[Example], like: Likeness, most: int, examples: Sequence[Example] = ()
) -> list[tuple[Identity | None, str]]:
    """Each face against everybody's other pictures (``examples``, or these faces), at most ``most`` a person."""
    rows = []
    for face in faces:
        rest = [e for e in examples or faces if e.picture != face.picture]
        some = [e for e in rest if sum(o.person == e.person for o in rest[: rest.index(e)]) < most]
        rows.append((ask(People(known(some), like), face), face.person))
    return rows


def hold_out(
    faces: Sequence[Example], like: Likeness, examples: Sequence[Example] = ()
) -> list[tuple[Identity | None, str]]:
    """Each face against everybody but its own person."""
    rows = []
    for face in faces:
        others = [e for e in examples or faces if e.person != face.person]
        rows.append((ask(People(known(others), like), face), ""))
    return rows


def crossed(faces: Sequence[Example], others: Sequence[Example], before: Likeness) -> str:
    """Leave-one-out figures for each person by a fit that never saw them: what new people can expect."""
    rows: list[tuple[Identity | None, str]] = []
    for person in sorted({e.person for e in faces} - {""}):
        like = fit([e for e in faces if e.person != person], others, before)
        mine = [i for i, e in enumerate(faces) if e.person == person]
        rows += [row for i, row in enumerate(leave_one_out(faces, like, 4)) if i in mine]
        rows += [row for i, row in enumerate(hold_out(faces, like)) if i in mine]
    said = [
        (identity.probability if identity else 0.0, bool(identity and identity.person_id == t)) for identity, t in rows
    ]
    brier = float(np.mean([(p - ok) ** 2 for p, ok in said]))
    applied = [identity.person_id == t for identity, t in rows if identity and verdict(identity) == "apply"]
    return f"Brier {brier:.4f}; {len(applied)} of {len(rows)} applied, {applied.count(False)} wrong"


def write(spec: FaceEmbedderSpec, like: Likeness, how: str) -> None:
    """``identity:`` of the yaml, replaced."""
    path = SHIPPED / f"{spec.name}.yaml"
    text = re.sub(r"\nidentity:\n(?:  .*\n)*", "\n", path.read_text("utf-8"))
    lines = [
        "identity:",
        f"  genuine: {{mean: {like.genuine_mean:.3f}, deviation: {like.genuine_deviation:.3f}}}",
        f"  impostor: {{mean: {like.impostor_mean:.3f}, deviation: {like.impostor_deviation:.3f}}}",
        f"  blur: {like.blur:.2f}",
        f"  prior: {like.prior}",
        f"  false_accepts: {like.false_accepts}",
        f"  margin: {like.margin}",
        f"  twins: {like.twins}",
        f"  least_quality: {like.least_quality}",
        f"  fitted: >-\n    {how}",
    ]
    path.write_text(text.rstrip("\n") + "\n" + "\n".join(lines) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Faces: measure, or fit what cosines mean.")
    parser.add_argument("what", choices=("measure", "fit"))
    parser.add_argument("--media", type=Path, default=os.environ.get("AI_TAGGER_TEST_MEDIA"))
    parser.add_argument("--mirror", default=os.environ.get("AI_TAGGER_MIRROR", ""))
    parser.add_argument("--model", default="mobilefacenet")
    parser.add_argument("--write", action="store_true", help="fit: write it into the model's yaml")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spec, recognizer = recogniser(args.model, Source(args.mirror), Path(folder))
        faces, parties = portraits(args.media, recognizer), groups(args.media, recognizer)
        others = strangers(args.media, recognizer)
    like = Likeness.of(spec.identity)
    if args.what == "fit":
        seen = [*faces, *(e for party in parties.values() for e in party if e.person)]
        like = fit(seen, others, like)
        how = (
            f"bench.faces fit on {len(seen)} faces of {len({e.person for e in seen})} people and {len(others)} of "
            f"strangers; each person by a fit without them, known and unknown: {crossed(faces, others, like)}."
        )
        print(like, how, sep="\n")
        if args.write:
            write(spec, like, how)
    measure(faces, parties, others, like)


if __name__ == "__main__":
    main()
