"""Tags that were renamed, merged or deleted in the library: what is ours, and what was said of it, follows them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tagger.answers import Selection, TagMove, TagRule
from tagger.judgement.vocabulary import TagIndex, normal
from tagger.library.delivery import items_of
from tagger.ports import Library, Store
from tagger.types import Change, ItemRef, MediaItem, Tag

MADE_BY_US = "Made by AI Tagger."  # the description of tags that we make
FEW = 3  # so many at once are a person's doing; more are another library, or a restored one,
MOST_SHARE = 0.10  # beyond this share of all tags
_LOOK_AT = 20
_OLDER = timedelta(seconds=60)  # what we note of a write comes a little after the library's own time of it
_RENAMED = "renamed tags"  # the fact that holds, as JSON, by former name the present one


def follow_tags(store: Store, library: Library, tags: Sequence[Tag]) -> list[str]:
    """Renamed and merged tags are followed; one that was deleted isn't made again. Lines for a person."""
    before = store.known_tags()
    now = {tag.id: tag for tag in tags}
    index = TagIndex(tags)
    renamed = {i for i, name in before.items() if i in now and normal(now[i].name) != normal(name)}
    moves: list[TagMove] = []
    lost: list[str] = []
    for tag_id, name in before.items():
        if tag_id in now and tag_id not in renamed:
            continue
        other = index.find(name)
        if other is not None and normal(name) in {normal(known) for known in (other.name, *other.aliases)}:
            # Merged, or ids that a rebuilt library gave anew.
            moves.append(TagMove(tag_id, other.id, name, other.name))
        elif tag_id in renamed:
            if not _many(len(renamed), len(before)) and _is_the_same(store, library, name, now[tag_id]):
                moves.append(TagMove(tag_id, tag_id, name, now[tag_id].name))
        else:
            lost.append(name)
    deleted = _deleted(store, library, lost)
    _remember(store, moves)
    store.follow_tags(moves, under_old_names(store, tags))
    renames = [move for move in moves if normal(move.old_name) != normal(move.new_name)]
    return [*(f"“{move.old_name}” is “{move.new_name}” now: followed." for move in renames), *deleted]


def under_old_names(store: Store, tags: Sequence[Tag]) -> list[Tag]:
    """The library's tags, the renamed ones with their former names as aliases: what is seen goes on under the name
    that the person gave. Where some tag has such a name now, that one is meant."""
    renamed = former_names(store)
    if not renamed:
        return list(tags)
    former: dict[str, list[str]] = {}
    for old, new in renamed.items():
        former.setdefault(normal(new), []).append(old)
    return [replace(tag, aliases=(*tag.aliases, *former.get(normal(tag.name), ()))) for tag in tags]


def know_former_names(store: Store, names: Mapping[str, str]) -> None:
    """Those that another store knows are known here too."""
    store.remember(_RENAMED, json.dumps(dict(names) | former_names(store)))


def _is_older(item: MediaItem | None, change: Change) -> bool:
    """Whether the item was changed last before we wrote this to it: whoever takes a tag away changes it later."""
    if item is None or not item.updated_at:
        return False
    return _time(item.updated_at) < _time(change.changed_at) - _OLDER


def was_restored(items: Mapping[ItemRef, MediaItem], changes: Iterable[Change]) -> bool:
    """Whether a backup was put back: then some of these items are older than what we wrote to them."""
    return any(_is_older(items.get(change.plan.ref), change) for change in changes)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _many(some: int, all_of_them: int) -> bool:
    """So many ids with another name mean another library, not a diligent person."""
    return some > max(FEW, MOST_SHARE * all_of_them)


def _is_the_same(store: Store, library: Library, name: str, tag: Tag) -> bool:
    """Whether it is the tag that we knew, and not one that got its id in a restored library: most of ours are still
    where we put them, and one that we made says so."""
    ours = store.ours(Selection(tag=name), 0, _LOOK_AT)
    there = items_of(library, ours)
    still = [tag.id in there[change.plan.ref].tag_ids for change in ours if change.plan.ref in there]
    if 2 * sum(still) > len(still):
        return True
    return not ours and (tag.description == MADE_BY_US or not any(made.id == tag.id for made in store.created_tags()))


def _remember(store: Store, moves: Sequence[TagMove]) -> None:
    """The former names of tags that we write or made; the library keeps none."""
    renamed = former_names(store)
    made = {normal(tag.name) for tag in store.created_tags()}
    for move in moves:
        if normal(move.old_name) == normal(move.new_name):
            continue
        renamed |= {old: move.new_name for old, new in renamed.items() if normal(new) == normal(move.old_name)}
        # Of a merged one the library keeps the name as an alias.
        is_ours = normal(move.old_name) in made or store.ours(Selection(tag=move.old_name), 0, 1)
        if move.old_id == move.new_id and is_ours:
            renamed[normal(move.old_name)] = move.new_name
    kept = {old: new for old, new in renamed.items() if old != normal(new)}
    if kept != former_names(store):
        store.remember(_RENAMED, json.dumps(kept))


def former_names(store: Store) -> dict[str, str]:
    """By the normal form of a tag's former name: its present one."""
    return dict(json.loads(store.fact(_RENAMED) or "{}"))


def _deleted(store: Store, library: Library, names: Sequence[str]) -> list[str]:
    """Of ours: one or two that a person deleted stay away; many at once look like a restored backup, and so does one
    whose items are older than what we wrote to them."""
    ours = {name: some for name in names if (some := store.ours(Selection(tag=name), 0, _LOOK_AT))}
    others = any(store.ours(Selection(tag=name), 0, 1) for name in store.known_tags().values() if name not in names)
    if not ours or len(ours) > FEW or not others:
        return []
    changes = [change for some in ours.values() for change in some]
    if was_restored(items_of(library, changes), changes):
        return []
    lines = []
    for name in ours:
        while some := store.ours(Selection(tag=name), 0, 1000):
            store.forget_ours([change.id for change in some], "the tag was deleted")
        why = "You deleted the tag in the library."
        act = store.say(f"{name} was deleted in the library", (), [TagRule(name, "never", why=why)])
        lines.append(f"“{name}” was deleted in the library, so it isn't made again; 'review undo {act}' allows it.")
    return lines
