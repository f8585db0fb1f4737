"""Decide again: new settings meet everything that is stored. Nothing is looked at, no model is loaded.

The numbers of all predictions are kept, so that other thresholds only compare them. An item is read whole (its
sightings, its place in the library) only where something changes, and only what changes is written.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from tagger.answers import PEOPLE
from tagger.library import marking
from tagger.library.allowance import allowed
from tagger.library.find import Order
from tagger.library.galleries import Galleries
from tagger.library.housekeeping import backup_once
from tagger.library.learn import Watch
from tagger.library.order import prepare
from tagger.library.people.again import PeopleAgain
from tagger.library.progress import many
from tagger.library.redrafting import ONLY_TAGS, Moved, Redrafting, moves, not_there_yet
from tagger.library.scope import meant
from tagger.library.takeback import send_removals
from tagger.library.tools import Tools
from tagger.library.writer import Writer
from tagger.ports import Record, Rejudged, Settlement, Standing
from tagger.types import Decision, ItemRef, MediaItem, PlannedChange, Run, Scope, Sighting

_PAGE = 4000
_FETCH = 500
_MOST_IN_HAND = 50_000  # changed items that are remembered from the first pass; of more only which they are
_ASKED = "again asked"


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one tag: how many items get it, lose it, and how many of ours stay."""

    added: int = 0
    removed: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class Again:
    """What came of deciding again, or would. ``asks``: nothing was written, since a person has to say so first.

    ``predictions`` were decided on ``items``; on ``changed`` of them a verdict or a tag changes. ``by_tag`` has those
    tags. ``ours`` is how many tags were ours before.
    """

    run_id: int
    items: int
    predictions: int
    changed: int
    ours: int
    by_tag: Mapping[str, Tally]
    asks: bool
    seconds: float

    @property
    def added(self) -> int:
        return sum(tally.added for tally in self.by_tag.values())

    @property
    def removed(self) -> int:
        return sum(tally.removed for tally in self.by_tag.values())


def decide_again(tools: Tools, scope: Scope, *, dry_run: bool = False, yes: bool = False, backup: bool = True) -> Again:
    """Decide everything on record again under the settings in force.

    ``yes``: also when very much of ours would be taken back; asking twice for the same counts as one.
    It may be killed: the next call does what is left. Raises what the library and the store raise.
    """
    with _no_collector():
        return _Again(tools, Order("again", scope, dry_run, backup=backup), yes).run()


