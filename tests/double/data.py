"""What the double's library holds, and Stash's filters over it."""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from tagger.types import ItemKind

COLLECTIONS: dict[ItemKind, str] = {"scene": "scenes", "image": "images", "gallery": "galleries"}


@dataclass
class StoredFile:
    id: str
    path: str
    typename: str
    size: int
    mod_time: datetime
    created_at: datetime
    updated_at: datetime
    fingerprints: dict[str, str]
    width: int = 0
    height: int = 0
    duration: float = 0.0
    zip_path: str = ""


@dataclass
class StoredItem:
    kind: ItemKind
    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    date: str = ""
    organized: bool = False
    files: list[StoredFile] = field(default_factory=list)
    folder: str = ""
    tag_ids: set[str] = field(default_factory=set)
    performer_ids: set[str] = field(default_factory=set)
    gallery_ids: set[str] = field(default_factory=set)
    sprite: bytes = b""
    vtt: bytes = b""


@dataclass
class StoredTag:
    id: str
    name: str
    description: str = ""
    aliases: list[str] = field(default_factory=list)
    ignore_auto_tag: bool = False
    parent_ids: list[str] = field(default_factory=list)
    # Uses by what the double doesn't hold otherwise.
    markers: int = 0
    performers: int = 0
    studios: int = 0
    groups: int = 0


@dataclass
class StoredPerformer:
    id: str
    name: str
    created_at: datetime
    updated_at: datetime
    aliases: list[str] = field(default_factory=list)
    picture: Path | None = None
    ignore_auto_tag: bool = False


@dataclass
class StoredMarker:
    id: str
    scene_id: str
    title: str
    seconds: float
    end_seconds: float | None
    tag_id: str


class Data:
    """Everything the double remembers. Whoever touches it holds the double's lock."""

    def __init__(self, utc_offset_h: float) -> None:
        self.zone = timezone(timedelta(hours=utc_offset_h))
        self.items: dict[ItemKind, dict[str, StoredItem]] = {"scene": {}, "image": {}, "gallery": {}}
        self.tags: dict[str, StoredTag] = {}
        self.performers: dict[str, StoredPerformer] = {}
        self.markers: dict[str, StoredMarker] = {}
        self.settings: dict[str, dict[str, Any]] = {}
        self.backups = 0
        self._last_ids: dict[str, int] = {}

    def now(self) -> datetime:
        return datetime.now(self.zone).replace(microsecond=0)

    def next_id(self, kind: str) -> str:
        self._last_ids[kind] = self._last_ids.get(kind, 0) + 1
        return str(self._last_ids[kind])

    def of(self, kind: ItemKind) -> list[StoredItem]:
        return sorted(self.items[kind].values(), key=lambda item: int(item.id))

    def below(self, tag_ids: set[str], depth: int) -> set[str]:
        """The tags and their sub-tags down to ``depth`` (-1 = all)."""
        found = set(tag_ids)
        level = found
        while level and depth != 0:
            level = {tag.id for tag in self.tags.values() if set(tag.parent_ids) & level} - found
            found |= level
            depth -= 1
        return found

    def matches(self, item: StoredItem, where: Mapping[str, Any] | None) -> bool:
        """Whether Stash's filter lets the item through. KeyError for a criterion that the double doesn't know."""
        where = dict(where or {})
        joined = [name for name in ("AND", "OR", "NOT") if name in where]
        if len(joined) > 1:
            raise ValueError(f"cannot have {joined[0]} and {joined[1]} in the same filter")
        sub = where.pop(joined[0], None) if joined else None
        here = all(_CRITERIA[name](self, item, criterion) for name, criterion in where.items() if criterion is not None)
        if not joined:
            return here
        below = self.matches(item, sub)
        # A level without criteria of its own has nothing to join with.
        if joined[0] == "OR":
            return here or below if where else below
        return here and (below if joined[0] == "AND" else not below)


def new_file(data: Data, path: Path | str, typename: str, zip_path: str = "", **facts: Any) -> StoredFile:
    """A file as Stash would have scanned it; one that isn't on disk gets fingerprints from its name."""
    now = data.now()
    on_disk = not zip_path and Path(path).is_file()
    size = Path(path).stat().st_size if on_disk else 1000 + len(str(path))
    modified = datetime.fromtimestamp(Path(path).stat().st_mtime, data.zone) if on_disk else now
    content = Path(path).read_bytes() if on_disk else str(path).encode()
    fingerprints = {"md5": hashlib.md5(content).hexdigest()} if typename != "VideoFile" else {"oshash": oshash(content)}
    return StoredFile(
        data.next_id("file"), str(path), typename, size, modified, now, now, fingerprints, zip_path=zip_path, **facts
    )


def oshash(content: bytes) -> str:
    """OpenSubtitles' hash: size plus the 64-bit sums of the first and last 64 KB."""
    total = len(content)
    for part in (content[:65536], content[-65536:]):
        padded = part[: len(part) // 8 * 8]
        total += sum(struct.unpack(f"<{len(padded) // 8}Q", padded))
    return f"{total & 0xFFFFFFFFFFFFFFFF:016x}"


def _compare(actual: Any, criterion: Mapping[str, Any]) -> bool:
    low, high = criterion["value"], criterion.get("value2")
    checks: dict[str, Callable[[], bool]] = {
        "EQUALS": lambda: actual == low,
        "NOT_EQUALS": lambda: actual != low,
        "GREATER_THAN": lambda: actual > low,
        "LESS_THAN": lambda: actual < low,
        "BETWEEN": lambda: low <= actual <= high,
    }
    return actual not in (None, "") and checks[criterion["modifier"]]()


def _paths(item: StoredItem) -> list[str]:
    return [file.path for file in item.files] + ([item.folder] if item.folder else [])


def _path(data: Data, item: StoredItem, criterion: Mapping[str, Any]) -> bool:
    found = any(re.search(criterion["value"], path) for path in _paths(item))
    return found == {"MATCHES_REGEX": True, "NOT_MATCHES_REGEX": False}[criterion["modifier"]]


def _tags(data: Data, item: StoredItem, criterion: Mapping[str, Any]) -> bool:
    wanted = data.below(set(criterion["value"]), criterion.get("depth") or 0)
    return bool(wanted & item.tag_ids) == {"INCLUDES": True, "EXCLUDES": False}[criterion["modifier"]]


def _galleries(data: Data, item: StoredItem, criterion: Mapping[str, Any]) -> bool:
    return bool(set(criterion["value"]) & item.gallery_ids) == {"INCLUDES": True}[criterion["modifier"]]


def _files(data: Data, item: StoredItem, criterion: Mapping[str, Any]) -> bool:
    ((name, inner),) = criterion.items()
    return any(_compare(getattr(file, name).isoformat(), inner) for file in item.files)


def _duration(data: Data, item: StoredItem, criterion: Mapping[str, Any]) -> bool:
    return any(_compare(int(file.duration), criterion) for file in item.files)


_CRITERIA: dict[str, Callable[[Data, StoredItem, Any], bool]] = {
    "id": lambda _, item, c: _compare(int(item.id), c),
    "path": _path,
    "tags": _tags,
    "galleries": _galleries,
    "organized": lambda _, item, c: item.organized == c,
    "date": lambda _, item, c: _compare(item.date, c),
    "duration": _duration,
    # As text, in the server's own zone: that is how Stash's database compares them.
    "created_at": lambda _, item, c: _compare(item.created_at.isoformat(), c),
    "updated_at": lambda _, item, c: _compare(item.updated_at.isoformat(), c),
    "files_filter": _files,
}
