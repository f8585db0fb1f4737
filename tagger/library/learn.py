"""Learning from what people do in the library: a tag of ours taken away is a no, one of the same name added is a yes.

A missing tag is not always a no: a restored backup, a merged tag or an overwriting import take many at once. So what is
missed is only noticed while a run goes on; at its end it is learned when it is little, and asked about when it is much.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from tagger.answers import Answers, Question, Saying, Selection, TagMove, TagRule
from tagger.errors import TaggerError
from tagger.ports import Library, Progress, Store
from tagger.types import Change, ItemRef, MediaItem, Tag
from tagger.vocabulary import TagIndex, normal

MOST_MISSED = 200  # more than these at once is much …
MOST_SHARE = 0.10  # … and so is more than this share of what is ours,
FEW = 3  # unless it is a handful.
_MOST_ADDED = 200
_PAGE = 1000
QUESTION = "what happened"  # the fact that holds the open question, as JSON
_DECISIONS = ("review", "keep", "apply")


def is_much(missed: int, ours: int) -> bool:
    """Whether so many of our tags are missed at once that nothing is learned from it. More is never less much."""
    return missed > MOST_MISSED or (missed > FEW and missed > MOST_SHARE * ours)


class Watch:
    """What people did since the last run, noticed by one run."""

    def __init__(self, store: Store, library: Library, progress: Progress, run_id: int) -> None:
        self._store, self._library, self._progress, self._run_id = store, library, progress, run_id
        self._added: list[Saying] = []
        self._index = TagIndex(())
        self._names: dict[str, str] = {}

    def begin(self, tags: Sequence[Tag]) -> None:
        """Follow tags that were renamed or merged, before anything is compared."""
        self._index = TagIndex(tags)
        self._names = {tag.id: tag.name for tag in tags}
        for line in follow_tags(self._store, tags):
            self._progress.say(line)

    def look(self, items: Sequence[MediaItem]) -> None:
        """Notice what is missed on these items, and what they got."""
        noticed = self._store.notice(self._run_id, [(i.ref, i.fingerprint, i.tag_ids) for i in items])
        if not noticed.added or len(self._added) > _MOST_ADDED:
            return
        prints = {item.ref: item.fingerprint for item in items}
        for ref, decisions in self._store.decisions(list(noticed.added)).items():
            for decision in decisions:
                tag = self._index.find(decision.tag) if decision.tag else None
                if tag is not None and tag.id in noticed.added[ref] and decision.verdict in _DECISIONS:
                    said = decision.prediction
                    question = Question(
                        ref, prints[ref], decision.tag, said.feature, said.subject, said.probability
                    )  # fmt: skip
                    self._added.append(Saying(question, "yes", "library"))

    def finish(self) -> None:
        """The run is over: learn what is little, ask about what is much."""
        missed = still_missed(self._store, self._library)
        if missed and is_much(len(missed), self._store.summary()["ours"]):
            top = Counter(change.plan.tag_name for change in missed).most_common(5)
            ask(self._store, self._progress, len(missed), [f"{name} ({n:,})" for name, n in top])
            return  # What was added at such a time says as little.
        if missed:
            self._store.learn_missed()
            self._progress.say(f"{len(missed):,} tags of ours were removed by hand: they stay away.")
        if self._added and len(self._added) <= _MOST_ADDED:
            self._store.say(f"{len(self._added)} tags were added in the library", self._added)


def still_missed(store: Store, library: Library) -> list[Change]:
    """What is missed by the library's present state: while a run has an item in hand, a page may write to it, and then
    the item as it was read before misses what it has."""
    missed = store.missed()
    refs = list(dict.fromkeys(change.plan.ref for change in missed))
    tags: dict[ItemRef, frozenset[str]] = {}
    for start in range(0, len(refs), _PAGE):
        tags |= {item.ref: item.tag_ids for item in library.get(refs[start : start + _PAGE])}
    there = [change.id for change in missed if change.plan.tag_id in tags.get(change.plan.ref, ())]
    if not there:
        return missed
    store.not_missed(there)
    return store.missed()


def ask(store: Store, progress: Progress, missed: int, top: Sequence[str]) -> None:
    """Leave the question open, and say it."""
    store.remember(QUESTION, json.dumps({"missed": missed, "tags": list(top)}))
    progress.warn(
        f"{missed:,} of our tags are missing at once ({', '.join(top)}), so nothing was learned from it. Did you "
        "remove them? Say 'ai_tagger.py happened removed'. Did they get lost (a backup, an import, a merge)? Say "
        "'ai_tagger.py happened lost', and the next run writes them again."
    )


def open_question(store: Store) -> dict[str, object] | None:
    """What the person has yet to say: ``{"missed": n, "tags": ["Dog (12)", …]}``, None when nothing."""
    text = store.fact(QUESTION)
    return dict(json.loads(text)) if text else None


def happened(store: Store, library: Library, what: str) -> int:
    """The person says what became of our missing tags: "removed" (by them: they stay away) or "lost" (they are written
    again). How many tags that was about. Raises TaggerError."""
    if what not in ("removed", "lost"):
        raise TaggerError(f"“{what}” is no answer: say removed, or lost.")
    still_missed(store, library)
    count = store.learn_missed() if what == "removed" else store.forgive_missed("it got lost in the library")
    store.remember(QUESTION, "")
    return count


# ---------------------------------------------------------------- tags


def follow_tags(answers: Answers, tags: Sequence[Tag]) -> list[str]:
    """Renamed and merged tags are followed; one that was deleted isn't made again. Lines for a person."""
    before = answers.known_tags()
    now = {tag.id: tag.name for tag in tags}
    index = TagIndex(tags)
    renamed = {i: now[i] for i, name in before.items() if i in now and normal(now[i]) != normal(name)}
    moves: list[TagMove] = []
    lost: list[tuple[str, str]] = []
    for tag_id, name in before.items():
        if tag_id in now and tag_id not in renamed:
            continue
        other = index.find(name)
        if other is not None and normal(name) in {normal(known) for known in (other.name, *other.aliases)}:
            # Merged, or ids that a rebuilt library gave anew.
            moves.append(TagMove(tag_id, other.id, name, other.name))
        elif tag_id in renamed and not _rebuilt(len(renamed), len(before)):
            moves.append(TagMove(tag_id, tag_id, name, renamed[tag_id]))
        elif tag_id not in now:
            lost.append((tag_id, name))
    deleted = _deleted(answers, [name for _, name in lost])
    answers.follow_tags(moves, tags)
    return [*(f"“{m.old_name}” is “{m.new_name}” now: followed." for m in moves if _renames(m)), *deleted]


def _renames(move: TagMove) -> bool:
    return normal(move.old_name) != normal(move.new_name)


def _rebuilt(renamed: int, known: int) -> bool:
    """So many ids with another name mean another library, not a diligent person."""
    return renamed > max(FEW, MOST_SHARE * known)


def _deleted(answers: Answers, names: Sequence[str]) -> list[str]:
    """Of ours: one or two that a person deleted stay away; many at once look like a restored backup."""
    ours = [name for name in names if answers.ours(Selection(tag=name), 0, 1)]
    others = any(answers.ours(Selection(tag=name), 0, 1) for name in answers.known_tags().values() if name not in names)
    if not ours or len(ours) > FEW or not others:
        return []
    lines = []
    for name in ours:
        while changes := answers.ours(Selection(tag=name), 0, 1000):
            answers.forget_ours([change.id for change in changes], "the tag was deleted")
        why = "You deleted the tag in the library."
        act = answers.say(f"{name} was deleted in the library", (), [TagRule(name, "never", why=why)])
        lines.append(f"“{name}” was deleted in the library, so it isn't made again; 'review undo {act}' allows it.")
    return lines
