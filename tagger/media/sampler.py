"""Items → frames, decoded in processes that the run can lose."""

from __future__ import annotations

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Literal

from tagger.errors import MediaGoneError, SetupError
from tagger.media.source import mapped
from tagger.media.workers import Event, Hand
from tagger.ports import FrameChunk
from tagger.types import MediaItem

LOOK_AHEAD_ITEMS = 32
BYTES_IN_FLIGHT = 16 << 20
GONE_IN_A_ROW = 3
CRASHES_IN_A_ROW = 10
LOOK_ROUND_S = 0.25

ReaderName = Literal["keyframes", "opencv", "sprite"]
SourceName = Literal["auto", "path", "http"]


def _no_headers() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class ProcessMedia:
    """:class:`tagger.ports.Media` over ``workers`` decoding processes.

    ``frames`` is a video's budget; ``*_side_px`` limit the long side. ``path_map`` turns prefixes of the library's
    paths into this machine's. ``source``: "path" reads from disk, "http" from the library's server, "auto" from disk
    and over HTTP what isn't there. ``http_headers`` (credentials) is asked for each item and handed over by pipe.
    ``memory_budget_mb`` bounds what one process may decode into; ``item_timeout_s`` is how long an item may go
    without progress.
    """

    workers: int = 1
    reader: ReaderName = "keyframes"
    frames: int = 24
    picture_side_px: int = 1280
    video_side_px: int = 640
    path_map: Mapping[str, str] = field(default_factory=dict)
    source: SourceName = "auto"
    http_headers: Callable[[], Mapping[str, str]] = _no_headers
    verify_tls: bool = True
    memory_budget_mb: int = 256
    item_timeout_s: float = 60.0

    def sample(self, items: Iterable[MediaItem]) -> Iterator[FrameChunk]:
        """See :meth:`tagger.ports.Media.sample`. The processes live as long as the generator."""
        team = _Team(self)
        try:
            yield from team.chunks(iter(items))
        finally:
            team.dismiss()

    def settings(self) -> dict[str, Any]:
        """What a decoding process is told once."""
        return {
            "sys_path": [entry for entry in sys.path if entry],
            "source": self.source,
            "reader": self.reader,
            "frames": self.frames,
            "picture_side_px": self.picture_side_px,
            "video_side_px": self.video_side_px,
            "memory_budget_mb": self.memory_budget_mb,
            "verify_tls": self.verify_tls,
        }

    def request(self, item: MediaItem) -> dict[str, Any]:
        """What a decoding process is told of one item."""
        web = item.url or item.thumbnail_url or item.sprite_url
        return {
            "media": item.media,
            "path": mapped(item.path, self.path_map),
            "url": item.url,
            "thumbnail_url": item.thumbnail_url,
            "sprite_url": item.sprite_url,
            "vtt_url": item.vtt_url,
            "size": [item.width, item.height],
            "headers": dict(self.http_headers()) if web else None,
        }


class _Room:
    """Counts the bytes of frames on their way; a single frame larger than all of it passes alone."""

    def __init__(self, most: int) -> None:
        self._most, self._used, self._closed = most, 0, False
        self._changed = threading.Condition()

    def try_take(self, size: int) -> bool:
        with self._changed:
            if self._used and self._used + size > self._most:
                return False
            self._used += size
            return True

    def take(self, size: int) -> bool:
        """Wait for room; False when nobody takes frames any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or not self._used or self._used + size <= self._most)
            self._used += size
            return not self._closed

    def give(self, size: int) -> None:
        with self._changed:
            self._used -= size
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class _Team:
    """The hands of one ``sample`` and what they have in common."""

    def __init__(self, media: ProcessMedia) -> None:
        self._media = media
        self._inbox: SimpleQueue[MediaItem | None] = SimpleQueue()
        self._outbox: SimpleQueue[Event] = SimpleQueue()
        self._room = _Room(BYTES_IN_FLIGHT)
        self._hands: list[Hand] = []
        self._open_items = 0
        self._looked_round = time.monotonic()
        self._gone: defaultdict[str, list[FrameChunk]] = defaultdict(list)
        self._crashes = 0
        self._decoded_some = False

    def chunks(self, items: Iterator[MediaItem]) -> Iterator[FrameChunk]:
        more = True
        while more or self._open_items:
            while more and self._open_items < LOOK_AHEAD_ITEMS + 2 * self._media.workers:
                item = next(items, None)
                more = item is not None
                if item is not None:
                    self._hand_in(item)
            event = self._next_event()
            if event is None:
                continue
            self._room.give(event.pixel_bytes)
            yield from self._judged(event)
        yield from self._left_over()

    def dismiss(self) -> None:
        """End all processes, whatever they do."""
        self._room.close()
        for hand in self._hands:
            hand.abandon()
            self._inbox.put(None)
        for hand in self._hands:
            hand.join(2.0)

    def _hand_in(self, item: MediaItem) -> None:
        self._open_items += 1
        self._inbox.put(item)
        if len(self._hands) < min(self._media.workers, self._open_items):
            self._hands.append(self._new_hand())

    def _new_hand(self) -> Hand:
        return Hand(self._media.settings(), self._media.request, self._inbox, self._outbox, self._room)

    def _next_event(self) -> Event | None:
        now = time.monotonic()
        if now - self._looked_round > LOOK_ROUND_S:
            self._looked_round = now
            self._replace_overdue()
        try:
            return self._outbox.get(timeout=LOOK_ROUND_S) if self._open_items else None
        except Empty:
            return None

    def _replace_overdue(self) -> None:
        limit_s = self._media.item_timeout_s
        for index, hand in enumerate(self._hands):
            if hand.overdue(limit_s):
                hand.abandon(f"decoding made no progress for {limit_s:g} seconds and was stopped")
                self._hands[index] = self._new_hand()

    def _judged(self, event: Event) -> list[FrameChunk]:
        """The chunks to pass on; none when it is held back because its place may be gone. Raises what ends the run."""
        if event.fatal is not None:
            raise event.fatal
        chunk = event.chunk
        assert chunk is not None
        self._decoded_some = self._decoded_some or bool(chunk.frames)
        if not chunk.last:
            return [chunk]
        self._open_items -= 1
        self._crashes = self._crashes + 1 if event.crash else 0
        if self._crashes >= CRASHES_IN_A_ROW:
            raise SetupError(f"{self._crashes} items in a row ended their decoder; the last: {chunk.error}")
        if chunk.error is None:
            return [*self._released(chunk.item, event.place), chunk]
        if not event.place:
            return [chunk]
        held = self._gone[event.place]
        held.append(chunk)
        if len(held) >= GONE_IN_A_ROW:
            raise MediaGoneError(chunk.error)
        return []

    def _released(self, item: MediaItem, server: str) -> list[FrameChunk]:
        """What was held back of places that ``item`` could just be read from: it was those items' own failure."""
        path = mapped(item.path, self._media.path_map)
        there = [place for place in self._gone if place == server or _is_below(path, place)]
        return [chunk for place in there for chunk in self._gone.pop(place)]

    def _left_over(self) -> Iterator[FrameChunk]:
        """One or two items of a missing place: their own fault if others could be read, else the place's."""
        for held in self._gone.values():
            if not self._decoded_some:
                raise MediaGoneError(held[0].error or "")
            yield from held


def _is_below(path: str, place: str) -> bool:
    return path.startswith(place) and (place[-1:] in "/\\" or path[len(place) : len(place) + 1] in ("/", "\\"))
