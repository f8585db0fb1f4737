"""What the demo draws is readable, and as varied as the built-in recognizers can tell."""

from __future__ import annotations

from pathlib import Path

from tagger.demo import draw_demo
from tagger.media.sampler import ProcessMedia
from tagger.types import Frame, ItemRef, MediaItem


def test_the_demo_has_day_night_grey_and_a_video(tmp_path: Path) -> None:
    paths = draw_demo(tmp_path / "new" / "demo")
    assert len(paths) == 13 and len({path.read_bytes() for path in paths}) == 13
    stamps = [path.stat().st_mtime_ns for path in paths]
    assert [path.stat().st_mtime_ns for path in draw_demo(tmp_path / "new" / "demo")] == stamps
    items = [
        MediaItem(ItemRef("image", path.stem), "video" if path.suffix == ".mp4" else "image", "", "x", str(path))
        for path in paths
    ]
    frames: dict[str, tuple[Frame, ...]] = {}
    for chunk in ProcessMedia(picture_side_px=320, video_side_px=320).sample(items):
        assert chunk.error is None
        frames[chunk.item.ref.id] = frames.get(chunk.item.ref.id, ()) + chunk.frames

    def light(frame: Frame) -> float:
        return float(frame.rgb.mean())

    def colour(frame: Frame) -> float:
        return float((frame.rgb.max(axis=2).astype(int) - frame.rgb.min(axis=2)).mean())

    assert light(frames["night sky"][0]) < 40 < 110 < light(frames["meadow"][0])
    assert colour(frames["mountains in black and white"][0]) < 3 < 50 < colour(frames["balloons"][0])
    film = frames["a day in six seconds"]
    assert len(film) >= 4 and light(film[-1]) < 40 < 90 < max(map(light, film))
