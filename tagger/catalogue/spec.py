"""What a ``models/*.yaml`` says, as strict frozen values: one class a family, chosen by ``family``."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    PrivateAttr,
    TypeAdapter,
    model_validator,
)

from tagger.errors import ModelError
from tagger.judgement.calibration import Calibration, Context, Curve, logit

# Weights whose sha256 nobody could write down beforehand: recorded at the first download, checked ever after. No other.
PINNED_AT_FIRST_FETCH = frozenset({"resnet18-places365"})

Fraction = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="small letters, digits, dots and dashes, such as my-model"
    ),
]
Feature = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$", description="small letters, digits and underscores, such as objects")
]
Triple: TypeAlias = tuple[float, float, float]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


def recorded_sha256(place: Path) -> str:
    """The sha256 noted beside a fetched file when it was checked, "" without a note."""
    try:
        return place.with_name(place.name + ".sha256").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


class FileSpec(_Strict):
    """One file of a model: fetched from ``url``, taken from a mirror by ``name`` + sha256, or used where it lies."""

    url: str = Field("", pattern=r"^(https://.+)?$", description="an address that begins with https://")
    name: str = ""
    path: str = ""
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$", description="64 hexadecimal digits")
    bytes: int = Field(0, ge=0)
    licence: str = ""
    pin: Literal["", "first fetch"] = ""

    @model_validator(mode="after")
    def _one_way_to_get_it(self) -> FileSpec:
        if self.path:
            if self.url or self.pin:
                raise ValueError("a file with a path lies on this machine: leave url and pin out")
        elif not self.filename:
            raise ValueError("give a url, a name (found in a mirror) or a path (a file of your own)")
        elif bool(self.sha256) == bool(self.pin):
            raise ValueError("a file that is fetched needs its sha256 (64 hexadecimal digits)")
        if "/" in self.name or "\\" in self.name or self.filename in {".", ".."}:
            raise ValueError("name is a file name without folders")
        return self

    @property
    def known_as(self) -> tuple[str, ...]:
        """Names it may have in a mirror: ours, and its address's."""
        return tuple(
            dict.fromkeys(n for n in (self.filename, PurePosixPath(unquote(urlsplit(self.url).path)).name) if n)
        )

    @property
    def filename(self) -> str:
        """The name it is kept under and looked for in a mirror."""
        if self.name:
            return self.name
        return PurePosixPath(self.path.replace("\\", "/") or unquote(urlsplit(self.url).path)).name


class InputSpec(_Strict):
    """How a picture is fed: resized, then ``(pixel · scale − mean) / std`` for each channel.

    ``size`` is (width, height). ``short_side`` is what the short side (short-side-crop), or both
    sides (stretch-crop), are resized to before the centre crop.
    ``name`` "" means the model's only (first) input.
    """

    name: str = ""
    size: tuple[PositiveInt, PositiveInt]
    layout: Literal["nchw", "nhwc"] = "nchw"
    colour: Literal["rgb", "bgr"] = "rgb"
    dtype: Literal["float32", "float16", "uint8"] = "float32"
    scale: float = 1.0
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    resize: Literal["stretch", "letterbox-top-left", "letterbox-centre", "short-side-crop", "stretch-crop"] = "stretch"
    pad: int = Field(114, ge=0, le=255)
    short_side: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _crop_fits(self) -> InputSpec:
        if self.resize.endswith("crop") and self.short_side < max(self.size):
            raise ValueError("a resize that crops needs short_side, at least as large as size")
        if any(deviation <= 0 for deviation in self.std):
            raise ValueError("std must be positive")
        return self


class CurveSpec(_Strict):
    """One logistic curve on the logit of a frame's score; ``labels`` holds own curves as [slope, intercept].

    ``crowd``, ``rival``, ``area``: how a detector's boxes become that score
    (:class:`tagger.judgement.calibration.Context`).
    """

    slope: float = Field(gt=0)
    intercept: float
    crowd: float = 0.0
    rival: float = 0.0
    area: float = 0.0
    labels: dict[str, tuple[Annotated[float, Field(gt=0)], float]] = {}
    fitted: str = ""


