"""``models/*.yaml`` → :class:`Catalogue`: the shipped ones, and the user's, which win on the same name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar, get_args

import yaml
from pydantic import TypeAdapter, ValidationError

from tagger import allowed
from tagger.catalogue.spec import SPEC, AnySpec, FaceDetectorSpec, FaceEmbedderSpec, JurySpec
from tagger.errors import ModelError
from tagger.judgement.calibration import Calibration, Calibrations, Jury

_T = TypeVar("_T")
_MOST_SAID, _LONGEST_FOUND = 4, 120
Preset: TypeAlias = Literal["fast", "accurate"]
SHIPPED = Path(__file__).resolve().parents[2] / "models"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All known models by name, and the juries. ``notices`` are sentences for a person (what replaced what)."""

    specs: Mapping[str, AnySpec]
    juries: tuple[JurySpec, ...] = ()
    notices: tuple[str, ...] = ()

    def get(self, name: str) -> AnySpec:
        """The model of this name. Raises ModelError that lists what there is."""
        if name not in self.specs:
            raise ModelError(
                f"There is no model {name!r} in the catalogue; there are: {', '.join(sorted(self.specs))}."
            )
        return self.specs[name]

    def preset(self, preset: Preset) -> tuple[AnySpec, ...]:
        """The models of a preset, and the user's own ones (a yaml in the data folder is there to be used)."""
        return tuple(spec for spec in self.specs.values() if preset in spec.presets or spec.own)

    def calibrations(self, specs: Sequence[AnySpec], folder: Path, builtin: Mapping[str, Calibration]) -> Calibrations:
        """What the raw scores of ``specs`` (and of the ``builtin`` recognizers) mean; juries that these can form."""
        models = {spec.model: spec.calibrated(folder) for spec in specs}
        juries = tuple(
            Jury(dict(jury.models), jury.intercept) for jury in self.juries if set(jury.models) <= set(models)
        )
        return Calibrations({**models, **builtin}, juries)


def load(user_folder: Path | None = None, shipped: Path = SHIPPED) -> Catalogue:
    """The catalogue: ``shipped/*.yaml`` and ``user_folder/*.yaml``.

    Raises ModelError naming the file, the key, its value and what is allowed.
    """
    specs: dict[str, AnySpec] = {}
    juries: dict[str, JurySpec] = {}
    notices: list[str] = []
    for folder, own in ((shipped, False), (user_folder, True)):
        if folder is None or not folder.is_dir():
            continue
        for path in sorted(folder.glob("*.yaml")):
            entry = read(path, shipped, own)
            if isinstance(entry, JurySpec):
                juries[entry.jury] = entry
                continue
            before = specs.get(entry.name)
            if before is not None and before.own == own:
                raise ModelError(f"{path}: name: {entry.name!r} is already used by {before.yaml}; names are unique.")
            if before is not None:
                notices.append(f"Your {path} replaces the catalogue's model {entry.name!r}.")
            specs[entry.name] = entry
    return Catalogue(_with_detectors(specs), tuple(juries.values()), tuple(notices))


def own_in_use(spec: AnySpec) -> str:
    """Why a model of the user's own is at work, for a person."""
    return (
        f"{spec.name} is used, since {spec.yaml} lies in your data folder; 'models.skip: [{spec.name}]' in config.yml "
        "switches it off."
    )


def _with_detectors(specs: Mapping[str, AnySpec]) -> dict[str, AnySpec]:
    joined: dict[str, AnySpec] = {}
    for name, spec in specs.items():
        if isinstance(spec, FaceEmbedderSpec):
            detector = specs.get(spec.detector)
            if not isinstance(detector, FaceDetectorSpec):
                known = ", ".join(sorted(s.name for s in specs.values() if isinstance(s, FaceDetectorSpec)))
                raise ModelError(f"{spec.yaml}: detector: must be one of {known}, found {spec.detector!r}.")
            joined[name] = spec.with_detector(detector)
        else:
            joined[name] = spec
    return joined


