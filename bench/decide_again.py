"""How long it takes to decide a whole library again.

    python -m bench.decide_again [--items 100000] [--labels 100] [--kept 10] [--data DIR]

Fills a database with ``items`` pictures of ``labels`` sightings each, of which ``kept`` become stored predictions, by
the line's own aggregation and decisions; then decides all of it again: with nothing changed, with a higher threshold
(a dry run, then for good), with a lower one, and with another name for a label. Prints seconds, what changed, and the
memory.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tagger.judgement.aggregate import Knowledge
from tagger.judgement.calibration import Calibration, Calibrations
from tagger.judgement.decide import Policy
from tagger.judgement.vocabulary import Names, TagIndex, display
from tagger.library.again import Again, decide_again
from tagger.library.judge import Judge
from tagger.library.order import prepare
from tagger.library.tools import Tools
from tagger.ports import Progress, Standing, Written
from tagger.store import DATABASE_NAME, SqliteStore
from tagger.types import (
    Box,
    FrameFindings,
    ItemKind,
    ItemRef,
    Label,
    Look,
    MediaItem,
    Scope,
    Sighting,
    Tag,
)  # fmt: skip

MODEL = "deimv2-femto@1"
LABELS = [f"label {n}" for n in range(80)]
KNOWLEDGE = Knowledge(
    {MODEL: "objects"}, calibrations=Calibrations({MODEL: Calibration(exact=True, known=frozenset(LABELS))})
)
BATCH = 500


class Shelf:
    """A library in memory, without any delay."""

    key, name = "bench", "Bench"

    def __init__(self, items: int) -> None:
        self._items = items
        self._tags: dict[str, set[str]] = {}
        self._all = [Tag(str(100 + n), display(label)) for n, label in enumerate(LABELS)]
        self.written = 0

    def item(self, number: int) -> MediaItem:
        fingerprint = f"md5:{number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}"
        tags = frozenset(self._tags.get(str(number), ()))
        return MediaItem(ItemRef("image", str(number)), "image", "", fingerprint, f"/media/{number}.jpg", tag_ids=tags)

    def get(self, refs: Sequence[ItemRef]) -> list[MediaItem]:
        return [self.item(int(ref.id)) for ref in refs]

    def page(self, kind: ItemKind, scope: Scope, after_id: str, limit: int) -> list[MediaItem]:
        del kind, scope, after_id, limit
        return []

    def tags(self) -> list[Tag]:
        return self._all

    def index(self) -> TagIndex:
        return TagIndex(self._all)

    def create_tag(self, name: str, parent_id: str = "", description: str = "") -> Tag:
        del parent_id, description
        self._all.append(Tag(str(1000 + len(self._all)), name))
        return self._all[-1]

    def add_tags(self, kind: ItemKind, ids: Sequence[str], tag_ids: Sequence[str]) -> Written:
        del kind
        for item_id in ids:
            self._tags.setdefault(item_id, set()).update(tag_ids)
        self.written += len(ids)
        return Written(tuple(ids))

    def remove_tags(self, kind: ItemKind, ids: Sequence[str], tag_ids: Sequence[str]) -> Written:
        del kind
        for item_id in ids:
            self._tags[item_id] -= set(tag_ids)
        self.written += len(ids)
        return Written(tuple(ids))


class Silent:
    """A progress that nobody sees, and a host without a queue."""

    def say(self, text: str) -> None: ...
    def warn(self, text: str) -> None: ...
    def at(self, done: int, total: int) -> None: ...
    def backup(self) -> str:
        return "bench"


def look(item: MediaItem, labels: int, kept: int, dice: random.Random) -> Look:
    """``kept`` different labels of .30 and more, the other boxes below."""

    def box() -> Box:
        x, y = dice.random() * 0.5, dice.random() * 0.5
        return Box(x, y, x + dice.random() / 2, y + dice.random() / 2)

    names = dice.sample(LABELS, kept)
    found = [Label(name, dice.uniform(0.301, 1), box()) for name in names]
    found += [Label(dice.choice(names), dice.uniform(0.05, 0.3), box()) for _ in range(labels - kept)]
    return Look(item, (Sighting(MODEL, (FrameFindings(0.0, tuple(found)),)),), width=4000, height=3000)


def fill(store: SqliteStore, shelf: Shelf, judge: Judge, items: int, labels: int, kept: int) -> None:
    dice, index, run = random.Random(1), shelf.index(), store.begin_run("tag", Scope())
    for start in range(1, items + 1, BATCH):
        looks = [look(shelf.item(n), labels, kept, dice) for n in range(start, min(items, start + BATCH - 1) + 1)]
        store.record(looks)
        settled = [judge.settle(one.item, one.sightings, 0.0, index, Standing()) for one in looks]
        store.settle(run.id, judge.policy_id, settled)
        changes = store.pending(100_000)
        for change in changes:
            shelf.add_tags("image", [change.plan.ref.id], [change.plan.tag_id])
        store.mark([change.id for change in changes], "done")
    store.end_run(run.id, "done")
    for _ in range(0, items, 20_000):  # so many pictures a run are compared
        prepare(store)


def again(
    store: SqliteStore, shelf: Shelf, judge: Judge, *, dry_run: bool = False, progress: Progress | None = None
) -> Again:
    silent: Any = Silent()
    library: Any = shelf
    tools = Tools(library, store, silent, judge, silent, progress or silent)
    return decide_again(tools, Scope(kinds=("scene", "image")), dry_run=dry_run, yes=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--labels", type=int, default=100, help="label sightings an item")
    parser.add_argument("--kept", type=int, default=10, help="stored predictions an item")
    parser.add_argument("--data", type=Path, help="keep the database in this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        measure((options.data or Path(scratch)) / DATABASE_NAME, options.items, options.labels, options.kept)


def measure(path: Path, items: int, labels: int, kept: int) -> None:
    shelf = Shelf(items)
    judge = Judge(KNOWLEDGE, Policy())
    with SqliteStore(path, "bench", "Bench") as store:
        began = time.perf_counter()
        fill(store, shelf, judge, items, labels, kept)
        print(f"filled in {time.perf_counter() - began:.0f} s")
        size = path.stat().st_size / 2**20
        print(f"{items:,} items, {items * labels:,} sightings, {items * kept:,} stored predictions, {size:.0f} MiB")
        show("nothing changed", lambda: again(store, shelf, judge), shelf)
        higher = replace(judge, policy=Policy(apply=0.92))
        show("apply .92, dry run", lambda: again(store, shelf, higher, dry_run=True), shelf)
        show("apply .92", lambda: again(store, shelf, higher), shelf)
        lower = replace(judge, policy=Policy(apply=0.88))
        show("apply .88", lambda: again(store, shelf, lower), shelf)
        named = replace(lower, policy=Policy(apply=0.88, names=Names.of({LABELS[0]: "Another"})))
        show("another name", lambda: again(store, shelf, named), shelf)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)
    print(f"at most {peak:.0f} MiB of memory")


def show(name: str, work: Any, shelf: Shelf) -> None:
    shelf.written = 0
    began, cpu = time.perf_counter(), time.process_time()
    done: Again = work()
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(
        f"{name:20}{wall:7.1f} s, {cpu:6.1f} s of a core; {done.predictions:,} predictions, {done.changed:,} items "
        f"change, +{done.added:,} −{done.removed:,} tags, {shelf.written:,} items written"
    )


if __name__ == "__main__":
    main()
