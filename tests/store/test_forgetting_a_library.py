"""A library is forgotten as a whole, and the others in the same file lose nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tagger.library.review import reject
from tagger.store import DATABASE_NAME, Kept, SqliteStore
from tagger.types import Scope, Tag, Thumb
from tests.store.values import MODEL, decision, item, look, plan, settlement


def open_store(folder: Path, key: str) -> SqliteStore:
    return SqliteStore(folder / DATABASE_NAME, key, f"The library {key}")


def fill(store: SqliteStore, *ids: str) -> None:
    """A run over these items (of which ``0`` has the same file everywhere), with everything that may be on record."""
    run = store.begin_run("tag", Scope())
    items = [item(id, f"oshash:{id}") for id in ids]
    store.record([look(of, thumbs=(Thumb(0.0, b"a picture"),)) for of in items])
    wait = decision("Cat", "review", 0.6)
    store.settle(run.id, "p", [settlement(of, plan(of), decisions=(decision(), wait)) for of in items])
    changes = [change.id for change in store.pending(10)]
    store.mark(changes, "sending")
    store.mark(changes, "done")
    store.note_created_tag(run.id, Tag("7", "Dog"))
    store.enqueue([of.ref for of in items], 0, "new")
    store.remember("backup", "there")
    store.draw_audits(1, "", "")
    reject(store, [(items[0].ref, "Cat")])


def test_a_library_is_forgotten_and_others_keep_all_of_theirs(tmp_path: Path) -> None:
    gone, stays, empty = (open_store(tmp_path, key) for key in ("gone", "stays", "empty"))
    fill(gone, "0", "1")
    fill(stays, "0", "2", "3")
    assert gone.others() == [Kept("The library stays", 3)]
    assert gone.others(["empty"]) == [Kept("The library empty", 0), Kept("The library stays", 3)]
    before = stays.summary()
    gone.forget_library()
    after = stays.summary()
    assert {**after, "bytes": 0} == {**before, "bytes": 0}
    assert [len(stays.thumbs(f"oshash:{id}")) for id in "0123"] == [1, 0, 1, 1]
    assert len(stays.sightings(["oshash:0"], [MODEL])["oshash:0"]) == 1 and stays.fact("backup") == "there"
    assert stays.others() == [] and empty.others() == [Kept("The library stays", 3)]
    for store in (gone, stays, empty):
        store.close()
    with sqlite3.connect(tmp_path / DATABASE_NAME) as db:
        names = [name for (name,) in db.execute("SELECT name FROM library ORDER BY name")]
        assert names == ["The library empty", "The library stays"]
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        of_library = [t for t in tables if any(c[1] == "library_id" for c in db.execute(f"PRAGMA table_info({t})"))]
        for table in of_library:
            lost = f"SELECT 1 FROM {table} WHERE library_id NOT IN (SELECT id FROM library)"
            assert not db.execute(lost).fetchall(), table
        assert not db.execute("PRAGMA foreign_key_check").fetchall()
        assert not db.execute("SELECT 1 FROM file WHERE fingerprint = 'oshash:1'").fetchall()
