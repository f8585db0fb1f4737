"""The values that travel through the program: small, frozen, typed; standard library only.

Conventions, everywhere in this project:

* ``Box`` is in **fractions of the upright picture** (0..1, x0 < x1, y0 < y1), so that it means the same on a frame
  decoded at any size; doors turn it into pixels with :meth:`Box.to_pixels`.
* Times are seconds from the start of the video (``time_s``); a picture's only frame is at 0.0.
* Points in time are ISO-8601 UTC strings with a trailing ``Z`` (``*_at``).
* ``score`` is what a model said; ``probability`` is what calibration made of it. Only probabilities are judged.
* ``model`` is ``"name@revision"``: the revision changes when the weights or the way they are fed change, never for
  labels, calibration or thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    RgbArray: TypeAlias = npt.NDArray[np.uint8]

ItemKind: TypeAlias = Literal["scene", "image", "gallery"]
MediaKind: TypeAlias = Literal["video", "image"]
Verdict: TypeAlias = Literal["apply", "review", "keep", "drop"]

ITEM_KINDS: tuple[ItemKind, ...] = ("scene", "image", "gallery")


class Box(NamedTuple):
    """A rectangle in fractions of the upright picture."""

    x0: float
    y0: float
    x1: float
    y1: float

    def to_pixels(self, width: int, height: int) -> tuple[float, float, float, float]:
        """``(x0, y0, x1, y1)`` in pixels of the upright picture, to a tenth."""
        return (
            round(self.x0 * width, 1),
            round(self.y0 * height, 1),
            round(self.x1 * width, 1),
            round(self.y1 * height, 1),
        )

    @property
    def area(self) -> float:
        """Share of the picture that the box covers, 0..1."""
        return max(0.0, self.x1 - self.x0) * max(0.0, self.y1 - self.y0)


class ItemRef(NamedTuple):
    """One item of a library: Stash's id of a scene, image or gallery; in a plain folder the path relative to it."""

    kind: ItemKind
    id: str


def parse_item(text: str) -> ItemRef | None:
    """``image:12`` → the item; None for anything else."""
    name, _, item_id = text.partition(":")
    kind = next((kind for kind in ITEM_KINDS if kind == name), None)
    return ItemRef(kind, item_id) if kind is not None and item_id else None


@dataclass(frozen=True, slots=True)
class MediaItem:
    """One item as its library describes it now.

    ``fingerprint`` identifies the primary file's bytes (``"oshash:…"``, ``"md5:…"``; of a plain folder
    ``"quick:…"``); galleries have ``"gallery:…"`` of their archive or folder, else of their origin. ``path`` is ""
    when the file lies inside an archive; then ``url`` has to do.
    ``url`` is where the library serves the file's bytes over HTTP, built from the connection, or "".
    ``tag_ids`` and ``performer_ids`` are those present now, whoever put them there. ``gallery_ids`` are the galleries
    that an image is in, ``members`` how many images a gallery has. ``updated_at`` is when anything of it was changed
    last, in ISO format ("" = not known).
    """

    ref: ItemRef
    media: MediaKind
    title: str
    fingerprint: str
    path: str = ""
    url: str = ""
    thumbnail_url: str = ""
    sprite_url: str = ""
    vtt_url: str = ""
    size_bytes: int = 0
    duration_s: float = 0.0
    width: int = 0
    height: int = 0
    date: str = ""
    organized: bool = False
    tag_ids: frozenset[str] = frozenset()
    gallery_ids: frozenset[str] = frozenset()
    members: int = 0
    performer_ids: frozenset[str] = frozenset()
    updated_at: str = ""

    @property
    def name(self) -> str:
        """What a person calls it: the title, else the file's name, else kind and id."""
        return self.title or self.path.replace("\\", "/").rsplit("/", 1)[-1] or f"{self.ref.kind} {self.ref.id}"


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded, upright picture: ``rgb`` is uint8 (h, w, 3), possibly smaller than the original.

    ``width`` and ``height`` are the original's upright size in pixels.
    """

    rgb: RgbArray
    time_s: float
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype.name != "uint8":
            raise ValueError(f"a frame is uint8 (h, w, 3), found {self.rgb.dtype} {self.rgb.shape}")


@dataclass(frozen=True, slots=True)
class Label:
    """A model says: this is (in) the frame. ``box`` is None when it speaks of the whole frame.

    ``colour`` names the box's dominant colour with its share of the box (``("red", 0.61)``), where it was taken.
    """

    name: str
    score: float
    box: Box | None = None
    colour: tuple[str, float] | None = None


Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Face(Label):
    """A face in the frame: a label "face" with its box, and what it takes to judge later whose it is.

    ``landmarks`` are right eye, left eye, nose, right and left corner of the mouth (as the person has them), x y in
    fractions of the upright picture. ``vector`` is the embedding as bytes of float16, unit length; only vectors of the
    same model may be compared. ``quality`` 0..1 says how far it can be relied on (size, sharpness, pose).
    ``crop`` is the aligned face as JPEG, b"" where none is kept. None of it ever leaves the data folder.
    """

    landmarks: tuple[Point, ...] = ()
    vector: bytes = field(default=b"", repr=False)
    quality: float = 0.0
    crop: bytes = field(default=b"", repr=False)


Finding: TypeAlias = Label


@dataclass(frozen=True, slots=True)
class FrameFindings:
    """What one model found in one frame, best score first."""

    time_s: float
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one model saw in one file: every sampled frame in time order, those with nothing found too."""

    model: str
    frames: tuple[FrameFindings, ...]


