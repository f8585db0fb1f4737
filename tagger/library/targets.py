"""What changes are about: tags or performers, of any item."""

from __future__ import annotations

from collections.abc import Sequence

from tagger.ports import Library, Written
from tagger.types import ItemKind, MediaItem, Target


def present(item: MediaItem, target: Target) -> frozenset[str]:
    """Ids of what is on the item now."""
    return item.tag_ids if target == "tag" else item.performer_ids


def add(library: Library, target: Target, kind: ItemKind, ids: Sequence[str], of: Sequence[str]) -> Written:
    """Add these tags or performers to these items."""
    return (library.add_tags if target == "tag" else library.add_performers)(kind, ids, of)


def remove(library: Library, target: Target, kind: ItemKind, ids: Sequence[str], of: Sequence[str]) -> Written:
    """Take these tags or performers from these items."""
    return (library.remove_tags if target == "tag" else library.remove_performers)(kind, ids, of)
