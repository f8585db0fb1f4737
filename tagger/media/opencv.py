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
        settings = [cv2.CAP_PROP_N_THREADS, 1]
        file: Any = source.path_or_file()  # its stubs don't know that it takes Python's files
        try:
            capture = cv2.VideoCapture(file, cv2.CAP_FFMPEG, settings)
        except cv2.error:
            raise MediaError("the video can't be opened by OpenCV") from None
        if not capture.isOpened():
            raise MediaError("the video can't be opened by OpenCV: it is damaged, cut off, or of an unknown kind")
        rate, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        duration_s = count / rate if rate > 0 and count > 0 else _measured_s(capture)
        return Footage(duration_s, _frames(capture, spread(duration_s, budget), max_side_px))


def _measured_s(capture: cv2.VideoCapture) -> float:
    end_ms = 0.0
    while capture.grab():
        end_ms = max(end_ms, capture.get(cv2.CAP_PROP_POS_MSEC))
    capture.set(cv2.CAP_PROP_POS_MSEC, 0)
    return end_ms / 1000


def _frames(capture: cv2.VideoCapture, times: list[float], max_side_px: int) -> Iterator[Frame]:
    last = -1.0
    try:
        for time_s in times:
            capture.set(cv2.CAP_PROP_POS_MSEC, time_s * 1000)
            known, bgr = capture.read()
            at_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if not known or at_s <= last:
                continue
            last = at_s
            height, width = bgr.shape[:2]
            small = cv2.resize(bgr, fit(width, height, max_side_px), interpolation=cv2.INTER_AREA)
            rgb: Any = cv2.cvtColor(small, cv2.COLOR_BGR2RGB)
            yield Frame(rgb, round(at_s, 3), width, height)
    finally:
        capture.release()
    if last < 0:
        raise MediaError("no frame of the video can be decoded by OpenCV")