@contextmanager
def _no_collector() -> Iterator[None]:
    """Millions of small values come and go here, none of them in a circle: looking for circles takes a third of it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass(slots=True)
class _Fresh:
    """One item that changes: settled as a whole (``settlement``), else ``rejudged``. ``decisions`` are the new ones
    of an image that is in a gallery."""

    record: Record
    rejudged: Rejudged | None = None
    settlement: Settlement | None = None
    decisions: Sequence[Decision] = ()

    @property
    def plans(self) -> tuple[PlannedChange, ...]:
        return self.settlement.plans if self.settlement else self.rejudged.plans if self.rejudged else ()


@dataclass(slots=True)
class _Count:
    items: int = 0
    predictions: int = 0
    changed: int = 0
    ours: Counter[str] = field(default_factory=Counter)
    added: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)

    def plans(self, plans: Iterable[PlannedChange]) -> None:
        for plan in plans:
            (self.added if plan.action == "add" else self.removed)[plan.tag_name] += 1

    def tallies(self) -> dict[str, Tally]:
        names = sorted({*self.added, *self.removed}, key=lambda n: (-self.removed[n], -self.added[n], n))
        return {n: Tally(self.added[n], self.removed[n], self.ours[n] - self.removed[n]) for n in names}


class _Again:
    def __init__(self, tools: Tools, order: Order, yes: bool) -> None:
        self._tools, self._order, self._yes = tools, order, yes
        self._store, self._judge = tools.store, tools.judge
        self._started = tools.clock()
        self._writer = Writer(tools.library, tools.store, tools.tree, lambda: backup_once(tools, order))
        self._redrafting = Redrafting(tools.judge, tools.store, self._tag_id)
        self._tag_ids: dict[str, str] = {}
        self._count = _Count()
        self._in_hand: list[_Fresh] = []
        self._later: list[int] = []  # rows that change and are not in hand
        self._same: list[int] = []  # rows in which nothing changes but the policy that they stand under
        self._galleries: set[str] = set()
        self._scope = order.scope
        self._steps, self._total = 0, self._store.summary()["items"]
        self._people = PeopleAgain(tools, order.scope)

    def run(self) -> Again:
        if self._order.dry_run:
            self._compare()
            return self._outcome(0, False)
        run = self._store.begin_run("again", self._order.scope)
        watch = Watch(self._store, self._tools.library, self._tools.progress, run.id)
        try:
            watch.begin(self._tools.library.tags())
            self._people.begin(run, self._writer)
            self._send()
            self._compare(watch)
            asks = self._has_to_ask()
            if not asks:
                self._write(run)
        except BaseException as error:
            self._store.end_run(run.id, "paused", str(error))
            raise
        watch.finish()
        if self._count.changed and not asks:
            prepare(self._store)
        done = {"added": self._count.added.total(), "removed": self._count.removed.total()}
        counts = {"passed": self._count.items} | ({} if asks else {"changed": self._count.changed, **done})
        self._store.checkpoint(run.id, {}, counts)
        asked = f"Nothing was changed: it asked before taking {many(done['removed'], 'tag')} back."
        self._store.end_run(run.id, "done", asked if asks else "")
        return self._outcome(run.id, asks)

    def _outcome(self, run_id: int, asks: bool) -> Again:
        self._tools.progress.at(self._total, self._total)
        c = self._count
        seconds = self._tools.clock() - self._started
        return Again(run_id, c.items, c.predictions, c.changed, c.ours.total(), c.tallies(), asks, seconds)

    def _passed(self, items: int) -> None:
        """So many more were compared, or written; each is done with after both."""
        self._steps += items
        self._tools.progress.at(min(self._steps if self._order.dry_run else self._steps // 2, self._total), self._total)

    def _has_to_ask(self) -> bool:
        """Much is taken back, nobody said yes, and it isn't what was asked about before."""
        removed = self._count.removed.total()
        if removed <= allowed(self._count.ours.total()):
            return False
        asked, _, most = self._store.fact(_ASKED).partition(" ")
        if self._yes or (asked == self._judge.policy_id and removed <= int(most or 0)):
            return False
        self._store.remember(_ASKED, f"{self._judge.policy_id} {removed}")
        return True

    # ------------------------------------------------------------ what changes

    def _compare(self, watch: Watch | None = None) -> None:
        """Go through all that is on record and note what changes; write nothing."""
        after = 0
        while page := self._store.records(self._judge.knowledge_id, after, _PAGE):
            after = page[-1].row
            for fresh in self._changes(page, self._count, watch):
                if len(self._in_hand) < _MOST_IN_HAND:
                    self._in_hand.append(fresh)
                else:
                    self._later.append(fresh.record.row)
            self._passed(len(page))
        for item, ours, plans in self._people.changes():
            self._count.changed += 1
            self._count.ours.update(ours)
            self._count.plans(plans)
            self._galleries.update(item.gallery_ids)
        if "gallery" in self._scope.kinds:
            self._count.ours.update(self._store.ours_in_galleries())
            new = {fresh.record.ref: fresh.decisions for fresh in self._in_hand if fresh.decisions}
            for settlement in self._galleries_now(new):
                self._count.plans(settlement.plans)

    def _changes(self, page: Sequence[Record], count: _Count, watch: Watch | None = None) -> Iterator[_Fresh]:
        """Those of a page that change, with all that is to be written for them."""
        kinds = self._scope.kinds
        some: list[tuple[Record, Moved | None]] = []
        known = self._places(page) if self._judge.policy.rules else {}
        for record in page:
            if record.ref.kind not in kinds:
                continue
            item = known.get(record.ref)
            if self._judge.policy.rules and item is None:
                continue
            count.items += 1
            count.predictions += len(record.verdicts if record.rows is None else record.rows)
            for mine in record.ours.values():
                count.ours[mine.tag_name] += 1
            moved = self._moved(record, item.path if item else "")
            if moved == []:
                self._same.append(record.row)
            else:
                some.append((record, moved))
        for start in range(0, len(some), _FETCH):
            yield from self._resolve(some[start : start + _FETCH], count, watch)

    def _places(self, page: Sequence[Record]) -> dict[ItemRef, MediaItem]:
        """The items of a page, where rules depend on where they lie."""
        refs = [record.ref for record in page]
        chunks = (refs[start : start + _FETCH] for start in range(0, len(refs), _FETCH))
        return {item.ref: item for chunk in chunks for item in self._tools.library.get(chunk)}

    def _moved(self, record: Record, path: str) -> Moved | None:
        """Which stored verdicts move, [] when nothing changes, None when the item has to be settled as a whole."""
        if record.rows is None or record.special or not record.policy:
            return None
        hearing = self._judge.court(path).hear(record.rows)
        new = hearing.verdicts()
        if not self._judge.create:
            new = [one if one[3] < 2 or self._tag_id(one[2]) else (*one[:3], 1) for one in new]
        moved = moves(record.verdicts, new, hearing.words)
        return [ONLY_TAGS] if moved == [] and self._tags_change(record, new) else moved

    def _tags_change(self, record: Record, new: Sequence[tuple[str, str, str, int]]) -> bool:
        """Whether a tag goes, or a marker comes, though no verdict moves."""
        judge = self._judge
        applied = {self._tag_id(tag) for _, _, tag, rank in new if rank == 3}
        suggested = {self._tag_id(tag) for _, _, tag, rank in new if rank == 2}
        wanted = applied | {self._tag_id(d.tag) for d in judge.markers(bool(applied), bool(suggested))}
        for tag_id, mine in record.ours.items():
            lost = tag_id not in wanted and self._writer.index.is_that(tag_id, mine.tag_name)
            if lost and judge.takes_back(mine, record.models, tag_id in suggested):
                return True
        return bool(wanted - applied - record.ours.keys())

    def _tag_id(self, name: str) -> str:
        tag_id = self._tag_ids.get(name)
        if tag_id is None:
            tag = self._writer.index.find(name)
            tag_id = self._tag_ids[name] = tag.id if tag is not None else ""
        return tag_id

    # ------------------------------------------------------------ what is to be written

    def _resolve(
        self, some: Sequence[tuple[Record, Moved | None]], count: _Count, watch: Watch | None
    ) -> Iterator[_Fresh]:
        present = {item.ref: item for item in self._tools.library.get([record.ref for record, _ in some])}
        if watch is not None:
            watch.look(list(present.values()))
        fitting = {item.ref: item for item in meant(self._tools.library, list(present.values()), self._scope)}
        there = [
            (record, moved, item)
            for record, moved in some
            if (item := fitting.get(record.ref)) is not None and item.fingerprint == record.fingerprint
        ]
        moving = [(record, item, moved) for record, moved, item in there if moved is not None]
        for (record, item, _), (one, new) in zip(
            moving, self._redrafting.redraft(moving, self._writer.index), strict=True
        ):
            yield self._counted(_Fresh(record, rejudged=one, decisions=new), item, count)
        whole = [(record, item) for record, moved, item in there if moved is None]
        items = [item for _, item in whole]
        standing = self._store.standing(items)
        sightings = self._store.sightings([i.fingerprint for i in items], sorted(self._judge.knowledge.features))
        for record, item in whole:
            fresh = self._settled(record, item, standing[item.ref], sightings)
            if fresh is None:
                self._same.append(record.row)
            else:
                yield self._counted(fresh, item, count)

    def _counted(self, fresh: _Fresh, item: MediaItem, count: _Count) -> _Fresh:
        count.changed += 1
        count.plans(fresh.plans)
        self._galleries.update(item.gallery_ids)
        return fresh

    def _settled(
        self,
        record: Record,
        item: MediaItem,
        standing: Standing,
        sightings: Mapping[str, Sequence[Sighting]],
    ) -> _Fresh | None:
        """Decided from its sightings; None when that changes nothing."""
        seen = sightings.get(item.fingerprint, [])
        duration_s = record.duration_s or item.duration_s
        settlement = self._judge.settle(item, seen, duration_s, self._writer.index, standing)
        plans = not_there_yet(settlement.plans, record)
        former = sorted((f, s, t, v) for f, s, t, v, _ in record.verdicts)
        now = sorted(
            (d.prediction.feature, d.prediction.subject, d.tag, d.verdict)
            for d in settlement.decisions
            if d.verdict != "drop" and d.prediction.feature != PEOPLE
        )
        if former == now and not plans and record.rows is not None:
            return None
        shared = settlement.decisions if item.gallery_ids else ()
        return _Fresh(record, settlement=replace(settlement, plans=plans), decisions=shared)

    # ------------------------------------------------------------ writing

    def _write(self, run: Run) -> None:
        policy_id = self._judge.policy_id
        for start in range(0, len(self._in_hand), _FETCH):
            self._put(run, self._in_hand[start : start + _FETCH])
        for start in range(0, len(self._later), _FETCH):
            rows = self._later[start : start + _FETCH]
            page = self._store.records_of(self._judge.knowledge_id, rows)
            self._put(run, list(self._changes(page, _Count())))
        for start in range(0, len(self._same), 20_000):
            rows = self._same[start : start + 20_000]
            self._store.restamp(policy_id, rows)
            self._passed(len(rows))
        self._people.write()
        if "gallery" in self._scope.kinds:
            for settlement in self._galleries_now({}):
                stamp = f"{policy_id}/{settlement.item.members}"
                self._store.settle(run.id, stamp, [settlement])
            self._send()
        self._store.remember(_ASKED, "")

    def _put(self, run: Run, some: Sequence[_Fresh]) -> None:
        marking.note(self._tools.marking, self._store, [fresh.record.ref for fresh in some])
        self._store.settle(run.id, self._judge.policy_id, [fresh.settlement for fresh in some if fresh.settlement])
        self._store.rejudge(run.id, self._judge.policy_id, [fresh.rejudged for fresh in some if fresh.rejudged])
        self._send()
        self._passed(len(some))

    def _send(self) -> None:
        self._writer.flush()
        send_removals(self._tools)
        marking.follow_noted(self._tools.marking, self._store, self._tools.progress.warn)

    def _galleries_now(self, new: Mapping[ItemRef, Sequence[Decision]]) -> Iterator[Settlement]:
        """The galleries whose decisions or tags change. ``new`` are decisions of images that aren't written yet."""
        order = Order("tag", self._scope, self._order.dry_run)
        run = Run(0, "again", "running", "")
        galleries = Galleries(self._tools, order, run, self._judge.policy_id, set(self._galleries))
        for page in galleries.pages():
            for _, settlement in galleries.judge(page, self._writer.index, new):
                yield settlement
