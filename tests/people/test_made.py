"""Performers that we made are known as ours, wherever we are killed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tagger.errors import LibraryRefusedError
from tagger.library.people.made import make, own_up, stamp
from tagger.library.people.sending import PerformerSender
from tagger.stash import StashLibrary, StashServer
from tagger.store import DATABASE_NAME, SqliteStore
from tagger.types import Performer, Scope
from tests.double import StashDouble
from tests.store.values import plan, settlement


class Killed(BaseException):
    """Nothing runs after it, as after a signal."""


class KilledBefore(StashLibrary):
    def create_performer(self, name: str) -> Performer:
        raise Killed


class KilledAfter(StashLibrary):
    def create_performer(self, name: str) -> Performer:
        super().create_performer(name)
        raise Killed


@pytest.fixture
def stash(tmp_path: Path) -> Iterator[StashDouble]:
    with StashDouble(tmp_path / "stash") as stash:
        yield stash


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / DATABASE_NAME, "k", "n") as store:
        yield store


def ours(store: SqliteStore) -> dict[str, str]:
    """What is remembered of making performers; nothing is left of what was being made."""
    assert store.facts("making performer ") == {}
    return store.facts("made performer ")


def test_a_performer_made_right_before_a_kill_is_ours(stash: StashDouble, store: SqliteStore) -> None:
    server = StashServer(stash.connection)
    with pytest.raises(Killed):
        make(KilledAfter(server), store, "Ada", 3)
    with pytest.raises(Killed):
        make(KilledAfter(server), store, "Bea")
    library = StashLibrary(server)
    ids = {performer.name: performer.id for performer in library.performers()}
    stamp(library, store, 5)
    assert ours(store) == {f"made performer {ids['Ada']}": "3 Ada", f"made performer {ids['Bea']}": "5 Bea"}
    own_up(library, store)
    assert len(ours(store)) == 2


def test_one_made_while_a_run_writes_is_that_run_s(stash: StashDouble, store: SqliteStore, tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"1")
    ref = stash.add_image(tmp_path / "1.jpg")
    server = StashServer(stash.connection)
    (item,) = StashLibrary(server).get([ref])
    run = store.begin_run("tag", Scope())
    wanted = replace(plan(item, "Ada", ""), target="performer")
    store.settle(run.id, "p", [settlement(item, wanted)])
    with pytest.raises(Killed):
        PerformerSender(KilledAfter(server), store).send(store.pending(9))
    library = StashLibrary(server)
    assert PerformerSender(library, store).send(store.pending(9)) == 1
    own_up(library, store)
    assert list(ours(store).values()) == [f"{run.id} Ada"]


def test_a_performer_that_a_person_made_after_a_kill_is_theirs(stash: StashDouble, store: SqliteStore) -> None:
    server = StashServer(stash.connection)
    with pytest.raises(Killed):
        make(KilledBefore(server), store, "Ada")
    stash.add_performer("Ada")
    own_up(StashLibrary(server), store)
    assert ours(store) == {}


def test_a_performer_that_is_refused_is_not_ours(stash: StashDouble, store: SqliteStore) -> None:
    stash.add_performer("Ada")
    library = StashLibrary(StashServer(stash.connection))
    with pytest.raises(LibraryRefusedError):
        make(library, store, "Ada")
    assert ours(store) == {}
    bea = make(library, store, "Bea", 2)
    assert ours(store) == {f"made performer {bea.id}": "2 Bea"}
