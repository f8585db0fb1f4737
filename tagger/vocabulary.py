"""Labels → the person's own tags: what a label is called, and which existing tag is meant. Pure.

A tag that is there already always wins over a new one: by name, then alias, then singular and plural, in any case.
"""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

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
_ALWAYS_SINGULAR = ("ss", "us", "is")


def normal(name: str) -> str:
    """The form in which names are compared: one case, one kind of space, one Unicode form."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(re.sub(r"[\s_\-]+", " ", text).split())


def singular(name: str) -> str:
    """``normal`` with the last word in the singular, by the common English rules."""
    *before, last = normal(name).split(" ") or [""]
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
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
class Names:
    """What the person calls things: ``mapping`` from label to tag names (none = no tag); the rest by ``display``."""

    mapping: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @staticmethod
    def of(configured: Mapping[str, str | Sequence[str] | None]) -> Names:
        """From ``tags.names`` of the configuration."""

        def several(value: str | Sequence[str] | None) -> tuple[str, ...]:
            if not value:
                return ()
            return (value,) if isinstance(value, str) else tuple(value)

        return Names({normal(label): several(value) for label, value in configured.items()})

    def of_label(self, label: str) -> tuple[str, ...]:
        """The tag names for a label; empty when it is to get none."""
        mapped = self.mapping.get(normal(label))
        return (display(label),) if mapped is None else mapped


class TagIndex:
    """The library's tags, found by what a person would take for the same name."""

    def __init__(self, tags: Iterable[Tag]) -> None:
        # The surest way first: by name, by alias, then both again in the singular.
        self._ways: tuple[dict[str, Tag], ...] = ({}, {}, {}, {})
        # In order of age, so that of two tags that look alike the older one is meant, always the same.
        for tag in sorted(tags, key=lambda tag: (len(tag.id), tag.id)):
            self.add(tag)

    def add(self, tag: Tag) -> None:
        """One more tag, for example one that was just made."""
        names, aliases, singular_names, singular_aliases = self._ways
        names.setdefault(normal(tag.name), tag)
        singular_names.setdefault(singular(tag.name), tag)
        for alias in tag.aliases:
            aliases.setdefault(normal(alias), tag)
            singular_aliases.setdefault(singular(alias), tag)

    def find(self, name: str) -> Tag | None:
        """The tag that is meant by ``name``, None if there is none."""
        plain, one = normal(name), singular(name)
        found = (way.get(key) for way, key in zip(self._ways, (plain, plain, one, one), strict=True))
        return next((tag for tag in found if tag is not None), None)
