"""Other verdicts for the same predictions of one item, and the tags that follow. Part of deciding again.

What is known of every item (names, numbers, former verdicts) is enough to say what changes; the decisions themselves,
with their models and scores, are read only where a tag is written or taken back, or a gallery asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from tagger.answers import PEOPLE
from tagger.judgement.decide import VERDICTS
from tagger.judgement.vocabulary import TagIndex
from tagger.library.judge import Judge
from tagger.ports import Record, Rejudged, Standing, Store
from tagger.types import Decision, MediaItem, PlannedChange, Prediction, Verdict


class Move(NamedTuple):
    """A stored verdict (its place among the item's) becomes this one, perhaps under another name."""

    former: int
    tag: str
    verdict: Verdict
    rule: str
    why: str


Moved: TypeAlias = Sequence[Move]
ONLY_TAGS = Move(-1, "", "drop", "", "")  # no verdict moves, but tags do


def moves(
    stored: Sequence[tuple[str, str, str, Verdict, int]],
    new: Sequence[tuple[str, str, str, int]],
    words: Callable[[int], tuple[Verdict, str, str]],
) -> list[Move] | None:
    """Which of the ``stored`` verdicts move, when ``new`` ones follow from the same predictions, with these ``words``
    (see decide.Hearing). None: one of them was dropped before, so its evidence has to be found."""
    if [one[:4] for one in stored] == [(feature, of, tag, VERDICTS[rank]) for feature, of, tag, rank in new if rank]:
        return []
    left = {one[:3]: at for at, one in enumerate(stored)}
    moved: list[Move] = []
    others: list[int] = []
    for at, (feature, subject, tag, rank) in enumerate(new):
        former = left.pop((feature, subject, tag), None)
        if former is None:
            others += [at] * bool(rank)
        elif stored[former][3] != VERDICTS[rank]:
            moved.append(Move(former, tag, *words(at)))
    # A prediction whose former name is left over is called otherwise now.
    names = {(feature, subject): (feature, subject, tag) for feature, subject, tag in left}
    for at in others:
        feature, subject, tag, _ = new[at]
        name = names.pop((feature, subject), None)
        if name is None:
            return None
        moved.append(Move(left.pop(name), tag, *words(at)))
    for (_, _, tag), former in left.items():
        moved.append(Move(former, tag, "drop", "tags.names", f"It isn't called “{tag}” any more."))
    return moved


@dataclass(slots=True)
class _Draft:
    """``decisions`` are all of the item's, by their index in the record, under the new verdicts; ``moved`` are the
    indexes of those that have other ones."""

    record: Record
    item: MediaItem
    decisions: dict[int, Decision]
    moved: frozenset[int]
    changes: tuple[tuple[int, Verdict, Verdict, str, str], ...]
    names: tuple[tuple[int, Verdict, str], ...]


class Redrafting:
    """Redrafts items for one judge. ``tag_id`` gives the id of the tag that a name means, "" where there is none."""

    def __init__(self, judge: Judge, store: Store, tag_id: Callable[[str], str]) -> None:
        self._judge, self._store, self._tag_id = judge, store, tag_id
        self._known: dict[tuple[str, str, str, Verdict], Decision] = {}

    def redraft(
        self, some: Sequence[tuple[Record, MediaItem, Moved]], index: TagIndex
    ) -> Iterator[tuple[Rejudged, Sequence[Decision]]]:
        """What is to be written for each, and its new decisions where it is in a gallery (() elsewhere)."""
        drafts = [self._draft(record, item, moved, index) for record, item, moved in some]
        wanted = [list(draft.decisions) if draft.item.gallery_ids else self._about_tags(draft) for draft in drafts]
        places = [(d.record.row, d.record.verdicts[i][4]) for d, of in zip(drafts, wanted, strict=True) for i in of]
        real = self._store.decisions_at(places) if places else {}
        in_galleries = [draft.item.ref for draft in drafts if draft.item.gallery_ids]
        whole = self._store.decisions(in_galleries) if in_galleries else {}
        for draft, of in zip(drafts, wanted, strict=True):
            for at in of:
                self._fill(draft, at, real)
            plans = self._plans(draft, index)
            people = [d for d in whole.get(draft.item.ref, ()) if d.prediction.feature == PEOPLE]
            shared = (*draft.decisions.values(), *people) if draft.item.gallery_ids else ()
            yield Rejudged(draft.record.row, draft.item, draft.changes, plans, draft.names), shared

    def _draft(self, record: Record, item: MediaItem, moved: Moved, index: TagIndex) -> _Draft:
        decisions = {at: self._bare(verdict[:4]) for at, verdict in enumerate(record.verdicts)}
        changes: list[tuple[int, Verdict, Verdict, str, str]] = []
        names: list[tuple[int, Verdict, str]] = []
        for former, tag, verdict, rule, why in moved:
            if former < 0:
                continue
            _, _, name, was, place = record.verdicts[former]
            if name != tag:
                names.append((place, was, tag))
                was = "drop"
            new = replace(decisions[former], tag=tag, verdict=verdict, rule=rule, why=why)
            decisions[former] = new = self._judge.respect(new, index, Standing())
            changes.append((place, was, new.verdict, new.rule, new.why))
        return _Draft(record, item, decisions, frozenset(move.former for move in moved), tuple(changes), tuple(names))

    def _bare(self, verdict: tuple[str, str, str, Verdict]) -> Decision:
        """A decision that stands: what it rests on is read where it matters. There are few different ones."""
        known = self._known.get(verdict)
        if known is None:
            feature, subject, tag, said = verdict
            known = Decision(Prediction(feature, subject, 0.0, 0.0, subject, ()), said, tag, "", "")
            self._known[verdict] = known
        return known

    def _about_tags(self, draft: _Draft) -> list[int]:
        """The decisions that may give the item a tag, or say why one of ours goes."""
        ours, there = draft.record.ours, draft.item.tag_ids
        return [
            at
            for at, decision in draft.decisions.items()
            if decision.tag
            and (
                self._tag_id(decision.tag) not in there
                if decision.verdict == "apply"
                else self._tag_id(decision.tag) in ours
            )
        ]

    def _plans(self, draft: _Draft, index: TagIndex) -> tuple[PlannedChange, ...]:
        record = draft.record
        standing = Standing(seen=record.models, ours=frozenset(record.ours), mine=record.ours)
        return not_there_yet(self._judge.plan(draft.item, list(draft.decisions.values()), index, standing), record)

    @staticmethod
    def _fill(draft: _Draft, at: int, real: Mapping[tuple[int, int], Decision]) -> None:
        known = real.get((draft.record.row, draft.record.verdicts[at][4]))
        decision = draft.decisions[at]
        if known is not None and at in draft.moved:
            draft.decisions[at] = replace(decision, prediction=known.prediction)
        elif known is not None:
            draft.decisions[at] = replace(known, verdict=decision.verdict)


def not_there_yet(plans: Sequence[PlannedChange], record: Record) -> tuple[PlannedChange, ...]:
    """Of what is to be written, tags that aren't ours already; people are decided by their faces."""
    tags = (plan for plan in plans if plan.target == "tag")
    return tuple(plan for plan in tags if plan.action == "remove" or plan.tag_id not in record.ours)
