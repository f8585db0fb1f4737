"""The settings on Stash's page (``ai_tagger.yml``) as keys of the configuration."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from tagger.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Setting:
    """How a setting of the manifest becomes a key here. Unset is 0, "" or false on Stash's page."""

    key: str
    kind: Literal["percent", "number", "text", "lines", "mapping", "not", "is", "never"]


STASH_SETTINGS: Mapping[str, Setting] = {
    "skipScenes": Setting("scope.scenes", "not"),
    "skipImages": Setting("scope.images", "not"),
    "skipGalleries": Setting("scope.galleries", "not"),
    "applyPercent": Setting("thresholds.apply", "percent"),
    "reviewPercent": Setting("thresholds.review", "percent"),
    "maxTags": Setting("limits.most_tags", "number"),
    "parentTag": Setting("tags.parent", "text"),
    "neverCreateTags": Setting("tags.create", "not"),
    "blacklist": Setting("tags.blacklist", "lines"),
    "includePaths": Setting("scope.paths", "lines"),
    "excludePaths": Setting("scope.exclude_paths", "lines"),
    "modelPreset": Setting("models.preset", "text"),
    "modelMirror": Setting("models.mirror", "text"),
    "device": Setting("engine.device", "text"),
    "sliceMinutes": Setting("run.slice_minutes", "number"),
    "useAllCores": Setting("run.free_cores", "is"),
    "skipBackup": Setting("run.backup", "not"),
    "noHooks": Setting("hooks", "not"),
    "markApplied": Setting("tags.applied_marker", "text"),
    "markReview": Setting("tags.review_marker", "text"),
    "people": Setting("features.people", "text"),
    "language": Setting("tags.language", "text"),
    "update": Setting("tags.update", "text"),
    "whitelist": Setting("tags.whitelist", "lines"),
    "skipOrganized": Setting("scope.organized", "never"),
    "mapping": Setting("tags.names", "mapping"),
    "useModels": Setting("models.use", "lines"),
    "skipModels": Setting("models.skip", "lines"),
    "markers": Setting("tags.markers", "lines"),
}


def from_stash(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Stash's plugin settings as dotted keys; what is unset there is left out.

    Unknown names are ignored: Stash keeps settings of versions that are gone. Raises ConfigError.
    """
    said: dict[str, Any] = {}
    for name, value in settings.items():
        setting = STASH_SETTINGS.get(name)
        if setting is None or value in (None, "", 0, False):
            continue
        match setting.kind:
            case "percent":
                if not isinstance(value, (int, float)) or not 1 <= value <= 100:
                    raise ConfigError(
                        f"Stash's setting {name} can't be {value}: it has to be a whole number from 1 to 100."
                    )
                said[setting.key] = float(value) / 100
            case "lines":
                said[setting.key] = _lines(str(value))
            case "mapping":
                said[setting.key] = _mapping(name, str(value))
            case "not":
                said[setting.key] = False
            case "is":
                said[setting.key] = 0
            case "never":
                said[setting.key] = "never"
            case "number":
                # JSON has one kind of number, and Stash may say 5.0.
                said[setting.key] = int(value) if isinstance(value, float) and value.is_integer() else value
            case "text":
                said[setting.key] = str(value).strip()
    # "-" is how a person says "none" on a page where empty means default.
    return {key: "" if value == "-" else value for key, value in said.items()}


def _lines(text: str) -> list[str]:
    """Names between commas; one that has a comma itself stands in double quotes. "-" is none at all."""
    if text.strip() == "-":
        return []
    row = next(csv.reader([text.replace("\n", " ")], skipinitialspace=True), [])
    return [part.strip() for part in row if part.strip()]


def _mapping(name: str, text: str) -> dict[str, Any]:
    """``{cat: Kitty, tie: null}``, as ``config.yml`` writes it."""
    try:
        said = yaml.safe_load(text)
    except yaml.YAMLError:
        said = None
    if not isinstance(said, dict):
        raise ConfigError(f"Stash's setting {name} can't be read: write it as {{cat: Kitty, tie: null}}.")
    return {str(label): tags for label, tags in said.items()}
