"""A stand-in for tests: frames from memory instead of from files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from tagger.errors import MediaError, MediaGoneError
from tagger.ports import FrameChunk
from tagger.types import Frame, ItemRef, MediaItem

CHUNK_FRAMES = 8


class FakeMedia:
    """:class:`tagger.ports.Media` from a mapping by ref, or from a function that may raise MediaError."""

    def __init__(self, frames: Mapping[ItemRef, Sequence[Frame]] | Callable[[MediaItem], Sequence[Frame]]) -> None:
        self._frames = frames
        self.sampled: list[ItemRef] = []

    def sample(self, items: Iterable[MediaItem]) -> Iterator[FrameChunk]:
        for item in items:
            self.sampled.append(item.ref)
            try:
                frames = tuple(self._of(item))
            except MediaGoneError:
                raise
            except MediaError as error:
                yield FrameChunk(item, (), last=True, error=str(error))
                continue
            starts = range(0, max(1, len(frames)), CHUNK_FRAMES)
            for start in starts:
                chunk = frames[start : start + CHUNK_FRAMES]
                yield FrameChunk(item, chunk, last=start == starts[-1], duration_s=item.duration_s)

    def _of(self, item: MediaItem) -> Sequence[Frame]:
        if callable(self._frames):
            return self._frames(item)
        if item.ref not in self._frames:
            raise MediaError("there is no such file: rescan in Stash")
        return self._frames[item.ref]
