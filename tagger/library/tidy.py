"""A look at the library's tags: which are twice there, on almost everything, or ours and unused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from tagger.answers import Selection
from tagger.figures import percent
from tagger.judgement.vocabulary import normal, singular
from tagger.ports import Library, Store
from tagger.types import ITEM_KINDS, Scope, Tag

_ALMOST_ALL = 0.6
_LEAST_ITEMS = 20
_LIKE = 0.88
_LEAST_LETTERS = 5


@dataclass(frozen=True, slots=True)
class Tidy:
    """``twice`` are pairs of names that look like the same tag, with why; ``everywhere`` are tags on most items, with
    their share; ``unused`` are tags that we made and nothing has."""

    twice: tuple[tuple[str, str, str], ...]
    everywhere: tuple[tuple[str, float], ...]
    unused: tuple[str, ...]

    def lines(self) -> list[str]:
        """For a person."""
        lines = [f"“{one}” and “{other}” look like the same tag: {why}." for one, other, why in self.twice]
        lines += [f"“{name}” is on {percent(n)} of all items, so it tells little." for name, n in self.everywhere]
        lines += [f"“{name}” was made by us and nothing has it." for name in self.unused]
        return lines or ["Nothing to tidy: no tag is twice there, on almost everything, or unused."]


def look_at_tags(library: Library, store: Store, synonyms: Mapping[str, Sequence[str]]) -> Tidy:
    """``synonyms`` are the person's own (a name → others for the same)."""
    tags = library.tags()
    total = sum(library.count(kind, Scope()) for kind in ITEM_KINDS)
    made = store.created_tags()
    parents = {parent for tag in tags for parent in tag.parent_ids}
    ids = {tag.id for tag in made}
    # What counts for a parent are its children's items.
    ours = [tag for tag in tags if tag.id not in parents and (tag.id in ids or store_has(store, tag))]
    counts = {tag.name: _count(library, tag) for tag in ours}
    return Tidy(
        tuple(twice(tags, synonyms)),
        tuple(
            (name, n / total)
            for name, n in sorted(counts.items(), key=lambda pair: -pair[1])
            if total >= _LEAST_ITEMS and n > _ALMOST_ALL * total
        ),
        tuple(tag.name for tag in made if counts.get(tag.name, 1) == 0 and tag.id not in parents),
    )


def store_has(store: Store, tag: Tag) -> bool:
    """Whether we ever wrote it."""
    return bool(store.ours(Selection(tag=tag.name), 0, 1))


def _count(library: Library, tag: Tag) -> int:
    return sum(library.count(kind, Scope(tags=(tag.name,))) for kind in ITEM_KINDS)


def twice(tags: Sequence[Tag], synonyms: Mapping[str, Sequence[str]]) -> list[tuple[str, str, str]]:
    """Pairs that differ in number, spelling or by a synonym only. The order of the tags doesn't matter."""
    meant = {normal(other): normal(name) for name, others in synonyms.items() for other in others}
    by_key: dict[str, list[Tag]] = defaultdict(list)
    for tag in sorted(tags, key=lambda tag: (len(tag.id), tag.id)):
        by_key[singular(meant.get(normal(tag.name), tag.name))].append(tag)
    found = [
        (some[0].name, other.name, "the same word" if singular(some[0].name) == singular(other.name) else "a synonym")
        for some in by_key.values()
        for other in some[1:]
    ]
    keys = sorted(key for key in by_key if len(key) >= _LEAST_LETTERS)
    # Alike names begin alike, nearly always: neighbours in the alphabet are enough.
    for place, key in enumerate(keys):
        for other in keys[place + 1 : place + 4]:
            if SequenceMatcher(None, key, other).ratio() >= _LIKE and not (set(key + other) & set("0123456789")):
                found.append((by_key[key][0].name, by_key[other][0].name, "spelled alike"))
    return found
