"""Labels → the person's own tags: what a label is called, and which existing tag is meant. Pure.

A tag that is there already always wins over a new one: by name, then alias, then singular and plural, in any case.
"""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from tagger.types import Tag

_IRREGULAR = {
    "people": "person",
    "persons": "person",
    "men": "man",
    "women": "woman",
    "children": "child",
    "mice": "mouse",
    "geese": "goose",
    "feet": "foot",
    "teeth": "tooth",
    "knives": "knife",
    "wolves": "wolf",
    "leaves": "leaf",
    "buses": "bus",
    "skis": "ski",
}
# Words that end like a plural and are none, or whose singular is another word (a glass isn't glasses).
_AS_THEY_ARE = frozenset(
    {
        "glasses",
        "eyeglasses",
        "sunglasses",
        "spectacles",
        "goggles",
        "scissors",
        "pliers",
        "pants",
        "underpants",
        "trousers",
        "jeans",
        "tights",
        "shorts",
        "briefs",
        "overalls",
        "clothes",
        "news",
        "series",
        "species",
        "means",
        "goods",
        "woods",
        "customs",
        "lens",
        "gymnastics",
        "athletics",
        "aerobics",
        "physics",
        "politics",
        "graphics",
    }
)
_ALWAYS_SINGULAR = ("ss", "us", "is")
_REMEMBERED = 20_000  # a library's names come again and again


@lru_cache(_REMEMBERED)
def normal(name: str) -> str:
    """The form in which names are compared: one case, one kind of space, one Unicode form."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(re.sub(r"[\s_\-]+", " ", text).split())


@lru_cache(_REMEMBERED)
def singular(name: str) -> str:
    """``normal`` with the last word in the singular, by the common English rules."""
    *before, last = normal(name).split(" ") or [""]
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last in _AS_THEY_ARE:
        pass
    elif last.endswith("ies") and len(last) > 4:
        last = last[:-3] + "y"
    elif last.endswith(("ches", "shes", "xes", "sses", "zzes")):
        last = last[:-2]
    elif last.endswith("s") and len(last) > 3 and not last.endswith(_ALWAYS_SINGULAR):
        last = last[:-1]
    return " ".join([*before, last])


def display(label: str) -> str:
    """What a new tag for this label is called: words, the first one with a capital."""
    words = " ".join(label.replace("_", " ").split())
    return words[:1].upper() + words[1:]


def matches(name: str, patterns: Iterable[str]) -> str:
    """The first of the patterns (names, globs; any case) that this name matches, "" for none."""
    plain = normal(name)
    for pattern in patterns:
        wanted = normal(pattern)
        if plain == wanted or singular(name) == singular(pattern) or fnmatch.fnmatchcase(plain, wanted):
            return pattern
    return ""


@dataclass(frozen=True, slots=True)
class Language:
    """What labels are called in one language: ``names`` by label, ``colours`` by colour, and how a thing of a colour is
    said (``"{colour} {thing}"``). Labels that it doesn't know keep their own words."""

    code: str = "en"
    names: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[str, str] = field(default_factory=dict)
    coloured: str = "{colour} {thing}"

    def name(self, label: str) -> str:
        """What a new tag for this label is called."""
        plain = normal(label)
        known = self.names.get(plain)
        if known is None:
            colour, _, thing = plain.partition(" ")
            if colour in self.colours and thing in self.names:
                called = self.names[thing]
                if not self.coloured.startswith("{thing}") and called[1:2].islower():
                    called = called[0].lower() + called[1:]
                known = self.coloured.format(colour=self.colours[colour], thing=called)
        return display(known or label)


