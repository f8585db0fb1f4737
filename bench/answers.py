"""How fast the pages' questions are answered on a large library, with the start of the process.

    python bench/answers.py [--items 1000000] [--data DIR] [--run] [--only NAME …] [--repeats 20]

Fills a database (once; with --data it is kept) with ``items`` pictures of ten label sightings each and one decision an
item, half of which wait for review; 20,000 answers, 500 runs, 500 failures, pictures of what waits first, and 30,000
faces of 5,000 unknown and 300 known people. Then it asks each question from a new process, as Stash does for a page:
median and p95 by the clock, and the median and p95 of what its processes took of a core, in milliseconds.

With ``--run`` another process settles items all the while, as a run does. The worker's lock is held either way, so that
no answer starts a worker. What asks Stash itself isn't measured, since no Stash is there: making markers, taking them
back, and a review of what was added since a day (its query is measured alone).
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.furnish import FACES, furnish
from bench.store import MODEL, fill
from tagger.light.library import remember_key
from tagger.store import DATABASE_NAME, SqliteStore, worker_lock

Args = dict[str, Any]
ROOT = str(Path(__file__).parent.parent)
MOST_MS, MOST_P95_MS = 150, 400

_ASK = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tagger.answers import Narrow
from tagger.store import SqliteStore
store = SqliteStore(Path({path!r}), "bench", "Bench")
{question}
"""
ALONE = {
    "store: opened": "pass",
    "store: new items": "store.review_queue(100, only=Narrow(first=(2**53, {items} - 1000, 2**53)))",
    "store: nothing new": "store.review_queue(100, only=Narrow(first=(2**53, 2**53, 2**53)))",
}
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
    parser.add_argument("--only", nargs="*", default=(), help="questions whose names begin so")
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = options.data or Path(scratch)
        path = data / DATABASE_NAME
        with SqliteStore(path, "bench", "Bench") as store:
            if not store.count_items():
                with timed(f"{options.items:,} items filled"):
                    fill(store, options.items, 10)
            with timed("order of the queue, after a run"):
                store.reorder()
            if not (data / FACES).exists():
                with timed("answers, runs, failures, pictures and faces added"):
                    furnish(store, data)
            with timed("audits drawn, after a run"):
                store.draw_audits(60)
        with worker_lock(data, "bench"), writing(path, options.items, options.run):
            ask_all(path, options.items, tuple(options.only), options.repeats)


@contextmanager
def timed(what: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - began:.1f} s", flush=True)


@contextmanager
def writing(path: Path, items: int, run: bool) -> Iterator[None]:
    """Another process writes as a run does, for the length of a ``with`` block."""
    code = _RUN.format(root=ROOT, path=str(path), items=items)
    writer = subprocess.Popen([sys.executable, "-c", code]) if run else None
    try:
        yield
    finally:
        if writer is not None:
            writer.kill()


def ask_all(path: Path, items: int, only: tuple[str, ...], repeats: int) -> None:
    remember_key(str(path.parent), str(path.parent), "bench")
    (path.parent / "python").write_text(sys.executable, encoding="utf-8")
    with SqliteStore(path, "bench", "Bench") as store:
        asked = questions(store, items, repeats)
    slow = []
    for name, mode, make in asked:
        if name.startswith(only or ("",)):
            payloads = [payload(path.parent, {"mode": mode, **make(turn)}) for turn in range(repeats)]
            slow += [name] * show(f"page: {name}", ["ai_tagger.py"], payloads, path.parent)
    for name, question in ALONE.items():
        if name.startswith(only or ("",)):
            code = _ASK.format(root=ROOT, path=str(path), question=question.format(items=items))
            show(name, ["-c", code], [b""] * repeats, path.parent)
    print(f"Above {MOST_MS} ms of a core (median) or {MOST_P95_MS} (p95): {', '.join(slow) or 'none'}.")


