"""What needs a look: items of a library that some model hasn't seen, what waits in the queue, and what changed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TypeAlias

from tagger.library.scope import meant
from tagger.ports import Library, Standing, Store
from tagger.types import ItemKind, ItemRef, MediaItem, Run, Scope

URGENT = 100  # priority of an item that somebody is waiting for
END = "end"  # the cursor of a kind that is done with
_PAGE = 500
_TAKE_IN = 200
_TAKE_IN_EVERY_S = 2.0

_Wanted: TypeAlias = tuple[MediaItem, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is asked for. ``operation`` is ``tag`` (all in scope), ``new`` (what waits, and what changed) or
    ``asked`` (only what somebody is waiting for).

    ``slice_s`` is how long it goes on while others wait. ``try_again``: items that failed twice are tried once more.
    ``forget_gone``: items that the library no longer has are forgotten even when they are very many.
    """

    operation: str = "tag"
    scope: Scope = field(default_factory=Scope)
    dry_run: bool = False
    slice_s: float = 1200.0
    backup: bool = True
    try_again: bool = False
    forget_gone: bool = False


def changed_since(scope: Scope) -> str:
    """The fact that says up to when changes in this scope were found; another scope's run says nothing of it."""
    return "changed since" if scope == Scope() else f"changed since {json.dumps(asdict(scope), sort_keys=True)}"


class _Cursor:
    """Up to where everything of one kind is settled, though items finish in any order."""

    def __init__(self, items: int) -> None:
        self._pages: list[tuple[str, int, set[ItemRef]]] = []
        self.items = items  # so many lie before it

    def page(self, last_id: str, items: int, open_refs: set[ItemRef]) -> None:
        self._pages.append((last_id, items, open_refs))

    def settled(self, refs: Sequence[ItemRef]) -> str:
        """The new value, "" when it didn't move."""
        for _, _, open_refs in self._pages:
            open_refs.difference_update(refs)
        value = ""
        while self._pages and not self._pages[0][2]:
            value, items, _ = self._pages.pop(0)
            self.items += items
        return value


def items_before(run: Run, kind: ItemKind) -> int:
    """How many items lie before the run's cursor: what it passed besides, it finds again when it goes on."""
    return int(run.cursor.get(_items_of(kind)) or 0)


def _items_of(kind: ItemKind) -> str:
    return f"{kind} items"


def moved(kind: ItemKind, value: str, items: int) -> dict[str, str]:
    """The cursor of a kind, with how many items lie before it."""
    return {kind: value, _items_of(kind): str(items)} if value else {}


