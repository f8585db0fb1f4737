"""What changes are about: tags or performers, of any item."""

from __future__ import annotations

from collections.abc import Sequence

from tagger.ports import Library, Written
from tagger.types import Action, ItemKind, MediaItem, Target


def present(item: MediaItem, target: Target) -> frozenset[str]:
    """Ids of what is on the item now."""
    return item.tag_ids if target == "tag" else item.performer_ids


def write(
    library: Library, action: Action, target: Target, kind: ItemKind, ids: Sequence[str], of: Sequence[str]
) -> Written:
    """Add these tags or performers to these items, or take them away."""
    if target == "tag":
        return (library.add_tags if action == "add" else library.remove_tags)(kind, ids, of)
    return (library.add_performers if action == "add" else library.remove_performers)(kind, ids, of)
