"""A process that is killed in the middle of its work: what it was told was saved is there, and nothing is half."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tagger.store import DATABASE_NAME, SqliteStore
from tagger.types import Change, ChangeState, ItemRef

# Each item: a look, two plans settled together with the cursor, then sent and done; every saved step is printed.
WORKER = """
import sys
from pathlib import Path
from tagger.store import SqliteStore
from tagger.types import Scope, Thumb
from tests.store.values import item, look, plan, settlement
with SqliteStore(Path(sys.argv[1]), "k", "n") as store:
    run = store.begin_run("tag", Scope())
    n = int(run.cursor.get("scene", 0))
    while True:
        n += 1
        of = item(str(n))
        store.record([look(of, thumbs=(Thumb(0.0, bytes(3000)),))])
        print("look", n, flush=True)
        store.settle(run.id, "p", [settlement(of, plan(of), plan(of, "Cat", "8"))], {"scene": str(n)}, {"looked": 1})
        print("settle", n, flush=True)
        ids = [c.id for c in store.pending(10)]
        store.mark(ids, "sending")
        store.mark(ids, "done")
        print("done", n, flush=True)
"""


def told(path: Path) -> dict[str, int]:
    """Run the worker, kill it soon after it began to work; the last of each step that it saw saved."""
    process = subprocess.Popen([sys.executable, "-c", WORKER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    time.sleep(random.uniform(0.0, 0.15))
    process.kill()
    lines += process.stdout.read().splitlines()
    process.stdout.close()
    process.wait()
    return {words[0]: int(words[1]) for line in lines if len(words := line.split()) == 2}


@pytest.mark.timeout(120)
def test_a_killed_process_loses_nothing_that_was_saved(tmp_path: Path) -> None:
    path = tmp_path / DATABASE_NAME
    for _ in range(8):
        last = told(path)
        with SqliteStore(path, "k", "n") as store:
            (run,) = store.runs()
            settled = run.counts.get("looked", 0)
            assert run.cursor.get("scene", "0") == str(settled), "cursor and totals belong to one transaction"
            assert settled >= last.get("settle", 0)
            known = store.known("scene", "", 10_000)
            assert known == [ItemRef("scene", str(n)) for n in range(1, len(known) + 1)]
            assert len(known) in (settled, settled + 1)
            assert len(known) >= last["look"]
            assert all(
                len(seen) == 1 for seen in store.sightings([f"oshash:{r.id}" for r in known], ["detector@1"]).values()
            )
            states: tuple[ChangeState, ...] = ("planned", "sending", "done")
            by_state = {state: store.changes(run.id, state, limit=100_000) for state in states}
            everything = [change for changes in by_state.values() for change in changes]
            assert sorted(_of(c) for c in everything) == sorted((n, t) for n in range(1, settled + 1) for t in "78")
            assert len(by_state["planned"] + by_state["sending"]) in (0, 2), "one item's changes move together"
            assert len(by_state["done"]) >= 2 * last.get("done", 0)
            # What the next worker does first.
            store.mark([c.id for c in store.pending(100)], "done")


def _of(change: Change) -> tuple[int, str]:
    return int(change.plan.ref.id), change.plan.tag_id
