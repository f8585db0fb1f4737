"""The policy in force as a small file, so that a page is told why without reading the configuration.

Standard library only: what reads YAML and checks it takes longer to import than a page may take to answer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

from tagger.judgement.decide import PlaceRule, Policy, plain
from tagger.judgement.families import Family
from tagger.judgement.vocabulary import Language, Names

NAME = "policy.json"


class Snapshot(NamedTuple):
    """The policy in force, where its values were said, and the share of what is applied that is promised to be right
    (0: nothing is)."""

    policy: Policy
    origins: dict[str, str]
    promise: float


def write_policy(data: Path, policy: Policy, origins: Mapping[str, str], promise: float) -> None:
    """Put it into the data folder, unless the very same is there. Raises OSError."""
    said = {"policy": plain(policy), "origins": dict(origins), "promise": promise}
    text = json.dumps(said, ensure_ascii=False, sort_keys=True)
    file = data / NAME
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return
    fresh = data / f".{NAME}.{os.getpid()}"
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)


def read_policy(data: Path) -> Snapshot:
    """All of it as the last operation had it; the defaults where there was none."""
    try:
        said = json.loads((data / NAME).read_text(encoding="utf-8"))
        return Snapshot(_policy(said["policy"]), dict(said["origins"]), float(said["promise"]))
    except (OSError, ValueError, KeyError, TypeError):
        # Written by another version, or never: the next operation writes it anew.
        return Snapshot(Policy(), {}, 0.0)


def _policy(said: dict[str, Any]) -> Policy:
    names, family = said.pop("names"), said.pop("family")
    language = Language(**names.pop("language"))
    mapping = {label: tuple(tags) for label, tags in names["mapping"].items()}
    synonyms = {label: tuple(words) for label, words in names["synonyms"].items()}
    rules = tuple(_tuples(PlaceRule, rule) for rule in said.pop("rules"))
    here = tuple(_tuples(PlaceRule, rule) for rule in said.pop("here"))
    rollups = {parent: tuple(members) for parent, members in family["rollups"].items()}
    rest: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in said.items()}
    return Policy(
        **rest,
        names=Names(mapping, language, synonyms),
        family=Family(family["synonyms"], rollups),
        rules=rules,
        here=here,
    )


def _tuples(kind: type[PlaceRule], said: Mapping[str, Any]) -> PlaceRule:
    names = {f.name for f in fields(kind)}
    known: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in said.items() if k in names}
    return kind(**known)
