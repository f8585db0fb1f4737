"""Videos through the sheet of small pictures that Stash makes: one small download, no decoding of the video."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tagger.errors import MediaError
from tagger.media.failures import PlaceGoneError
from tagger.media.source import Source
from tagger.media.videos import Footage, Reader, fit, spread
from tagger.types import Frame

MOST_BYTES = 64 << 20
_TIME = r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)"
_CUE = re.compile(rf"{_TIME}\s*-->\s*{_TIME}[^\n]*\r?\n[^\n]*#xywh=(\d+),(\d+),(\d+),(\d+)")


class SpriteReader:
    """Fast and coarse: frames are 160 pixels wide. A scene without a sheet is read by ``otherwise``."""

    def __init__(self, otherwise: Reader | None = None) -> None:
        self._otherwise = otherwise

    def open(self, source: Source, budget: int, max_side_px: int) -> Footage:
        try:
            if not (source.sprite_url and source.vtt_url):
                raise MediaError("Stash has no sprite for this scene: generate sprites, or choose another reader")
            web = source.from_web()
            cues = parse_vtt(web.get(source.vtt_url, MOST_BYTES).decode("utf-8", "replace"))
            sheet = Image.open(io.BytesIO(web.get(source.sprite_url, MOST_BYTES))).convert("RGB")
        except PlaceGoneError:
            raise
        except (MediaError, OSError) as error:
            if self._otherwise is not None:
                return self._otherwise.open(source, budget, max_side_px)
            raise error if isinstance(error, MediaError) else MediaError("the scene's sprite can't be read") from None
        if not cues:
            raise MediaError("the scene's sprite has no times: generate it again in Stash")
        duration_s = cues[-1][1]
        return Footage(duration_s, _frames(sheet, cues, spread(duration_s, budget), max_side_px))


Cue = tuple[float, float, tuple[int, int, int, int]]


def parse_vtt(text: str) -> list[Cue]:
    """``(start_s, end_s, (x, y, width, height))`` of each picture on the sheet, in time order."""
    cues = []
    for found in _CUE.finditer(text):
        hours, minutes, seconds, end_hours, end_minutes, end_seconds, x, y, width, height = found.groups()
        start_s = int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
        end_s = int(end_hours or 0) * 3600 + int(end_minutes) * 60 + float(end_seconds)
        cues.append((start_s, end_s, (int(x), int(y), int(width), int(height))))
    return sorted(cues)


def _frames(sheet: Image.Image, cues: list[Cue], times: list[float], max_side_px: int) -> Iterator[Frame]:
    last = -1.0
    for time_s in times:
        start_s, _, (x, y, width, height) = min(cues, key=lambda cue: abs(cue[0] - time_s))
        if start_s <= last:
            continue
        last = start_s
        tile = sheet.crop((x, y, x + width, y + height)).resize(fit(width, height, max_side_px))
        yield Frame(np.asarray(tile), start_s, width, height)
