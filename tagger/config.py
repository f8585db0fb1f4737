"""The configuration: defaults < ``config.yml`` < the settings on Stash's page < the task's or terminal's arguments.

Strict: an unknown key or a wrong value is a ConfigError that names the key, the value and what is allowed. Every value
knows where it comes from (:attr:`Loaded.origins`), so that *Check* can say so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from tagger import agreement, allowed
from tagger.errors import ConfigError
from tagger.judgement.vocabulary import normal
from tagger.light.connection import without_logins
from tagger.manifest import STASH_SETTINGS, from_stash
from tagger.types import ITEM_KINDS, ItemKind, Scope

Fraction = Annotated[float, Field(ge=0, le=1)]
FeatureMode = Literal["apply", "review", "look", "off"]
UpdateStrategy = Literal["add", "replace", "merge"]
_Path: TypeAlias = tuple[str, ...]
_SETTING_OF = {setting.key: name for name, setting in STASH_SETTINGS.items()}
_LONGEST_VALUE = 80
# Of what the detectors call .50 to .70 sure, most is right, and a tenth of all there is to find (docs/models.md).
USUAL_REVIEW: Mapping[str, float] = {"objects": 0.50}


def _day(value: Any) -> Any:
    """YAML reads a bare 2019-12-31 as a date."""
    if type(value) is date:
        return value.isoformat()
    if isinstance(value, str) and value:
        try:
            date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"it has to be {_A_DAY}") from None
    return value


_A_DAY = "a day such as 2019-12-31"
Day = Annotated[str, BeforeValidator(_day), Field(description=_A_DAY)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Threshold(_Strict):
    """A place where some of the three thresholds are set; None leaves them to the next more general place."""

    apply: Fraction | None = None
    review: Fraction | None = None
    keep: Fraction | None = None

    @model_serializer(mode="wrap")
    def _only_what_was_said(self, as_usual: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in as_usual(self).items() if value is not None}


class Thresholds(_Strict):
    apply: Fraction = 0.90
    review: Fraction = 0.70
    keep: Fraction = 0.30
    features: dict[str, Threshold] = {}
    tags: dict[str, Threshold] = {}

    @model_validator(mode="before")
    @classmethod
    def _usual_of_features(cls, values: Any) -> Any:
        """Whoever says from where on all wait for review means objects, too."""
        if not isinstance(values, dict) or "review" in values:
            return values
        said = values.get("features", {})
        if not isinstance(said, dict) or not all(isinstance(said.get(name, {}), dict) for name in USUAL_REVIEW):
            return values
        usual = {name: {"review": review, **said.get(name, {})} for name, review in USUAL_REVIEW.items()}
        return {**values, "features": {**said, **usual}}

    @model_validator(mode="after")
    def _ordered(self) -> Thresholds:
        if not self.keep <= self.review <= self.apply:
            said = f"keep {self.keep:g}, review {self.review:g}, apply {self.apply:g}"
            raise ValueError(f"they must rise, keep ≤ review ≤ apply, and say {said}: correct one of them")
        agreement.said_once(self.tags)
        return self


class Models(_Strict):
    preset: Literal["fast", "accurate"] = "fast"
    use: list[str] = []
    skip: list[str] = []
    mirror: str = ""
    proxy: str = ""
    offline: bool = False


_A_LANGUAGE = "en, de, or the name of a file of your own, such as fr"


class Tags(_Strict):
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[a-z0-9]+)?$", description=_A_LANGUAGE)] = "en"
    parent: str = "AI Tagger"
    create: bool = True
    update: UpdateStrategy = "replace"
    blacklist: list[str] = []
    whitelist: list[str] = []
    markers: list[str] = []
    names: dict[str, str | list[str] | None] = {}
    synonyms: dict[str, list[str]] = {}
    complete: list[str] = []
    parents: dict[str, str] = {}
    rollups: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    applied_marker: str = ""
    review_marker: str = ""

    @model_validator(mode="after")
    def _agree(self) -> Tags:
        for what in (self.names, self.synonyms, self.parents, self.rollups):
            agreement.said_once(what)
        agreement.without_circle({name: [parent] for name, parent in self.parents.items()}, "parents")
        agreement.without_circle(self.rollups, "rollups")
        agreement.one_meaning(self.synonyms)
        agreement.on_one_list(self.blacklist, self.whitelist)
        return self


class RuleThresholds(Threshold):
    features: dict[str, Threshold] = {}
    tags: dict[str, Threshold] = {}


class Rule(_Strict):
    """What holds only for items below some folders, or in one of several libraries that share the data folder."""

    below: list[str] = []
    library: str = ""
    thresholds: RuleThresholds = RuleThresholds()
    features: dict[str, FeatureMode] = {}
    blacklist: list[str] = []
    whitelist: list[str] = []
    most_tags: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        if isinstance(values.get("below"), str):
            values = {**values, "below": [values["below"]]}
        if isinstance(values.get("features"), dict):
            values = {**values, "features": _modes(values["features"])}
        return values

    @model_validator(mode="after")
    def _has_a_place(self) -> Rule:
        if not self.below and not self.library:
            raise ValueError("a rule needs a place: say below (folders) or library")
        agreement.said_once(self.thresholds.tags)
        agreement.on_one_list(self.blacklist, self.whitelist)
        return self

    def said(self) -> dict[str, object]:
        """What it sets, by dotted key, and on which list it puts which tag (lists of several rules add up)."""
        tree = self.model_dump(exclude_none=True, include={"thresholds", "features", "most_tags"})
        settings: dict[str, object] = {".".join(path): value for path, value in _leaves(tree) if value != {}}
        lists = (("blacklist", self.blacklist), ("whitelist", self.whitelist))
        return settings | {f"“{normal(name)}”": which for which, names in lists for name in names}


class Limits(_Strict):
    most_tags: Annotated[int, Field(ge=0)] = 20
    least_seen_s: Annotated[float, Field(ge=0)] = 0.0
    gallery_share: Fraction = 0.30
    gallery_least: Annotated[int, Field(ge=1)] = 2


class ScopeConfig(_Strict):
    scenes: bool = True
    images: bool = True
    galleries: bool = True
    paths: list[str] = []
    exclude_paths: list[str] = []
    tags: list[str] = []
    exclude_tags: list[str] = []
    organized: Literal["any", "only", "never"] = "any"
    date_from: Day = ""
    date_to: Day = ""
    min_duration_s: Annotated[float, Field(ge=0)] = 0.0
    max_duration_s: Annotated[float, Field(ge=0)] = 0.0

    def to_scope(self) -> Scope:
        """The scope as the library seam takes it."""
        on: dict[ItemKind, bool] = {"scene": self.scenes, "image": self.images, "gallery": self.galleries}
        return Scope(
            kinds=tuple(kind for kind in ITEM_KINDS if on[kind]),
            paths=tuple(self.paths),
            exclude_paths=tuple(self.exclude_paths),
            tags=tuple(self.tags),
            exclude_tags=tuple(self.exclude_tags),
            organized={"any": None, "only": True, "never": False}[self.organized],
            date_from=self.date_from,
            date_to=self.date_to,
            min_duration_s=self.min_duration_s,
            max_duration_s=self.max_duration_s,
        )


class Sampling(_Strict):
    reader: Literal["keyframes", "opencv", "sprite"] = "keyframes"
    frames: Annotated[int, Field(ge=1, le=1000)] = 24
    picture_side_px: Annotated[int, Field(ge=64, le=8192)] = 1280
    video_side_px: Annotated[int, Field(ge=64, le=4096)] = 640
    item_timeout_s: Annotated[float, Field(gt=0)] = 120.0
    memory_mb: Annotated[int, Field(ge=64)] = 512


class RunConfig(_Strict):
    slice_minutes: Annotated[float, Field(gt=0)] = 20.0
    nice: Annotated[int, Field(ge=0, le=19)] = 10
    free_cores: Annotated[int, Field(ge=0)] = 1
    workers: Annotated[int, Field(ge=0, le=64)] = 0
    backup: bool = True


class StashConfig(_Strict):
    source: Literal["auto", "path", "http"] = "auto"
    path_map: dict[str, str] = {}
    self_signed: bool = False


class EngineConfig(_Strict):
    device: Literal["auto", "cpu", "cuda", "openvino", "directml", "coreml"] = "auto"
    threads: Annotated[int, Field(ge=0, le=256)] = 0


class PeopleConfig(_Strict):
    least_face_px: Annotated[int, Field(ge=8)] = 16
    least_quality: Fraction = 0.0
    least_group: Annotated[int, Field(ge=1)] = 2
    create: bool = False
    only: list[str] = []
    never: list[str] = []
    exclude_tags: list[str] = []


class KeepConfig(_Strict):
    thumbs: bool = True
    thumbs_mb: Annotated[int, Field(ge=1)] = 512
    crops: bool = True


_FEATURES: dict[str, FeatureMode] = {
    "objects": "apply",
    "scenes": "apply",
    "themes": "apply",
    "day_night": "apply",
    "black_and_white": "apply",
    "people": "apply",
    "counts": "look",
    "colours": "look",
    "brightness": "look",
    "blur": "look",
    "object_colours": "look",
}


def _modes(said: Mapping[str, Any]) -> dict[str, Any]:
    """YAML 1.1 reads a bare `off` as false; a person who wrote it meant the word."""
    return {name: "off" if mode is False else mode for name, mode in said.items()}


class Config(_Strict):
    """Everything that can be set; ``config.example.yml`` says each key's why."""

    features: dict[str, FeatureMode] = _FEATURES
    models: Models = Models()
    thresholds: Thresholds = Thresholds()
    tags: Tags = Tags()
    promise: Annotated[float, Field(ge=0, lt=1)] = 0.0
    limits: Limits = Limits()
    rules: list[Rule] = []
    scope: ScopeConfig = ScopeConfig()
    sampling: Sampling = Sampling()
    run: RunConfig = RunConfig()
    stash: StashConfig = StashConfig()
    engine: EngineConfig = EngineConfig()
    people: PeopleConfig = PeopleConfig()
    keep: KeepConfig = KeepConfig()
    hooks: bool = True

    @model_validator(mode="before")
    @classmethod
    def _features_add_to_the_defaults(cls, values: Any) -> Any:
        if isinstance(values, dict) and isinstance(values.get("features"), dict):
            return {**values, "features": {**_FEATURES, **_modes(values["features"])}}
        return values

    @model_validator(mode="after")
    def _rules_agree(self) -> Config:
        places = [[(rule.library, folder) for folder in rule.below or [""]] for rule in self.rules]
        agreement.rules_agree([(place, rule.said()) for place, rule in zip(places, self.rules, strict=True)])
        return self


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, and where each value that isn't a default was said (``"limits.most_tags" → "config.yml"``)."""

    config: Config
    origins: Mapping[str, str]

    def effective(self) -> Iterator[tuple[str, str, str]]:
        """``(key, value, origin)`` for every setting, in the order of the example file; logins in addresses masked."""
        for path, value in _leaves(self.config.model_dump()):
            key = ".".join(path)
            yield key, without_logins(json.dumps(value, ensure_ascii=False)), self.origins.get(key, "default")