def questions(store: SqliteStore, items: int, repeats: int) -> list[tuple[str, str, Callable[[int], Args]]]:
    """Name, operation, and arguments by turn; what is answered is another one each turn."""
    waiting = iter(store.review_queue(100 * repeats, skip=200))
    listed = [{"kind": "image", "id": str(n)} for n in range(items // 2, items // 2 + 40)]

    def same(**args: Any) -> Callable[[int], Args]:
        return lambda _: args

    def click(do: str, places: int = 1, **more: str) -> Callable[[int], Args]:
        def make(turn: int) -> Args:
            some = [next(waiting) for _ in range(places)]
            named = [{"kind": w.ref.kind, "id": w.ref.id, "tag": w.decision.tag} for w in some]
            if do == "add":
                named = [{**one, "tag": "Added by hand"} for one in named]
            return {"clicks": [{"do": do, "places": named, "key": f"{time.time_ns()}-{turn}", **more}]}

        return make

    def drawn(turn: int) -> Args:
        one = audits[turn % len(audits)].question
        place = {"kind": one.ref.kind, "id": one.ref.id, "tag": one.tag_name}
        return {"clicks": [{"do": "audit_right", "places": [place], "key": f"{time.time_ns()}-{turn}"}]}

    audits, acts = store.audits(60), [act.id for act in store.acts(2 * repeats) if not act.undone_at and act.answers]
    return [
        ("waiting", "waiting", same()),
        ("overview", "overview", same(limit=20)),
        ("review", "review", same(limit=100)),
        ("review of a tag", "review", same(limit=100, tag="label 7")),
        ("review of a tag that nothing has", "review", same(limit=100, tag="nothing")),
        ("review of a feature", "review", same(limit=100, feature="objects")),
        ("review of a kind", "review", same(limit=100, kind="image")),
        ("review of a kind that nothing is", "review", same(limit=100, kind="gallery")),
        ("review by a model", "review", same(limit=100, model=MODEL)),
        ("review by a model that saw nothing", "review", same(limit=100, model="other@1")),
        ("review by score", "review", same(limit=100, least=90, most=100)),
        ("review by a score that nothing has", "review", same(limit=100, least=50, most=60)),
        ("review of a tag, kind, model and score", "review",
         same(limit=100, tag="label 7", kind="image", model=MODEL, least=10, most=90)),
        ("review, the 20th hundred", "review", same(limit=100, skip=2000)),
        ("review, 500 at once", "review", same(limit=500)),
        ("item", "item", lambda turn: {"items": [{"kind": "image", "id": str(1 + turn * items // (repeats + 1))}]}),
        ("pictures", "pictures", lambda turn: {"items": listed[turn % len(listed) :][:1]}),
        ("marks of a list", "marks", same(items=listed)),
        ("highlights", "highlights", lambda turn: {"items": listed[turn % len(listed) :][:1]}),
        ("looks", "looks", same()),
        ("labels", "labels", same()),
        ("estimate", "estimate", same(apply=80, review=50)),
        ("tried", "tried", same()),
        ("faces", "faces", same(limit=24)),
        ("faces, more of them", "faces", same(limit=24, skip=2400)),
        ("faces of a group", "faces", same(group=7)),
        ("faces of a person", "faces", same(tag="Person 7")),
        ("asked", "asked", same(items=listed)),
        ("ask", "ask", lambda turn: {"items": listed[turn % len(listed) :][:1]}),
        ("accept", "answer", click("accept")),
        ("reject", "answer", click("reject")),
        ("accept 50", "answer", click("accept", 50)),
        ("instead", "answer", click("instead", other="label 8x")),
        ("add", "answer", click("add")),
        ("never here", "answer", click("never_here")),
        ("an audit", "answer", drawn),
        ("withdraw", "withdraw", lambda turn: {"act": acts[turn]}),
    ]  # fmt: skip


def payload(data: Path, args: Args) -> bytes:
    """What Stash writes to the plugin's stdin for a page; nothing listens there, since none of these ask Stash."""
    server = {"Scheme": "http", "Host": "127.0.0.1", "Port": 9, "SessionCookie": {}, "Dir": str(data)}
    return json.dumps({"server_connection": server, "args": args}).encode()


def show(name: str, arguments: list[str], payloads: list[bytes], data: Path) -> bool:
    """Ask each of a new process; whether it took too long of a core."""
    times, cores = [], []
    environment = {**os.environ, "AI_TAGGER_DATA": str(data)}
    for given in payloads:
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [sys.executable, "-I", "-S", *arguments]
        done = subprocess.run(command, input=given, check=True, cwd=ROOT, env=environment, capture_output=True)
        times.append((time.perf_counter() - began) * 1000)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cores.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000)
        if done.stderr or b'{"problem"' in done.stdout or b'"error"' in done.stdout or b'"acts":[null' in done.stdout:
            raise SystemExit(f"{name}: {(done.stderr or done.stdout).decode()[:300]}")
    (wall, wall95), (core, core95) = middle(times), middle(cores)
    late = core > MOST_MS or core95 > MOST_P95_MS
    figures = f"{wall:6.0f} ms{wall95:6.0f} ms (p95)   of a core{core:6.0f} ms{core95:6.0f} ms (p95)"
    print(f"{name:46}{figures}{'   too slow' if late else ''}", flush=True)
    return late


def middle(numbers: list[float]) -> tuple[float, float]:
    """Median and 95th percentile."""
    return statistics.median(numbers), sorted(numbers)[max(0, int(0.95 * len(numbers)) - 1)]


if __name__ == "__main__":
    main()
