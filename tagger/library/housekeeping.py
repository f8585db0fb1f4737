"""Around a run: a backup before the first write ever, and forgetting what the library no longer has."""

from __future__ import annotations

from tagger.errors import LibraryError
from tagger.library.find import Order
from tagger.library.tools import Tools
from tagger.types import ITEM_KINDS, ItemRef

_MANY_GONE = 0.2
_FEW_GONE = 50


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
        tools.progress.say(f"Backup: {where}")


def forget_gone(tools: Tools, even_many: bool) -> int:
    """Forget items that the library no longer has; how many. Very many at once are left until a person says so."""
    gone: list[ItemRef] = []
    known = 0
    for kind in ITEM_KINDS:
        after = ""
        while refs := tools.store.known(kind, after, 1000):
            after = refs[-1].id
            known += len(refs)
            there = {item.ref for item in tools.library.get(refs)}
            gone += [ref for ref in refs if ref not in there]
    if len(gone) > max(_FEW_GONE, _MANY_GONE * known) and not even_many:
        tools.progress.warn(
            f"{len(gone):,} of {known:,} items are gone from the library at once, so nothing was forgotten: if that is "
            "right, run 'ai_tagger.py tag --forget-gone' once."
        )
        return 0
    if tools.judge.people is not None:
        tools.judge.people.store.forget_items(gone)
    tools.store.forget(gone)
    return len(gone)
