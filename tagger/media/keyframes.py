"""Videos through PyAV: the keyframe before each wanted time, and every frame where keyframes are too few."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import TYPE_CHECKING

import av
import numpy as np
from av.error import FFmpegError, InvalidDataError

from tagger.errors import MediaError
from tagger.media.source import Source
from tagger.media.videos import FEWEST_FRAMES, Footage, fit, spread
from tagger.types import Frame

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from tagger.types import RgbArray

LIBRARY_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # the built-in decoders leave it out
PACKETS_TO_A_KEYFRAME = 2000
KEYFRAMES_TRIED = 3
PIXELS_DECODED_WHOLE = 2_000_000_000  # a few seconds of work, spent only on files without enough keyframes


class KeyframeReader:
    """The default: seeking to keyframes decodes one frame for each that is wanted."""

    def open(self, source: Source, budget: int, max_side_px: int) -> Footage:
        container = _container(source)
        try:
            video = _Video(container, max_side_px)
            duration_s = video.duration_s or video.measured_s()
        except BaseException:
            container.close()
            raise
        return Footage(duration_s, _frames(container, video, duration_s, budget))


def _container(source: Source) -> InputContainer:
    file = source.path_or_file()
    try:
        # No demuxer may open anything but the file itself: a playlist could name other files, or hosts.
        return av.open(file, "r", metadata_errors="replace", container_options={"protocol_whitelist": "file"})
    except InvalidDataError:
        raise MediaError("the video is damaged or cut off: its index can't be read") from None
    except FFmpegError as error:
        raise MediaError(f"the video can't be opened: {error.strerror}") from None
    except (ValueError, EOFError) as error:
        raise MediaError(f"the video can't be opened: {error}") from None


def _frames(container: InputContainer, video: _Video, duration_s: float, budget: int) -> Iterator[Frame]:
    with container:
        times = spread(duration_s, budget)
        needed = min(FEWEST_FRAMES, len(times))
        held: list[Frame] = []
        taken = 0
        for frame in video.keyframes(times):
            taken += 1
            held.append(frame)
            if taken >= needed:  # enough keyframes: from here on each goes out as it comes
                yield from held
                held.clear()
        if taken >= needed:
            return
        whole = list(video.in_passing(spread(min(duration_s, video.measured_s()) or duration_s, budget)))
        if len(whole) <= taken:
            whole = held
        if not whole:
            raise MediaError("no frame of the video can be decoded")
        yield from whole


class _Video:
    def __init__(self, container: InputContainer, max_side_px: int) -> None:
        self.container = container
        self.stream = _video_stream(container)
        self.max_side_px = max_side_px
        self.base = float(self.stream.time_base or 1)
        self.start = self.stream.start_time or 0
        self.context = _decoder(self.stream)
        if self.stream.duration:
            self.duration_s = self.stream.duration * self.base
        else:
            self.duration_s = (container.duration or 0) / av.time_base

    def keyframes(self, times: list[float]) -> Iterator[Frame]:
        """The keyframe at or before each time, each once, by ascending time."""
        last = -1.0
        for time_s in times:
            try:
                found = self._keyframe(time_s, last)
            except FFmpegError:
                continue
            if found is not None and (frame := self._upright(found)).time_s > last:
                last = frame.time_s
                yield frame

    def _keyframe(self, time_s: float, after_s: float) -> VideoFrame | None:
        self.container.seek(self._near(self.start + int(time_s / self.base)), stream=self.stream, backward=True)
        self.context.skip_frame = "NONKEY"
        tried = 0
        for count, packet in enumerate(self.container.demux(self.stream)):
            if packet.dts is None or tried >= KEYFRAMES_TRIED or count > PACKETS_TO_A_KEYFRAME:
                return None
            if not packet.is_keyframe:
                continue
            if packet.pts is not None and (packet.pts - self.start) * self.base <= after_s:
                return None
            tried += 1
            # Draining at once spares reading on until the decoder's reordering lets the frame go.
            frames = _decoded(self.context, packet) or _decoded(self.context, None)
            self.context.flush_buffers()
            if frames:
                return frames[0]
        return None

    def _near(self, stamp: int) -> int:
        """The stamp of the nearest keyframe where the file's index is known, else as it was."""
        index = self.stream.index_entries
        before = index.search_timestamp(stamp, backward=True)
        after = index.search_timestamp(stamp, backward=False)
        if before < 0 or after < 0:
            return stamp
        stamps = (index[before].timestamp, index[after].timestamp)
        return min(stamps, key=lambda known: abs(known - stamp))

    def in_passing(self, times: list[float]) -> Iterator[Frame]:
        """The frame nearest after each time, decoding all on the way, as far as the allowance of work reaches."""
        self._rewind()
        self.context.skip_frame = "NONREF" if self.duration_s > 2 else "DEFAULT"
        waiting = iter(times)
        wanted, unused, pixels = next(waiting), None, 0
        half = 0.5 / float(self.stream.average_rate or 25)
        for packet in self.container.demux(self.stream):
            for found in _decoded(self.context, packet if packet.dts is not None else None):
                pixels += found.width * found.height
                unused = found
                if self._time_s(found) >= wanted - half:
                    yield self._upright(found)
                    unused = None
                    wanted = next(waiting, -1.0)
                    if wanted < 0:
                        return
            if pixels > PIXELS_DECODED_WHOLE:
                self.context.skip_frame = "NONKEY"
        if unused is not None:
            yield self._upright(unused)

    def measured_s(self) -> float:
        """How long it really is, by reading through without decoding: a file may not say, or be cut off."""
        self._rewind()
        end = 0.0
        try:
            for packet in self.container.demux(self.stream):
                if packet.pts is not None:
                    end = max(end, (packet.pts - self.start + (packet.duration or 0)) * self.base)
        except FFmpegError:
            pass
        self._rewind()
        return end

    def _rewind(self) -> None:
        with contextlib.suppress(FFmpegError):  # a file that can't be sought is read on from where it is
            self.container.seek(self.start, stream=self.stream, backward=True)

    def _time_s(self, frame: VideoFrame) -> float:
        stamp = frame.pts if frame.pts is not None else frame.dts
        return max(0.0, ((stamp if stamp is not None else self.start) - self.start) * self.base)

    def _upright(self, frame: VideoFrame) -> Frame:
        width, height = frame.width, frame.height
        shape = self.stream.sample_aspect_ratio
        shown = round(width * float(shape)) if shape and 0.2 < shape < 5 else width
        size = fit(shown, height, self.max_side_px)
        rgb = _pixels(frame, *size)
        turns = round(frame.rotation / 90) % 4
        if turns:
            rgb = np.ascontiguousarray(np.rot90(rgb, turns))
            if turns % 2:
                width, height = height, width
        return Frame(rgb, round(self._time_s(frame), 3), width, height)


