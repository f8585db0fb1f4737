"""The pages' part of the table of operations, and the way in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from tagger.pages import asking, faces, item, looks, marking, overview, reviewing
from tagger.pages.arguments import Call, read
from tagger.pages.place import Place

PageOperation: TypeAlias = Callable[[Place, Call], dict[str, Any]]

PAGE_OPERATIONS: Mapping[str, PageOperation] = {
    "ask": asking.ask,
    "asked": asking.standing,
    "item": item.item,
    "pictures": item.pictures,
    "marks": item.marks,
    "make-markers": marking.make_markers,
    "take-markers-back": marking.take_markers_back,
    "highlights": marking.highlights,
    "review": reviewing.review,
    "answer": reviewing.answer,
    "withdraw": reviewing.withdraw,
    "overview": overview.overview,
    "waiting": overview.count,
    "looks": looks.looks,
    "estimate": looks.estimate,
    "labels": looks.labels,
    "faces": faces.faces,
}


def answer(args: Mapping[str, Any], server: Mapping[str, Any], data: str, root: str) -> dict[str, Any]:
    """What the page gets. Raises TaggerError with a sentence for the page."""
    place = Place(root, data, server)
    try:
        return PAGE_OPERATIONS[args["mode"]](place, read(args))
    finally:
        place.close()
