"""Where one item's bytes are: a file on disk, or the library's own HTTP server."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tagger.errors import MediaError
from tagger.media.failures import PlaceGoneError

if TYPE_CHECKING:
    from tagger.media.web import Web


_DRIVE_FAILS = frozenset(
    getattr(errno, name)
    for name in ("EIO", "ENODEV", "ENXIO", "ESTALE", "ENOTCONN", "EHOSTDOWN", "EHOSTUNREACH", "ETIMEDOUT")
    if hasattr(errno, name)
)
_DRIVES_APPEAR_UNDER = frozenset({"mnt", "media", "run", "Volumes"})


@dataclass(frozen=True, slots=True)
class Source:
    """One item's bytes. ``path`` is set when they are read from disk, else ``url`` is read through ``web``."""

    path: str = ""
    url: str = ""
    sprite_url: str = ""
    vtt_url: str = ""
    web: Web | None = None

    def open(self) -> BinaryIO:
        """The bytes as a seekable file. Raises MediaError, or PlaceGoneError when it isn't only this file."""
        if not self.path:
            return io.BufferedReader(self.from_web().open(self.url), 1 << 16)
        try:
            return Path(self.path).open("rb")
        except FileNotFoundError:
            raise missing(self.path) from None
        except OSError as error:
            if error.errno in _DRIVE_FAILS:
                folder = str(Path(self.path).parent)
                raise PlaceGoneError(f"{folder} can't be read ({error.strerror}): check the drive", folder) from None
            raise MediaError(f"the file can't be read: {error.strerror or error}") from None

    def path_or_file(self) -> str | BinaryIO:
        """For libraries that read files by themselves: the path of a readable file, else an open one."""
        if self.path:
            self.open().close()
            return self.path
        return self.open()

    def body(self, most_bytes: int) -> bytes:
        """All bytes, over HTTP."""
        return self.from_web().get(self.url, most_bytes)

    def from_web(self) -> Web:
        """The connection to the library's server. Raises MediaError when the item has none."""
        if self.web is None:
            raise MediaError("the item has neither a path on this machine nor an address to fetch it from")
        return self.web


def mapped(path: str, path_map: Mapping[str, str]) -> str:
    """``path`` with the longest prefix that ``path_map`` knows replaced; whole components only."""
    for prefix in sorted(path_map, key=len, reverse=True):
        bare = prefix.rstrip("/\\")
        rest = path[len(bare) :]
        if bare and path.startswith(bare) and rest[:1] in ("", "/", "\\"):
            target = path_map[prefix].rstrip("/\\")
            foreign = "/" if os.sep == "\\" else "\\"
            return target + (rest.replace(foreign, os.sep) if foreign in bare or os.sep == "\\" else rest)
    return path


def missing(path: str) -> MediaError:
    """Why ``path`` isn't there: deleted, or its drive isn't mounted.

    A folder that vanished with everything above it up to the first components, or whose nearest remaining parent is
    empty (what an unmounted drive leaves behind), is a missing place and no deleted file.
    """
    lost = Path(path)
    while not lost.parent.exists() and lost.parent != lost:
        lost = lost.parent
    there = lost.parent
    if lost == Path(path) and not _is_empty(there):
        return MediaError("there is no such file: if Stash still lists it, rescan or clean up there")
    if len(there.parts) <= 2 or not there.exists() or _is_empty(there) or _waits_for_a_drive(there):
        place = str(there if _is_empty(there) else lost)
        return PlaceGoneError(
            f"{place} isn't there or is empty: connect the drive, or map the path to where it is on this machine", place
        )
    return MediaError(f"the folder {lost} isn't there: if Stash still lists files in it, rescan or clean up there")


def _waits_for_a_drive(folder: Path) -> bool:
    mounted = any(os.path.ismount(place) for place in (folder, *folder.parents[:-1]))
    return folder.parts[1] in _DRIVES_APPEAR_UNDER and not mounted


def _is_empty(folder: Path) -> bool:
    try:
        return next(folder.iterdir(), None) is None
    except OSError:
        return False
