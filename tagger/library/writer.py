"""The outbox → the library: planned changes are sent, and marked done. Replaying it after a kill does no harm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from tagger.errors import LibraryRefusedError
from tagger.judgement.vocabulary import TagIndex, Tree
from tagger.library import delivery
from tagger.library.delivery import Sent, Step
from tagger.library.following import MADE_BY_US, under_old_names
from tagger.library.people.sending import PerformerSender
from tagger.ports import Library, Store
from tagger.types import Change, MediaItem, Tag

_BATCH = 500
_MAKING = "making a tag"


class Writer:
    """Sends what the store's outbox holds. ``tree`` says under which tag new ones are made.

    ``before_first`` is called before the first write of this process; it may raise, then nothing is written.
    """

    def __init__(self, library: Library, store: Store, tree: Tree, before_first: Callable[[], None]) -> None:
        self._library = library
        self._store = store
        self._tree = tree
        self._before_first: Callable[[], None] | None = before_first
        self._tried_again: set[int] = set()
        self._performers = PerformerSender(library, store)

    @cached_property
    def _known(self) -> tuple[dict[str, Tag], TagIndex]:
        """The library's tags, read when first needed: by then a run has followed those that were renamed."""
        tags = self._library.tags()
        return {tag.id: tag for tag in tags}, TagIndex(under_old_names(self._store, tags), self._tree.others)

    @property
    def _tags(self) -> dict[str, Tag]:
        return self._known[0]

    @property
    def index(self) -> TagIndex:
        """The library's tags by name, those made meanwhile among them."""
        return self._known[1]

    def refresh(self) -> None:
        """Read the library's tags again."""
        self.__dict__.pop("_known", None)

    def flush(self) -> int:
        """Send everything that is planned or was being sent; how many tags were added."""
        self.own_up()
        added = 0
        while changes := self._store.pending(_BATCH):
            if self._before_first is not None:
                self._before_first()
                self._before_first = None
            added += self._performers.send([change for change in changes if change.plan.target == "performer"])
            added += self._send([change for change in changes if change.plan.target == "tag"])
        return added

    def _send(self, changes: Sequence[Change]) -> int:
        wanted = delivery.sort_out(self._store, changes, delivery.items_of(self._library, changes), self._step)
        added = 0
        for sent in delivery.deliver(self._library, self._store, "add", wanted):
            self._store.mark(delivery.ids(sent.done), "done")
            if sent.left:
                delivery.fail(self._store, self._once_more(sent))
            added += len(sent.done)
        return added

    def _step(self, change: Change, item: MediaItem) -> Step:
        plan = change.plan
        try:
            tag = self._tags.get(plan.tag_id) or self._tag(plan.tag_name, change.run_id)
        except LibraryRefusedError as error:
            return Step("failed", str(error))
        if tag.id in plan.tags_before:
            return Step("failed", "the item had this tag before", tag.id)
        if tag.id not in item.tag_ids:
            return Step("sending", "", tag.id)
        # Being sent when we were killed: it arrived. Only planned: somebody was quicker, so it's theirs.
        ours = change.state == "sending" and plan.tag_id == tag.id
        return Step("done", "", tag.id) if ours else Step("failed", "a person added it first", tag.id)

    def _once_more(self, sent: Sent) -> Sent:
        """Where somebody deleted or merged a tag meanwhile, what was refused is planned once more; the rest of it."""
        self.refresh()
        failed = Sent(sent.done, [])
        for reason, by_id in sent.left:
            if self._tags.keys() >= by_id.keys() or not self._tried_again.isdisjoint(delivery.ids(by_id.values())):
                failed.left.append((reason, by_id))
            else:
                self._store.mark(delivery.ids(by_id.values()), "planned")
            self._tried_again.update(delivery.ids(by_id.values()))
        return failed

    # ------------------------------------------------------------ making tags

    def _tag(self, name: str, run_id: int) -> Tag:
        found = self.index.find(name)
        if found is not None:
            return found
        parent_id = ""
        if parent := self._tree.parent(name):
            parent_id = self._tag(parent, run_id).id
        self._store.remember(_MAKING, f"{run_id} {name}")
        try:
            tag = self._library.create_tag(name, parent_id, MADE_BY_US)
        except LibraryRefusedError:
            # Somebody made it in the meantime.
            self._store.remember(_MAKING, "")
            self.refresh()
            found = self.index.find(name)
            if found is None:
                raise
            return found
        self._note(run_id, tag)
        self._tags[tag.id] = tag
        self.index.add(tag)
        return tag

    def _note(self, run_id: int, tag: Tag) -> None:
        self._store.note_created_tag(run_id, tag)
        self._store.remember(_MAKING, "")

    def own_up(self) -> None:
        """A tag that was made right before we were killed is put on record, so that undo knows it.

        When we were killed before it was made, a person may have made one of that name; it doesn't say that it is ours.
        """
        run_id, _, name = self._store.fact(_MAKING).partition(" ")
        made = next((t for t in self._tags.values() if (t.name, t.description) == (name, MADE_BY_US)), None)
        if name and made is not None:
            self._note(int(run_id), made)
