"""Decoding processes can be lost: killed, hanging, without memory, orphaned; each costs one item at most."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image

from tagger.errors import MediaGoneError
from tagger.media.sampler import ProcessMedia
from tagger.ports import FrameChunk
from tagger.types import ItemRef, MediaItem
from tests.drawn import corners, draw_video, steady
from tests.media.served import KEY, served

ROOT = Path(__file__).resolve().parents[2]
posix_only = pytest.mark.skipif(os.name != "posix", reason="signals and FIFOs are POSIX")


def still(path: Path, name: str = "") -> MediaItem:
    return MediaItem(ItemRef("image", name or path.name), "image", "", "md5:x", str(path))


def moving(path: Path) -> MediaItem:
    return MediaItem(ItemRef("scene", path.name), "video", "", "oshash:x", str(path))


def draw(path: Path) -> Path:
    Image.fromarray(corners(64, 64)).save(path)
    return path


def ends(chunks: Iterator[FrameChunk]) -> dict[str, str | None]:
    return {chunk.item.ref.id: chunk.error for chunk in chunks if chunk.last}


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "tagger.media" in " ".join(child.cmdline())]


@posix_only
def test_a_hanging_item_is_stopped_and_the_others_go_on(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hangs.jpg")  # opening it for reading waits for ever
    items = [still(tmp_path / "hangs.jpg")] + [still(draw(tmp_path / f"{number}.png")) for number in range(8)]
    seen = ends(ProcessMedia(workers=1, item_timeout_s=1.5).sample(items))
    assert "no progress" in (seen.pop("hangs.jpg") or "")
    assert seen == {f"{number}.png": None for number in range(8)}


@posix_only
def test_a_killed_process_costs_its_item_and_is_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "waits.jpg")
    media = ProcessMedia(workers=1, item_timeout_s=30)
    items = [still(draw(tmp_path / "a.png")), still(tmp_path / "waits.jpg"), still(draw(tmp_path / "b.png"))]
    chunks = media.sample(items)
    assert next(chunks).item.ref.id == "a.png"
    time.sleep(0.3)
    (victim,) = children()
    victim.send_signal(signal.SIGKILL)
    seen = ends(chunks)
    assert "killed" in (seen["waits.jpg"] or "")
    assert seen["b.png"] is None


@posix_only
def test_a_crash_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "waits.jpg")
    chunks = ProcessMedia(workers=1).sample([still(draw(tmp_path / "a.png")), still(tmp_path / "waits.jpg")])
    next(chunks)
    time.sleep(0.3)
    children()[0].send_signal(signal.SIGSEGV)
    assert "SIGSEGV" in (ends(chunks)["waits.jpg"] or "")


def test_no_process_outlives_the_sampling(tmp_path: Path) -> None:
    video = draw_video(tmp_path / "a.mp4", steady(30, 5))
    chunks = ProcessMedia(workers=2).sample([moving(video)] * 40)
    next(chunks)
    assert children()
    chunks.close()  # type: ignore[attr-defined]
    assert children() == []


@posix_only
def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hangs.jpg")
    script = (
        "import sys; from tagger.media.sampler import ProcessMedia; from tagger.types import *\n"
        "item = lambda n: MediaItem(ItemRef('image', str(n)), 'image', '', 'x', sys.argv[1])\n"
        "list(ProcessMedia(workers=2, item_timeout_s=60).sample(item(n) for n in range(9)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "hangs.jpg")], env=environment)
    try:
        started = wait_for(lambda: psutil.Process(parent.pid).children(), least=2)
        time.sleep(0.5)
    finally:
        parent.kill()
        parent.wait()
    _, alive = psutil.wait_procs(started, timeout=5)
    assert alive == []


def wait_for(look, least: int, limit_s: float = 20.0):  # type: ignore[no-untyped-def]
    end = time.monotonic() + limit_s
    while len(found := look()) < least:
        assert time.monotonic() < end, "nothing started"
        time.sleep(0.05)
    return found


def test_it_works_from_any_script_and_isolated(tmp_path: Path) -> None:
    """No ``if __name__`` guard, another folder, ``-I``: nothing of the parent is imported again."""
    script = tmp_path / "json.py"  # a name that would shadow the standard library's
    script.write_text(
        f"import sys; sys.path[:] = [{str(ROOT)!r}, *(p for p in sys.path if p != {str(tmp_path)!r})]\n"
        "from tagger.media.sampler import ProcessMedia\nfrom tagger.types import MediaItem, ItemRef\n"
        f"item = MediaItem(ItemRef('image', '1'), 'image', '', 'x', {str(draw(tmp_path / 'a.png'))!r})\n"
        "print([c.frames[0].rgb.shape for c in ProcessMedia().sample([item])])\n"
    )
    done = subprocess.run([sys.executable, "-I", str(script)], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.stdout.strip() == "[(64, 64, 3)]", done.stderr


def test_a_picture_beyond_the_memory_budget_has_a_reason_or_its_thumbnail(tmp_path: Path) -> None:
    huge = Image.new("L", (9000, 9000), 200)
    huge.save(tmp_path / "huge.png")
    thumbnail = draw(tmp_path / "small.png").read_bytes()
    media = ProcessMedia(memory_budget_mb=32, http_headers=lambda: {"ApiKey": KEY})
    (chunk,) = media.sample([still(tmp_path / "huge.png")])
    assert "too large" in (chunk.error or "") and "9000×9000" in (chunk.error or "")
    with served({"/image/1/thumbnail": thumbnail}) as server:
        item = MediaItem(
            ItemRef("image", "1"),
            "image",
            "",
            "x",
            str(tmp_path / "huge.png"),
            thumbnail_url=f"{server.url}/image/1/thumbnail",
            width=9000,
            height=9000,
        )
        (chunk,) = media.sample([item])
    assert chunk.error is None
    assert chunk.frames[0].rgb.shape == (64, 64, 3) and chunk.frames[0].width == 9000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory here")
def test_a_decoder_that_eats_memory_costs_its_item(tmp_path: Path) -> None:
    big = draw_video(tmp_path / "big.mkv", [0.0, 0.1], codec="ffv1", width=7000, height=5000, pix_fmt="yuv444p")
    media = ProcessMedia(memory_budget_mb=1)
    seen = ends(media.sample([moving(big), still(draw(tmp_path / "a.png"))]))
    assert "memory" in (seen["big.mkv"] or "")
    assert seen["a.png"] is None


def test_what_is_not_on_this_machine_comes_over_http(tmp_path: Path) -> None:
    body = draw(tmp_path / "a.png").read_bytes()
    clip = draw_video(tmp_path / "a.mp4").read_bytes()
    with served({"/image/1/image": body, "/scene/1/stream": clip}) as server:
        inside_zip = MediaItem(ItemRef("image", "1"), "image", "", "x", "", f"{server.url}/image/1/image")
        elsewhere = MediaItem(ItemRef("scene", "1"), "video", "", "x", "/far/a.mp4", f"{server.url}/scene/1/stream")
        gone = MediaItem(ItemRef("image", "2"), "image", "", "x", "", f"{server.url}/image/2/image")
        broken = MediaItem(ItemRef("image", "3"), "image", "", "x", "", f"{server.url}/broken")
        media = ProcessMedia(http_headers=lambda: {"ApiKey": KEY})
        chunks = list(media.sample([inside_zip, elsewhere, gone, broken]))
        frames = {chunk.item.ref.id + chunk.item.media: len(chunk.frames) for chunk in chunks}
        errors = {chunk.item.ref.id: chunk.error for chunk in chunks}
    assert frames["1image"] == 1 and frames["1video"] >= 4
    assert "rescan" in (errors["2"] or "") and "500" in (errors["3"] or "")


def test_a_slow_server_is_given_up_and_named(tmp_path: Path) -> None:
    with served({}) as server:
        item = MediaItem(ItemRef("image", "1"), "image", "", "x", "", f"{server.url}/hangs")
        media = ProcessMedia(http_headers=lambda: {"ApiKey": KEY}, item_timeout_s=1)
        (chunk,) = media.sample([item])
    assert "no progress" in (chunk.error or "")


@pytest.mark.parametrize("key", ["wrong-credential", ""])
def test_a_server_that_wants_a_login_ends_the_run_without_telling_the_key(key: str) -> None:
    with served({}) as server:
        items = [MediaItem(ItemRef("image", str(n)), "image", "", "x", "", f"{server.url}/image/{n}") for n in range(5)]
        with pytest.raises(MediaGoneError, match="login") as raised:
            list(ProcessMedia(http_headers=lambda: {"ApiKey": key}).sample(items))
        assert "/login" not in server.asked
    assert "credential" not in str(raised.value)


def test_a_dead_server_ends_the_run() -> None:
    with served({}) as server:
        url = server.url
    items = [MediaItem(ItemRef("image", str(n)), "image", "", "x", "", f"{url}/image/{n}") for n in range(5)]
    with pytest.raises(MediaGoneError, match="doesn't answer"):
        list(ProcessMedia(workers=2).sample(items))


def test_an_unmounted_drive_ends_the_run_and_marks_nothing(tmp_path: Path) -> None:
    """What is left of an unmounted drive is an empty folder; other drives' items still come."""
    (tmp_path / "drive").mkdir()
    items = [still(tmp_path / "drive" / "folder" / f"{number}.jpg") for number in range(5)]
    items.insert(0, still(draw(tmp_path / "a.png")))
    seen: list[FrameChunk] = []
    with pytest.raises(MediaGoneError, match="drive"):
        for chunk in ProcessMedia().sample(items):
            seen.append(chunk)
    assert [chunk.item.ref.id for chunk in seen] == ["a.png"]


def test_paths_are_mapped(tmp_path: Path) -> None:
    draw(tmp_path / "a.png")
    item = MediaItem(ItemRef("image", "1"), "image", "", "x", "/data/a.png")
    (chunk,) = ProcessMedia(path_map={"/data/": str(tmp_path)}).sample([item])
    assert chunk.error is None


def test_memory_in_flight_is_bounded(tmp_path: Path) -> None:
    """A consumer that doesn't take anything stops the processes, and gets everything later."""
    Image.fromarray(corners(2000, 2000)).save(tmp_path / "a.bmp")  # 12 MB each, 30 of them looked ahead
    items = [still(tmp_path / "a.bmp", str(number)) for number in range(40)]
    before = psutil.Process().memory_info().rss
    chunks = ProcessMedia(workers=2, picture_side_px=2000).sample(items)
    next(chunks)
    time.sleep(2.5)
    grown = psutil.Process().memory_info().rss - before
    assert grown < 80 << 20  # No least: what this process had freed before is used first.
    assert sum(1 for chunk in chunks if chunk.last) == 39
