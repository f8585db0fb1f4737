"""How many tags wait for a look: what the navigation asks on every page, so it imports little."""

from __future__ import annotations

from typing import Any

from tagger.pages.arguments import Call
from tagger.pages.place import Place


def count(place: Place, call: Call) -> dict[str, Any]:
    """The number in the navigation."""
    del call
    if not place.is_set_up:
        return {"set_up": False, "review": 0}
    return {"set_up": True, "review": sum(place.store.tally("review").values())}
