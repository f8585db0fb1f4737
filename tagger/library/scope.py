"""Which items are in scope, for items that come by id (a library's own query does it for pages)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tagger.ports import Library
from tagger.types import ITEM_KINDS, MediaItem, Scope


def meant(library: Library, items: Sequence[MediaItem], scope: Scope) -> list[MediaItem]:
    """Those in scope as the library itself has it; it is asked only when the scope says more than kinds."""
    items = [item for item in items if item.ref.kind in scope.kinds]
    if not items or replace(scope, kinds=ITEM_KINDS) == Scope():
        return items
    fitting = {item.ref for item in library.which([item.ref for item in items], scope)}
    return [item for item in items if item.ref in fitting]