@dataclass(frozen=True, slots=True)
class Names:
    """What the person calls things: ``mapping`` from label to tag names (none = no tag); the rest by ``language``.

    ``synonyms`` are further words for a thing, by the normal form of its label or tag name: an existing tag of any of
    these names is meant, too.
    """

    mapping: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    language: Language = field(default_factory=Language)
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @staticmethod
    def of(
        configured: Mapping[str, str | Sequence[str] | None],
        language: Language | None = None,
        synonyms: Mapping[str, Sequence[str]] | None = None,
    ) -> Names:
        """From ``tags.names``, ``tags.language`` and ``tags.synonyms`` of the configuration."""

        def several(value: str | Sequence[str] | None) -> tuple[str, ...]:
            if not value:
                return ()
            return (value,) if isinstance(value, str) else tuple(value)

        return Names(
            {normal(label): several(value) for label, value in configured.items()},
            language or Language(),
            {normal(label): tuple(words) for label, words in (synonyms or {}).items()},
        )

    def of_label(self, label: str) -> tuple[str, ...]:
        """The tag names for a label; empty when it is to get none."""
        mapped = self.mapping.get(normal(label))
        return (self.language.name(label),) if mapped is None else mapped

    def others(self) -> dict[str, tuple[str, ...]]:
        """By tag name in its normal form: what else an existing tag for it may be called, the likeliest first."""
        found: dict[str, list[str]] = {}
        for label, words in self.synonyms.items():
            for name in (label, *map(normal, self.of_label(label))):
                found.setdefault(name, []).extend(words)
        for label, name in self.language.names.items():
            # Somebody who changed the language may have the English tags already.
            if label not in self.mapping and normal(name) != label:
                found.setdefault(normal(name), []).append(label)
        return {name: tuple(dict.fromkeys(words)) for name, words in found.items()}


@dataclass(frozen=True, slots=True)
class Tree:
    """Where tags that have to be made are put: under ``parents`` (by normal name), else under ``root`` ("" = none).

    Before one is made, an existing one is looked for under its name and under ``others`` (:meth:`Names.others`).
    """

    root: str = ""
    parents: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @staticmethod
    def of(root: str, parents: Mapping[str, str], names: Names) -> Tree:
        """From ``tags.parent``, ``tags.parents`` and what tags are called."""
        return Tree(root, {normal(name): parent for name, parent in parents.items()}, names.others())

    def parent(self, name: str) -> str:
        """The name of the parent for a new tag, "" for none."""
        found = self.parents.get(normal(name), self.root)
        return "" if normal(found) == normal(name) else found


class TagIndex:
    """The library's tags, found by what a person would take for the same name."""

    def __init__(self, tags: Iterable[Tag], others: Mapping[str, Sequence[str]] | None = None) -> None:
        """``others`` are further names to look for (:meth:`Names.others`)."""
        self._others = others or {}
        # The surest way first: by name, by alias, then both again in the singular.
        self._ways: tuple[dict[str, Tag], ...] = ({}, {}, {}, {})
        self._found: dict[str, Tag | None] = {}  # what was asked before: the same few names, a million times
        self._by_id: dict[str, Tag] = {}
        # In order of age, so that of two tags that look alike the older one is meant, always the same.
        for tag in sorted(tags, key=lambda tag: (len(tag.id), tag.id)):
            self.add(tag)

    def add(self, tag: Tag) -> None:
        """One more tag, for example one that was just made."""
        self._found.clear()
        self._by_id[tag.id] = tag
        names, aliases, singular_names, singular_aliases = self._ways
        names.setdefault(normal(tag.name), tag)
        singular_names.setdefault(singular(tag.name), tag)
        for alias in tag.aliases:
            aliases.setdefault(normal(alias), tag)
            singular_aliases.setdefault(singular(alias), tag)

    def find(self, name: str) -> Tag | None:
        """The tag that is meant by ``name``, None if there is none."""
        if name not in self._found:
            tries = (name, *self._others.get(normal(name), ()))
            self._found[name] = next((tag for one in tries if (tag := self._find(one)) is not None), None)
        return self._found[name]

    def is_that(self, tag_id: str, name: str) -> bool:
        """Whether the tag with this id is one that ``name`` means: a rebuilt library gives its id to another."""
        tag = self._by_id.get(tag_id)
        if tag is None:
            return False
        if singular(name) in map(singular, (tag.name, *tag.aliases)):
            return True
        meant = self.find(name)
        return meant is not None and meant.id == tag_id

    def _find(self, name: str) -> Tag | None:
        plain, one = normal(name), singular(name)
        found = (way.get(key) for way, key in zip(self._ways, (plain, plain, one, one), strict=True))
        return next((tag for tag in found if tag is not None), None)
