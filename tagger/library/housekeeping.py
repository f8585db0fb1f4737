"""Around a run: a backup before the first write ever, and forgetting what the library no longer has."""

from __future__ import annotations

from collections.abc import Iterator

from tagger.errors import LibraryError
from tagger.library.find import Order
from tagger.library.tools import Tools
from tagger.ports import Library, Store
from tagger.types import ITEM_KINDS, ItemKind, ItemRef

_MANY_GONE = 0.2
_FEW_GONE = 3
_KNOWN_PAGE, _IDS_PAGE = 1000, 5000


def backup_once(tools: Tools, order: Order) -> None:
    """Ask the host for a backup of its database, once for a library. Raises LibraryError: then nothing is written."""
    if not order.backup or tools.store.fact("backup"):
        return
    tools.progress.say("Asking for a backup of the library's database before the first tag is written …")
    try:
        where = tools.host.backup()
    except LibraryError as error:
        raise LibraryError(
            f"The backup before the first tag failed ({error}): make room where Stash keeps its backups, or switch the "
            "backup off in the settings."
        ) from error
    tools.store.remember("backup", where or "made")
    if where:
        tools.progress.say(f"The backup: {where}")


def forget_gone(tools: Tools, even_many: bool) -> int:
    """Forget items that the library no longer has; how many. Very many at once are left until a person says so."""
    gone: list[ItemRef] = []
    known = 0
    for kind in ITEM_KINDS:
        there = _ids(tools.library, kind)
        at = next(there, None)
        for ref in _known(tools.store, kind):
            known += 1
            while at is not None and _place(at) < _place(ref.id):
                at = next(there, None)
            if at != ref.id:
                gone.append(ref)
    if len(gone) > _FEW_GONE and len(gone) >= _MANY_GONE * known and not even_many:
        tools.progress.warn(
            f"{len(gone):,} of {known:,} items are gone from the library at once, so nothing was forgotten: if that is "
            "right, run 'ai_tagger.py tag --forget-gone' once."
        )
        return 0
    if tools.judge.people is not None:
        tools.judge.people.store.forget_items(gone)
    tools.store.forget(gone)
    return len(gone)


def _known(store: Store, kind: ItemKind) -> Iterator[ItemRef]:
    after = ""
    while refs := store.known(kind, after, _KNOWN_PAGE):
        yield from refs
        after = refs[-1].id


def _ids(library: Library, kind: ItemKind) -> Iterator[str]:
    after = ""
    while ids := library.ids(kind, after, _IDS_PAGE):
        yield from ids
        after = ids[-1]


def _place(item_id: str) -> tuple[bool, int, str]:
    """Where an id stands in the order that store and libraries have in common: numbers as numbers, then text."""
    is_text = not item_id.isdecimal()
    return is_text, 0 if is_text else int(item_id), item_id
