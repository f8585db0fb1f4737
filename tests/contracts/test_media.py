"""What ``ports.Media`` promises, over the real processes and the fake."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from tagger.errors import MediaError, MediaGoneError
from tagger.media.fake import FakeMedia
from tagger.media.keyframes import KeyframeReader
from tagger.media.pictures import read_picture
from tagger.media.sampler import ProcessMedia
from tagger.media.source import Source
from tagger.ports import FrameChunk, Media
from tagger.types import Frame, ItemRef, MediaItem
from tests.drawn import corners, draw_video, is_upright, shows, steady

Make = Callable[[Path], Media]


def picture(path: Path) -> MediaItem:
    return MediaItem(ItemRef("image", path.name), "image", "", f"md5:{path.name}", str(path))


def video(path: Path) -> MediaItem:
    return MediaItem(ItemRef("scene", path.name), "video", "", f"oshash:{path.name}", str(path))


def fake(folder: Path) -> Media:
    """Decodes here and now, so that the fake has the same files to show."""

    def frames(item: MediaItem) -> list[Frame]:
        path = Path(item.path)
        if not folder.exists() or "nowhere" in path.parts:
            raise MediaGoneError(f"{path.parent} isn't there")
        if not path.exists():
            raise MediaError("there is no such file: rescan in Stash")
        if item.media == "video":
            return list(KeyframeReader().open(Source(item.path), 12, 640).frames)
        with path.open("rb") as file:
            return list(read_picture(file, 1280, 1 << 28))

    return FakeMedia(frames)


MAKERS: dict[str, Make] = {
    "processes": lambda folder: ProcessMedia(workers=2, frames=12, item_timeout_s=20),
    "fake": fake,
}


@pytest.fixture(params=MAKERS)
def media(request: pytest.FixtureRequest, tmp_path: Path) -> Media:
    return MAKERS[request.param](tmp_path)


def draw_picture(path: Path, width: int = 200, height: int = 120) -> Path:
    Image.fromarray(corners(width, height)).save(path)
    return path


def gathered(chunks: Iterator[FrameChunk]) -> dict[ItemRef, tuple[list[Frame], str | None]]:
    """Frames and error by item; checks the order of chunks on the way."""
    frames: dict[ItemRef, list[Frame]] = defaultdict(list)
    ended: dict[ItemRef, str | None] = {}
    for chunk in chunks:
        assert chunk.item.ref not in ended, "a chunk after the last"
        assert len(chunk.frames) <= 8
        assert chunk.last or (chunk.frames and chunk.error is None)
        frames[chunk.item.ref] += chunk.frames
        if chunk.last:
            ended[chunk.item.ref] = chunk.error
    assert set(frames) == set(ended)
    return {ref: (frames[ref], error) for ref, error in ended.items()}


def test_every_item_comes_back_once_with_its_pixels(media: Media, tmp_path: Path) -> None:
    items = [picture(draw_picture(tmp_path / f"{number}.png", 100 + number)) for number in range(50)]
    items.insert(7, video(draw_video(tmp_path / "a.mp4", steady(60, 5))))
    seen = gathered(media.sample(iter(items)))
    assert set(seen) == {item.ref for item in items}
    for item in items:
        frames, error = seen[item.ref]
        assert error is None
        if item.media == "image":
            assert len(frames) == 1 and is_upright(frames[0]) and frames[0].time_s == 0.0
            assert frames[0].width == 100 + int(Path(item.path).stem)
        else:
            assert len(frames) == 12 and all(shows(frame, frame.time_s) for frame in frames)
            assert [frame.time_s for frame in frames] == sorted(frame.time_s for frame in frames)


def test_a_broken_item_costs_only_itself(media: Media, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (tmp_path / "bad.mp4").write_bytes(b"no video" * 100)
    good = draw_picture(tmp_path / "good.png")
    items = [
        picture(tmp_path / "bad.jpg"),
        video(tmp_path / "bad.mp4"),
        picture(tmp_path / "deleted.png"),
        picture(good),
    ]
    seen = gathered(media.sample(items))
    for item in items[:3]:
        frames, error = seen[item.ref]
        assert not frames and error and "\n" not in error
    assert "no such file" in (seen[items[2].ref][1] or "")
    assert seen[items[3].ref][1] is None


def test_a_missing_place_ends_the_run(media: Media, tmp_path: Path) -> None:
    items = [picture(Path(f"/nowhere-{tmp_path.name}/nowhere/{number}.jpg")) for number in range(9)]
    with pytest.raises(MediaGoneError, match="nowhere"):
        gathered(media.sample(items))


def test_it_can_be_closed_in_the_middle(media: Media, tmp_path: Path) -> None:
    path = draw_picture(tmp_path / "one.png")
    pulled = 0

    def endless() -> Iterator[MediaItem]:
        nonlocal pulled
        while True:
            pulled += 1
            yield MediaItem(ItemRef("image", str(pulled)), "image", "", "md5:x", str(path))

    chunks = media.sample(endless())
    first = next(chunks)
    assert first.frames
    chunks.close()  # type: ignore[attr-defined]
    assert pulled < 100, "look-ahead without a bound"


def test_nothing_gives_nothing(media: Media) -> None:
    assert list(media.sample([])) == []
