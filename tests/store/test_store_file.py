"""The file itself: its shape through the versions, its rights, the ways it fails, and the queries' plans."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tagger.answers import Narrow
from tagger.errors import StoreError
from tagger.store import DATABASE_NAME, SqliteStore, answers, audits, items, outbox, outcome, queue, sqlite, watch
from tagger.store.database import explain
from tagger.store.schema import MIGRATIONS, migrate, version_of
from tagger.types import Scope, Thumb
from tests.store.values import item, look, plan, settlement

posix = pytest.mark.skipif(os.name != "posix", reason="rights are POSIX's")
not_root = pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / DATABASE_NAME


def fill(path: Path) -> None:
    of = item()
    with SqliteStore(path, "k", "n") as store:
        store.record([look(of, thumbs=(Thumb(0.0, b"jpeg"),))])
        store.settle(store.begin_run("tag", Scope()).id, "p", [settlement(of, plan(of))])


# -- versions


def test_every_former_version_of_the_file_is_understood(tmp_path: Path) -> None:
    """``v<N>.sql`` holds what version N wrote: one item, looked at, decided and planned."""
    dumps = sorted(Path(__file__).parent.glob("v*.sql"))
    assert len(dumps) == len(MIGRATIONS), "a new migration leaves a dump of the version before it"
    for number, dump in enumerate(dumps, 1):
        old = tmp_path / dump.stem / DATABASE_NAME
        old.parent.mkdir()
        with closing(sqlite3.connect(old)) as db:
            db.executescript(dump.read_text(encoding="utf-8"))
            assert version_of(db) == number
        with SqliteStore(old, "k", "n") as store:
            of = item()
            assert [change.plan for change in store.pending(10)] == [plan(of)]
            assert store.decisions([of.ref]) == {of.ref: list(settlement(of).decisions)}
            assert store.sightings([of.fingerprint], ["detector@1"])[of.fingerprint] == list(look(of).sightings)


def test_migrations_run_once_in_order_and_a_failing_one_leaves_the_former_shape(tmp_path: Path) -> None:
    first, second = ("CREATE TABLE a (x)",), ("CREATE TABLE b (x)", "INSERT INTO b VALUES (1)")
    with closing(sqlite3.connect(tmp_path / "x", isolation_level=None)) as db:
        migrate(db, tmp_path / "x", [first])
        migrate(db, tmp_path / "x", [first, second])
        migrate(db, tmp_path / "x", [first, second])
        assert (version_of(db), db.execute("SELECT * FROM b").fetchall()) == (2, [(1,)])
        with pytest.raises(sqlite3.Error):
            migrate(db, tmp_path / "x", [first, second, ("CREATE TABLE c (x)", "nonsense")])
        assert version_of(db) == 2
        assert db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'c'").fetchone() == (0,)


def test_a_newer_file_is_refused_and_left_alone(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match=r"newer version .* 99"):
        SqliteStore(path, "k", "n")
    with closing(sqlite3.connect(path)) as db:
        assert version_of(db) == 99


# -- rights and failures


@posix
def test_the_files_are_private(path: Path) -> None:
    fill(path)
    with SqliteStore(path, "k", "n") as store:
        store.record([look(item("2"))])
        modes = {p.name: p.stat().st_mode & 0o777 for p in path.parent.iterdir()}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert set(modes.values()) == {0o600}, modes


@posix
@not_root
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="right to write"):
        SqliteStore(tmp_path / DATABASE_NAME, "k", "n")


def test_a_path_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="can't be made"):
        SqliteStore(tmp_path / "file" / DATABASE_NAME, "k", "n")


def test_a_file_that_is_no_database_is_said_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(StoreError, match="damaged"):
        SqliteStore(path, "k", "n")
    assert path.read_bytes().startswith(b"no database")


def test_pages_torn_out_of_the_file_are_said(path: Path) -> None:
    fill(path)
    body = path.read_bytes()
    path.write_bytes(body[:8192] + bytes(len(body) - 8192))
    with pytest.raises(StoreError, match="damaged"), SqliteStore(path, "k", "n") as store:
        store.known("scene", "", 10)


def test_a_full_disk_is_said_with_what_to_do(tmp_path: Path) -> None:
    """SQLite's own error for a full disk, made by allowing the file no more pages."""
    with closing(sqlite3.connect(tmp_path / "x")) as db:
        db.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.Error) as caught:
            db.execute("CREATE TABLE t AS SELECT zeroblob(100000) AS x")
    assert "is full: free some space" in str(explain(caught.value, tmp_path / "x"))