@dataclass(frozen=True, slots=True)
class Thumb:
    """A small JPEG of a sampled frame, kept so that a person can see why."""

    time_s: float
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Look:
    """The result of looking at one item: new sightings by model, or the reason why it couldn't be looked at.

    ``error`` is one sentence for a person, None when all went well. ``width``/``height`` are upright pixels.
    """

    item: MediaItem
    sightings: tuple[Sighting, ...] = ()
    thumbs: tuple[Thumb, ...] = ()
    width: int = 0
    height: int = 0
    duration_s: float = 0.0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One place that speaks for a prediction. ``score`` is the model's raw score there."""

    time_s: float
    score: float
    box: Box | None = None
    model: str = ""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What all sightings together say of one item: ``subject`` is in it with ``probability``.

    ``subject`` is the canonical label ("dog", "beach", "night"); ``label`` is the strongest raw label behind it (equal
    to ``subject`` unless a roll-up or synonym joined several). ``score`` is the strongest raw score.
    ``models`` took part.
    ``calibrated`` is False when any model that carried it has no calibration (then it reaches review at most).
    ``spans_s`` are the stretches of a video where it is seen. ``evidence`` holds the best few places, best first.
    """

    feature: str
    subject: str
    probability: float
    score: float
    label: str
    models: tuple[str, ...]
    calibrated: bool = True
    spans_s: tuple[tuple[float, float], ...] = ()
    evidence: tuple[Evidence, ...] = ()


NOT_TIMED = -1.0  # ``Row.seen_s`` of pictures, and of what has no spans


class Row(NamedTuple):
    """Of a prediction what a verdict depends on. ``seen_s``: how long it is seen in a video, or ``NOT_TIMED``.

    ``together`` says what a joined row was joined from, "" for all others.
    """

    feature: str
    subject: str
    probability: float
    calibrated: bool
    seen_s: float
    together: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A judged prediction. ``tag`` is the name it would be written under, "" when it maps to nothing.

    ``rule`` names the rule that decided and its place in the configuration (``"thresholds.apply"``,
    ``"tags.blacklist"``, ``"limits.most_tags"``); ``why`` is its one sentence for a person, made by that rule.
    """

    prediction: Prediction
    verdict: Verdict
    tag: str
    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of the library. Which one it is doesn't depend on its ``description``."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    parent_ids: tuple[str, ...] = ()
    description: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Performer:
    """Somebody in the library. ``image_url`` is where the library serves their picture, "" when they have none.
    ``ignore_auto_tag`` is what programs say of those they make; persons hardly do."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    image_url: str = ""
    ignore_auto_tag: bool = False


ChangeState: TypeAlias = Literal["planned", "sending", "done", "undone", "failed", "gone"]
Target: TypeAlias = Literal["tag", "performer"]
Action: TypeAlias = Literal["add", "remove"]


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One tag (or performer: ``target``) to be added to one item, with all that provenance needs.

    ``action`` "remove" takes one of ours back: the store accepts it only where ours is there, and when it is done the
    change that had added it is undone.

    ``tag_id`` (a performer's id for performers) may be "" until the tag exists. ``feature`` is what it is about.
    """

    ref: ItemRef
    fingerprint: str
    tag_name: str
    tag_id: str
    model: str
    score: float
    probability: float
    rule: str
    why: str
    tags_before: frozenset[str] = frozenset()
    target: Target = "tag"
    action: Action = "add"
    feature: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A row of the outbox, which is also the provenance: ``plan`` in the state ``state``, written by ``run_id``.

    planned → sending → done → undone (we took it back) or gone (a person removed it: never ours to touch again);
    failed: the library refused it for good, ``reason`` says why.
    """

    id: int
    run_id: int
    plan: PlannedChange
    state: ChangeState
    changed_at: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which items an operation is about. Empty tuples and None mean "no limit"; paths are prefixes."""

    kinds: tuple[ItemKind, ...] = ITEM_KINDS
    paths: tuple[str, ...] = ()
    exclude_paths: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    organized: bool | None = None
    date_from: str = ""
    date_to: str = ""
    min_duration_s: float = 0.0
    max_duration_s: float = 0.0


RunState: TypeAlias = Literal["running", "paused", "done", "failed", "undone"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of an operation that writes. A run that was killed or paused goes on under the same id.

    ``cursor`` is where it stands: the last settled item of each kind. ``counts`` are running totals by name
    (``looked``, ``skipped``, ``failed``, ``added``, ``review`` …).
    """

    id: int
    operation: str
    state: RunState
    started_at: str
    ended_at: str = ""
    scope: Scope = Scope()
    cursor: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    message: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that couldn't be looked at, with the reason; after two tries it is left alone until its file changes."""

    ref: ItemRef
    fingerprint: str
    path: str
    reason: str
    tries: int
    failed_at: str
