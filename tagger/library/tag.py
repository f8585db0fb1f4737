"""Tag a library: the run, from finding items to tags in the library. It may be killed at any moment and goes on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from tagger.library import marking
from tagger.library.allowance import Allowance
from tagger.library.find import Finder, Order, changed_since, items_before, moved
from tagger.library.galleries import Galleries
from tagger.library.housekeeping import backup_once, forget_gone
from tagger.library.learn import Watch
from tagger.library.order import prepare
from tagger.library.people.census import Census
from tagger.library.progress import Pace, words
from tagger.library.takeback import send_removals
from tagger.library.tools import Tools
from tagger.library.undo import forget_unfinished
from tagger.library.writer import Writer
from tagger.light.hook import JOB_DESCRIPTION
from tagger.ports import Settlement
from tagger.types import ITEM_KINDS, ItemRef, Look, MediaItem, Run

_BATCH = 32
_BATCH_S = 3.0
_ASK_HOST_EVERY_S = 10.0
_ASKED = Order("asked")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run, or of one slice of it (``finished`` False). ``by_tag`` counts tags added, or to be added;
    ``taken_back`` those taken back: both of the whole run, whoever began it."""

    run_id: int
    finished: bool
    counts: Mapping[str, int]
    seconds: float
    by_tag: Mapping[str, int] = field(default_factory=dict)
    taken_back: Mapping[str, int] = field(default_factory=dict)


def tag_library(tools: Tools, order: Order) -> Outcome:
    """Do what ``order`` says, or one slice of it, which then has queued the next one.

    What was done is kept whatever happens. Errors about the machine, the library or the store are raised; the run then
    goes on with the next call.
    """
    return _TagRun(tools, order).run()


