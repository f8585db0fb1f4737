"""What a library's items are to us, whatever Stash knows of them."""

from __future__ import annotations

import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tagger.errors import ConfigError
from tagger.stash import StashLibrary, StashServer
from tagger.stash.items import fingerprint
from tagger.types import ItemRef, MediaItem, Scope
from tests.double import StashDouble


@pytest.fixture
def stash(tmp_path: Path) -> Iterator[StashDouble]:
    with StashDouble(tmp_path / "stash", locked=True, api_key="right", sub_path="/s") as stash:
        yield stash


def one(stash: StashDouble, ref: ItemRef) -> MediaItem:
    return StashLibrary(StashServer(stash.connection)).get([ref])[0]


def fetch(stash: StashDouble, url: str, **headers: str) -> bytes:
    given = {**StashServer(stash.connection).connection.headers(), **headers}
    with urllib.request.urlopen(urllib.request.Request(url, headers=given), timeout=10) as answer:
        content: bytes = answer.read()
        return content


def test_a_scene(stash: StashDouble, tmp_path: Path) -> None:
    path = tmp_path / "a b.mp4"
    path.write_bytes(bytes(range(256)) * 1000)
    ref = stash.add_scene(path, ["mine"], 12.5, width=640, height=480, title="A day", date="2020-02-03", organized=True)
    stash.item(ref).sprite, stash.item(ref).vtt = b"sprite", b"WEBVTT"
    item = one(stash, ref)
    assert item == MediaItem(
        ref=ref,
        media="video",
        title="A day",
        fingerprint=item.fingerprint,
        path=str(path),
        url=f"{stash.url}/scene/1/stream",
        thumbnail_url=f"{stash.url}/scene/1/screenshot",
        sprite_url=f"{stash.url}/scene/1/vtt/sprite",
        vtt_url=f"{stash.url}/scene/1/vtt/thumbs",
        size_bytes=256_000,
        duration_s=12.5,
        width=640,
        height=480,
        date="2020-02-03",
        organized=True,
        tag_ids=frozenset({stash.tag_id("mine")}),
        updated_at=stash.item(ref).updated_at.isoformat(),
    )
    assert item.fingerprint.startswith("oshash:")
    assert fetch(stash, item.url, Range="bytes=10-12") == bytes([10, 11, 12])
    assert (fetch(stash, item.sprite_url), fetch(stash, item.vtt_url)) == (b"sprite", b"WEBVTT")


def test_media_want_the_login_too(stash: StashDouble, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"picture")
    item = one(stash, stash.add_image(path))
    assert item.fingerprint.startswith("md5:")
    assert fetch(stash, item.url) == b"picture"
    with pytest.raises(urllib.error.HTTPError) as error:
        fetch(stash, item.url, ApiKey="wrong")
    with error.value:
        assert error.value.code == 401


