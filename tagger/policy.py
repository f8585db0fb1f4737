"""The configuration and a language file → :class:`~tagger.judgement.decide.Policy`, checked for sense."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from tagger import agreement
from tagger.config import USUAL_REVIEW, Config, Rule, Threshold
from tagger.errors import ConfigError
from tagger.judgement.decide import PlaceRule, Policy
from tagger.judgement.families import Family
from tagger.judgement.vocabulary import Language, Names, Tree, display, matches, normal

SHIPPED = Path(__file__).resolve().parents[1] / "models" / "names"
COLOURS = frozenset(
    ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "brown", "black", "grey", "white")
)
_SUFFIXES = (".yaml", ".yml")
_COUNTS = ("2 people", "3 people", "4 people", "group")
_NEAREST, _LIKE = 4, 0.55


class _LanguageFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    language: str
    names: dict[str, str]
    colours: dict[str, str] = {}
    coloured: str = "{colour} {thing}"


def load_language(code: str, own: Path | None = None) -> Language:
    """The language file of this name: one in ``own`` (the folder "names" of the data folder) wins over a shipped one.

    Raises ConfigError naming the languages there are, or what is wrong with the file.
    """
    folders = [folder for folder in (own, SHIPPED) if folder is not None]
    files = {file.stem: file for folder in reversed(folders) for file in _files(folder)}
    if code not in files:
        raise ConfigError(
            f"tags.language can't be {code}: there are {', '.join(sorted(files))}; for another one put {code}.yaml "
            f"into {own or 'the folder names of the data folder'}, made like models/names/en.yaml."
        )
    file = files[code]
    try:
        said = _LanguageFile.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
        said.coloured.format(colour="", thing="")
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        problem = str(getattr(error, "problem", None) or error)
        raise ConfigError(f"{file} can't be read ({problem}): compare it with models/names/en.yaml.") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "its content"
        raise ConfigError(f"{file}: {place}: {first['msg']}; compare it with models/names/en.yaml.") from None
    except (KeyError, IndexError, ValueError):
        raise ConfigError(f'{file}: coloured can hold {{colour}} and {{thing}} only: "{said.coloured}".') from None
    return Language(
        code, {normal(label): name for label, name in said.names.items()}, dict(said.colours), said.coloured
    )


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*") if file.suffix in _SUFFIXES) if folder.is_dir() else []


def policy_of(config: Config, language: Language, libraries: Sequence[str] = ()) -> Policy:
    """``libraries`` are the names that rules may know this library by (its key, its address, its folder)."""
    tags, of_features = config.tags, _said(config.thresholds.features)
    usual = [name for name, review in USUAL_REVIEW.items() if of_features.get(name) == {"review": review}]
    here = {name.rstrip("/").casefold() for name in libraries}
    return Policy(
        apply=config.thresholds.apply,
        review=config.thresholds.review,
        keep=config.thresholds.keep,
        usual_review={name: of_features[name]["review"] for name in usual},
        features={name: said for name, said in of_features.items() if name not in usual},
        tags=_said(config.thresholds.tags),
        modes=dict(config.features),
        names=Names.of(tags.names, language, tags.synonyms),
        blacklist=tuple(tags.blacklist),
        whitelist=tuple(tags.whitelist),
        most_tags=config.limits.most_tags,
        least_seen_s=config.limits.least_seen_s,
        family=family_of(config),
        rules=tuple(
            _place_rule(f"rules[{number}]", rule)
            for number, rule in enumerate(config.rules)
            if not rule.library or rule.library.rstrip("/").casefold() in here
        ),
    )


def family_of(config: Config) -> Family:
    """Synonyms and roll-ups; those that others are made from come first."""
    rollups = config.tags.rollups
    canonical = {normal(word): label for label, words in config.tags.synonyms.items() for word in (label, *words)}
    order = agreement.without_circle(rollups, "rollups")
    return Family(canonical, {parent: tuple(rollups[parent]) for parent in order})


def tree_of(config: Config, names: Names) -> Tree:
    """Where tags that have to be made are put, and what else they may be called."""
    return Tree.of(config.tags.parent, config.tags.parents, names)


def _said(thresholds: Mapping[str, Threshold]) -> dict[str, Mapping[str, float]]:
    return {name: said.model_dump(exclude_none=True) for name, said in thresholds.items()}


def _place_rule(place: str, rule: Rule) -> PlaceRule:
    own: dict[str, Any] = rule.thresholds.model_dump(exclude_none=True, include={"apply", "review", "keep"})
    return PlaceRule(
        place,
        tuple(rule.below) or ("",),
        own,
        _said(rule.thresholds.features),
        _said(rule.thresholds.tags),
        dict(rule.features),
        tuple(rule.blacklist),
        tuple(rule.whitelist),
        rule.most_tags,
    )


def names_something(config: Config) -> bool:
    """Whether the configuration names labels, tags or features at all, beyond what it comes with."""
    tags, thresholds = config.tags, config.thresholds
    said = (tags.names, tags.synonyms, tags.parents, tags.rollups, thresholds.tags, thresholds.features, config.rules)
    return any(said) or config.features.keys() != Config().features.keys()


def refuse_unknown(
    config: Config, language: Language, labels: Iterable[str], tags: Iterable[str], features: Iterable[str]
) -> None:
    """Names in the configuration that nothing answers to are mistakes: neither a label of a model, nor one of the
    person's tags, nor a name that the configuration itself gives.

    Blacklist and whitelist may name anything. Raises ConfigError with the nearest name there is.
    """
    given, known = config.tags, _labels(config, labels)
    anything = known_names(config, language, known, tags)
    all_rules = [(f"rules[{i}].", rule.thresholds.tags, rule) for i, rule in enumerate(config.rules)]
    _known("thresholds.tags", config.thresholds.tags, anything)
    for place, of_tags, _ in all_rules:
        _known(f"{place}thresholds.tags", of_tags, anything)
    _known("tags.names", given.names, known)
    _known("tags.synonyms", given.synonyms, anything)
    _known("tags.parents", given.parents, anything)
    for parent, members in given.rollups.items():
        _known(f"tags.rollups.{parent}", members, known)
    all_features = {normal(feature): feature for feature in (*features, *Config().features)}
    places: list[tuple[str, Iterable[str]]] = [
        ("features", config.features),
        ("thresholds.features", config.thresholds.features),
        *((f"{place}features", rule.features) for place, _, rule in all_rules),
        *((f"{place}thresholds.features", rule.thresholds.features) for place, _, rule in all_rules),
    ]
    for place, names in places:
        _known(place, names, all_features)


def known_names(config: Config, language: Language, labels: Iterable[str], tags: Iterable[str]) -> frozenset[str]:
    """In normal form, all that answers to a name: labels and what they are called, the person's tags, and names that
    the configuration gives."""
    given, known = config.tags, _labels(config, labels)
    named = [name for value in given.names.values() for name in ([value] if isinstance(value, str) else value or [])]
    called = [language.name(label) for label in known]
    coloured = [
        language.coloured.format(colour=colour, thing=thing)
        for colour in language.colours.values()
        for thing in language.names.values()
    ]
    return known | {normal(name) for name in (*named, *called, *coloured, *tags, *given.parents.values())}


def doubts(config: Config, known: frozenset[str]) -> list[str]:
    """Of lists that may name anything, a sentence for each entry that nothing answers to: it may be a slip, or a name
    that will come. ``known`` is of :func:`known_names`."""
    tags, scope = config.tags, config.scope
    lists = [
        *((f"tags.{name}", getattr(tags, name)) for name in ("blacklist", "whitelist", "markers", "complete")),
        ("scope.tags", scope.tags),
        ("scope.exclude_tags", scope.exclude_tags),
        ("people.exclude_tags", config.people.exclude_tags),
        *((f"rules[{i}].blacklist", rule.blacklist) for i, rule in enumerate(config.rules)),
        *((f"rules[{i}].whitelist", rule.whitelist) for i, rule in enumerate(config.rules)),
    ]
    found = [(place, doubt(name, known)) for place, names in lists for name in names]
    return [f"{place}: {said}" for place, said in found if said]


def doubt(name: str, known: frozenset[str]) -> str:
    """What there is to say of a name or a pattern that nothing answers to, with the nearest names; else nothing."""
    colour, _, thing = normal(name).partition(" ")
    if normal(name) in known:
        return ""
    if any(matches(one, (name, thing) if colour in COLOURS else (name,)) for one in known):
        return ""
    letters = "".join(letter for letter in normal(name) if letter not in "*?[]")
    among = known if letters == normal(name) else {word for one in known for word in one.split()}
    meant = _nearest(letters, {one: display(one) for one in among})
    return " ".join(f"nothing is called “{name}” so far. {meant} If it is a name of your own, all is well.".split())


def _labels(config: Config, labels: Iterable[str]) -> frozenset[str]:
    words = [word for words in config.tags.synonyms.values() for word in words]
    return frozenset(normal(name) for name in (*labels, *config.tags.rollups, *_COUNTS, *words))


def _known(place: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        colour, _, thing = normal(name).partition(" ")
        if normal(name) not in known and not (colour in COLOURS and thing in known):
            hint = _nearest(normal(name), known) or "'models list' and your library's tags show what there is."
            raise ConfigError(f"{place}: nothing is called “{name}”. {hint}")


def _nearest(name: str, among: Collection[str]) -> str:
    """“Did you mean …?”; ``among`` are normal forms, or what is to be shown by them."""
    near = difflib.get_close_matches(name, among, _NEAREST, _LIKE)
    shown = [f"“{among[one] if isinstance(among, Mapping) else one}”" for one in near]
    return f"Did you mean {' or '.join(shown)}?" if shown else ""
