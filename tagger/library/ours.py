"""What every way of undoing agrees on: which tags are still ours to take back, and which that we made may go."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from tagger.judgement.vocabulary import TagIndex
from tagger.library import targets
from tagger.library.following import follow_tags, under_old_names
from tagger.library.marking import let_go
from tagger.library.people.made import is_that
from tagger.library.tools import Tools
from tagger.types import Change, MediaItem, Performer, Tag

REMOVED = "a person removed it already"


class Ours:
    """The library's tags as an undo begins: renamed and merged ones are followed first."""

    def __init__(self, tools: Tools) -> None:
        tags = tools.library.tags()
        for line in follow_tags(tools.store, tools.library, tags):
            tools.progress.say(line)
        self._tools = tools
        self._performers: dict[tuple[str, str], bool] = {}
        self._tags = {tag.id: tag for tag in tags}
        self._index = TagIndex(under_old_names(tools.store, tags), tools.tree.others)

    def why_not(self, change: Change, item: MediaItem | None) -> str:
        """Why a tag can't be taken back, "" when it can. Item, file and tag must all be those that we wrote: a rebuilt
        library gives the ids of all three to others."""
        plan = change.plan
        if item is None:
            return "the item is gone from the library"
        if item.fingerprint != plan.fingerprint:
            return "the item is another file now"
        if plan.target == "tag" and plan.tag_id and not self._index.is_that(plan.tag_id, plan.tag_name):
            return "the tag is another one now" if plan.tag_id in self._tags else "the tag is gone from the library"
        if plan.tag_id not in targets.present(item, plan.target):
            return REMOVED
        if plan.target == "performer" and not self._is_that_performer(plan.tag_id, plan.tag_name):
            return "the performer is another one now"
        return ""

    def _is_that_performer(self, performer_id: str, name: str) -> bool:
        """Asked once: what is taken back is a witness no longer."""
        known = self._performers.get((performer_id, name))
        if known is None:
            one = self._performers_now.get(performer_id)
            known = one is not None and is_that(self._tools.library, self._tools.store, one, name)
            self._performers[performer_id, name] = known
        return known

    @cached_property
    def _performers_now(self) -> dict[str, Performer]:
        return {performer.id: performer for performer in self._tools.library.performers()}


def delete_unused(tools: Tools, made: Sequence[Tag]) -> tuple[str, ...]:
    """Of the tags that we made, delete those that nothing uses, children before parents; the deleted ones' names.

    Renamed or moved, one is a person's now; under another name it may be another tag, in a rebuilt library.
    """
    if tools.ask is not None:
        let_go(tools.ask, tools.store, [tag.id for tag in made])
    there = {tag.id: tag for tag in tools.library.tags()} if made else {}
    deleted: list[str] = []
    left = list(made)
    while left:
        used = []
        for tag in left:
            now = there.get(tag.id)
            if now is not None and (now.name, now.parent_ids) == (tag.name, tag.parent_ids):
                if not tools.library.delete_unused_tag(tag.id):
                    used.append(tag)  # Perhaps only by a child, which goes in this round.
                    continue
                deleted.append(tag.name)
            tools.store.note_deleted_tag(tag.id)
        if len(used) == len(left):
            break
        left = used
    return tuple(deleted)
