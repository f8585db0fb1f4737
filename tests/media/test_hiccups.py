"""What a drive or a server does wrong for a moment, or for good: a single item's failure, or the end of the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagger.errors import MediaGoneError
from tagger.media.sampler import ProcessMedia
from tagger.types import ItemRef, MediaItem
from tests.drawn import draw_video, steady
from tests.media.served import KEY, Served, served
from tests.media.test_processes import draw, ends


def over_http(name: str, url: str, path: str = "") -> MediaItem:
    return MediaItem(ItemRef("image", name), "image", "", "md5:x", path, url)


def media(**settings: object) -> ProcessMedia:
    return ProcessMedia(workers=1, http_headers=lambda: {"ApiKey": KEY}, **settings)  # type: ignore[arg-type]


@pytest.fixture
def picture(tmp_path: Path) -> bytes:
    return draw(tmp_path / "drawn.png").read_bytes()


def between(server: Served, odd: str, n: int) -> list[MediaItem]:
    """``n`` items at ``odd``, each between two that can be had."""
    items = [over_http("good", f"{server.url}/good.png")]
    for number in range(n):
        items += [over_http(f"odd {number}", server.url + odd), over_http(f"good {number}", f"{server.url}/good.png")]
    return items


def test_single_hiccups_of_a_server_far_apart_do_not_end_a_run(picture: bytes) -> None:
    with served({"/good.png": picture}) as server:
        seen = ends(media().sample(between(server, "/busy", 4)))
    assert [name for name, error in seen.items() if error] == [f"odd {n}" for n in range(4)]
    assert len(seen) == 9, "what was held back is passed on"


def test_a_server_that_stays_busy_ends_the_run(picture: bytes) -> None:
    with served({"/good.png": picture}) as server:
        items = [over_http("good", f"{server.url}/good.png")]
        items += [over_http(str(n), f"{server.url}/busy") for n in range(5)]
        with pytest.raises(MediaGoneError, match="503"):
            ends(media().sample(items))


@pytest.mark.parametrize("name", ["busy-at-first", "cut-at-first"])
def test_what_goes_wrong_for_a_moment_is_asked_for_again(tmp_path: Path, picture: bytes, name: str) -> None:
    video = draw_video(tmp_path / "a.mp4", steady(30, 5)).read_bytes()
    with served({f"/{name}.png": picture, f"/{name}.mp4": video}) as server:
        scene = MediaItem(ItemRef("scene", "v"), "video", "", "oshash:x", "", server.url + f"/{name}.mp4")
        seen = ends(media().sample([over_http("p", server.url + f"/{name}.png"), scene]))
    assert seen == {"p": None, "v": None}


@pytest.mark.parametrize("url", ["/not-there", "/broken"])
def test_a_drive_that_neither_we_nor_the_server_see_ends_the_run(tmp_path: Path, url: str) -> None:
    drive = tmp_path / "drive"
    drive.mkdir()  # What an unmounted drive leaves behind.
    with served({}) as server:
        items = [over_http(str(n), server.url + url, str(drive / "below" / f"{n}.jpg")) for n in range(5)]
        with pytest.raises(MediaGoneError, match="drive"):
            ends(media().sample(items))
        (drive / "below").mkdir()
        draw(drive / "below" / "else.png")
        seen = ends(media().sample(items))
    assert len(seen) == 5 and all(seen.values()), "single files that are gone are those files' own failure"


def test_a_file_that_the_server_cannot_read_is_its_own_failure_where_others_of_its_place_can_be_had(
    picture: bytes,
) -> None:
    elsewhere = "/a folder of another machine"
    with served({"/good.png": picture}) as server:
        items = [over_http("good", f"{server.url}/good.png", f"{elsewhere}/good.png")]
        for n in range(4):
            items.append(over_http(f"odd {n}", f"{server.url}/broken", f"{elsewhere}/odd {n}.png"))
            items.append(over_http(f"good {n}", f"{server.url}/good.png", f"{elsewhere}/good.png"))
        seen = ends(media().sample(items))
    assert [name for name, error in seen.items() if error] == [f"odd {n}" for n in range(4)]
