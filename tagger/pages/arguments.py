"""A page's arguments as typed values; one that doesn't fit is refused in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tagger.errors import ConfigError
from tagger.types import ITEM_KINDS, ItemRef

MOST_ITEMS = 10_000


@dataclass(frozen=True, slots=True)
class Call:
    """What a page may say. Each operation takes what it knows, and names what it needs by :meth:`one` and ``some``."""

    items: tuple[ItemRef, ...] = ()
    limit: int = 50
    times_s: tuple[float, ...] = ()
    unknown: Sequence[str] = field(default=())

    @property
    def one(self) -> ItemRef:
        """The item that it is about."""
        if len(self.items) != 1:
            raise ConfigError(f"This is about one item, and {len(self.items)} were named.")
        return self.items[0]

    @property
    def some(self) -> tuple[ItemRef, ...]:
        """The items that it is about, at least one."""
        if not self.items:
            raise ConfigError("No item was named: say which, as items: [{kind: 'scene', id: '1'}].")
        return self.items


def read(args: Mapping[str, Any]) -> Call:
    """Arguments as JSON has them. Raises ConfigError."""
    unknown = sorted(set(args) - {"mode", "items", "limit", "times_s"})
    if unknown:
        raise ConfigError(f"Not understood: {', '.join(unknown)}.")
    limit = args.get("limit", 50)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MOST_ITEMS:
        raise ConfigError(f"limit can't be {limit!r}: it is a whole number from 1 to {MOST_ITEMS}.")
    times = args.get("times_s") or []
    if not isinstance(times, list) or not all(isinstance(t, (int, float)) for t in times):
        raise ConfigError("times_s has to be a list of seconds.")
    return Call(_items(args.get("items") or []), limit, tuple(float(t) for t in times))


def _items(given: object) -> tuple[ItemRef, ...]:
    if not isinstance(given, list):
        raise ConfigError("items has to be a list, as [{kind: 'scene', id: '1'}].")
    if len(given) > MOST_ITEMS:
        raise ConfigError(f"{len(given):,} items are too many for one call: choose at most {MOST_ITEMS:,}.")
    return tuple(dict.fromkeys(_item(entry) for entry in given))


def _item(entry: object) -> ItemRef:
    kind = entry.get("kind") if isinstance(entry, dict) else None
    item_id = entry.get("id") if isinstance(entry, dict) else None
    for known in ITEM_KINDS:
        if kind == known and isinstance(item_id, (str, int)) and str(item_id).isdigit():
            return ItemRef(known, str(item_id))
    raise ConfigError("An item is a kind (scene, image or gallery) and Stash's id, as {kind: 'scene', id: '1'}.")