def _leaves(tree: Mapping[str, Any], prefix: _Path = ()) -> Iterator[tuple[_Path, Any]]:
    """Every value with its path. Paths are tuples, since a person's own names (tags, folders) may hold dots."""
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*prefix, str(name)))
        else:
            yield (*prefix, str(name)), value


def _path(key: str) -> _Path:
    return tuple(key.split("."))


# ---------------------------------------------------------------- loading


def load(
    file: Path | None = None,
    stash: Mapping[str, Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> Loaded:
    """The effective configuration. ``stash`` are raw plugin settings; ``arguments`` are dotted keys.

    Raises ConfigError.
    """
    layers: list[tuple[str, dict[_Path, Any]]] = []
    if file is not None and file.exists():
        # A section whose every line is commented out is None; it says nothing, and neither does an empty one.
        said = {path: value for path, value in _leaves(_read(file)) if value is not None or len(path) > 1}
        layers.append((file.name, {path: value for path, value in said.items() if value != {}}))
    layers.append(("Stash's settings", dict(_spread(from_stash(stash or {})))))
    layers.append(("this call", {_path(key): value for key, value in (arguments or {}).items()}))

    tree: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, values in layers:
        for path, value in values.items():
            _put(tree, path, value)
            origins[".".join(path)] = origin
    if "thresholds.apply" in origins and "thresholds.review" not in origins:
        # Somebody who lowers only one of them means "no review below it", not an error message.
        thresholds = tree["thresholds"]
        if isinstance(thresholds.get("apply"), (int, float)) and thresholds["apply"] < Thresholds().review:
            thresholds["review"] = thresholds["apply"]
            origins["thresholds.review"] = origins["thresholds.apply"]
    try:
        return Loaded(Config.model_validate(tree), origins)
    except ValidationError as error:
        raise ConfigError(_sentence(error, origins, tree)) from None


def _spread(said: Mapping[str, Any]) -> Iterator[tuple[_Path, Any]]:
    """A mapping's entries stand beside those of the file, each with its own origin."""
    for key, value in said.items():
        for label, one in value.items() if isinstance(value, dict) else ():
            yield (*_path(key), label), one
        if not isinstance(value, dict):
            yield _path(key), value


def _read(file: Path) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} can't be read ({error}): give its owner the right to read it, as UTF-8.") from None
    except yaml.YAMLError as error:
        why = allowed.broken_yaml(error)
        raise ConfigError(f"{file.absolute()} isn't valid YAML: {why} (compare it with config.example.yml).") from None
    except ValueError as error:  # A day that there isn't, say.
        raise ConfigError(f"{file} can't be read ({error}): put that value in quotes, or correct it.") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise ConfigError(f"{file} must hold 'key: value' lines: compare it with config.example.yml.")
    return tree


def as_a_start(example: str) -> str:
    """The example with every value commented out: what nobody set follows the defaults of the version in use."""
    head, _, rest = example.partition("\n\n")
    note = "# Take the '# ' before a line away to set it."
    return "\n".join([head, note, "", re.sub(r"^( *)(\w+: [^#\s])", r"\1# \2", rest, flags=re.MULTILINE)])


def _put(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        inner = tree.setdefault(part, {})
        if not isinstance(inner, dict):
            shown = without_logins(repr(inner))
            raise ConfigError(f"{part}: {shown} isn't a section: write the keys of {part} below it, indented.")
        tree = inner
    tree[path[-1]] = value


def _sentence(error: ValidationError, origins: Mapping[str, str], tree: Mapping[str, Any]) -> str:
    """One for each key that is wrong: the key, its value, and what is allowed."""
    sentences: dict[str, str] = {}
    for problem in error.errors(include_url=False):
        path, annotation = allowed.place(Config, problem["loc"])
        unknown = problem["type"] == "extra_forbidden"
        # Of all of it together only rules are compared.
        key = _key([*path, str(problem["loc"][-1])] if unknown else path) or "rules"
        origin = next((origin for k, origin in origins.items() if _related(k, key)), "the configuration")
        setting = _SETTING_OF.get(key) if origin == "Stash's settings" else None
        where = f"Stash's setting {setting}" if setting else f"{key} (in {origin})"
        if unknown:
            sentence = f"{where} isn't a known key; allowed here: {', '.join(allowed.keys(annotation))}."
        elif problem["type"] == "value_error" and allowed.keys(annotation):
            sentence = f"{where}: {problem['msg'].removeprefix('Value error, ')}."  # It names what it is about.
        else:
            why = f"it has to be {allowed.words(annotation)}"
            if problem["type"] == "value_error":
                why = problem["msg"].removeprefix("Value error, ")
            sentence = f"{where} can't be {_shown(tree, path)}: {why}."
        sentences.setdefault(key, sentence)
    return " ".join(sentences.values())


def _key(path: Sequence[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _shown(tree: Any, path: Sequence[str | int]) -> str:
    for part in path:
        tree = [tree] if isinstance(part, int) and not isinstance(tree, list) else tree
        tree = tree[part]
    value = without_logins(json.dumps(tree, ensure_ascii=False, default=str))
    return value if len(value) <= _LONGEST_VALUE else value[: _LONGEST_VALUE - 1] + "…"


def _related(key: str, other: str) -> bool:
    return key == other or key.startswith((f"{other}.", f"{other}[")) or other.startswith((f"{key}.", f"{key}["))


def light_snapshot(config: Config) -> dict[str, Any]:
    """What the light half (hooks) needs, as plain JSON values."""
    return {"hooks": config.hooks, "kinds": list(config.scope.to_scope().kinds)}