def test_a_picture_inside_an_archive_has_an_address_but_no_path(stash: StashDouble, tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("in/1.jpg", b"zipped")
    gallery = stash.add_gallery(zip_path=str(archive))
    image = stash.add_image(f"{archive}/in/1.jpg", gallery=gallery, zip_path=str(archive))
    item = one(stash, image)
    assert item.path == ""
    assert fetch(stash, item.url) == b"zipped"
    assert item.gallery_ids == {gallery.id}
    library = StashLibrary(StashServer(stash.connection))
    assert library.members(gallery.id) == [image.id]
    assert library.count("image", Scope(paths=(str(archive),))) == 1
    assert one(stash, gallery).path == str(archive)


def test_a_clip_is_an_image_whose_medium_is_video(stash: StashDouble) -> None:
    item = one(stash, stash.add_image("/p/clip.mp4", clip=True, duration_s=3.0))
    assert (item.ref.kind, item.media, item.duration_s) == ("image", "video", 3.0)


def test_galleries_of_a_folder_and_made_by_hand(stash: StashDouble) -> None:
    images = [stash.add_image(f"/p/{i}.jpg") for i in range(3)]
    of_folder = one(stash, stash.add_gallery("/p", images=images))
    assert (of_folder.path, of_folder.members) == ("/p", 3)
    assert one(stash, stash.add_gallery(title="mine")).name == "mine"


def test_a_gallery_after_stash_was_rebuilt_is_told_from_the_one_with_its_id_before(
    stash: StashDouble, tmp_path: Path
) -> None:
    facts = [{"folder": "/p/a"}, {"folder": "/p/b"}, {"zip_path": "/p/a.zip"}, {"zip_path": "/p/b.zip"}]
    galleries = [stash.add_gallery(**fact) for fact in facts]  # type: ignore[arg-type]
    galleries += [stash.add_gallery(title="mine"), stash.add_gallery(title="yours")]
    before = {gallery: one(stash, gallery).fingerprint for gallery in galleries}
    assert len(set(before.values())) == len(galleries)
    assert all(mark.startswith("gallery:") for mark in before.values())
    for gallery in galleries:
        stash.join(gallery, stash.add_image("/elsewhere/1.jpg"))
        assert one(stash, gallery).fingerprint == before[gallery], "an image that joins doesn't make it another"
    with StashDouble(tmp_path / "rebuilt", utc_offset_h=5.0) as rebuilt:
        rebuilt.add_gallery("/p/other")
        again = rebuilt.add_gallery("/p/a")
        assert one(rebuilt, again).fingerprint == before[galleries[0]], "the same folder under another id"
        assert again.id == galleries[1].id and one(rebuilt, again).fingerprint != before[galleries[1]]


def test_a_gallery_that_an_image_joins_has_changed(stash: StashDouble) -> None:
    gallery, image = stash.add_gallery("/p"), stash.add_image("/p/1.jpg")
    library = StashLibrary(StashServer(stash.connection))
    later = stash.data.now().replace(year=2999)
    since = later.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert library.changed("gallery", since, "", 10) == []
    stash.join(gallery, image)
    stash.item(gallery).updated_at = later
    assert [item.ref for item in library.changed("gallery", since, "", 10)] == [gallery]


def test_an_item_without_a_file(stash: StashDouble) -> None:
    ref = stash.add_image("/p/1.jpg")
    stash.item(ref).files.clear()
    item = one(stash, ref)
    assert (item.fingerprint, item.path, item.url) == ("", "", "")


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"phash": "1", "md5": "2", "oshash": "3"}, "oshash:3"),
        ({"phash": "1", "md5": "2"}, "md5:2"),
        ({"phash": "1"}, "stat:7:2020-01-01T00:00:00Z"),
        ({}, "stat:7:2020-01-01T00:00:00Z"),
    ],
)
def test_the_fingerprint_is_of_the_files_bytes(known: dict[str, str], expected: str) -> None:
    entries = [{"type": kind, "value": value} for kind, value in known.items()]
    assert fingerprint({"fingerprints": entries, "size": 7, "mod_time": "2020-01-01T00:00:00Z"}) == expected


def test_scope_of_duration_is_exact(stash: StashDouble) -> None:
    for duration in (0.0, 4.9, 5.0, 5.5, 9.5, 10.0, 10.1):
        stash.add_scene(f"/v/{duration}.mp4", duration_s=duration)
    library = StashLibrary(StashServer(stash.connection))
    found = library.page("scene", Scope(min_duration_s=5.0, max_duration_s=10.0), "", 2)
    found += library.page("scene", Scope(min_duration_s=5.0, max_duration_s=10.0), found[-1].ref.id, 10)
    assert [item.duration_s for item in found] == [5.0, 5.5, 9.5, 10.0]


def test_scope_by_several_things_at_once(stash: StashDouble) -> None:
    stash.add_tag("animal", ["creature"])
    wanted = stash.add_scene("/v/in/1.mp4", ["animal"], 60, date="2020-05-05", organized=True)
    stash.add_scene("/v/in/2.mp4", ["animal", "private"], 60, date="2020-05-05", organized=True)
    stash.add_scene("/v/in/not/3.mp4", ["animal"], 60, date="2020-05-05", organized=True)
    stash.add_scene("/v/in/4.mp4", ["animal"], 60, date="2019-05-05", organized=True)
    stash.add_scene("/v/in/5.mp4", [], 60, date="2020-05-05", organized=True)
    scope = Scope(
        paths=("/v/in",),
        exclude_paths=("/v/in/not/",),
        tags=("Creature",),
        exclude_tags=("private",),
        organized=True,
        date_from="2020-01-01",
        min_duration_s=30,
        max_duration_s=90,
    )
    library = StashLibrary(StashServer(stash.connection))
    assert [item.ref for item in library.page("scene", scope, "", 10)] == [wanted]
    assert library.count("scene", scope) == 1


@pytest.mark.parametrize("name", ["a.b", "a+b (c)", "[x]{1}^$|", "C:\\Videos"])
def test_a_path_means_itself(stash: StashDouble, name: str) -> None:
    wanted = stash.add_image(f"/p/{name}/1.jpg")
    stash.add_image("/p/aXb/1.jpg")
    library = StashLibrary(StashServer(stash.connection))
    assert [item.ref for item in library.page("image", Scope(paths=(f"/p/{name}",)), "", 10)] == [wanted]


def test_a_tag_that_is_not_there_is_named(stash: StashDouble) -> None:
    with pytest.raises(ConfigError, match="dgo"):
        StashLibrary(StashServer(stash.connection)).page("image", Scope(exclude_tags=("dgo",)), "", 10)
