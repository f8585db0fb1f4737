"""What Stash does to bulk writes, and that nothing is lost by it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.errors import LibraryAuthError, LibraryDownError, LibraryRefusedError
from tagger.light.connection import from_url
from tagger.stash import StashLibrary, StashServer
from tagger.types import ITEM_KINDS, ItemKind, ItemRef, Scope
from tests.double import StashDouble

MOST = {"scene": 50, "image": 500, "gallery": 50}


@pytest.fixture
def stash(tmp_path: Path) -> Iterator[StashDouble]:
    with StashDouble(tmp_path, api_key="right", locked=True) as stash:
        yield stash


def as_plugin(stash: StashDouble) -> StashLibrary:
    return StashLibrary(StashServer(stash.plugin_connection))


def add(stash: StashDouble, kind: ItemKind, count: int) -> list[str]:
    if kind == "scene":
        return [stash.add_scene(f"/v/{i}.mp4").id for i in range(count)]
    if kind == "image":
        return [stash.add_image(f"/p/{i}.jpg").id for i in range(count)]
    return [stash.add_gallery(f"/g/{i}").id for i in range(count)]


@pytest.mark.parametrize("kind", ITEM_KINDS)
def test_no_mutation_carries_too_many_and_each_carries_the_session(stash: StashDouble, kind: ItemKind) -> None:
    ids = add(stash, kind, MOST[kind] * 2 + 1)
    tag = stash.add_tag("dog")
    assert as_plugin(stash).add_tags(kind, ids, [tag]).done == tuple(sorted(ids, key=int))
    mutations = [request for request in stash.requests if request.text.startswith("mutation")]
    assert [len(request.variables["input"]["ids"]) for request in mutations] == [MOST[kind], MOST[kind], 1]
    assert all(request.has_cookie and request.has_api_key for request in mutations)


def test_only_a_message_of_its_own_says_that_an_item_is_gone(stash: StashDouble) -> None:
    ids = add(stash, "image", 5)
    stash.remove(ItemRef("image", ids[2]))
    library = as_plugin(stash)
    refs = [ItemRef("image", i) for i in ids]
    assert [item.ref.id for item in library.get(refs)] == [i for i in ids if i != ids[2]]
    for message, kind in (("no such column: x", LibraryRefusedError), ("sql: disk I/O error", LibraryDownError)):
        for wanted in (refs, refs[:1]):
            stash.fault("refuse", "query ById", message=message)
            with pytest.raises(kind, match=message):
                library.get(wanted)


def test_a_person_who_is_quicker_keeps_the_tag_when_no_answer_comes(stash: StashDouble) -> None:
    library = as_plugin(stash)
    stash.fault("drop_after", "CreateTag")
    assert library.create_tag("dog", description="ours").id == stash.tag_id("dog")
    theirs = stash.add_tag("cat")
    stash.fault("drop_before", "CreateTag")
    with pytest.raises(LibraryDownError):
        library.create_tag("cat", description="ours")
    assert stash.tag_id("cat") == theirs


def test_a_session_that_dies_in_the_middle_is_no_matter_with_an_api_key(stash: StashDouble) -> None:
    (image,) = add(stash, "image", 1)
    library = as_plugin(stash)
    assert library.count("image", Scope()) == 1
    stash.expire_sessions()
    assert library.add_tags("image", [image], [stash.add_tag("dog")]).done == (image,)


def test_a_key_that_is_made_anew_in_the_middle_is_asked_for_again(stash: StashDouble) -> None:
    library = as_plugin(stash)
    assert library.count("image", Scope()) == 0
    stash.api_key = "newer"
    assert library.count("image", Scope()) == 0
    stash.expire_sessions()
    assert library.count("image", Scope()) == 0
    stash.api_key = "newest"
    with pytest.raises(LibraryAuthError):
        library.count("image", Scope())


def test_a_wrong_key_beside_a_session_is_replaced_by_the_right_one(stash: StashDouble) -> None:
    library = StashLibrary(StashServer(stash.plugin_connection.with_api_key("wrong")))
    assert library.count("image", Scope()) == 0
    assert library.connection.headers()["ApiKey"] == "right"


def test_a_login_from_a_terminal_that_is_wrong_says_so(stash: StashDouble) -> None:
    with pytest.raises(LibraryAuthError, match="API key"):
        StashLibrary(StashServer(from_url(stash.url, "wrong"))).count("image", Scope())


@pytest.mark.parametrize("fault", ["drop_after", "drop_before"])
@pytest.mark.parametrize("mode", ["ADD", "REMOVE"])
def test_no_answer_does_not_mean_not_written(stash: StashDouble, fault: str, mode: str) -> None:
    ids = add(stash, "image", 5)
    tag = stash.add_tag("dog")
    library = as_plugin(stash)
    if mode == "REMOVE":
        library.add_tags("image", ids, [tag])
    stash.requests.clear()
    stash.fault("drop_after" if fault == "drop_after" else "drop_before", "bulkImageUpdate")
    write = library.add_tags if mode == "ADD" else library.remove_tags
    assert write("image", ids, [tag]).done == tuple(ids)
    expected = {"dog"} if mode == "ADD" else set()
    assert all(tags == expected for tags in stash.tags_by_item().values())
    sent = [request for request in stash.requests if "bulkImageUpdate" in request.text]
    assert len(sent) == (1 if fault == "drop_after" else 2)


def test_a_server_that_stays_away_ends_the_write(stash: StashDouble) -> None:
    ids = add(stash, "image", 5)
    tag = stash.add_tag("dog")
    library = as_plugin(stash)
    stash.fault("drop_before", "bulkImageUpdate", times=2)
    with pytest.raises(LibraryDownError):
        library.add_tags("image", ids, [tag])
    assert stash.tags_by_item()[ItemRef("image", ids[0])] == frozenset()


def test_a_tag_that_was_made_though_no_answer_came_is_found(stash: StashDouble) -> None:
    library = as_plugin(stash)
    stash.fault("drop_after", "tagCreate")
    assert library.create_tag("dog").name == "dog"
    stash.fault("drop_before", "tagCreate")
    with pytest.raises(LibraryDownError):
        library.create_tag("cat")
    assert stash.tag_names() == {"dog"}


def test_one_refusal_for_an_unknown_tag_is_not_bisected(stash: StashDouble) -> None:
    ids = add(stash, "image", 500)
    library = as_plugin(stash)
    assert len(library.add_tags("image", ids, ["999"]).refused) == 500
    assert len(stash.requests) < 6


@settings(max_examples=15, deadline=None)
@given(gone=st.sets(st.integers(0, 59), max_size=60))
def test_whatever_is_missing_the_rest_is_written(gone: set[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    with StashDouble(tmp_path_factory.mktemp("stash")) as stash:
        ids = add(stash, "scene", 60)
        for place in gone:
            stash.remove(ItemRef("scene", ids[place]))
        written = StashLibrary(StashServer(stash.connection)).add_tags("scene", ids, [stash.add_tag("dog")])
        assert set(written.missing) == {ids[place] for place in gone}
        assert set(written.done) == set(ids) - set(written.missing)
        assert all(tags == {"dog"} for tags in stash.tags_by_item().values())


@pytest.mark.parametrize("use", ["markers", "performers", "studios", "groups"])
def test_a_tag_that_something_else_uses_stays(stash: StashDouble, use: str) -> None:
    tag = stash.add_tag("dog", (), (), **{use: 1})
    assert not as_plugin(stash).delete_unused_tag(tag)
    assert stash.tag_names() == {"dog"}


@pytest.mark.parametrize("kind", ITEM_KINDS)
def test_a_tag_that_an_item_uses_stays(stash: StashDouble, kind: ItemKind) -> None:
    ids = add(stash, kind, 1)
    library = as_plugin(stash)
    tag = stash.add_tag("dog")
    library.add_tags(kind, ids, [tag])
    assert not library.delete_unused_tag(tag)
    library.remove_tags(kind, ids, [tag])
    assert library.delete_unused_tag(tag)


@pytest.mark.parametrize("utc_offset_h", [-9.5, 0, 14])
def test_times_are_compared_as_times_whatever_the_servers_zone(tmp_path: Path, utc_offset_h: float) -> None:
    with StashDouble(tmp_path, utc_offset_h=utc_offset_h) as stash:
        image = stash.add_image("/p/1.jpg")
        library = StashLibrary(StashServer(stash.connection))
        made = stash.item(image).created_at
        for shift_s in (-3600, -1, 0):
            assert _changed_since(library, made.timestamp() + shift_s) == [image.id]
        assert _changed_since(library, made.timestamp() + 1) == []


def _changed_since(library: StashLibrary, time_s: float) -> list[str]:
    since = datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [item.ref.id for item in library.changed("image", since, "", 10)]
