"""Galleries get what enough of their images share; only those whose images or number of images changed are judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tagger.judgement.vocabulary import TagIndex
from tagger.library.find import END, Order
from tagger.library.scope import meant
from tagger.library.tools import Tools
from tagger.ports import Settlement
from tagger.types import Decision, ItemRef, MediaItem, Run

_PAGE = 50


class Galleries:
    """The galleries of one run. ``touched``: an image of theirs was settled in this run, or they wait in the queue."""

    def __init__(self, tools: Tools, order: Order, run: Run, policy_id: str, touched: set[str]) -> None:
        self._tools, self._order, self._run, self._policy_id, self._touched = tools, order, run, policy_id, touched

    def pages(self) -> Iterator[list[MediaItem]]:
        """The galleries to be considered, page by page."""
        if "gallery" not in self._order.scope.kinds:
            return
        seen: set[str] = set()
        if self._order.operation == "tag":
            for page in self._all():
                seen.update(gallery.ref.id for gallery in page)
                yield page
        # A run that goes on may be past galleries whose images came to it only now.
        yield from self._few(self._touched - seen)

    def _all(self) -> Iterator[list[MediaItem]]:
        after = self._run.cursor.get("gallery", "")
        while after != END and (page := self._tools.library.page("gallery", self._order.scope, after, _PAGE)):
            after = page[-1].ref.id
            yield page

    def _few(self, ids: set[str]) -> Iterator[list[MediaItem]]:
        refs = [ItemRef("gallery", i) for i in sorted(ids, key=lambda i: (len(i), i))]
        for start in range(0, len(refs), _PAGE):
            asked = refs[start : start + _PAGE]
            there = self._tools.library.get(asked)
            found = meant(self._tools.library, there, self._order.scope)
            # A run over all leaves those waiting that are out of its scope, for the run which is about new media.
            kept = there if self._order.operation == "tag" else found
            if not self._order.dry_run:
                self._tools.store.dequeue(set(asked) - {item.ref for item in kept})
            if found:
                yield found

    def judge(
        self, page: Sequence[MediaItem], index: TagIndex, new: Mapping[ItemRef, Sequence[Decision]] | None = None
    ) -> list[tuple[str, Settlement]]:
        """Those of a page that something changed for, each with the policy it is decided under.

        ``new`` are decisions of images that aren't on record yet.
        """
        standing = self._tools.store.standing(page)
        judge = self._tools.judge
        settled = []
        for gallery in page:
            known = standing[gallery.ref]
            policy_id = f"{self._policy_id}/{gallery.members}"
            if known.decided == policy_id and gallery.ref.id not in self._touched:
                continue
            images = [ItemRef("image", i) for i in self._tools.library.members(gallery.ref.id)]
            of_images = self._tools.store.decisions(images) | {i: list(new[i]) for i in images if new and i in new}
            decisions = judge.decide_gallery(list(of_images.values()), index, known, gallery.path)
            # No model looks at a gallery itself; its images speak for all of them.
            seen = frozenset(judge.knowledge.features) if images else frozenset()
            plans = judge.plan(gallery, decisions, index, replace(known, seen=seen))
            settled.append((policy_id, Settlement(gallery, tuple(decisions), tuple(plans))))
        return settled

    def cursor(self, page: Sequence[MediaItem]) -> dict[str, str]:
        """How far the run's cursor moves after this page."""
        return {"gallery": page[-1].ref.id} if self._order.operation == "tag" else {}
