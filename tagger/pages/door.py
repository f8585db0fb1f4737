"""The pages' part of the table of operations, and the way in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, TypeAlias

from tagger.pages.arguments import Call, read
from tagger.pages.place import Place

PageOperation: TypeAlias = Callable[[Place, Call], dict[str, Any]]

PAGE_OPERATIONS: Mapping[str, tuple[str, str]] = {
    "ask": ("asking", "ask"),
    "asked": ("asking", "standing"),
    "item": ("item", "item"),
    "pictures": ("item", "pictures"),
    "marks": ("item", "marks"),
    "make-markers": ("marking", "make_markers"),
    "take-markers-back": ("marking", "take_markers_back"),
    "highlights": ("marking", "highlights"),
    "review": ("reviewing", "review"),
    "answer": ("reviewing", "answer"),
    "withdraw": ("reviewing", "withdraw"),
    "overview": ("overview", "overview"),
    "waiting": ("waiting", "count"),
    "looks": ("looks", "looks"),
    "estimate": ("looks", "estimate"),
    "labels": ("looks", "labels"),
    "faces": ("faces", "faces"),
    "tried": ("tried", "tried"),
}
"""The module here and its function: only the one that is asked is imported, since importing all takes 20 ms."""


def answer(args: Mapping[str, Any], server: Mapping[str, Any], data: str, root: str) -> dict[str, Any]:
    """What the page gets. Raises TaggerError with a sentence for the page."""
    place = Place(root, data, server)
    try:
        module, name = PAGE_OPERATIONS[args["mode"]]
        operation: PageOperation = getattr(import_module(f"tagger.pages.{module}"), name)
        return operation(place, read(args))
    finally:
        place.close()
