"""What every video reader promises, over drawn videos whose content is known at every moment."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tagger.errors import MediaError
from tagger.media.keyframes import KeyframeReader
from tagger.media.opencv import OpenCvReader
from tagger.media.source import Source
from tagger.media.sprite import SpriteReader
from tagger.media.videos import Reader
from tagger.media.web import Web
from tagger.types import Frame
from tests.drawn import cut, draw_endless, draw_sprite, draw_video, shows, steady
from tests.media.served import KEY, served

BUDGET = 6
Draw = Callable[[Path], Path]

UNEVEN = [0.0, 0.4, 0.5, 0.6, 1.7, 2.9, 3.0, 3.1, 4.2, 5.5, 5.6, 6.8, 7.4, 7.9]

DECODED: dict[str, Draw] = {
    "plain": lambda folder: draw_video(folder / "plain.mp4"),
    "long": lambda folder: draw_video(folder / "long.mp4", steady(120, 5)),
    "few keyframes": lambda folder: draw_video(folder / "few.mp4", keyframe_every=1000),
    "turned by 90": lambda folder: draw_video(folder / "turned.mp4", turn=90),
    "turned by 180": lambda folder: draw_video(folder / "over.mov", turn=180),
    "variable rate": lambda folder: draw_video(folder / "vfr.mkv", UNEVEN, keyframe_every=3),
    "no duration": lambda folder: draw_endless(folder / "live.webm"),
    "10 bits": lambda folder: draw_video(folder / "deep.mp4", codec="libx265", pix_fmt="yuv420p10le"),
    "cut off": lambda folder: cut(draw_video(folder / "cut.mkv", steady(40, 10)), 0.6),
    "one frame": lambda folder: draw_video(folder / "one.mp4", [0.0]),
    "tiny": lambda folder: draw_video(folder / "tiny.avi", codec="mjpeg", pix_fmt="yuvj420p", width=16, height=16),
    "-dash": lambda folder: draw_video(folder / "-dash %d.mp4"),
}
LENGTH_S = {"long": 120.0, "cut off": 24.0, "one frame": 0.1}
DECODERS: dict[str, Reader] = {"keyframes": KeyframeReader(), "opencv": OpenCvReader()}


def keeps_the_contract(reader: Reader, source: Source, length_s: float, least: int) -> list[Frame]:
    footage = reader.open(source, BUDGET, 120)
    frames = list(footage.frames)
    times = [frame.time_s for frame in frames]
    assert least <= len(frames) <= BUDGET
    assert times == sorted(set(times))
    assert all(0 <= time_s <= length_s + 0.2 for time_s in times)
    for frame in frames:
        assert max(frame.rgb.shape[:2]) <= 120
        assert shows(frame, frame.time_s), f"not what is there at {frame.time_s} s"
    return frames


@pytest.mark.parametrize("reader", DECODERS)
@pytest.mark.parametrize("drawing", DECODED)
def test_frames_show_what_is_there_at_their_time(reader: str, drawing: str, tmp_path: Path) -> None:
    source = Source(str(DECODED[drawing](tmp_path)))
    length_s = LENGTH_S.get(drawing, 8.0)
    frames = keeps_the_contract(DECODERS[reader], source, length_s, least=1 if drawing == "one frame" else 3)
    if drawing not in ("one frame", "variable rate", "cut off"):
        assert frames[-1].time_s - frames[0].time_s >= length_s / 2, "not spread over the video"
    if drawing.startswith("turned"):
        assert {(frame.width, frame.height) for frame in frames} == {(160, 120)}


@pytest.mark.parametrize("reader", DECODERS)
def test_a_video_is_read_over_http(reader: str, tmp_path: Path) -> None:
    body = draw_video(tmp_path / "far.mp4", steady(60, 10)).read_bytes()
    with served({"/scene/1/stream": body}) as server:
        source = Source(url=f"{server.url}/scene/1/stream", web=Web({"ApiKey": KEY}))
        keeps_the_contract(DECODERS[reader], source, 60.0, least=4)


def sprite_source(seconds: float) -> Iterator[Source]:
    sheet, vtt = draw_sprite(seconds)
    with served({"/scene/1_sprite.jpg": sheet, "/scene/1_thumbs.vtt": vtt.encode()}) as server:
        web = Web({"ApiKey": KEY})
        yield Source("", "", f"{server.url}/scene/1_sprite.jpg", f"{server.url}/scene/1_thumbs.vtt", web)


@pytest.mark.parametrize("seconds", [8.1, 81.0])
def test_a_sprite_shows_what_is_there_at_its_times(seconds: float) -> None:
    for source in sprite_source(seconds):
        frames = keeps_the_contract(SpriteReader(), source, seconds, least=4)
        assert frames[-1].time_s - frames[0].time_s >= seconds / 2


def test_without_a_sprite_the_video_itself_is_read(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "new.mp4")
    keeps_the_contract(SpriteReader(otherwise=KeyframeReader()), Source(str(path)), 8.0, least=4)
    with pytest.raises(MediaError, match="no sprite"):
        SpriteReader().open(Source(str(path)), BUDGET, 640)


BROKEN: dict[str, bytes] = {"empty": b"", "text": b"hello, this is no video\n" * 50, "zeros": bytes(5000)}


@pytest.mark.parametrize("reader", DECODERS)
@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_video_is_refused_with_a_reason(reader: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(BROKEN[kind])
    with pytest.raises(MediaError) as raised:
        list(DECODERS[reader].open(Source(str(tmp_path / "broken.mp4")), BUDGET, 640).frames)
    assert len(str(raised.value)) > 20


@pytest.mark.parametrize("reader", DECODERS)
def test_an_mp4_without_its_index_is_refused_with_a_reason(reader: str, tmp_path: Path) -> None:
    path = cut(draw_video(tmp_path / "cut.mp4"), 0.5)
    with pytest.raises(MediaError, match="cut off"):
        list(DECODERS[reader].open(Source(str(path)), BUDGET, 640).frames)


def test_a_remote_file_reads_like_the_file(tmp_path: Path) -> None:
    body = bytes(range(256)) * 9000
    with served({"/x": body}) as server:
        remote = io.BufferedReader(Web({"ApiKey": KEY}).open(f"{server.url}/x"))
        for start in (0, 524_280, 2_000_000, len(body) - 3, len(body) + 5):
            remote.seek(start)
            assert remote.read(40) == body[start : start + 40]
        assert remote.seek(0, io.SEEK_END) == len(body)