class ModelSpec(_Strict):
    """One model of the catalogue. ``model`` (``"name@revision"``) is what its sightings are stored under.

    ``groups`` (group → labels, or a file of them) are roll-ups; ``only_groups``: single labels are too fine for tags.
    """

    name: Name
    revision: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9._-]{1,32}$",
            coerce_numbers_to_str=True,
            description="letters, digits, dots and dashes, such as 1",
        ),
    ]
    title: str = ""
    feature: Feature
    engine: Literal["onnx"] = "onnx"
    files: tuple[FileSpec, ...] = Field(min_length=1)
    source: str = ""
    looks_at: Annotated[str, AfterValidator(lambda said: "face" if said == "faces" else said)] = Field(
        "frame", min_length=1
    )
    input: InputSpec
    batch: PositiveInt = 1
    labels: tuple[str, ...] | str
    labels_offset: int = Field(0, ge=0)
    groups: dict[str, tuple[str, ...]] | str = {}
    only_groups: bool = False
    calibration: CurveSpec | None = None
    presets: frozenset[Literal["fast", "accurate"]] = frozenset()
    tested: bool = False
    notes: str = ""

    _yaml: Path = PrivateAttr(default=Path())
    _label_folders: tuple[Path, ...] = PrivateAttr(default=())
    _own: bool = PrivateAttr(default=False)

    @model_validator(mode="after")
    def _pins_are_rare(self) -> ModelSpec:
        if self.name not in PINNED_AT_FIRST_FETCH and any(file.pin for file in self.files):
            raise ValueError("a file needs its sha256: pin is not allowed for this model")
        return self

    @property
    def model(self) -> str:
        """``"name@revision"``."""
        return f"{self.name}@{self.revision}"

    @property
    def yaml(self) -> Path:
        """The file that describes it."""
        return self._yaml

    @property
    def own(self) -> bool:
        """Whether it is a user's own yaml."""
        return self._own

    @property
    def members(self) -> dict[str, frozenset[str]]:
        """Its roll-ups: group → labels."""
        groups = self.groups if isinstance(self.groups, dict) else {}
        return {group: frozenset(labels) for group, labels in groups.items()}

    @property
    def weights(self) -> FileSpec:
        """The file that the engine loads: the first one."""
        return self.files[0]

    @property
    def bytes(self) -> int:
        """Size of all its files that are fetched, as far as known."""
        return sum(file.bytes for file in self.files if not file.path)

    @property
    def licence(self) -> str:
        """Licences of its files, in words."""
        return ", ".join(dict.fromkeys(file.licence for file in self.files if file.licence)) or "not stated"

    def place(self, file: FileSpec, folder: Path) -> Path:
        """Where ``file`` lies, or will: below ``folder`` in the model's own folder, or where a user's path says."""
        return (self._yaml.parent / Path(file.path).expanduser()) if file.path else folder / self.name / file.filename

    def installed(self, folder: Path) -> bool:
        """Whether all its files are there, as this revision wants them (their sha256 was checked when they came)."""
        return all(self.present(file, folder) for file in self.files)

    def present(self, file: FileSpec, folder: Path) -> bool:
        """Whether ``file`` is there, with the sha256 that the yaml asks for (by the note written when it came)."""
        place = self.place(file, folder)
        if file.path:
            return place.is_file()
        came_with = recorded_sha256(place)
        return place.is_file() and bool(came_with) and file.sha256 in ("", came_with)

    def read_labels(self, folder: Path) -> tuple[str, ...]:
        """Labels by index; "" where an index means nothing. Raises ModelError when the list can't be read."""
        listed = self._lines(self.labels, folder) if isinstance(self.labels, str) else self.labels
        return ("",) * self.labels_offset + listed

    def calibrated(self, folder: Path) -> Calibration:
        """What its raw scores mean: the fitted curves, or an untrusted reading of them."""
        try:
            known = frozenset(self.read_labels(folder)) - {""}
        except ModelError:
            known = frozenset()
        groups = frozenset(self.members)
        if self.calibration is None:
            return self._unfitted(known | groups, folder)
        fitted = self.calibration
        context = Context(fitted.crowd, fitted.rival, fitted.area)
        own = {label: Curve(slope, intercept) for label, (slope, intercept) in fitted.labels.items()}
        return Calibration(Curve(fitted.slope, fitted.intercept), context, own, known | groups)

    def _unfitted(self, known: frozenset[str], folder: Path) -> Calibration:
        del folder
        return Calibration(known=known, trusted=False)

    def _lines(self, name: str, folder: Path) -> tuple[str, ...]:
        for candidate in (*(base / name for base in self._label_folders), folder / self.name / name):
            if candidate.is_file():
                return tuple(line.strip() for line in candidate.read_text("utf-8").rstrip("\n").split("\n"))
        raise ModelError(
            f"Model {self.name} ({self._yaml}) needs the list {name!r}, which lies neither beside its yaml, nor in the "
            "catalogue's labels, nor among its fetched files: fetch the model, or correct the name."
        )