def _pixels(frame: VideoFrame, width: int, height: int) -> RgbArray:
    if any(component.is_alpha for component in frame.format.components):
        seen = frame.to_ndarray(format="rgba", width=width, height=height).astype(np.uint16)
        alpha = seen[..., 3:]
        return ((seen[..., :3] * alpha + 255 * (255 - alpha)) // 255).astype(np.uint8)
    rgb: RgbArray = frame.to_ndarray(  # type: ignore[assignment]  # rgb24 is uint8
        format="rgb24", width=width, height=height, interpolation="AREA", threads=1
    )
    return rgb


def _decoded(context: VideoCodecContext, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
    try:
        frames = context.decode(packet)
    except FFmpegError as error:
        if error.errno == errno.ENOMEM:
            raise MemoryError from None
        return []
    return [frame for frame in frames if not frame.is_corrupt]


def _decoder(stream: VideoStream) -> VideoCodecContext:
    context = stream.codec_context
    library = LIBRARY_WITH_ALPHA.get(context.name)
    if library and stream.metadata.get("alpha_mode") == "1":
        with contextlib.suppress(FFmpegError, ValueError):  # an FFmpeg built without it: black instead of white
            context = av.codec.Codec(library, "r").create("video")
    context.thread_count = 1
    return context


def _video_stream(container: InputContainer) -> VideoStream:
    cover = av.stream.Disposition.attached_pic
    found = [stream for stream in container.streams.video if not stream.disposition & cover]
    if not found:
        raise MediaError("the file has no video track")
    if found[0].codec_context is None:
        raise MediaError("nothing here can decode this kind of video")
    return found[0]
