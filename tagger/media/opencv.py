"""Videos through OpenCV: the other reader, for files or systems where PyAV doesn't do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2

from tagger.errors import MediaError
from tagger.media.source import Source
from tagger.media.videos import Footage, fit, spread
from tagger.types import Frame


class OpenCvReader:
    """Seeks to each time and decodes up to it, so it is exact and slower than keyframes."""

    def open(self, source: Source, budget: int, max_side_px: int) -> Footage:
        cv2.setNumThreads(1)
        clip = _Clip(source)
        duration_s = clip.duration_s()
        if duration_s:
            return Footage(duration_s, _frames(clip, spread(duration_s, budget), max_side_px))
        duration_s = clip.measured_s()
        clip.start_again()
        return Footage(duration_s, _frames(clip, spread(duration_s, budget), max_side_px))


class _Clip:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._seekable = True
        self._open()

    def _open(self) -> None:
        # OpenCV takes Python's files (its stubs don't know) but doesn't keep them alive, and crashes without them.
        file: Any = self._source.path_or_file()
        self._file = file
        try:
            self._capture = cv2.VideoCapture(file, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        except cv2.error:
            raise MediaError("the video can't be opened by OpenCV") from None
        if not self._capture.isOpened():
            raise MediaError("the video can't be opened by OpenCV: it is damaged, cut off, or of an unknown kind")

    def close(self) -> None:
        self._capture.release()
        if not isinstance(self._file, str):
            self._file.close()

    def start_again(self) -> None:
        """From the first frame, and from now on without seeking."""
        self.close()
        self._open()
        self._seekable = False

    def duration_s(self) -> float:
        """As the file says; 0.0 when it doesn't."""
        rate, count = self._capture.get(cv2.CAP_PROP_FPS), self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        return count / rate if rate > 0 and count > 0 else 0.0

    def measured_s(self) -> float:
        """By reading it all."""
        end_s = 0.0
        while self._capture.grab():
            end_s = max(end_s, self.time_s)
        return end_s

    @property
    def time_s(self) -> float:
        """The time of the frame that was read last."""
        return float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000

    def at(self, time_s: float, spacing_s: float) -> Any:
        """The frame at or after ``time_s`` (BGR), or None.

        Seeking counts frames as if their rate were constant; where it misses, the video is read through.
        """
        if self._seekable:
            self._capture.set(cv2.CAP_PROP_POS_MSEC, time_s * 1000)
            known, bgr = self._capture.read()
            if known and abs(self.time_s - time_s) <= spacing_s:
                return bgr
            self.start_again()
        while self._capture.grab():
            if self.time_s >= time_s:
                return self._capture.retrieve()[1]
        return None


def _frames(clip: _Clip, times: list[float], max_side_px: int) -> Iterator[Frame]:
    last = -1.0
    try:
        for time_s in times:
            bgr = clip.at(time_s, spacing_s=2 * times[0])
            if bgr is None or clip.time_s <= last:
                continue
            last = clip.time_s
            height, width = bgr.shape[:2]
            small: Any = cv2.resize(bgr, fit(width, height, max_side_px), interpolation=cv2.INTER_AREA)
            yield Frame(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), round(last, 3), width, height)
    finally:
        clip.close()
    if last < 0:
        raise MediaError("no frame of the video can be decoded by OpenCV")