class DetectionOutputs(_Strict):
    """Names of the outputs. Without ``labels``, ``scores`` is (n, queries, classes), else (n, queries)."""

    boxes: str
    scores: str
    labels: str = ""


class DetectionTransformerSpec(ModelSpec):
    """Labels, boxes, scores, no NMS. ``size_input`` names an input that wants the picture's [w, h] (int64)."""

    family: Literal["detection-transformer"]
    outputs: DetectionOutputs
    boxes: Literal["xyxy-pixels", "xyxy", "cxcywh"] = "cxcywh"
    scores: Literal["probabilities", "logits"] = "probabilities"
    size_input: str = ""

    @model_validator(mode="after")
    def _boxes_can_be_undone(self) -> DetectionTransformerSpec:
        if self.input.resize.endswith("crop"):
            raise ValueError("a detector must see the whole picture: use stretch or a letterbox")
        return self


class GridOutputs(_Strict):
    """``predictions`` is (n, cells, 5 + classes); "" means the model's first output."""

    predictions: str = ""


class YoloxSpec(ModelSpec):
    """YOLOX: a grid of cx, cy, w, h, objectness and class scores for each stride, then NMS."""

    family: Literal["yolox"]
    outputs: GridOutputs = GridOutputs()
    strides: tuple[PositiveInt, ...] = (8, 16, 32)
    nms_iou: Fraction = 0.5

    @model_validator(mode="after")
    def _boxes_can_be_undone(self) -> YoloxSpec:
        if self.input.resize.endswith("crop"):
            raise ValueError("a detector must see the whole picture: use stretch or a letterbox")
        return self


class ScoresOutputs(_Strict):
    """``scores`` is (n, classes); "" means the model's first output."""

    scores: str = ""


class ClassifierSpec(ModelSpec):
    """One distribution over classes; the best ``top`` with at least ``at_least`` are kept, groups are their sums."""

    family: Literal["softmax-classifier"]
    outputs: ScoresOutputs = ScoresOutputs()
    scores: Literal["probabilities", "logits"] = "probabilities"
    top: PositiveInt = 24
    at_least: Fraction = 0.002


class MultiLabelSpec(ModelSpec):
    """One independent score a label, each with its own threshold: a number, by label, or a file with one a line."""

    family: Literal["multi-label-classifier"]
    outputs: ScoresOutputs = ScoresOutputs()
    scores: Literal["probabilities", "logits"] = "probabilities"
    thresholds: Fraction | dict[str, Fraction] | str = 0.5

    def read_thresholds(self, folder: Path) -> dict[str, float]:
        """The threshold of every label. Raises ModelError when the list is missing or does not fit the labels."""
        labels = self.read_labels(folder)
        if isinstance(self.thresholds, str):
            lines = self._lines(self.thresholds, folder)
            try:
                values = [float(line) for line in lines]
            except ValueError as error:
                raise ModelError(
                    f"Model {self.name}: {self.thresholds} must hold one number a line ({error})."
                ) from error
            if len(values) + self.labels_offset != len(labels):
                raise ModelError(
                    f"Model {self.name}: {self.thresholds} has {len(values)} thresholds for "
                    f"{len(labels) - self.labels_offset} labels: they must be as many."
                )
            return dict(zip(labels[self.labels_offset :], values, strict=True))
        if isinstance(self.thresholds, dict):
            return {label: self.thresholds.get(label, 0.5) for label in labels if label}
        return {label: self.thresholds for label in labels if label}

    def _unfitted(self, known: frozenset[str], folder: Path) -> Calibration:
        # A score at its label's threshold is where the model's makers would show it: where review begins.
        at_threshold = logit(0.70)
        try:
            limits = self.read_thresholds(folder)
        except ModelError:
            limits = {}
        curves = {label: Curve(1.0, at_threshold - logit(limit)) for label, limit in limits.items()}
        return Calibration(Curve(1.0, at_threshold - logit(0.5)), curves=curves, known=known, trusted=False)


