"""How fast the store is when a library is large.

    python bench/store.py [--items 100000] [--labels 10] [--data DIR]

Fills a database with ``items`` pictures of ``labels`` sightings each, one kept decision and one written tag an item,
then prints the milliseconds (median of 20) that a batch of 500 items takes, and the size of the file. The items are
random ones, the worst case, unless said; a run takes them by ascending id.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parent.parent))

from tagger.ports import Settlement
from tagger.store import DATABASE_NAME, SqliteStore
from tagger.types import (
    Box,
    Decision,
    Evidence,
    FrameFindings,
    ItemRef,
    Label,
    Look,
    MediaItem,
    PlannedChange,
    Prediction,
    Scope,
    Sighting,
)

T = TypeVar("T")
BATCH = 500
REPEATS = 20
MODEL = "deimv2-femto@1"
LABELS = [f"label {n}" for n in range(80)]


def fingerprint(n: int) -> str:
    """As scattered as a hash."""
    return f"md5:{n * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}"


def item(n: int) -> MediaItem:
    return MediaItem(ItemRef("image", str(n)), "image", "", fingerprint(n), path=f"/media/{n}.jpg")


def look(n: int, labels: int, dice: random.Random) -> Look:
    def label() -> Label:
        x, y = dice.random() * 0.5, dice.random() * 0.5
        return Label(
            dice.choice(LABELS), dice.uniform(0.05, 1), Box(x, y, x + dice.random() / 2, y + dice.random() / 2)
        )

    found = sorted((label() for _ in range(labels)), key=lambda f: -f.score)
    return Look(item(n), (Sighting(MODEL, (FrameFindings(0.0, tuple(found)),)),), width=4000, height=3000)


def settlement(n: int, dice: random.Random) -> Settlement:
    subject = dice.choice(LABELS)
    evidence = (Evidence(0.0, 0.8123, Box(0.1, 0.2, 0.3, 0.4), MODEL),)
    prediction = Prediction("objects", subject, 0.95, 0.8123, subject, (MODEL,), evidence=evidence)
    verdict = dice.choice(("apply", "review"))
    why = f"{subject} was seen with a probability of 95 %, at least the 90 % that are applied."
    decision = Decision(prediction, "apply" if verdict == "apply" else "review", subject, "thresholds.apply", why)
    plan = PlannedChange(
        ItemRef("image", str(n)),
        fingerprint(n),
        subject,
        str(100 + LABELS.index(subject)),
        MODEL,
        0.8123,
        0.95,
        "thresholds.apply",
        why,
        frozenset({"7", "8"}),
    )
    return Settlement(item(n), (decision,), (plan,))


def chunks(numbers: range) -> Iterator[range]:
    for start in range(0, len(numbers), BATCH):
        yield numbers[start : start + BATCH]


def fill(store: SqliteStore, items: int, labels: int) -> None:
    dice = random.Random(1)
    run = store.begin_run("tag", Scope())
    for numbers in chunks(range(1, items + 1)):
        store.record([look(n, labels, dice) for n in numbers])
        store.settle(run.id, "policy", [settlement(n, dice) for n in numbers], {"image": str(numbers[-1])})
        store.mark([change.id for change in store.pending(BATCH)], "done")
    store.end_run(run.id, "done")


def median_ms(make: Callable[[], T], work: Callable[[T], object]) -> float:
    """Of as many calls of ``work``, each with something that ``make`` made, as :data:`REPEATS`."""
    times = []
    for _ in range(REPEATS):
        made = make()
        began = time.perf_counter()
        work(made)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--labels", type=int, default=10, help="label sightings an item")
    parser.add_argument("--data", type=Path, help="keep the database in this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        measure((options.data or Path(scratch)) / DATABASE_NAME, options.items, options.labels)


def measure(path: Path, items: int, labels: int) -> None:
    with SqliteStore(path, "bench", "Bench") as store:
        began = time.perf_counter()
        fill(store, items, labels)
        seconds = time.perf_counter() - began
    print(f"{items:,} items, {items * labels:,} label sightings: filled in {seconds:.1f} s")
    print(f"{'file':12}{path.stat().st_size / 2**20:10.1f} MiB, {path.stat().st_size / items:.0f} bytes an item")
    dice = random.Random(2)
    began = time.perf_counter()
    with SqliteStore(path, "bench", "Bench") as store:
        print(f"{'open':12}{(time.perf_counter() - began) * 1000:10.1f} ms")

        run = store.begin_run("tag", Scope(paths=("/again",)))

        def show(
            name: str, make: Callable[[int], T], work: Callable[[list[T]], object], *, in_row: bool = False
        ) -> None:
            def some() -> list[T]:
                start = dice.randint(1, items - BATCH)
                return [make(start + n if in_row else dice.randint(1, items)) for n in range(BATCH)]

            print(f"{name:12}{median_ms(some, work):10.1f} ms{', items in a row' * in_row}")

        show("standing", item, store.standing, in_row=True)
        show("standing", item, store.standing)
        show("decisions", item, lambda some: store.decisions([i.ref for i in some]))
        show("sightings", item, lambda some: store.sightings([i.fingerprint for i in some], [MODEL]))
        show("record", lambda n: look(n, labels, dice), store.record)
        show("settle", lambda n: settlement(n, dice), lambda some: store.settle(run.id, "p", some))
        show("pending", int, lambda _: store.pending(BATCH))
        show("changes", int, lambda some: store.changes(1, "done", some[0], BATCH))
        show("known", int, lambda some: store.known("image", str(some[0]), BATCH))
        show("tally", int, lambda _: store.tally("review"))
        show("seen", int, lambda _: store.seen())
        show("summary", int, lambda _: store.summary())


if __name__ == "__main__":
    main()
