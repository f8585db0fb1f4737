"""What a run is called when persons are told of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tagger.types import Run

AT_WORK: Mapping[str, str] = {
    "tag": "A library run",
    "new": "A run over new media",
    "again": "Deciding again",
    "review": "Keeping an answer",
    "undo": "Taking back",
    "markers": "Work on markers",
    "import": "An import",
}
"""Who is at work, by the operation. What is said of people goes by several names, all beginning with ``people``."""

_CALLED: Mapping[str, str] = {
    "tag": "the library",
    "new": "new media",
    "asked": "what was asked for",
    "again": "deciding again",
    "review": "your answers in reviews",
    "people": "people",
    "undo": "taking back",
    "import": "an import",
}


def at_work(operation: str) -> str:
    """The beginning of "… is at work"."""
    return AT_WORK.get(operation, "Work on people" if operation.startswith("people") else f"'{operation}'")


def called(run: Run) -> str:
    """What the run was: ``naming Ada`` where it said so itself."""
    if run.operation == "people" and run.message:
        return run.message.partition(";")[0]
    return _CALLED.get(run.operation, run.operation)


def when(run: Run) -> str:
    """When it began, by this computer's clock; the day only when that isn't today."""
    began = datetime.fromisoformat(run.started_at).astimezone()
    return f"{began:%H:%M}" if began.date() == datetime.now(began.tzinfo).date() else f"{began:%Y-%m-%d %H:%M}"