class _TagRun:
    def __init__(self, tools: Tools, order: Order) -> None:
        self._tools = tools
        self._order = order
        self._store = tools.store
        self._policy_id = tools.judge.policy_id
        self._run = self._begin()
        self._counts: Counter[str] = Counter()
        self._sums: Counter[str] = Counter(self._run.counts)
        self._by_tag: Counter[str] = Counter()
        self._galleries_before = items_before(self._run, "gallery")
        passed_before = sum(items_before(self._run, kind) for kind in ITEM_KINDS)
        # Of a run that goes on: counted, and found again, since its cursors hadn't come so far.
        self._again = max(0, self._run.counts.get("passed", 0) - passed_before) if order.operation == "tag" else 0
        self._taken: Counter[str] = Counter()
        self._removals = Allowance(tools.store)
        self._asked = float("-inf")
        self._writer = Writer(tools.library, tools.store, tools.tree, lambda: backup_once(tools, order))
        self._watch = Watch(tools.store, tools.library, tools.progress, self._run.id)
        self._people = tools.judge.people
        self._census = Census(tools, self._people, self._writer, self._run) if self._people is not None else None
        total = self._total()
        self._pace = Pace(tools.progress, total, min(self._run.counts.get("passed", 0), total), tools.clock)
        self._finder = Finder(
            tools.library,
            tools.store,
            tools.pipeline.models,
            self._policy_id,
            order,
            self._run,
            tools.take_in,
            self._passed,
            lambda: self._settle([]),
            tools.clock,
            self._watch.look,
            self._slice_is_over,
        )

    def _begin(self) -> Run:
        """The run that goes on, or a new one; from its beginning when what it rests on has changed since."""
        if self._order.dry_run:
            # Leaves no run behind; what it looked at is kept all the same, since looking is what costs.
            return Run(0, self._order.operation, "running", "")
        forget_unfinished(self._tools)
        run = self._store.begin_run(self._order.operation, self._order.scope)
        if run.cursor.get("policy") == self._policy_id and not self._order.try_again:
            return run
        cursor = dict.fromkeys((*ITEM_KINDS, *run.cursor), "") | {"policy": self._policy_id}
        # Everything is found again, and counted then.
        self._store.checkpoint(run.id, cursor, {name: -n for name, n in run.counts.items()})
        return replace(run, cursor=cursor, counts={})

    def run(self) -> Outcome:
        self._introduce()
        try:
            if not self._order.dry_run:
                self._watch.begin(self._tools.library.tags())
                if self._census is not None:
                    self._census.begin()
            self._flush()
            finished = self._look_and_settle() and self._settle_galleries()
            if finished and self._order.operation == "tag" and not self._order.dry_run:
                self._counts["forgotten"] += forget_gone(self._tools, self._order.forget_gone)
        except BaseException as error:
            self._end("paused", str(error))
            raise
        self._end("done" if finished else "paused")
        if not finished:
            # Hooks know a run over new media by its description, and don't queue another one then.
            shown = JOB_DESCRIPTION if self._order.operation == "new" else "tag library goes on"
            self._tools.host.queue_again({"mode": self._order.operation}, shown)
        return Outcome(self._run.id, finished, dict(self._sums), self._pace.elapsed_s, dict(self._by_tag), self._taken)

    def _look_and_settle(self) -> bool:
        """Look at all that needs it and settle it in batches; False when the slice is over."""
        looks: list[Look] = []
        clock = self._tools.clock
        since = clock()
        while not self._finder.finished:
            with closing(self._tools.pipeline.looks(self._finder.wanted())) as stream:
                for look in stream:
                    looks.append(look)
                    if len(looks) >= _BATCH or clock() - since >= _BATCH_S or look.item.ref in self._finder.urgent:
                        self._settle(looks)
                        looks, since = [], clock()
                        if self._slice_is_over():
                            return False
            self._settle(looks)
            looks, since = [], clock()
            if self._finder.paused:
                return False
        return True

    def _settle(self, looks: Sequence[Look]) -> None:
        """Record what was seen; decide for these items and those that only needed deciding; write."""
        if self._people is not None:
            self._people.record(looks)
        self._store.record(looks)
        failed = [look for look in looks if look.error is not None]
        for look in failed:
            self._tools.progress.warn(f"{look.item.name}: {look.error}")
        to_decide = self._finder.take_to_decide()
        items = [look.item for look in looks if look.error is None] + to_decide
        durations = {look.item.ref: look.duration_s for look in looks}
        settlements = self._judge(items, durations)
        self._counts["looked"] += len(looks) - len(failed)
        self._counts["failed"] += len(failed)
        settled = [*items, *(look.item for look in failed)]
        self._touch_galleries(settled)
        cursor = self._finder.settled(settled)
        self._counts["passed"] += len(settled)
        if not self._order.dry_run:
            marking.note(self._tools.marking, self._store, [item.ref for item in items])
            self._store.settle(self._run.id, self._policy_id, settlements, cursor, self._take_counts())
            self._flush()
        if self._people is not None:
            self._people.flush(keep=not self._order.dry_run)
        self._finder.release(settled)
        self._pace.passed(len(settled), len(looks), len(failed))
        asked = self._finder.asked_galleries
        if asked and not self._finder.urgent and not self._order.dry_run:
            self._settle_pages(Galleries(self._tools, _ASKED, self._run, self._policy_id, set(asked)))
            self._finder.galleries -= asked
            asked.clear()

    def _touch_galleries(self, images: Sequence[MediaItem]) -> None:
        """Their galleries are judged at the end of the run, even if that is killed before."""
        galleries = {gallery_id for image in images for gallery_id in image.gallery_ids}
        if galleries and "gallery" in self._order.scope.kinds:
            self._finder.galleries |= galleries
            if not self._order.dry_run:
                refs = [ItemRef("gallery", gallery_id) for gallery_id in sorted(galleries)]
                self._store.enqueue(refs, 0, "its images were looked at")

    def _judge(self, items: Sequence[MediaItem], durations: Mapping[ItemRef, float]) -> list[Settlement]:
        judge, index = self._tools.judge, self._writer.index
        fingerprints = list({item.fingerprint for item in items})
        sightings = self._store.sightings(fingerprints, sorted(judge.knowledge.features))
        settlements = []
        for item in items:
            standing = self._finder.standing(item)
            if self._census is not None:
                self._census.notice(item, standing)
            seen = sightings.get(item.fingerprint, [])
            duration_s = durations.get(item.ref) or item.duration_s
            settlements.append(self._brake(judge.settle(item, seen, duration_s, index, standing)))
        self._count(settlements)
        return settlements

    def _brake(self, settlement: Settlement) -> Settlement:
        """Without removals when they are getting many: that needs a person's word, which "Decide again" asks for."""
        braked = self._removals.brake(settlement)
        self._counts["withheld"] += len(settlement.plans) - len(braked.plans)
        return braked

    def _settle_galleries(self) -> bool:
        """False when the slice is over."""
        return self._settle_pages(
            Galleries(self._tools, self._order, self._run, self._policy_id, self._finder.galleries)
        )

    def _settle_pages(self, galleries: Galleries) -> bool:
        for page in galleries.pages():
            if not self._order.dry_run:
                self._watch.look(page)
            settled = galleries.judge(page, self._writer.index)
            for policy_id, judged in settled:
                settlement = self._brake(judged)
                self._count([settlement])
                if not self._order.dry_run:
                    self._store.settle(self._run.id, policy_id, [settlement], {}, self._take_counts())
            self._passed(len(page) - len(settled), "unchanged")
            self._counts["passed"] += len(settled)
            self._pace.passed(len(settled))
            if not self._order.dry_run:
                self._flush()
                self._store.dequeue([gallery.ref for gallery in page])
                self._store.checkpoint(self._run.id, self._after(galleries, page), self._take_counts())
            if self._slice_is_over():
                return False
        return True

    def _after(self, galleries: Galleries, page: Sequence[MediaItem]) -> dict[str, str]:
        after = galleries.cursor(page).get("gallery", "")
        self._galleries_before += len(page) if after else 0
        return moved("gallery", after, self._galleries_before)

    # ------------------------------------------------------------ around it

    def _flush(self) -> None:
        if not self._order.dry_run:
            self._counts["added"] += self._writer.flush()
            self._counts["removed"] += send_removals(self._tools).total()
            self._counts["markers"] += marking.follow_noted(self._tools.marking, self._store, self._tools.progress.warn)

    def _passed(self, items: int, why: str) -> None:
        known = min(items, self._again)
        self._again -= known
        items -= known
        self._counts[why] += items
        self._counts["passed"] += items
        self._pace.passed(items)

    def _count(self, settlements: Sequence[Settlement]) -> None:
        for settlement in settlements:
            self._counts["review"] += sum(decision.verdict == "review" for decision in settlement.decisions)
            added = [plan.tag_name for plan in settlement.plans if plan.action == "add"]
            self._by_tag.update(added)
            self._counts["planned"] += len(added)

    def _take_counts(self) -> dict[str, int]:
        counts = {name: n for name, n in self._counts.items() if n}
        self._counts.clear()
        self._sums.update(counts)
        return counts

    def _end(self, state: str, message: str = "") -> None:
        counts = self._take_counts()
        if self._order.dry_run:
            return
        self._store.checkpoint(self._run.id, {}, counts)
        if state == "done":
            if self._census is not None:
                self._census.finish()
            self._watch.finish()
            prepare(self._store)
            self._store.remember(changed_since(self._order.scope), self._run.started_at)
            if self._order.operation == "tag":
                self._store.remember("models", " ".join(sorted(self._tools.pipeline.models)))
            if looked := self._pace.looked:
                self._store.remember("seconds a look", f"{self._pace.elapsed_s / looked:.4f}")
        self._store.checkpoint(self._run.id, {}, self._count_written())
        self._store.end_run(self._run.id, "done" if state == "done" else "paused", message)

    def _count_written(self) -> dict[str, int]:
        """What the counts lack of what this run wrote: a kill loses count of what had just been written."""
        written = self._store.written_in(self._run.id)
        self._by_tag = Counter({name: n for (action, name), n in written.items() if action == "add"})
        self._taken = Counter({name: n for (action, name), n in written.items() if action == "remove"})
        missed = Counter({"added": self._by_tag.total(), "removed": self._taken.total()})
        missed.subtract({name: self._sums[name] for name in missed})
        found = {name: n for name, n in missed.items() if n}
        self._sums.update(found)
        return found

    def _total(self) -> int:
        if self._order.operation != "tag":
            return self._store.summary()["waiting"]
        scope = self._order.scope
        return sum(self._tools.library.count(kind, scope) for kind in scope.kinds)

    def _introduce(self) -> None:
        if self._order.operation in ("tag", "new") and not self._order.dry_run:
            self._note_start()
        if self._order.operation != "tag":
            return
        models = sorted(self._tools.pipeline.models)
        done = self._run.counts.get("passed", 0)
        begin = f"Run {self._run.id}" if self._run.id else "Dry run"
        begin += f" goes on after {done:,} items" if done else ""
        self._tools.progress.say(f"{begin}: {self._pace.total:,} in all, looked at by {', '.join(models)}.")
        before = set(self._store.fact("models").split())
        new = [model for model in models if before and model not in before]
        if new and not done:
            seen = max(self._store.seen().values(), default=0)
            each_s = float(self._store.fact("seconds a look") or 0)
            cost = f", about {words(seen * each_s)} as fast as last time" if each_s else ""
            self._tools.progress.say(
                f"New since the last run: {', '.join(new)}. {seen:,} files are looked at again{cost}."
            )

    def _note_start(self) -> None:
        """For a page: with the run's own counts it follows from this how far and how fast it is, and how long yet."""
        start = {
            "run": self._run.id,
            "total": self._pace.total,
            "done": self._run.counts.get("passed", 0),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self._store.remember(f"going {self._order.operation}", json.dumps(start))

    def _slice_is_over(self) -> bool:
        clock = self._tools.clock
        if self._order.dry_run or self._pace.elapsed_s < self._order.slice_s:
            return False
        if clock() - self._asked < _ASK_HOST_EVERY_S:
            return False
        self._asked = clock()
        if not self._tools.host.others_waiting():
            return False
        self._tools.progress.say(f"Other jobs wait, so this one lets them go first. {self._pace.line()}")
        return True
