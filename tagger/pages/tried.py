"""What *Try it* saw, kept beside its report, so that a page can show it before anything is written."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tagger.pages.arguments import Call
from tagger.pages.place import Place

FILE = Path("try") / "seen.json"
MOST = 48  # as many as a person looks through; more would only make the page wait


def keep(data: Path, library: str, items: Sequence[Mapping[str, Any]]) -> None:
    """In place of the former ones: ``{kind, id, name, picture, apply, review, problem}`` each; the picture as a data
    address ("" where none is kept), tags as ``(name, probability)``. Raises OSError."""
    file = data / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps({"library": library, "items": list(items)[:MOST]}, ensure_ascii=False), "utf-8")
    fresh.replace(file)


def tried(place: Place, call: Call) -> dict[str, Any]:
    """What the last *Try it* of this library saw; nothing where there was none."""
    del call
    try:
        said = json.loads((place.data / FILE).read_text("utf-8"))
        return {"items": said["items"] if said["library"] == place.key else []}
    except (OSError, ValueError, KeyError, TypeError):
        return {"items": []}