class FaceDetectorSpec(ModelSpec):
    """YuNet: ``cls_S, obj_S, bbox_S, kps_S`` for each stride S; score √(cls · obj). Any input size in multiples of 32.

    ``sides`` are the longest sides in pixels that a frame is shown at: the main look, then others where worth it.
    """

    family: Literal["yunet"]
    feature: Feature = "faces"
    labels: tuple[str, ...] | str = ("face",)
    sides: tuple[PositiveInt, ...] = Field((640, 320, 1280), min_length=1)
    strides: tuple[PositiveInt, ...] = (8, 16, 32)
    at_least: Fraction = 0.6
    nms_iou: Fraction = 0.3


class VectorOutputs(_Strict):
    """``vector`` is (n, dimensions); "" means the model's first output."""

    vector: str = ""


class SpreadSpec(_Strict):
    """Mean and standard deviation of cosines."""

    mean: float
    deviation: float = Field(gt=0)


class IdentitySpec(_Strict):
    """What the cosine of two faces says of whether they are one person (:mod:`tagger.people.judge`).

    ``genuine``, ``impostor``: cosines of pairs of one person, of two. ``blur``: by how much the impostors' deviation
    grows as quality falls from 1 to 0. ``prior``: how often a face belongs to a known person at all.
    ``false_accepts``: of all faces of strangers, the share that may get anybody's name without being asked about,
    however many people are known. ``margin``: how much farther the runner-up must be. ``twins``: known people whose
    examples are nearer than this stay in review. ``least_quality``: below it a face reaches review at most.
    """

    genuine: SpreadSpec
    impostor: SpreadSpec
    blur: float = Field(0.0, ge=0)
    prior: Annotated[float, Field(gt=0, lt=1)] = 0.5
    false_accepts: Annotated[float, Field(gt=0, lt=1)] = 0.001
    margin: float = Field(0.1, ge=0)
    twins: float = 0.5
    least_quality: Fraction = 0.3
    fitted: str = ""


class FaceEmbedderSpec(ModelSpec):
    """Aligned face (112 × 112) → a vector whose cosine says how alike two faces are.

    ``detector`` names the face detector of the catalogue that finds and aligns faces for it; its files come along.
    """

    family: Literal["face-embedder"]
    labels: tuple[str, ...] | str = ("face",)
    outputs: VectorOutputs = VectorOutputs()
    detector: Name
    dimensions: PositiveInt
    identity: IdentitySpec | None = None

    _detector: FaceDetectorSpec | None = PrivateAttr(default=None)

    def with_detector(self, detector: FaceDetectorSpec) -> FaceEmbedderSpec:
        """The same with ``detector`` at hand, whose fetched files are among its own from now on."""
        own = tuple(file for file in detector.files if not file.path)
        joined = self.model_copy(update={"files": self.files + own})
        joined._detector = detector
        return joined

    def found_by(self) -> FaceDetectorSpec:
        """Its detector. Raises ModelError when the catalogue has none of that name."""
        if self._detector is None:
            raise ModelError(
                f"Model {self.name} ({self._yaml}): detector: {self.detector!r} is no face detector of the catalogue."
            )
        return self._detector

    def detector_weights(self, folder: Path) -> Path:
        """Where the detector's weights lie, or will. Raises ModelError like :meth:`found_by`."""
        detector = self.found_by()
        return (detector if detector.weights.path else self).place(detector.weights, folder)


AnySpec: TypeAlias = (
    DetectionTransformerSpec | YoloxSpec | ClassifierSpec | MultiLabelSpec | FaceDetectorSpec | FaceEmbedderSpec
)
SPEC: TypeAdapter[AnySpec] = TypeAdapter(Annotated[AnySpec, Field(discriminator="family")])


class JurySpec(_Strict):
    """``models/jury.*.yaml``: several models judging together. ``models`` are ``"name@revision"`` → weight."""

    jury: Name
    feature: str
    models: dict[str, float] = Field(min_length=2)
    intercept: float
    fitted: str = ""
