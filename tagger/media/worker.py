"""The decoding process: takes items on stdin, gives frames on stdout, and can be lost at any moment.

Nothing is imported before it is needed, so that a process that only sees pictures stays small.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Iterable, Mapping
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from tagger.errors import MediaError
from tagger.media import wire
from tagger.media.failures import NotServedError, PlaceGoneError
from tagger.media.source import Source, missing

if TYPE_CHECKING:
    from tagger.media.web import Web
    from tagger.types import Frame

PR_SET_PDEATHSIG, SIGKILL = 1, 9
ROOM_FOR_LIBRARIES_BYTES = 192 << 20
STILL_MEDIA_FRAMES = 4


def main() -> NoReturn:
    """Serve until stdin ends; then everything of this process ends at once, wherever it is."""
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which ends its processes itself
    out = os.dup(1)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)  # a library that prints must not break the messages
    inbox: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=(inbox,), daemon=True).start()
    desk = Desk(inbox.get(), out)
    wire.send(out, {"ready": True})
    os.dup2(silence, 2)  # from here on only decoders grumble there
    while True:
        desk.serve(inbox.get())


def _listen(inbox: SimpleQueue[dict[str, Any]]) -> None:
    while True:
        try:
            inbox.put(wire.receive(0))
        except wire.PipeClosedError:
            os._exit(0)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        # stdin's end is noticed by a thread, which a decoder that holds the interpreter would keep from running.
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)


class Desk:
    """Answers one request after the other with ``frame`` messages and one ``end``."""

    def __init__(self, settings: Mapping[str, Any], out: int) -> None:
        sys.path.extend(entry for entry in settings["sys_path"] if entry not in sys.path)
        self._out = out
        self._source: str = settings["source"]
        self._reader_name: str = settings["reader"]
        self._frames: int = settings["frames"]
        self._picture_px: int = settings["picture_side_px"]
        self._video_px: int = settings["video_side_px"]
        self._budget_bytes: int = settings["memory_budget_mb"] << 20
        self._verify_tls: bool = settings["verify_tls"]
        self._web: Web | None = None
        _limit_memory(self._budget_bytes + ROOM_FOR_LIBRARIES_BYTES)

    def serve(self, request: Mapping[str, Any]) -> None:
        """Decode one item and send what came of it."""
        end: dict[str, Any] = {"end": True, "error": None, "place": "", "duration_s": 0.0}
        source = None
        try:
            source = self._source_of(request)
            if request["media"] == "video":
                end["duration_s"] = self._send_video(source, self._frames)
            else:
                end["duration_s"] = self._send_picture(source, request)
            end["place"] = "" if source.path else urlsplit(source.url).netloc.rpartition("@")[2]
        except NotServedError as error:
            cause = self._why_not_served(error, source, request)
            end["error"], end["place"] = str(cause), cause.place if isinstance(cause, PlaceGoneError) else ""
        except PlaceGoneError as error:
            end["error"], end["place"] = str(error), error.place
        except MediaError as error:
            end["error"] = str(error)
        except MemoryError:
            end["error"] = f"decoding takes more memory than the budget of {self._budget_bytes >> 20} MB"
        except ImportError as error:
            wire.send(self._out, {"setup": f"the decoding environment is incomplete ({error}): run Set up again"})
            return
        except wire.PipeClosedError:
            os._exit(0)
        except Exception as error:  # noqa: BLE001 - whatever a decoder raises, it costs this item only
            end["error"] = f"the decoder failed ({type(error).__name__}): {str(error)[:200]}"
        wire.send(self._out, end)

    def _source_of(self, request: Mapping[str, Any]) -> Source:
        web = self._web_with(request["headers"]) if request["headers"] is not None else None
        path, url = request["path"], request["url"]
        if self._source == "http" or not path:
            path = "" if url else path
        elif self._source == "auto" and url and not os.path.exists(path):  # noqa: PTH110 - one stat, no object
            path = ""
        return Source(path, url, request["sprite_url"], request["vtt_url"], web)

    def _why_not_served(self, error: NotServedError, source: Source | None, request: Mapping[str, Any]) -> MediaError:
        """We asked the server only since the file isn't on this machine, and it can't read it either: perhaps the whole
        place is gone."""
        fell_back = self._source == "auto" and request["path"] and source is not None and not source.path
        cause = missing(request["path"]) if fell_back and source is not None and error.url == source.url else error
        return cause if isinstance(cause, PlaceGoneError) else error

    def _web_with(self, headers: Mapping[str, str]) -> Web:
        if self._web is None:
            from tagger.media.web import Web

            self._web = Web(headers, self._verify_tls)
        self._web.headers = dict(headers)
        return self._web

    def _send_video(self, source: Source, budget: int) -> float:
        from tagger.media.readers import reader_named

        footage = reader_named(self._reader_name).open(source, budget, self._video_px)
        self._send(footage.frames)
        return footage.duration_s

    def _send_picture(self, source: Source, request: Mapping[str, Any]) -> float:
        from tagger.media.pictures import NoDecoderError, TooLargeError, read_picture

        with source.open() if source.path else io.BytesIO(source.body(self._budget_bytes)) as file:
            try:
                self._send(read_picture(file, self._picture_px, self._budget_bytes))
                return 0.0
            except NoDecoderError:
                file.seek(0)
                if _looks_like_video(file.read(12)):
                    return self._send_video(source, STILL_MEDIA_FRAMES)
                if not request["thumbnail_url"]:
                    raise
            except TooLargeError:
                if not request["thumbnail_url"]:
                    raise
        body = source.from_web().get(request["thumbnail_url"], self._budget_bytes)
        self._send(read_picture(io.BytesIO(body), self._picture_px, self._budget_bytes), request["size"])
        return 0.0

    def _send(self, frames: Iterable[Frame], size: tuple[int, int] = (0, 0)) -> None:
        """``size``: the original's, where the frames come from a smaller copy of it."""
        for frame in frames:
            height, width = frame.rgb.shape[:2]
            real = size if all(size) else (frame.width, frame.height)
            pixels = frame.rgb if frame.rgb.flags.c_contiguous else frame.rgb.copy()
            wire.send(self._out, {"frame": [height, width, frame.time_s, *real]}, pixels.data.cast("B"))


def _looks_like_video(head: bytes) -> bool:
    return head[4:8] == b"ftyp" or head[:4] in (b"\x1aE\xdf\xa3", b"RIFF", b"FLV\x01")


def _limit_memory(room_bytes: int) -> None:
    """Let an allocation fail here rather than the system's memory run out; no limit where there is none to set."""
    if sys.platform == "win32":
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    limit = room_bytes if most == resource.RLIM_INFINITY else min(room_bytes, most)
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, most))
    except (ValueError, OSError):  # macOS refuses some values
        return
