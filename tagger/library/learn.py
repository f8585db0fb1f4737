"""Learning from what people do in the library: a tag of ours taken away is a no, one of the same name added is a yes.

A missing tag is not always a no: a restored backup, a merged tag or an overwriting import take many at once. So what is
missed is only noticed while a run goes on; at its end it is learned when it is little, and asked about when it is much,
or when the items are older than what we wrote to them, which only a restored backup makes them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from tagger.answers import Question, Saying
from tagger.errors import TaggerError
from tagger.judgement.vocabulary import TagIndex
from tagger.library.following import follow_tags, under_old_names, was_restored
from tagger.ports import Library, Progress, Store
from tagger.types import Change, ItemRef, MediaItem, Tag

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

    def begin(self, tags: Sequence[Tag]) -> None:
        """Follow tags that were renamed or merged, before anything is compared."""
        for line in follow_tags(self._store, self._library, tags):
            self._progress.say(line)
        self._index = TagIndex(under_old_names(self._store, tags))

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
        missed, restored = still_missed(self._store, self._library)
        if missed and (restored or is_much(len(missed), self._store.summary()["ours"])):
            top = Counter(change.plan.tag_name for change in missed).most_common(5)
            ask(self._store, self._progress, len(missed), [f"{name} ({n:,})" for name, n in top], restored)
            return  # What was added at such a time says as little.
        if missed:
            self._store.learn_missed()
            self._progress.say(f"{len(missed):,} tags of ours were removed by hand: they stay away.")
        if open_question(self._store):
            self._store.remember(QUESTION, "")  # They are there again, so nothing is left to be said.
        if self._added and len(self._added) <= _MOST_ADDED:
            self._store.say(f"{len(self._added)} tags were added in the library", self._added)


def still_missed(store: Store, library: Library) -> tuple[list[Change], bool]:
    """What is missed by the library's present state, and whether a backup was restored: then some of these items were
    changed last before we wrote to them.

    While a run has an item in hand, a page may write to it, and then the item as it was read before misses what it has.
    """
    missed = store.missed()
    refs = list(dict.fromkeys(change.plan.ref for change in missed))
    items: dict[ItemRef, MediaItem] = {}
    for start in range(0, len(refs), _PAGE):
        items |= {item.ref: item for item in library.get(refs[start : start + _PAGE])}
    there = [c.id for c in missed if (item := items.get(c.plan.ref)) is not None and c.plan.tag_id in item.tag_ids]
    if there:
        store.not_missed(there)
        missed = store.missed()
    return missed, was_restored(items, missed)


def ask(store: Store, progress: Progress, missed: int, top: Sequence[str], restored: bool) -> None:
    """Leave the question open, and say it."""
    store.remember(QUESTION, json.dumps({"missed": missed, "tags": list(top), "restored": restored}))
    how = "as after a backup that was put back" if restored else "at once"
    progress.warn(
        f"{missed:,} of our tags are missing {how} ({', '.join(top)}), so nothing was learned from it. Did you remove "
        "them? Did they get lost (a backup, an import)? Say which on AI Tagger's status page, or in a terminal: "
        "'ai_tagger.py happened removed', and they stay away; 'ai_tagger.py happened lost', and the next run writes "
        "them again."
    )


def open_question(store: Store) -> dict[str, object] | None:
    """What the person has yet to say: ``{"missed": n, "tags": ["Dog (12)", …], "restored": False}``, None when
    nothing."""
    text = store.fact(QUESTION)
    return dict(json.loads(text)) if text else None


def question_lines(store: Store) -> list[str]:
    """The open question for a person; none when nothing is open."""
    question = open_question(store)
    ask = "What happened to {missed:,} of our tags? Say 'happened removed' or 'happened lost'."
    return [ask.format(**question)] if question else []


def happened(store: Store, library: Library, what: str) -> int:
    """The person says what became of our missing tags: "removed" (by them: they stay away) or "lost" (they are written
    again). How many tags that was about. Raises TaggerError."""
    if what not in ("removed", "lost"):
        raise TaggerError(f"“{what}” is no answer: say removed, or lost.")
    still_missed(store, library)
    count = store.learn_missed() if what == "removed" else store.forgive_missed("it got lost in the library")
    store.remember(QUESTION, "")
    return count
