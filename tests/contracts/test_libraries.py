"""What every library promises (:class:`tagger.ports.Library`), over Stash's double and over a plain folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tagger.errors import ConfigError, LibraryRefusedError
from tagger.folder import FolderLibrary
from tagger.ports import Library
from tagger.stash import StashLibrary, StashServer
from tagger.types import ItemRef, Scope
from tests.double import StashDouble

EVERYTHING = Scope()
PICTURES = 25


@dataclass
class Case:
    """A library with 25 pictures in two folders (``one/``, ``two/``) and 2 videos, and a way to change a file."""

    library: Library
    root: Path
    double: StashDouble | None

    def ids(self, scope: Scope = EVERYTHING, limit: int = 7) -> list[str]:
        """All pictures in scope, page by page."""
        found: list[str] = []
        while page := self.library.page("image", scope, found[-1] if found else "", limit):
            found += [item.ref.id for item in page]
        return found

    def change(self, ref: ItemRef) -> None:
        path = Path(self.library.get([ref])[0].path)
        path.write_bytes(path.read_bytes() + b"changed")
        if self.double:
            self.double.replace_file(ref)

    def add(self, name: str) -> None:
        path = self.root / name
        path.write_bytes(name.encode())
        if self.double:
            self.double.add_image(path)

    def tags_of(self, ref: ItemRef) -> frozenset[str]:
        return self.library.get([ref])[0].tag_ids


@pytest.fixture(params=["stash", "folder"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    root = tmp_path / "media"
    for number in range(PICTURES):
        path = root / ("one" if number % 2 else "two") / f"picture {number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"picture {number}".encode())
    for number in range(2):
        (root / f"video {number}.mp4").write_bytes(f"video {number}".encode())
    if request.param == "folder":
        library = FolderLibrary(root, tmp_path / "data" / "folder.sqlite")
        yield Case(library, root, None)
        library.close()
        return
    with StashDouble(tmp_path / "stash", api_key="key", locked=True) as double:
        for path in sorted(root.rglob("*.*")):
            (double.add_scene if path.suffix == ".mp4" else double.add_image)(path)
        yield Case(StashLibrary(StashServer(double.connection)), root, double)


def test_pages_give_every_item_once_in_ascending_order(case: Case) -> None:
    assert case.library.count("image", EVERYTHING) == PICTURES
    assert case.library.count("scene", EVERYTHING) == 2
    assert case.library.count("gallery", EVERYTHING) == 0
    for limit in (1, 7, 1000):
        ids = case.ids(limit=limit)
        assert len(ids) == len(set(ids)) == PICTURES
        assert ids == sorted(ids, key=int if case.double else str)


def test_an_item_that_is_added_or_goes_while_paging_shifts_nothing(case: Case) -> None:
    first = case.library.page("image", EVERYTHING, "", 10)
    if case.double:
        case.double.remove(first[0].ref)
    else:
        Path(first[0].path).unlink()
    case.add("zz.jpg")
    rest = case.library.page("image", EVERYTHING, first[-1].ref.id, 1000)
    seen = {item.ref for item in first} | {item.ref for item in rest}
    assert len(seen) >= PICTURES
    assert not {item.ref for item in first} & {item.ref for item in rest}


def test_items_say_what_they_are(case: Case) -> None:
    (picture,) = case.library.page("image", EVERYTHING, "", 1)
    (video,) = case.library.page("scene", EVERYTHING, "", 1)
    assert (picture.media, video.media) == ("image", "video")
    assert Path(picture.path).is_file()
    assert picture.size_bytes == Path(picture.path).stat().st_size
    assert ":" in picture.fingerprint
    assert picture.fingerprint != video.fingerprint
    assert picture.tag_ids == frozenset()


def test_scope_by_path_ends_at_folders(case: Case) -> None:
    below = Scope(paths=(str(case.root / "one"),))
    assert case.library.count("image", below) == PICTURES // 2 == len(case.ids(below))
    assert case.ids(Scope(paths=(str(case.root / "on"),))) == []
    outside = case.ids(Scope(exclude_paths=(str(case.root / "one") + os.sep,)))
    assert set(outside) == set(case.ids()) - set(case.ids(below))
    both = Scope(paths=(str(case.root / "one"), str(case.root / "two")))
    assert case.ids(both) == case.ids()
    neither = Scope(paths=(str(case.root / "one"),), exclude_paths=(str(case.root),))
    assert case.ids(neither) == []


def test_scope_by_tag_takes_sub_tags_along(case: Case) -> None:
    parent = case.library.create_tag("animal")
    child = case.library.create_tag("dog", parent_id=parent.id)
    ids = case.ids()
    case.library.add_tags("image", ids[:3], [child.id])
    assert case.ids(Scope(tags=("Animal",))) == ids[:3]
    assert case.ids(Scope(exclude_tags=("animal",))) == ids[3:]
    assert case.library.count("image", Scope(exclude_tags=("animal",))) == PICTURES - 3
    with pytest.raises(ConfigError, match="cat"):
        case.library.count("image", Scope(tags=("cat",)))


def test_scope_organized_and_date(case: Case) -> None:
    assert case.ids(Scope(organized=True)) == []
    assert len(case.ids(Scope(organized=False))) == PICTURES
    assert case.ids(Scope(date_from="2999-01-01")) == []
    assert case.ids(Scope(date_to="1901-01-01")) == []


def test_a_spread_reaches_from_start_to_end(case: Case) -> None:
    ids = case.ids()
    spread = [item.ref.id for item in case.library.spread("image", EVERYTHING, 5)]
    assert [ids.index(i) for i in spread] == [0, 5, 10, 15, 20]
    assert len(case.library.spread("image", EVERYTHING, 100)) == PICTURES
    below = case.library.spread("image", Scope(paths=(str(case.root / "one"),)), 3)
    assert len(below) == 3
    assert all(str(case.root / "one") in item.path for item in below)
    assert case.library.spread("gallery", EVERYTHING, 5) == []


def test_get_leaves_out_what_is_not_there(case: Case) -> None:
    ids = case.ids()
    refs = [ItemRef("image", i) for i in (ids[0], "999999", ids[5])] + [ItemRef("scene", "888888")]
    assert {item.ref.id for item in case.library.get(refs)} == {ids[0], ids[5]}
    assert case.library.get([]) == []


def test_what_comes_by_id_is_in_scope_as_pages_have_it(case: Case) -> None:
    parent = case.library.create_tag("animal")
    child = case.library.create_tag("dog", parent_id=parent.id)
    ids = case.ids()
    case.library.add_tags("image", ids[::3], [child.id])
    everything = [ItemRef("image", i) for i in reversed(ids)] + [ItemRef("image", "999999")]
    for scope in (
        EVERYTHING,
        Scope(tags=("animal",)),
        Scope(exclude_tags=("Animal",)),
        Scope(paths=(str(case.root / "one"),), exclude_tags=("dog",), organized=False),
        Scope(exclude_paths=(str(case.root / "one"),), date_to="1901-01-01"),
    ):
        assert {item.ref.id for item in case.library.which(everything, scope)} == set(case.ids(scope))
    odd = [ItemRef("image", i) for i in ids[1::2]]
    assert {item.ref for item in case.library.which(odd, Scope(exclude_tags=("dog",)))} < set(odd)
    (video,) = case.library.page("scene", EVERYTHING, "", 1)
    both = [video.ref, ItemRef("image", ids[0])]
    assert [item.ref for item in case.library.which(both, Scope(kinds=("scene",)))] == [video.ref]
    assert case.library.which([], EVERYTHING) == []
    with pytest.raises(ConfigError, match="cat"):
        case.library.which(odd, Scope(tags=("cat",)))


def test_ids_alone_come_in_pages_too(case: Case) -> None:
    found: list[str] = []
    while page := case.library.ids("image", found[-1] if found else "", 10):
        found += page
    assert found == case.ids()
    assert len(case.library.ids("scene", "", 10)) == 2
    assert case.library.ids("gallery", "", 10) == []


def test_changed_gives_new_and_changed_files_only(case: Case) -> None:
    ids = case.ids()
    for path in case.root.rglob("*.*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    everything = case.library.changed("image", "2001-01-01T00:00:00Z", "", 1000)
    assert [item.ref.id for item in everything] == ids
    later = "2999-01-01T00:00:00Z"
    assert case.library.changed("image", later, "", 1000) == []
    assert case.library.changed("image", "2001-01-01T00:00:00Z", ids[-2], 1000)[0].ref.id == ids[-1]


def test_a_changed_file_has_another_fingerprint(case: Case) -> None:
    ref = ItemRef("image", case.ids()[3])
    before = case.library.get([ref])[0].fingerprint
    case.change(ref)
    assert case.library.get([ref])[0].fingerprint != before
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:00Z")
    assert ref in [item.ref for item in case.library.changed("image", since, "", 1000)]


def test_adding_and_removing_tags_touches_no_other_tag(case: Case) -> None:
    ids = case.ids()
    mine, ours = case.library.create_tag("mine"), case.library.create_tag("ours")
    case.library.add_tags("image", ids[:5], [mine.id])
    written = case.library.add_tags("image", ids, [ours.id])
    assert set(written.done) == set(ids)
    assert (written.missing, written.refused) == ((), ())
    assert case.tags_of(ItemRef("image", ids[0])) == {mine.id, ours.id}
    assert case.tags_of(ItemRef("image", ids[9])) == {ours.id}
    case.library.add_tags("image", ids, [ours.id])  # Once more does no harm.
    case.library.remove_tags("image", ids, [ours.id])
    case.library.remove_tags("image", ids, [ours.id])
    assert case.tags_of(ItemRef("image", ids[0])) == {mine.id}
    assert case.tags_of(ItemRef("image", ids[9])) == frozenset()
    assert case.library.add_tags("image", ids, []).done
    assert case.library.add_tags("image", [], [ours.id]).done == ()


def test_a_missing_item_costs_only_itself(case: Case) -> None:
    ids = case.ids()
    tag = case.library.create_tag("dog")
    written = case.library.add_tags("image", [*ids[:4], "999999", *ids[4:], "777777"], [tag.id])
    assert set(written.done) == set(ids)
    assert set(written.missing) == {"999999", "777777"}
    assert written.refused == ()
    assert case.library.add_tags("image", ["999999"], [tag.id]).missing == ("999999",)
    assert case.ids(Scope(tags=("dog",))) == ids


def test_a_missing_tag_is_refused_with_a_reason(case: Case) -> None:
    ids = case.ids()
    written = case.library.add_tags("image", ids, ["424242"])
    assert written.done == ()
    assert {i for i, _ in written.refused} == set(ids)
    assert all(reason for _, reason in written.refused)


def test_tags_have_unique_names_and_parents(case: Case) -> None:
    parent = case.library.create_tag("AI", description="made by a test")
    child = case.library.create_tag("dög", parent_id=parent.id)
    assert child.parent_ids == (parent.id,)
    assert {tag.name: tag for tag in case.library.tags()} == {"AI": parent, "dög": child}
    for taken in ("AI", "ai", "DÖG"):
        with pytest.raises(LibraryRefusedError):
            case.library.create_tag(taken)


def test_only_a_tag_that_nothing_uses_is_deleted(case: Case) -> None:
    ids = case.ids()
    parent = case.library.create_tag("parent")
    child = case.library.create_tag("child", parent_id=parent.id)
    case.library.add_tags("image", ids[:1], [child.id])
    assert not case.library.delete_unused_tag(child.id)
    assert not case.library.delete_unused_tag(parent.id)
    case.library.remove_tags("image", ids[:1], [child.id])
    assert case.library.delete_unused_tag(child.id)
    assert case.library.delete_unused_tag(parent.id)
    assert not case.library.delete_unused_tag(parent.id)
    assert case.library.tags() == []


def test_performers_go_only_when_nobody_has_them_and_nobody_filled_them_in(case: Case) -> None:
    (first, *_) = case.library.ids("image", "", 1)
    ada, bob = case.library.create_performer("Ada"), case.library.create_performer("Bob")
    case.library.add_performers("image", [first], [ada.id])
    assert not case.library.delete_unused_performer(ada.id)
    assert case.library.delete_unused_performer(bob.id)
    assert not case.library.delete_unused_performer(bob.id)
    case.library.remove_performers("image", [first], [ada.id])
    assert case.library.delete_unused_performer(ada.id)
    if case.double:
        case.double.fill_in(case.library.create_performer("Cleo").id)
        assert not any(case.library.delete_unused_performer(p.id) for p in case.library.performers())
        assert [p.name for p in case.library.performers()] == ["Cleo"]
    else:
        assert case.library.performers() == []


def test_the_key_lasts(case: Case, tmp_path: Path) -> None:
    if case.double:
        # However it is reached.
        again: Library = StashLibrary(StashServer(case.double.plugin_connection))
        assert case.library.key.startswith("stash:")
    else:
        again = FolderLibrary(case.root, tmp_path / "other.sqlite")
        assert case.library.key.startswith("folder:")
    assert again.key == case.library.key
    assert case.library.name
