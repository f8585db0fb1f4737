"""Try it: look at some items spread over the library, and say what would be written, and how long all would take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tagger.judgement.vocabulary import TagIndex
from tagger.library.following import under_old_names
from tagger.library.tools import Tools
from tagger.ports import Standing
from tagger.types import Decision, ItemKind, Look, MediaItem, Scope

_STORED_BYTES = 1_100  # What the store keeps of an item without its pictures, as bench/store.py measures it.


@dataclass(frozen=True, slots=True)
class Tried:
    """One item that was tried."""

    look: Look
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """``items`` were tried in ``seconds``; ``total`` are in scope, by kind. ``new_tags`` would have to be made."""

    items: tuple[Tried, ...]
    total: Mapping[ItemKind, int]
    seconds: float
    left_s: float
    by_tag: Mapping[str, int]
    review: int
    new_tags: tuple[str, ...]

    @property
    def disk_bytes(self) -> int:
        """What would be kept of the whole library: what was seen, and small pictures of it (their cap not counted)."""
        pictures = sum(len(thumb.jpeg) for tried in self.items for thumb in tried.look.thumbs)
        each = pictures / max(1, len(self.items)) + _STORED_BYTES
        return round(each * sum(self.total.values()))

    @property
    def failed(self) -> list[Look]:
        """Those that couldn't be looked at."""
        return [tried.look for tried in self.items if tried.look.error is not None]


def try_library(tools: Tools, scope: Scope, n: int = 50) -> Attempt:
    """Look at about ``n`` items spread over what is in scope. Writes nothing anywhere."""
    kinds: list[ItemKind] = [kind for kind in ("scene", "image") if kind in scope.kinds]
    total = {kind: tools.library.count(kind, scope) for kind in kinds}
    chosen = {kind: tools.library.spread(kind, scope, k) for kind, k in _shares(total, n).items()}
    index = TagIndex(under_old_names(tools.store, tools.library.tags()), tools.tree.others)
    items: list[Tried] = []
    left_s = seconds = 0.0
    for kind, some in chosen.items():
        started = tools.clock()
        for tried in look_at(tools, some, index):
            items.append(tried)
            tools.progress.at(len(items), sum(map(len, chosen.values())))
        took = tools.clock() - started
        seconds += took
        left_s += took / max(1, len(some)) * total[kind]
    by_tag = Counter(d.tag for tried in items for d in tried.decisions if d.verdict == "apply")
    return Attempt(
        tuple(items),
        total,
        seconds,
        left_s,
        dict(by_tag.most_common()),
        sum(d.verdict == "review" for tried in items for d in tried.decisions),
        tuple(name for name in by_tag if index.find(name) is None),
    )


def look_at(tools: Tools, items: Sequence[MediaItem], index: TagIndex) -> list[Tried]:
    """Look at these items and judge them; nothing is kept."""
    tried = []
    models = tools.pipeline.models
    for look in tools.pipeline.looks((item, models) for item in items):
        duration_s = look.duration_s or look.item.duration_s
        decisions = tools.judge.decide(look.sightings, duration_s, index, Standing(), look.item.path)
        decisions += tools.judge.people.decide_look(look) if tools.judge.people is not None else []
        tried.append(Tried(look, tuple(decisions)))
    return tried


def _shares(total: Mapping[ItemKind, int], n: int) -> dict[ItemKind, int]:
    """How many of each kind: half of them each, more of one where there are few of the other."""
    kinds = [kind for kind in total if total[kind]]
    shares: dict[ItemKind, int] = {}
    left = n
    for place, kind in enumerate(sorted(kinds, key=lambda kind: total[kind])):
        shares[kind] = min(total[kind], left // (len(kinds) - place))
        left -= shares[kind]
    return shares
