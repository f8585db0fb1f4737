"""The first half of the line for many items at once: sample → recognise; decoding, inference and the caller overlap.

All bookkeeping happens in the caller's thread; worker threads only run :meth:`Recognizer.recognise` on batches of
frames, which may come from several items. So that no core is idle while frames wait, a batch that isn't full goes off
as soon as a thread is free; batches fill up by themselves when inference is what the run waits for. Full ones go off at
once, so that the threads have work while the caller writes down what came of the items before.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from tagger.errors import EngineError
from tagger.ports import FrameChunk, Media, Recognizer
from tagger.resize import resized
from tagger.types import Box, Finding, Frame, FrameFindings, Look, MediaItem, Sighting, Thumb

if TYPE_CHECKING:
    from tagger.types import RgbArray

THUMBNAIL_SIDE_PX = 512  # what recognizers of thumbnails are shown
_AHEAD_BYTES = 32 << 20  # frames that wait for a thread: about what two cores look at in a second
_THUMB_SIDE_PX = 320
_MOST_THUMBS = 8
_JPEG_QUALITY = 78
_LEAST_BOX_SCORE = 0.30  # boxes below this aren't worth a second model's look
_MOST_BOXES = 10


@dataclass(slots=True)
class _Open:
    """An item that is being looked at."""

    item: MediaItem
    models: frozenset[str]
    findings: dict[str, dict[float, list[Finding]]] = field(default_factory=lambda: defaultdict(dict))
    small: dict[float, RgbArray] = field(default_factory=dict)
    waiting: int = 0
    read: bool = False
    width: int = 0
    height: int = 0
    duration_s: float = 0.0
    error: str | None = None


@dataclass(slots=True)
class _FrameWork:
    """A frame until every recognizer of the whole frame has seen it; then its boxes are shown to the others.

    ``remaining`` counts the tasks that are not done: first those of the whole frame, then those of its boxes.
    """

    open: _Open
    frame: Frame
    remaining: int = 0


@dataclass(frozen=True, slots=True)
class _Task:
    """One frame, its thumbnail, or the cut-out ``box`` of it, for one recognizer."""

    work: _FrameWork
    frame: Frame
    box: Box | None = None


_Answer: TypeAlias = "Future[list[tuple[Finding, ...]]]"


class Pipeline:
    """Looks at items: pixels from ``media``, findings from ``recognizers`` in ``threads`` threads."""

    def __init__(self, media: Media, recognizers: Sequence[Recognizer], threads: int, keep_thumbs: bool = True) -> None:
        self._media = media
        self._recognizers = tuple(recognizers)
        self._threads = max(1, threads)
        self._keep_thumbs = keep_thumbs

    @property
    def models(self) -> frozenset[str]:
        """``name@revision`` of all recognizers."""
        return frozenset(recognizer.model for recognizer in self._recognizers)

    def looks(self, wanted: Iterable[tuple[MediaItem, frozenset[str]]]) -> Generator[Look, None, None]:
        """One Look for each item, in order of completion; ``wanted`` says by which models (of :attr:`models`).

        An item that can't be read or recognised has its ``error``. Raises MediaGoneError and EngineError, which are
        about the machine and not about an item. ``wanted`` is read ahead by as much as the media seam does.
        """
        yield from _Looking(self._media, self._recognizers, self._threads, self._keep_thumbs).run(wanted)


class _Looking:
    """The state of one call of :meth:`Pipeline.looks`."""

    def __init__(self, media: Media, recognizers: tuple[Recognizer, ...], threads: int, keep_thumbs: bool) -> None:
        self._media = media
        self._of_frames = [r for r in recognizers if r.looks_at in ("frame", "thumbnail")]
        self._of_boxes = [r for r in recognizers if r not in self._of_frames]
        self._queues: dict[str, deque[_Task]] = {r.model: deque() for r in recognizers}
        self._running: dict[_Answer, tuple[Recognizer, list[_Task]]] = {}
        self._done: SimpleQueue[_Answer] = SimpleQueue()
        self._held_bytes = 0
        self._threads = threads
        self._keep_thumbs = keep_thumbs
        self._models: dict[tuple[str, str], frozenset[str]] = {}
        self._opened: dict[tuple[str, str], _Open] = {}
        self._finished: deque[_Open] = deque()

    def run(self, wanted: Iterable[tuple[MediaItem, frozenset[str]]]) -> Generator[Look, None, None]:
        with ThreadPoolExecutor(self._threads, thread_name_prefix="recognise") as pool:
            try:
                for chunk in self._media.sample(self._items(wanted)):
                    self._take(chunk)
                    self._submit(pool)
                    while self._has_enough():
                        self._collect(pool, block=True)
                    self._collect(pool, block=False)
                    yield from self._completed()
                while self._running:
                    self._collect(pool, block=True)
                    yield from self._completed()
            finally:
                for future in self._running:
                    future.cancel()

    def _items(self, wanted: Iterable[tuple[MediaItem, frozenset[str]]]) -> Iterator[MediaItem]:
        for item, models in wanted:
            self._models[item.ref] = models
            yield item

    def _take(self, chunk: FrameChunk) -> None:
        ref = chunk.item.ref
        if ref not in self._opened:
            self._opened[ref] = _Open(chunk.item, self._models.pop(ref))
        opened = self._opened[ref]
        first = [r for r in self._of_frames if r.model in opened.models]
        for frame in chunk.frames:
            opened.width, opened.height = frame.width, frame.height
            thumbnail = replace(frame, rgb=shrink(frame.rgb, THUMBNAIL_SIDE_PX))
            if self._keep_thumbs:
                opened.small[frame.time_s] = shrink(thumbnail.rgb, _THUMB_SIDE_PX)
            for model in opened.models:
                opened.findings[model][frame.time_s] = []
            work = _FrameWork(opened, frame)
            self._held_bytes += frame.rgb.nbytes
            for recognizer in first:
                self._add(recognizer, _Task(work, thumbnail if recognizer.looks_at == "thumbnail" else frame))
            if not first:
                self._boxes(work)
        if chunk.last:
            del self._opened[ref]
            opened.read = True
            opened.error = chunk.error
            opened.duration_s = chunk.duration_s or chunk.item.duration_s
            self._finish(opened)

    def _add(self, recognizer: Recognizer, task: _Task) -> None:
        task.work.remaining += 1
        task.work.open.waiting += 1
        self._queues[recognizer.model].append(task)

    def _has_enough(self) -> bool:
        """Whether more frames would only take memory: there are batches for every thread, and pixels in plenty."""
        waiting = sum(-(-len(self._queues[r.model]) // max(1, r.batch)) for r in (*self._of_frames, *self._of_boxes))
        return self._held_bytes > _AHEAD_BYTES and waiting + len(self._running) > 2 * self._threads

    def _submit(self, pool: ThreadPoolExecutor) -> None:
        """Full batches go off at once; others only to a thread that would be idle."""
        by_length = sorted((*self._of_boxes, *self._of_frames), key=lambda r: -len(self._queues[r.model]))
        for recognizer in by_length:
            queue = self._queues[recognizer.model]
            size = max(1, recognizer.batch)
            while len(queue) >= size or (queue and len(self._running) < self._threads):
                tasks = [queue.popleft() for _ in range(min(size, len(queue)))]
                self._start(pool, recognizer, tasks)

    def _start(self, pool: ThreadPoolExecutor, recognizer: Recognizer, tasks: list[_Task]) -> None:
        future = pool.submit(recognizer.recognise, [task.frame for task in tasks])
        self._running[future] = (recognizer, tasks)
        future.add_done_callback(self._done.put)

    def _collect(self, pool: ThreadPoolExecutor, block: bool) -> None:
        while self._running and (block or not self._done.empty()):
            block = False
            future = self._done.get()
            recognizer, tasks = self._running.pop(future)
            error = future.exception()
            if error is not None and not isinstance(error, EngineError) and len(tasks) > 1:
                for task in tasks:  # One odd frame must not cost those that went with it.
                    self._start(pool, recognizer, [task])
            else:
                self._accept(recognizer, tasks, future)
        self._submit(pool)

    def _accept(self, recognizer: Recognizer, tasks: list[_Task], future: _Answer) -> None:
        error = future.exception()
        if isinstance(error, EngineError):
            raise error
        results = [()] * len(tasks) if error is not None else future.result()
        for task, found in zip(tasks, results, strict=True):
            opened = task.work.open
            if error is not None:
                # One odd picture must not end a run over a million: it is that item's failure, with its reason.
                opened.error = f"{recognizer.model} failed on it ({type(error).__name__}: {error})."
            kept = opened.findings[recognizer.model][task.frame.time_s]
            kept.extend(_at(finding, task.box) for finding in found)
            opened.waiting -= 1
            task.work.remaining -= 1
            if task.work.remaining == 0 and task.box is None:
                self._boxes(task.work)
            elif task.work.remaining == 0:
                self._held_bytes -= task.work.frame.rgb.nbytes
            self._finish(opened)

    def _boxes(self, work: _FrameWork) -> None:
        """Show the boxes that were found in a frame to the models that look at boxes."""
        for recognizer in self._of_boxes:
            if recognizer.model not in work.open.models:
                continue
            boxes = _boxes_of(work, recognizer.looks_at)
            for box in boxes:
                crop = cut(work.frame, box)
                if crop is not None:
                    self._add(recognizer, _Task(work, crop, box))
        if work.remaining == 0:
            self._held_bytes -= work.frame.rgb.nbytes

    def _finish(self, opened: _Open) -> None:
        if opened.read and opened.waiting == 0:
            self._finished.append(opened)

    def _completed(self) -> Iterator[Look]:
        while self._finished:
            yield _look(self._finished.popleft(), self._keep_thumbs)


def _at(finding: Finding, box: Box | None) -> Finding:
    """A finding in a cut-out is a finding at that box."""
    return finding if box is None else replace(finding, box=box)


def _boxes_of(work: _FrameWork, label: str) -> list[Box]:
    """The surest boxes of a label in this frame. Two models' boxes of one thing are one box."""
    found = [
        finding
        for by_time in work.open.findings.values()
        for finding in by_time.get(work.frame.time_s, ())
        if finding.box is not None and finding.name == label and finding.score >= _LEAST_BOX_SCORE
    ]
    boxes: list[Box] = []
    for finding in sorted(found, key=lambda f: -f.score):
        if finding.box is not None and all(_overlap(finding.box, box) < 0.5 for box in boxes):
            boxes.append(finding.box)
    return boxes[:_MOST_BOXES]


