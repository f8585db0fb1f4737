"""A page's arguments as typed values; one that doesn't fit is refused in a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tagger.errors import ConfigError
from tagger.types import ITEM_KINDS, ItemRef

MOST_ITEMS = 10_000
_ID = re.compile("[0-9]{1,18}")  # Stash refuses every id of a question for one that isn't a number of 64 bits
DOINGS = ("accept", "reject", "audit_right", "audit_wrong", "instead", "add", "never_here", "never")


@dataclass(frozen=True, slots=True)
class Click:
    """One thing that somebody did, to be taken back as a whole: ``do`` (one of DOINGS) with tags on items; ``other`` is
    the tag that it is instead; by its ``key`` the same click is known when it comes again, "" where it can't."""

    do: str
    places: tuple[tuple[ItemRef, str], ...]
    other: str
    key: str


@dataclass(frozen=True, slots=True)
class Call:
    """What a page may say. Each operation takes what it knows, and names what it needs by :meth:`one` and ``some``.

    ``clicks`` are for :func:`read_click`; ``key`` names one that came before.
    ``least``, ``most``, ``apply`` and ``review`` are percents; ``apply`` and ``review`` 0: as usual."""

    items: tuple[ItemRef, ...] = ()
    limit: int = 50
    skip: int = 0
    tag: str = ""
    feature: str = ""
    clicks: tuple[object, ...] = ()
    act: int = 0
    key: str = ""
    kind: str = ""
    model: str = ""
    least: int = 0
    most: int = 100
    apply: int = 0
    review: int = 0
    group: int = 0
    since: str = ""
    moments: tuple[float, ...] = ()

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
    unknown = sorted(set(args) - {"mode", *Call.__dataclass_fields__})
    if unknown:
        raise ConfigError(f"Not understood: {', '.join(unknown)}.")
    return Call(
        items=tuple(dict.fromkeys(_ref(entry) for entry in _list(args, "items"))),
        limit=_whole(args, "limit", 50, 1),
        skip=_whole(args, "skip", 0, 0),
        tag=_text(args, "tag"),
        feature=_text(args, "feature"),
        clicks=tuple(_list(args, "clicks")),
        act=_whole(args, "act", 0, 0, 2**53),
        key=_text(args, "key"),
        kind=_text(args, "kind"),
        model=_text(args, "model"),
        least=_whole(args, "least", 0, 0, 100),
        most=_whole(args, "most", 100, 0, 100),
        apply=_whole(args, "apply", 0, 0, 100),
        review=_whole(args, "review", 0, 0, 100),
        group=_whole(args, "group", 0, 0, 2**53),
        since=_day(args, "since"),
        moments=tuple(_seconds(entry) for entry in _list(args, "moments")),
    )


def _whole(args: Mapping[str, Any], name: str, default: int, least: int, most: int = MOST_ITEMS) -> int:
    value = args.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ConfigError(f"{name} can't be {value!r}: it is a whole number from {least} to {most}.")
    return value


def _text(args: Mapping[str, Any], name: str) -> str:
    value = args.get(name, "")
    if not isinstance(value, str):
        raise ConfigError(f"{name} can't be {value!r}: it is a text.")
    if any(c < " " for c in value.strip()):
        raise ConfigError(f"{name} can't be {value!r}: it is a text of one line.")
    return value


def _day(args: Mapping[str, Any], name: str) -> str:
    value = _text(args, name)
    if not value:
        return ""
    from datetime import date  # 3 ms, and few questions have a day

    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise ConfigError(f"{name} can't be {value!r}: it is a day, as 2026-01-31.") from None


def _seconds(entry: object) -> float:
    if isinstance(entry, (int, float)) and not isinstance(entry, bool) and entry >= 0:
        return float(entry)
    raise ConfigError(f"moments can't hold {entry!r}: they are seconds.")


def _list(args: Mapping[str, Any], name: str) -> list[Any]:
    value = args.get(name) or []
    if not isinstance(value, list):
        raise ConfigError(f"{name} has to be a list.")
    if len(value) > MOST_ITEMS:
        raise ConfigError(f"{len(value):,} {name} are too many for one call: at most {MOST_ITEMS:,}.")
    return value


def _ref(entry: object) -> ItemRef:
    kind = entry.get("kind") if isinstance(entry, dict) else None
    item_id = entry.get("id") if isinstance(entry, dict) else None
    for known in ITEM_KINDS:
        if kind == known and isinstance(item_id, (str, int)) and _ID.fullmatch(text := str(item_id)):
            return ItemRef(known, text)
    raise ConfigError("An item is a kind (scene, image or gallery) and Stash's id, as {kind: 'scene', id: '1'}.")


def read_click(entry: object) -> Click:
    """One of a call's clicks. Raises ConfigError; the others may be right."""
    if not isinstance(entry, dict) or entry.get("do") not in DOINGS:
        raise ConfigError(f"A click is {{do, places: [{{kind, id, tag}}], other}}; do is {' or '.join(DOINGS)}.")
    places = tuple((_ref(place), _text(place, "tag").strip()) for place in _list(entry, "places"))
    if not places or not all(tag for _, tag in places):
        raise ConfigError("Say what a click is about: places: [{kind, id, tag}].")
    return Click(entry["do"], places, _text(entry, "other").strip(), _text(entry, "key"))
