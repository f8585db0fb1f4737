"""The same promises against a running Stash, named by ``AI_TAGGER_LIVE_STASH``; it is left as it was.

An API key goes into ``AI_TAGGER_STASH_API_KEY``.
"""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import PurePath

import pytest

from tagger.errors import LibraryRefusedError
from tagger.light.connection import find_api_key, from_url
from tagger.stash import StashHost, StashLibrary, StashServer
from tagger.types import ITEM_KINDS, ItemKind, ItemRef, MediaItem, Scope

pytestmark = pytest.mark.live

TAG = "ai tagger live test"


@pytest.fixture
def server() -> StashServer:
    url = os.environ.get("AI_TAGGER_LIVE_STASH")
    if not url:
        pytest.skip("AI_TAGGER_LIVE_STASH doesn't name a running Stash")
    return StashServer(from_url(url, find_api_key()))


@pytest.fixture
def library(server: StashServer) -> Iterator[StashLibrary]:
    library = StashLibrary(server)
    before = {item.ref: item.tag_ids for kind in ITEM_KINDS for item in everything(library, kind)}
    tags = library.tags()
    yield library
    for tag in library.tags():
        if tag.name.startswith(TAG):
            for kind in ITEM_KINDS:
                library.remove_tags(kind, [ref.id for ref in before if ref.kind == kind], [tag.id])
    for tag in reversed(library.tags()):
        if tag.name.startswith(TAG):
            assert library.delete_unused_tag(tag.id)
    assert {item.ref: item.tag_ids for kind in ITEM_KINDS for item in everything(library, kind)} == before
    assert library.tags() == tags


def everything(library: StashLibrary, kind: ItemKind, scope: Scope | None = None, limit: int = 100) -> list[MediaItem]:
    found: list[MediaItem] = []
    while page := library.page(kind, scope or Scope(), found[-1].ref.id if found else "", limit):
        found += page
    return found


@pytest.mark.parametrize("kind", ITEM_KINDS)
def test_reading(library: StashLibrary, kind: ItemKind) -> None:
    items = everything(library, kind)
    ids = [int(item.ref.id) for item in items]
    assert ids == sorted(set(ids))
    assert len(ids) == library.count(kind, Scope())
    assert {item.ref for item in library.get([item.ref for item in items])} == {item.ref for item in items}
    assert all(item.fingerprint for item in items)
    assert len(library.spread(kind, Scope(), 5)) == min(5, len(items))
    assert library.changed(kind, datetime.now(UTC).isoformat(), "", 100) == []
    assert library.changed(kind, "2000-01-01T00:00:00Z", "", 10) == items[:10]
    folder = str(PurePath(next(item.path for item in items if item.path)).parent)
    below = everything(library, kind, Scope(paths=(folder,)))
    assert below
    assert len(below) == library.count(kind, Scope(paths=(folder,)))
    assert library.count(kind, Scope(organized=False)) + library.count(kind, Scope(organized=True)) == len(items)


def test_an_unknown_id_is_left_out(library: StashLibrary) -> None:
    first = everything(library, "image")[0].ref
    refs = [first, ItemRef("image", "999999999"), ItemRef("scene", "999999999"), ItemRef("gallery", "999999999")]
    assert [item.ref for item in library.get(refs)] == [first]


@pytest.mark.parametrize("kind", ITEM_KINDS)
def test_writing(library: StashLibrary, kind: ItemKind) -> None:
    parent = library.create_tag(TAG, description="will be gone in a moment")
    tag = library.create_tag(f"{TAG} {kind}", parent_id=parent.id)
    assert tag.parent_ids == (parent.id,)
    with pytest.raises(LibraryRefusedError, match="exists"):
        library.create_tag(TAG.upper())
    items = everything(library, kind)[:60]
    ids = [item.ref.id for item in items]
    written = library.add_tags(kind, [*ids, "999999999"], [tag.id])
    assert set(written.done) == set(ids)
    assert written.missing == ("999999999",)
    assert [item.ref.id for item in everything(library, kind, Scope(tags=(TAG,)))] == ids
    assert library.count(kind, Scope(exclude_tags=(TAG,))) == library.count(kind, Scope()) - len(ids)
    for item in library.get([item.ref for item in items]):
        assert item.tag_ids == {tag.id} | next(old.tag_ids for old in items if old.ref == item.ref)
    assert not library.delete_unused_tag(tag.id)
    refused = library.add_tags(kind, ids, ["999999999"])
    assert refused.done == ()
    assert {i for i, _ in refused.refused} == set(ids)
    assert set(library.remove_tags(kind, ids, [tag.id]).done) == set(ids)
    assert not library.delete_unused_tag(parent.id)
    assert library.delete_unused_tag(tag.id)
    assert library.delete_unused_tag(parent.id)


def test_galleries_and_their_images_name_each_other(library: StashLibrary) -> None:
    gallery = max(everything(library, "gallery"), key=lambda item: item.members)
    members = library.members(gallery.ref.id)
    assert len(members) == gallery.members
    images = library.get([ItemRef("image", i) for i in members])
    assert all(gallery.ref.id in image.gallery_ids for image in images)


def test_media_are_served_where_the_items_say(library: StashLibrary) -> None:
    image, scene = everything(library, "image")[0], everything(library, "scene")[0]
    for url in (image.url, image.thumbnail_url, scene.url):
        headers = {**library.connection.headers(), "Range": "bytes=0-99"}
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            assert len(answer.read()) == 100


def test_the_host(server: StashServer) -> None:
    host = StashHost(server)
    assert isinstance(host.others_waiting(), bool)
    assert isinstance(host.settings(), dict)
