"""How fast a page's questions about reviews are answered on a large library, with the start of the process.

    python bench/answers.py [--items 1000000] [--data DIR] [--run]

Fills a database (once; with --data it is kept) with ``items`` pictures of ten label sightings each and one decision an
item, half of which wait for review, then asks each question from a new process, as Stash does for a page: median and
p95 of 20, in milliseconds, and the median of what its processes took of a core. With ``--run`` another process settles
items all the while, as a run does. First come the pages' own operations through ``ai_tagger.py``, then single methods.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.store import fill
from tagger.light.library import remember_key
from tagger.store import DATABASE_NAME, SqliteStore

REPEATS = 20
QUESTIONS = {
    "nothing": "pass",
    "first of the queue": "review.waiting(store, 50)",
    "of a tag": "review.waiting(store, 50, tag='label 7')",
    "page 20": "review.waiting(store, 50, skip=1000)",
    "accept": "review.accept(store, [(w.ref, w.decision.tag) for w in review.waiting(store, 1)])",
    "reject": "review.reject(store, [(w.ref, w.decision.tag) for w in review.waiting(store, 1)])",
    "undo": "review.undo(store, next(a.id for a in store.acts(50) if not a.undone_at))",
    "audits": "store.audits(20)",
    "counts": "store.tally('review')",
}
PAGES = ("waiting", "overview", "review", "looks", "labels", "estimate")
_ASK = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tagger.library import review
from tagger.store import SqliteStore
store = SqliteStore(Path({path!r}), "bench", "Bench")
{question}
"""
_RUN = """
import random, sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from bench.store import look, settlement
from tagger.store import SqliteStore
from tagger.types import Scope
store, dice = SqliteStore(Path({path!r}), "bench", "Bench"), random.Random(3)
run = store.begin_run("tag", Scope(paths=("/bench",)))
while True:
    numbers = [dice.randint(1, {items}) for _ in range(32)]
    store.record([look(n, 10, dice) for n in numbers])
    store.settle(run.id, "policy", [settlement(n, dice) for n in numbers])
    store.mark([c.id for c in store.pending(500)], "done")
    time.sleep(0.2)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, help="keep the database in this folder, and use the one that is there")
    parser.add_argument("--run", action="store_true", help="while a run writes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        path = (options.data or Path(scratch)) / DATABASE_NAME
        if not path.exists():
            with SqliteStore(path, "bench", "Bench") as store:
                began = time.perf_counter()
                fill(store, options.items, 10)
                print(f"{options.items:,} items filled in {time.perf_counter() - began:.0f} s")
        with SqliteStore(path, "bench", "Bench") as store:
            began = time.perf_counter()
            store.reorder()
            print(f"order of the queue {time.perf_counter() - began:8.1f} s, after a run")
            began = time.perf_counter()
            store.draw_audits(60)
            print(f"audits drawn       {time.perf_counter() - began:8.1f} s, after a run")
        ask_all(path, options.items, options.run)


def ask_all(path: Path, items: int, run: bool) -> None:
    root = str(Path(__file__).parent.parent)
    code = _RUN.format(root=root, path=str(path), items=items)
    writer = subprocess.Popen([sys.executable, "-c", code]) if run else None
    try:
        for mode in PAGES:
            show(f"page: {mode}", ["ai_tagger.py"], payload(path.parent, mode), root)
        for name, question in QUESTIONS.items():
            show(name, ["-c", _ASK.format(root=root, path=str(path), question=question)], b"", root)
    finally:
        if writer is not None:
            writer.kill()


def payload(data: Path, mode: str) -> bytes:
    """What Stash writes to the plugin's stdin for a page; nothing here listens, since none of these ask Stash."""
    remember_key(str(data), str(data), "bench")
    (data / "python").write_text(sys.executable, encoding="utf-8")
    server = {"Scheme": "http", "Host": "127.0.0.1", "Port": 9, "SessionCookie": {}, "Dir": str(data)}
    return json.dumps({"server_connection": server, "args": {"mode": mode, "limit": 50}}).encode()


def show(name: str, arguments: list[str], given: bytes, root: str) -> None:
    """Ask it again and again, each time of a new process."""
    times, cpu = [], []
    environment = {**os.environ, "AI_TAGGER_DATA": json.loads(given)["server_connection"]["Dir"] if given else ""}
    for _ in range(REPEATS):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [sys.executable, "-I", "-S", *arguments]
        done = subprocess.run(command, input=given, check=True, cwd=root, env=environment, capture_output=True)
        times.append((time.perf_counter() - began) * 1000)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000)
        if b'"problem"' in done.stdout or b'"error"' in done.stdout:
            raise SystemExit(f"{name}: {done.stdout.decode()[:200]}")
    p95 = sorted(times)[int(0.95 * REPEATS) - 1]
    print(f"{name:20}{statistics.median(times):8.0f} ms{p95:8.0f} ms (p95){statistics.median(cpu):8.0f} ms of a core")


if __name__ == "__main__":
    main()