def _overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    shared = Box(max(a.x0, b.x0), max(a.y0, b.y0), min(a.x1, b.x1), min(a.y1, b.y1))
    if shared.x1 <= shared.x0 or shared.y1 <= shared.y0:
        return 0.0
    return shared.area / (a.area + b.area - shared.area)


def cut(frame: Frame, box: Box) -> Frame | None:
    """The part of a frame in a box, None when it is smaller than 8 pixels."""
    height, width = frame.rgb.shape[:2]
    x0, x1 = max(0, int(box.x0 * width)), min(width, round(box.x1 * width))
    y0, y1 = max(0, int(box.y0 * height)), min(height, round(box.y1 * height))
    if x1 - x0 < 8 or y1 - y0 < 8:
        return None
    return Frame(
        np.ascontiguousarray(frame.rgb[y0:y1, x0:x1]),
        frame.time_s,
        max(1, round((box.x1 - box.x0) * frame.width)),
        max(1, round((box.y1 - box.y0) * frame.height)),
    )


def shrink(rgb: RgbArray, side_px: int) -> RgbArray:
    """The picture with its longer side at most ``side_px``."""
    height, width = rgb.shape[:2]
    factor = side_px / max(height, width)
    if factor >= 1:
        return rgb.copy()
    return resized(rgb, max(1, round(width * factor)), max(1, round(height * factor)))