class Finder:
    """Finds for one run. Items that were looked at already and only need deciding are put aside until the next batch.

    ``passed`` is told of items that need nothing; ``settle`` is called when much was put aside and no batch came.
    ``pause`` is asked after each page whether to stop here. ``finished``: all was found; ``paused``: it stopped.
    """

    def __init__(
        self,
        library: Library,
        store: Store,
        models: frozenset[str],
        policy_id: str,
        order: Order,
        run: Run,
        take_in: Callable[[], None],
        passed: Callable[[int, str], None],
        settle: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        notice: Callable[[Sequence[MediaItem]], object] = len,
        pause: Callable[[], bool] = lambda: False,
    ) -> None:
        self._library, self._store, self._models, self._policy_id = library, store, models, policy_id
        self._order, self._run, self._take_in, self._passed, self._clock = order, run, take_in, passed, clock
        self._settle, self._notice, self._pause = settle, notice, pause
        self._cursors: dict[ItemKind, _Cursor] = {}
        self._asked_for: set[ItemRef] = set()  # not found on a page of the library, which may come yet
        self._standing: dict[ItemRef, Standing] = {}
        self._in_hand: set[ItemRef] = set()
        self._took_in = float("-inf")
        self.urgent: set[ItemRef] = set()
        self._to_decide: list[MediaItem] = []
        self.galleries: set[str] = set()
        self.asked_galleries: set[str] = set()
        self.finished = self.paused = False
        self._stream = self._all()

    def standing(self, item: MediaItem) -> Standing:
        """What the store knew of an item when it was found."""
        return self._standing.get(item.ref, Standing())

    def take_to_decide(self) -> list[MediaItem]:
        """What was put aside since the last call."""
        items, self._to_decide = self._to_decide, []
        return items

    def settled(self, items: Sequence[MediaItem]) -> dict[str, str]:
        """These are about to be settled: how far the run's cursor moves with them."""
        refs = [item.ref for item in items]
        moves: dict[str, str] = {}
        for kind, cursor in self._cursors.items():
            value = cursor.settled(refs)
            moves |= moved(kind, value, cursor.items)
        return moves

    def release(self, items: Sequence[MediaItem]) -> None:
        """These are settled and on record."""
        self._done_with([item.ref for item in items if item.ref in self._in_hand])
        for item in items:
            self._standing.pop(item.ref, None)
            self.urgent.discard(item.ref)

    def _done_with(self, refs: Sequence[ItemRef]) -> None:
        """They wait no longer; after a dry run they still do, and are not asked for again in it."""
        if refs and not self._order.dry_run:
            self._store.dequeue(refs)
            self._in_hand.difference_update(refs)

    def wanted(self) -> Iterator[_Wanted]:
        """Items with the models that haven't seen them. What somebody waits for comes in between at any time.

        Ends before all was found when it pauses, and when what somebody waits for would else be looked at only after
        many pages in which nothing needs a look; the next call goes on from there.
        """
        for pair in self._stream:
            if pair is not None:
                yield pair
            elif self._pause():
                self.paused = True
                return
            elif self.urgent:
                return
        self.finished = True

    def _all(self) -> Iterator[_Wanted | None]:
        """All there is to find, with None after each page."""
        if self._order.operation == "tag":
            for kind in ("scene", "image"):
                if kind in self._order.scope.kinds and self._run.cursor.get(kind) != END:
                    yield from self._of_kind(kind)
        elif self._order.operation == "new":
            yield from self._changed()
        yield from self._waiting(URGENT if self._order.operation == "asked" else 0)

    def _of_kind(self, kind: ItemKind) -> Iterator[_Wanted | None]:
        after = self._run.cursor.get(kind, "")
        cursor = self._cursors.setdefault(kind, _Cursor(items_before(self._run, kind)))
        while page := self._library.page(kind, self._order.scope, after, _PAGE):
            after = page[-1].ref.id
            wanted = self._sort(page)
            cursor.page(after, len(page), {item.ref for item, _ in wanted} | {item.ref for item in self._to_decide})
            yield from self._page(wanted)
        cursor.page(END, 0, set())

    def _page(self, wanted: Iterable[_Wanted]) -> Iterator[_Wanted | None]:
        """A page's, however many need no look; and what somebody waits for as soon as it is asked for."""
        if len(self._to_decide) >= _PAGE // 2:
            self._settle()
        for pair in (*wanted, None):
            if self._clock() - self._took_in >= _TAKE_IN_EVERY_S:
                yield from self._waiting(URGENT)
            yield pair

    def _sort(self, items: Sequence[MediaItem], try_again: bool = False, waited: bool = False) -> list[_Wanted]:
        """Those that need a look, with the models to do it; the others are put aside, or done with.

        What ``waited`` is on a page of the library, too, where a run over all of it goes by: it is counted once.
        """
        twice = self._order.operation == "tag"
        if not self._order.dry_run:
            self._notice(items)
        standing = self._store.standing(items)
        wanted: list[_Wanted] = []
        for item in items:
            if item.ref in self._standing:
                continue  # Found in two ways: it is being looked at already.
            known = standing[item.ref]
            missing = self._models - known.seen
            if missing and (not known.given_up or self._order.try_again or try_again):
                self._standing[item.ref] = known
                wanted.append((item, missing))
            elif (known.seen or not missing) and known.decided != self._policy_id:
                self._standing[item.ref] = known
                self._to_decide.append(item)
            elif not (twice and (waited or item.ref in self._asked_for)):
                self._passed(1, "given up" if missing else "unchanged")
        if twice and waited:
            self._asked_for.update(item.ref for item in items if item.ref in self._standing)
        return wanted

    def _changed(self) -> Iterator[_Wanted | None]:
        """Items that came, or whose files changed, since the last run: a hook may have been missed."""
        since = self._store.fact(changed_since(self._order.scope))
        kinds: tuple[ItemKind, ...] = ("scene", "image")
        for kind in kinds if since else ():
            after = ""
            while kind in self._order.scope.kinds:
                page = self._library.changed(kind, since, after, _PAGE)
                if not page:
                    break
                after = page[-1].ref.id
                yield from self._page(self._sort(meant(self._library, page, self._order.scope)))

    def _waiting(self, least_priority: int) -> Iterator[_Wanted | None]:
        """What waits in the queue, the most urgent first, until nothing is left."""
        while True:
            self._took_in = self._clock()
            self._take_in()
            # Those in hand are still in the queue, and may stand before all others.
            limit = _TAKE_IN + len(self._in_hand)
            entries = [e for e in self._store.waiting(limit, least_priority) if e.ref not in self._in_hand]
            if not entries:
                return
            urgent = {entry.ref for entry in entries if entry.priority >= URGENT}
            refs = [entry.ref for entry in entries]
            self._in_hand.update(refs)
            self.urgent.update(ref for ref in urgent if ref.kind != "gallery")
            items = self._library.get(refs)
            self._take_galleries([ref for ref in refs if ref.kind == "gallery"], urgent)
            # Who asks for one item means it, wherever it lies and however often it failed.
            asked = [i for i in items if i.ref.kind != "gallery" and i.ref in urgent]
            uncalled = [i for i in items if i.ref.kind != "gallery" and i.ref not in urgent]
            others = meant(self._library, uncalled, self._order.scope)
            wanted = self._sort(asked, try_again=True, waited=True)
            more = self._sort(others, waited=True)
            # What is out of this scope may be in that of the run which is about new media: it goes on waiting.
            left = {item.ref for item in items} - urgent if self._order.operation == "tag" else set()
            left -= {item.ref for item in others}
            idle = [ref for ref in refs if ref not in self._standing and ref.kind != "gallery" and ref not in left]
            self._done_with(idle)
            self.urgent.difference_update(idle)
            yield from wanted
            yield from more if least_priority >= URGENT else self._page(more)

    def _take_galleries(self, refs: Sequence[ItemRef], urgent: set[ItemRef]) -> None:
        """A gallery that somebody waits for is looked at by its images."""
        self.galleries.update(ref.id for ref in refs)
        for gallery in refs:
            if gallery in urgent:
                self.asked_galleries.add(gallery.id)
                images = [ItemRef("image", i) for i in self._library.members(gallery.id)]
                self._store.enqueue(images, URGENT, "its gallery")
