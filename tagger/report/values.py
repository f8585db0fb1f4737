"""What a report is made from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath

from tagger.types import Decision, MediaKind, Thumb


@dataclass(frozen=True, slots=True)
class ReportItem:
    """One item of the report.

    ``path`` is relative to the folder that was looked at. ``width`` and ``height`` are upright pixels and
    ``duration_s`` seconds, 0 where not known. ``error`` is the reason why it couldn't be looked at (or not to its
    end), in one sentence. ``thumbs`` are JPEGs of evidence frames, a picture's only one at 0.0.
    """

    name: str
    path: str
    kind: MediaKind
    width: int
    height: int
    duration_s: float
    error: str | None = None
    decisions: tuple[Decision, ...] = ()
    thumbs: tuple[Thumb, ...] = ()

    @property
    def shown_path(self) -> str:
        """The path as it may be shown to others: never an absolute one, which tells where and whose the files are."""
        path = self.path.replace("\\", "/")
        if PurePosixPath(path).is_absolute() or PureWindowsPath(path).drive:
            return PurePosixPath(path).name
        return "/".join(part for part in path.split("/") if part not in ("", ".", ".."))

    def public(self, text: str) -> str:
        """``text`` (an error, a reason) with absolute paths of this very file cut down to what may be shown."""
        shown = self.shown_path
        if not shown or PurePosixPath(shown).name not in text:
            return text
        ending = r"[\\/]".join(re.escape(part) for part in shown.split("/"))
        return re.sub(rf"(?<![^\s'\"“(:])(?:[A-Za-z]:|\\\\)?[\\/](?:[^'\"\n]*?[\\/])?{ending}", lambda _: shown, text)


@dataclass(frozen=True, slots=True)
class FaceRow:
    """Faces of one person, or of a group that looks like one: ``crops`` are JPEGs, ``more`` how many aren't shown."""

    title: str
    note: str
    crops: tuple[bytes, ...] = field(default=(), repr=False)
    more: int = 0


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """What is said about the whole run.

    ``made_at`` is ISO-8601 UTC; ``counts`` are the run's totals by name; ``models`` are pairs of ``"name@revision"``
    and licence; ``notes`` are sentences a person should read before the items (what was missing, what to do).
    ``faces`` are people and groups of unknown ones.
    """

    title: str
    made_at: str
    counts: Mapping[str, int] = field(default_factory=dict)
    models: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    faces: tuple[FaceRow, ...] = ()
