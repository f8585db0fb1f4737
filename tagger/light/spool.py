"""New items, noted by hooks for the next run: one empty file each, so that a hook never waits for a database.

``<data>/spool/<library>/scene-123`` is one item; the file's name is all. A run takes it in by renaming it to
``scene-123.taken``, and deletes that once the item is in the store: whatever is killed in between, nothing is lost, and
an item noted again meanwhile is a new file.

``awake`` in the same folder says that a run is queued or at work. A hook first notes, then looks for it; a run first
removes it, then looks for notes (:meth:`Spool.finish`). So either the run sees the note or the hook queues another run.
It counts for a while only, since Stash's queue doesn't survive a restart.

Imports cost a hook more than its work: no dataclasses, pathlib, typing or contextlib here (10 to 25 ms each).
"""

from __future__ import annotations

import os
import time
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tagger.types import ItemRef

AWAKE_S = 60.0
"""How long ``awake`` is believed; then a hook asks Stash whether a run is still queued."""

KINDS = ("scene", "image", "gallery")

_TAKEN = ".taken"


class Entry:
    """One noted item, taken in; until ``done()`` every ``take`` gives it again."""

    __slots__ = ("_path", "ref")

    def __init__(self, ref: ItemRef, path: str) -> None:
        self.ref = ref
        self._path = path

    def done(self) -> None:
        """Forget it, once the store has it; again does no harm. Raises OSError when the file can't be deleted."""
        _delete(self._path)


class Spool:
    """One library's notes in a data folder. ``library_dir``: Stash's configuration folder tells several apart."""

    def __init__(self, data: str, library_dir: str) -> None:
        library = zlib.crc32(os.path.normpath(library_dir).encode("utf-8", "surrogateescape"))
        self.folder = os.path.join(data, "spool", f"{library:08x}")
        self._awake = os.path.join(self.folder, "awake")

    def note(self, kind: str, id: str) -> None:
        """Remember the item; again does no harm. Raises OSError (a full disk, no right to write)."""
        path = os.path.join(self.folder, f"{kind}-{id}")
        try:
            _touch(path)
        except FileNotFoundError:
            os.makedirs(self.folder, exist_ok=True)
            _touch(path)

    def claim(self) -> bool:
        """Whether the caller has to see that a run is queued: nobody else did lately. One of several hooks gets it."""
        try:
            age_s = time.time() - os.stat(self._awake).st_mtime
            if 0 <= age_s < AWAKE_S:
                return False
            _delete(self._awake)
            _touch(self._awake, os.O_EXCL)
        except FileNotFoundError:
            try:
                _touch(self._awake, os.O_EXCL)
            except FileExistsError:
                return False
        except FileExistsError:
            return False
        return True

    def unclaim(self) -> None:
        """No run is queued or at work any more (or none could be queued): the next hook shall see to it."""
        _delete(self._awake)

    def stay_awake(self) -> None:
        """Say that a run is at work or queued; a run says it more often than every ``AWAKE_S``. Raises OSError."""
        os.makedirs(self.folder, exist_ok=True)
        _touch(self._awake)
        os.utime(self._awake)

    def take(self, limit: int = 1000) -> list[Entry]:
        """Up to ``limit`` items, those first that a killed run had taken already. Also stays awake. Raises OSError."""
        self.stay_awake()
        entries: dict[ItemRef, Entry] = {}
        for ref, path, taken in sorted(self._notes(), key=lambda note: not note[2]):
            if len(entries) >= limit and ref not in entries:
                break
            if not taken:
                os.replace(path, path + _TAKEN)
            entries[ref] = Entry(ref, path + _TAKEN)
        return list(entries.values())

    def finish(self) -> bool:
        """The last thing a run does: whether really nothing waits. False = something came in: take again."""
        self.unclaim()
        if self.waiting():
            self.stay_awake()
            return False
        return True

    def waiting(self) -> int:
        """How many items are noted, or taken and not done."""
        return len({ref for ref, _, _ in self._notes()})

    def _notes(self) -> list[tuple[ItemRef, str, bool]]:
        from tagger.types import ITEM_KINDS, ItemRef

        notes = []
        for name in os.listdir(self.folder) if os.path.isdir(self.folder) else ():
            stem = name.removesuffix(_TAKEN)
            for kind in ITEM_KINDS:
                if stem.startswith(kind + "-"):
                    ref = ItemRef(kind, stem[len(kind) + 1 :])
                    notes.append((ref, os.path.join(self.folder, stem), stem != name))
        return notes


def _touch(path: str, flags: int = 0) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | flags, 0o644))


def _delete(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
