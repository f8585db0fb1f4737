"""A scope as Stash's filters: pure functions from values to the ``where`` of a query.

Stash compares a video's duration in whole seconds, so those filters are a little too wide and :func:`fits` decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from tagger.types import ItemKind, MediaItem, Scope

Where: TypeAlias = dict[str, Any]

# Stash keeps its times as text, each in the server's own time zone, and compares them as text: whatever that zone is,
# this much earlier includes all that matter; :mod:`tagger.stash.items` compares them as times.
_ANY_TIME_ZONE = timedelta(hours=15)
_MOST_SPANS = 12  # Each nests one level deeper, and SQLite's parser holds a hundred open symbols.


def in_scope(kind: ItemKind, scope: Scope, tag_id: Callable[[str], str]) -> list[Where]:
    """Filters that all have to hold. ``tag_id`` finds a tag by name and may raise.

    A path is a folder or a file: ``/media/a`` is not ``/media/ab``. A tag stands for its sub-tags too, as a person who
    leaves out "private" means everything below it. A date leaves out items without one.
    """
    filters: list[Where] = []
    if scope.paths:
        filters.append({"path": {"value": path_pattern(scope.paths), "modifier": "MATCHES_REGEX"}})
    if scope.exclude_paths:
        filters.append({"path": {"value": path_pattern(scope.exclude_paths), "modifier": "NOT_MATCHES_REGEX"}})
    for names, modifier in ((scope.tags, "INCLUDES"), (scope.exclude_tags, "EXCLUDES")):
        if names:
            ids = [tag_id(name) for name in names]
            filters.append({"tags": {"value": ids, "modifier": modifier, "depth": -1}})
    if scope.organized is not None:
        filters.append({"organized": scope.organized})
    if scope.date_from or scope.date_to:
        span = {"value": scope.date_from or "0001-01-01", "value2": scope.date_to or "9999-12-31"}
        filters.append({"date": {**span, "modifier": "BETWEEN"}})
    if kind == "scene" and scope.min_duration_s > 0:
        filters.append({"duration": {"value": math.floor(scope.min_duration_s) - 1, "modifier": "GREATER_THAN"}})
    if kind == "scene" and scope.max_duration_s > 0:
        filters.append({"duration": {"value": math.floor(scope.max_duration_s) + 1, "modifier": "LESS_THAN"}})
    return filters


def fits(item: MediaItem, scope: Scope) -> bool:
    """What the filters leave open."""
    if item.ref.kind != "scene":
        return True
    if scope.min_duration_s > 0 and item.duration_s < scope.min_duration_s:
        return False
    return not (scope.max_duration_s > 0 and item.duration_s > scope.max_duration_s)


def path_pattern(paths: Iterable[str]) -> str:
    """A regular expression in the syntax of Go for all that lies at or below one of the paths."""
    return f"^(?:{'|'.join(_quoted(path) for path in paths)})(?:$|[/\\\\])"


def _quoted(path: str) -> str:
    trimmed = path.rstrip("/\\")
    # re.escape would do it for Python's syntax only.
    return "".join(r"[/\\]" if c in "/\\" else f"\\{c}" if c in r".+*?()|[]{}^$" else c for c in trimmed)


def after(item_id: str) -> list[Where]:
    """Items with a greater id; "" = all."""
    return [{"id": {"value": int(item_id), "modifier": "GREATER_THAN"}}] if item_id else []


def among(ids: Sequence[int]) -> Iterator[Where]:
    """Filters that together let through exactly these ids, which ascend; each has to be the last of its query.

    Stash has no criterion for a set of ids; what was scanned together has neighbouring ones, so spans are few.
    """
    spans: list[tuple[int, int]] = []
    for i in ids:
        if spans and spans[-1][1] == i - 1:
            spans[-1] = (spans[-1][0], i)
        else:
            spans.append((i, i))
    for start in range(0, len(spans), _MOST_SPANS):
        joined: Where = {}
        for first, last in spans[start : start + _MOST_SPANS]:
            span: Where = {"id": {"value": first, "value2": last, "modifier": "BETWEEN"}}
            joined = {**span, "OR": joined} if joined else span
        yield joined


def changed_since(kind: ItemKind, since: datetime) -> list[Where]:
    """Items made, or whose file changed, since then, and some more. Galleries have no hook for an image that joins,
    but their own time moves."""
    text = (since - _ANY_TIME_ZONE).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    later = {"value": text, "modifier": "GREATER_THAN"}
    own = "updated_at" if kind == "gallery" else "created_at"
    return [{own: later, "OR": {"files_filter": {"updated_at": later}}}]


def all_of(filters: Sequence[Where]) -> Where | None:
    """One filter for all of them: Stash takes one criterion of a kind a level, and one AND, OR or NOT.

    The innermost may hold an OR; so one with an OR has to come last.
    """
    joined: Where | None = None
    for where in reversed(filters):
        joined = dict(where) if joined is None else {**where, "AND": joined}
    return joined
