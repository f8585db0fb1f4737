"""What is kept ready for pages is what counting would find, whatever happens to items, files, tags and answers."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tagger.library import review
from tagger.ports import Rejudged
from tagger.store import DATABASE_NAME, SqliteStore
from tagger.store.schema import MIGRATIONS, migrate
from tagger.types import ChangeState, ItemRef, MediaItem, Scope, Verdict
from tests.laws import examples
from tests.store.values import decision, item, look, plan, settlement

REFS = st.sampled_from([ItemRef("scene", "1"), ItemRef("image", "2")])
FILES = st.sampled_from(["a", "b"])  # Items may share a file, and get another one.
MODELS = st.lists(st.sampled_from(["x@1", "y@1"]), min_size=1, unique=True)
VERDICTS: st.SearchStrategy[Verdict] = st.sampled_from(["apply", "review", "keep"])
MOVES: st.SearchStrategy[ChangeState] = st.sampled_from(["sending", "done", "undone", "failed", "gone"])
LIBRARIES = st.sampled_from([0, 1])

COUNTED = {
    "items": "SELECT count(*) FROM item WHERE library_id = ?",
    "looked": """SELECT count(*) FROM item AS i WHERE i.library_id = ?
        AND EXISTS (SELECT 1 FROM sighting AS s WHERE s.file_id = i.file_id)""",
    "failed": "SELECT count(*) FROM failure WHERE library_id = ?",
    "apply": "SELECT count(*) FROM decision WHERE library_id = ? AND verdict = 'apply'",
    "review": "SELECT count(*) FROM decision WHERE library_id = ? AND verdict = 'review'",
    "pending": "SELECT count(*) FROM change WHERE library_id = ? AND state IN ('planned', 'sending')",
    "ours": "SELECT count(*) FROM change WHERE library_id = ? AND state = 'done' AND action = 'add'",
    "gone": "SELECT count(*) FROM change WHERE library_id = ? AND state = 'gone'",
    "waiting": "SELECT count(*) FROM queue WHERE library_id = ?",
}
WAITS = """SELECT d.item, d.place, d.library_id, d.tag, d.feature, json_extract(d.detail, '$[1]'), i.kind, i.item_id,
    d.useful, d.probability FROM decision AS d JOIN item AS i ON i.id = d.item WHERE d.verdict = 'review'
    ORDER BY 1, 2"""
READY = """SELECT w.item, w.place, w.library_id, h.tag, h.feature, h.models, w.kind, w.item_id, w.useful, w.probability
    FROM waits AS w JOIN heap AS h ON h.id = w.heap AND h.library_id = w.library_id ORDER BY 1, 2"""
CHANGE = """INSERT INTO change (library_id, run_id, item, state, action, fingerprint, tag_id, tag_name, model, score,
    probability, rule, why, tags_before, changed_at)
    VALUES (1, 1, 1, ?, ?, 'a', '7', 'Dog', '', 0, 0, '', '', '[]', '')"""
HEAPS = "SELECT h.id, h.n, (SELECT count(*) FROM waits AS w WHERE w.heap = h.id) FROM heap AS h"


def check(path: Path, *stores: SqliteStore) -> None:
    """Hold what is ready against what is there."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute(READY).fetchall() == db.execute(WAITS).fetchall()
        assert all(n == there for _, n, there in db.execute(HEAPS))
        for store in stores:
            counts = store.summary()
            del counts["bytes"]
            assert counts == {name: db.execute(q, (store._library_id,)).fetchone()[0] for name, q in COUNTED.items()}