@posix
def test_a_disk_that_takes_no_more_loses_nothing_that_was_saved(path: Path) -> None:
    """A process that may not let a file grow beyond 1 MB meets the end of the disk in the middle of its work."""
    code = """
import resource, sys
from pathlib import Path
from tagger.errors import StoreError
from tagger.store import SqliteStore
from tests.store.values import item, look
store = SqliteStore(Path(sys.argv[1]), "k", "n")
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
for n in range(1, 100_000):
    try:
        store.record([look(item(str(n)))])
    except StoreError as error:
        print(n - 1, error)
        break
try:
    store.record([look(item("0"))])
except StoreError:
    print("still")
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    saved, message = first.split(maxsplit=1)
    assert "has space" in message or "free some space" in message
    assert (int(saved) > 10, second) == (True, "still")
    with SqliteStore(path, "k", "n") as store:
        assert len(store.known("scene", "", 100_000)) == int(saved)


def test_two_processes_may_write_and_read_the_same_file(path: Path) -> None:
    with SqliteStore(path, "k", "n") as one, SqliteStore(path, "k", "n") as two:
        one.record([look(item("1"))])
        two.record([look(item("2"))])
        assert len(one.known("scene", "", 10)) == len(two.known("scene", "", 10)) == 2


# -- thumbnails


def test_the_oldest_thumbnails_go_first_and_the_file_keeps_to_its_cap(path: Path) -> None:
    with SqliteStore(path, "k", "n", thumbs_cap_mb=1) as store:
        for n in range(200):
            store.record([look(item(str(n)), thumbs=(Thumb(0.0, os.urandom(20_000)),))])
        kept = [n for n in range(200) if store.thumbs(f"oshash:{n}")]
    assert kept == list(range(kept[0], 200))
    assert 10 < len(kept) < 60
    assert (path.parent / "thumbs.sqlite").stat().st_size < 1.3 * 2**20


def test_a_lowered_cap_gives_the_space_back(path: Path) -> None:
    with SqliteStore(path, "k", "n", thumbs_cap_mb=8) as store:
        store.record([look(item(str(n)), thumbs=(Thumb(0.0, bytes(20_000)),)) for n in range(200)])
    with SqliteStore(path, "k", "n", thumbs_cap_mb=1) as store:
        store.record([look(item(), thumbs=(Thumb(0.0, b"new"),))])
        assert store.thumbs("oshash:1") == [Thumb(0.0, b"new")]
    assert (path.parent / "thumbs.sqlite").stat().st_size < 2 * 2**20


@pytest.mark.parametrize("harm", ["gone", "garbage", "torn"])
def test_losing_the_thumbnails_harms_nothing(path: Path, harm: str) -> None:
    thumbs = path.parent / "thumbs.sqlite"
    fill(path)
    if harm == "gone":
        thumbs.unlink()
    else:
        body = thumbs.read_bytes()
        thumbs.write_bytes(b"garbage" * 999 if harm == "garbage" else body[:4096] + bytes(len(body) - 4096))
    with SqliteStore(path, "k", "n") as store:
        assert store.thumbs("oshash:1") == []
        store.forget([item("9").ref])
        store.record([look(item("2"), thumbs=(Thumb(0.0, b"new"),))])
        assert store.thumbs("oshash:2") == [Thumb(0.0, b"new")]
        assert [c.plan for c in store.pending(10)] == [plan(item())]


def test_no_thumbnails_are_kept_when_switched_off(path: Path) -> None:
    with SqliteStore(path, "k", "n", keep_thumbs=False) as store:
        store.record([look(item(), thumbs=(Thumb(0.0, b"new"),))])
        assert store.thumbs("oshash:1") == []
    assert not (path.parent / "thumbs.sqlite").exists()


# -- speed


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    fill(path)
    with closing(sqlite3.connect(path)) as db:
        yield db


QUERIES = {
    name: query
    for module in (answers, audits, items, outbox, outcome, queue, watch)
    for name, query in vars(module).items()
    if name.isupper() and name[0] != "_" and name != "CHANGE" and isinstance(query, str) and query.startswith("SELECT")
} | {f"count of {name}": query for name, query in sqlite._COUNTS.items()}


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_is_answered_from_an_index(connection: sqlite3.Connection, name: str) -> None:
    query = QUERIES[name]
    plan_lines = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", [None] * query.count("?"))]
    scans = [line for line in plan_lines if line.startswith("SCAN") and "VIRTUAL TABLE" not in line]
    whole_library = {"SEEN_BY_MODEL": ["SCAN s USING COVERING INDEX"]}
    assert all(scan.startswith(tuple(whole_library.get(name, ()))) for scan in scans), plan_lines
    sorts = [line for line in plan_lines if "TEMP B-TREE" in line]
    # Of the few rows that were asked for; never of a library.
    assert not sorts or "json_each" in query or name == "SEEN_BY_MODEL", plan_lines


def test_marking_some_changes_reads_only_those(path: Path) -> None:
    """Whatever other indexes there are: a library may have millions of changes in the same state."""
    fill(path)
    said: list[str] = []
    with SqliteStore(path, "k", "n") as store, store._database.read() as db:
        db.set_trace_callback(said.append)
        outbox.mark(db, 1, [1], "sending", tag_id="7")
        outbox.mark(db, 1, [1], "done")
        db.set_trace_callback(None)
        plans = [row[3] for q in said for row in db.execute(f"EXPLAIN QUERY PLAN {q}")]
    assert plans and not [p for p in plans if "change_by_tag" in p or p.startswith("SCAN change")], plans


@pytest.mark.parametrize(
    "only",
    [Narrow(), Narrow(kind="image"), Narrow(model="a@1"), Narrow(least=0.5, most=0.6), Narrow(first=(1, 1, 1)),
     Narrow("scene", "a@1", 0.5, 0.6, (1, 1, 1))],
)  # fmt: skip
@pytest.mark.parametrize(("tag", "feature"), [("", ""), ("Dog", ""), ("", "objects")])
def test_whatever_is_chosen_of_what_waits_one_index_is_read(path: Path, only: Narrow, tag: str, feature: str) -> None:
    """In the order in which it is shown. All else is looked up for the few that are shown."""
    fill(path)
    said: list[str] = []
    with SqliteStore(path, "k", "n") as store, store._database.read() as db:
        db.set_trace_callback(said.append)
        queue.to_review(db, 1, 50, tag, feature, 0, only)
        db.set_trace_callback(None)
        first, *others = [row[3] for q in said for row in db.execute(f"EXPLAIN QUERY PLAN {q}")]
    assert "COVERING INDEX waits_in_order" in first
    assert not [p for p in others if p.startswith("SCAN") and "VIRTUAL TABLE" not in p], others
    assert not [p for p in others if "waits" in p or "TEMP B-TREE" in p], others


def test_opening_it_stays_light() -> None:
    code = """
import sys
import tagger.store
heavy = {"numpy", "pydantic", "yaml", "requests", "PIL", "cv2", "onnxruntime", "asyncio", "logging"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)