def _look(opened: _Open, keep_thumbs: bool) -> Look:
    item = opened.item
    if opened.error is not None:
        return Look(item, error=opened.error)
    sightings = tuple(
        Sighting(model, tuple(FrameFindings(time_s, _best_first(found)) for time_s, found in sorted(by_time.items())))
        for model, by_time in sorted(opened.findings.items())
    )
    times = _telling(sightings, sorted(opened.small)) if keep_thumbs else []
    return Look(
        item,
        sightings,
        tuple(Thumb(time_s, _jpeg(opened.small[time_s])) for time_s in times),
        opened.width,
        opened.height,
        opened.duration_s,
    )


def _best_first(found: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(found, key=lambda finding: (-finding.score, finding.name, finding.box or ())))


def _telling(sightings: Sequence[Sighting], times: Sequence[float]) -> list[float]:
    """The frames worth keeping: for each label the one with the best score, the surest labels first; at least one."""
    best: dict[str, tuple[float, float]] = {}
    for sighting in sightings:
        for frame in sighting.frames:
            for finding in frame.findings:
                if finding.score > best.get(finding.name, (0.0, 0.0))[0]:
                    best[finding.name] = (finding.score, frame.time_s)
    kept: dict[float, None] = {}
    for _, time_s in sorted(best.values(), key=lambda b: (-b[0], b[1])):
        kept.setdefault(time_s)
        if len(kept) == _MOST_THUMBS:
            break
    if not kept and times:
        kept[times[len(times) // 2]] = None
    return sorted(kept)


def _jpeg(rgb: RgbArray) -> bytes:
    done, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not done:
        raise ValueError(f"a thumbnail of {rgb.shape} could not be encoded")
    return bytes(data.tobytes())