class Ready(RuleBasedStateMachine):
    """Two libraries in one file."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / DATABASE_NAME
        self.stores = [SqliteStore(self.path, key, key) for key in ("one", "two")]
        self.runs = [store.begin_run("tag", Scope()).id for store in self.stores]

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.folder.cleanup()

    def of(self, ref: ItemRef, file: str) -> MediaItem:
        return item(ref.id, file, kind=ref.kind)

    @rule(at=LIBRARIES, ref=REFS, file=FILES, models=MODELS, broken=st.booleans())
    def look(self, at: int, ref: ItemRef, file: str, models: list[str], broken: bool) -> None:
        self.stores[at].record([look(self.of(ref, file), *models, error="broken" if broken else None)])

    @rule(at=LIBRARIES, ref=REFS, file=FILES, dog=VERDICTS, cat=VERDICTS)
    def settle(self, at: int, ref: ItemRef, file: str, dog: Verdict, cat: Verdict) -> None:
        of = self.of(ref, file)
        said = (decision("Dog", dog, 0.7), decision("Cat", cat, 0.8))
        self.stores[at].settle(self.runs[at], "p", [settlement(of, plan(of), plan(of, "Cat", "8"), decisions=said)])

    @rule(at=LIBRARIES, ref=REFS, file=FILES)
    def stop_in_the_middle(self, at: int, ref: ItemRef, file: str) -> None:
        """What isn't committed was never counted, as after a kill."""
        of, other = self.of(ref, file), self.of(ItemRef("scene", "9"), file)
        try:
            self.stores[at].settle(self.runs[at], "p", [settlement(of), settlement(other, plan(of))])
        except ValueError:
            return
        raise AssertionError("a plan for another item was taken")

    @rule(at=LIBRARIES, verdict=VERDICTS)
    def decide_again(self, at: int, verdict: Verdict) -> None:
        store = self.stores[at]
        changed = [
            Rejudged(one.row, None, tuple((place, was, verdict, "r", "w") for *_, was, place in one.verdicts), ())
            for one in store.records("k", 0, 100)
        ]
        store.rejudge(self.runs[at], "q", changed)

    @rule(at=LIBRARIES, yes=st.booleans(), n=st.integers(1, 3))
    def answer(self, at: int, yes: bool, n: int) -> None:
        store = self.stores[at]
        places = [(one.ref, one.decision.tag) for one in store.review_queue(n)]
        if places:
            (review.accept if yes else review.reject)(store, places)

    @rule(at=LIBRARIES)
    def take_an_answer_back(self, at: int) -> None:
        for act in [act for act in self.stores[at].acts(50) if not act.undone_at][:1]:
            self.stores[at].withdraw(act.id)

    @rule(at=LIBRARIES, state=MOVES, n=st.integers(1, 5))
    def mark(self, at: int, state: ChangeState, n: int) -> None:
        pending = [*self.stores[at].pending(n), *self.stores[at].pending(n, "remove")]
        self.stores[at].mark([change.id for change in pending], state)

    @rule(at=LIBRARIES, state=MOVES, was=MOVES)
    def undo(self, at: int, state: ChangeState, was: ChangeState) -> None:
        store = self.stores[at]
        store.mark([change.id for run in store.runs(9) for change in store.changes(run.id, was)], state)

    @rule(at=LIBRARIES, ref=REFS)
    def forget(self, at: int, ref: ItemRef) -> None:
        self.stores[at].forget([ref])

    @rule(models=MODELS)
    def forget_sightings(self, models: list[str]) -> None:
        self.stores[0].forget_sightings(models)

    @rule(at=LIBRARIES, ref=REFS, priority=st.integers(0, 1), there=st.booleans())
    def queue(self, at: int, ref: ItemRef, priority: int, there: bool) -> None:
        refs = [ref]
        if there:
            self.stores[at].enqueue(refs, priority, "new")
        else:
            self.stores[at].dequeue(refs)

    @rule(at=LIBRARIES)
    def reorder(self, at: int) -> None:
        self.stores[at].reorder()

    @invariant()
    def what_is_ready_is_what_is_there(self) -> None:
        check(self.path, *self.stores)


Ready.TestCase.settings = settings(max_examples=examples(50), stateful_step_count=25, deadline=None)
TestReady = Ready.TestCase


def test_a_former_file_is_counted_when_it_is_opened(tmp_path: Path) -> None:
    """Version 5 of the file, in which nothing was kept ready but the number that wait by tag."""
    path = tmp_path / DATABASE_NAME
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        migrate(db, path, MIGRATIONS[:5])
        db.executescript("""INSERT INTO library VALUES (1, 'one', 'one'), (2, 'two', 'two');
            INSERT INTO model VALUES (1, 'x@1');
            INSERT INTO run VALUES (1, 1, 'tag', '{}', 'done', '', '', '{}', '{}', '');
            INSERT INTO file (id, fingerprint) VALUES (1, 'a'), (2, 'b');
            INSERT INTO sighting VALUES (1, 1, 1, x'5b5d', '');
            INSERT INTO item (id, library_id, kind, item_id, file_id)
                VALUES (1, 1, 'scene', 5, 1), (2, 1, 'image', 6, 2), (3, 2, 'scene', 5, 1);
            INSERT INTO queue VALUES (1, 1, 'scene', 9, 0, '', '');""")
        for row, verdict, tag in [
            (1, "review", "Dog"),
            (2, "review", "Dog"),
            (3, "review", "Cat"),
            (3, "apply", "Dog"),
        ]:
            db.execute(
                """INSERT INTO decision SELECT ?1, (SELECT count(*) FROM decision WHERE item = ?1), library_id, ?2, ?3,
                    'objects', 'dog', 0.8, 0.8, '', '', '["dog",["x@1"],0,[],[]]', 0.8, 0.8 + ?1
                    FROM item WHERE id = ?1""",
                (row, verdict, tag),
            )
        db.executemany(CHANGE, [("done", "add"), ("done", "remove"), ("gone", "add"), ("planned", "add")])
    with SqliteStore(path, "one", "one") as one, SqliteStore(path, "two", "two") as two:
        check(path, one, two)
        assert [w.ref.id for w in one.review_queue(9)] == ["6", "5"] and one.tally("review") == {"Dog": 2}
        review.accept(one, [(ItemRef("image", "6"), "Dog")])
        two.forget([ItemRef("scene", "5")])
        with closing(sqlite3.connect(path)) as db, db:
            db.executemany(CHANGE, [("done", "add"), ("gone", "add")])
        check(path, one, two)