def read(path: Path, shipped: Path = SHIPPED, own: bool = True) -> AnySpec | JurySpec:
    """One yaml. Raises ModelError naming the file, the key, its value and what is allowed."""
    raw = _parse(path)
    if "jury" in raw:
        return _validated(path, raw, TypeAdapter(JurySpec))
    spec = _validated(path, raw, SPEC)
    if isinstance(spec.groups, str):
        groups_file = _beside(path, spec.groups, shipped / "groups")
        spec = _validated(path, {**raw, "groups": _parse(groups_file)}, SPEC)
    spec._yaml, spec._own = path, own
    spec._label_folders = (path.parent, shipped / "labels")
    _check_against_labels(path, spec)
    return spec


def _parse(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise ModelError(f"{path.absolute()} isn't valid YAML: {allowed.broken_yaml(error)}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} can't be read: {' '.join(str(error).split())}") from error
    if not isinstance(raw, dict):
        raise ModelError(f"{path} must hold keys and values (name: …, family: …), found {type(raw).__name__}.")
    return raw


def _validated(path: Path, raw: dict[str, Any], adapter: TypeAdapter[_T]) -> _T:
    try:
        return adapter.validate_python(raw)
    except ValidationError as error:
        raise ModelError(f"{path}: {_in_words(error, raw)}") from error


def _in_words(error: ValidationError, raw: Mapping[str, Any]) -> str:
    """The first few problems as "key: what it has to be, found …"."""
    families = {kind.model_fields["family"].annotation.__args__[0]: kind for kind in get_args(AnySpec)}
    kind = JurySpec if "jury" in raw else families.get(raw.get("family"))
    if kind is None:
        return f"family: has to be one of {', '.join(sorted(families))}, found {raw.get('family')!r}."
    said: dict[str, str] = {}
    for problem in error.errors(include_url=False):
        whole = problem["loc"][1:] if problem["loc"][:1] == (raw.get("family"),) else problem["loc"]
        place, annotation = allowed.place(kind, whole)
        is_short = problem["type"] == "missing" and isinstance(whole[-1], int)
        if is_short:
            place, annotation = allowed.place(kind, whole[:-1])
        key = ".".join(map(str, place))
        found = repr(problem["input"])
        found = f", found {found}" if key and len(found) < _LONGEST_FOUND else ""
        if problem["type"] == "extra_forbidden":
            key = ".".join(map(str, whole))
            what = f"is not a known key; allowed here: {', '.join(allowed.keys(annotation))}"
        elif problem["type"] == "missing" and not is_short:
            key, what = ".".join(map(str, whole)), "is missing"
        elif problem["type"] == "value_error":
            what = problem["msg"].removeprefix("Value error, ") + found
        else:
            what = f"has to be {allowed.words(annotation)}{found}"
        if not any(known == key or known.startswith(f"{key}.") for known in said):
            said[key] = f"{key}: {what}" if key else what
    return "; ".join(list(said.values())[:_MOST_SAID]) + "."


def _beside(path: Path, name: str, shipped: Path) -> Path:
    for candidate in (path.parent / name, shipped / name):
        if candidate.is_file():
            return candidate
    raise ModelError(f"{path}: groups: {name!r} lies neither beside the yaml nor in {shipped}.")


def _check_against_labels(path: Path, spec: AnySpec) -> None:
    """Groups and own curves must speak of labels that exist; a list that is fetched is not there to check against."""
    fetched = {file.filename for file in spec.files}
    if isinstance(spec.labels, str) and spec.labels in fetched:
        return
    labels = set(spec.read_labels(path.parent))
    if isinstance(spec.groups, dict):
        for group, members in spec.groups.items():
            if unknown := sorted(set(members) - labels):
                raise ModelError(f"{path}: groups: {group}: {unknown[0]!r} is not one of the model's labels.")
        labels |= set(spec.groups)
    own = spec.calibration.labels if spec.calibration else {}
    if unknown := sorted(set(own) - labels):
        raise ModelError(f"{path}: calibration.labels: {unknown[0]!r} is neither a label nor a group of the model.")
