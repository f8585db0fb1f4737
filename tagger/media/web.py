"""Media over the library's own HTTP server, with range requests; credentials travel in headers only."""

from __future__ import annotations

import io
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from tagger.errors import MediaError
from tagger.media.failures import NotServedError, PlaceGoneError

if TYPE_CHECKING:
    from requests import Response

BLOCK_BYTES = 512 * 1024
BLOCKS_KEPT = 12
CONNECT_S, READ_S = 10.0, 30.0
TRIES = 3
_NOT_READY = frozenset({502, 503, 504})
_Read = TypeVar("_Read")


class Web:
    """A connection to one server. ``headers`` may be replaced at any time (a session can be renewed)."""

    def __init__(self, headers: Mapping[str, str], verify_tls: bool = True) -> None:
        import requests

        self._session = requests.Session()
        # A proxy or a .netrc from the environment has no business between us and the library's server.
        self._session.trust_env = False
        self._session.verify = verify_tls
        if not verify_tls:
            import urllib3

            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self.headers = dict(headers)

    def get(self, url: str, most_bytes: int) -> bytes:
        """The whole body. Raises MediaError when it is larger than ``most_bytes``."""

        def read(response: Response) -> bytes:
            body = bytearray()
            for piece in response.iter_content(1 << 18):
                body += piece
                if len(body) > most_bytes:
                    raise MediaError(f"the file is larger than the memory budget of {most_bytes >> 20} MB")
            return bytes(body)

        return self._read(url, {}, read)

    def open(self, url: str) -> WebFile:
        """The body as a seekable file."""
        return WebFile(self, url)

    def block(self, url: str, start: int) -> tuple[bytes, int]:
        """Up to one block from ``start``, and the whole size; a server without ranges is refused."""

        def read(response: Response) -> tuple[bytes, int]:
            if response.status_code == 416:
                return b"", start
            if response.status_code != 206:
                raise MediaError("the server doesn't serve parts of files (range requests), so videos can't be sampled")
            total = response.headers.get("Content-Range", "").rpartition("/")[2]
            return response.content, int(total) if total.isdigit() else 0

        return self._read(url, {"Range": f"bytes={start}-{start + BLOCK_BYTES - 1}"}, read)

    def _read(self, url: str, extra: Mapping[str, str], read: Callable[[Response], _Read]) -> _Read:
        """What ``read`` makes of the answer; anew when it breaks off."""
        for attempt in range(TRIES):
            with self._request(url, extra) as response:
                try:
                    return read(response)
                except OSError:
                    _wait(attempt)
        raise _down(url, "broke off while sending")

    def _request(self, url: str, extra: Mapping[str, str]) -> Response:
        import requests

        headers = {**self.headers, "Accept-Encoding": "identity", **extra}
        for attempt in range(TRIES):
            try:
                response = self._session.get(
                    url, headers=headers, stream=True, allow_redirects=False, timeout=(CONNECT_S, READ_S)
                )
                if response.status_code not in _NOT_READY or attempt == TRIES - 1:
                    break
                response.close()
                _wait(attempt)
            except requests.exceptions.SSLError:
                raise _down(
                    url, "has a certificate that isn't trusted (allow self-signed certificates in the settings)"
                ) from None
            except (requests.exceptions.ConnectionError, requests.exceptions.Timeout):
                if attempt == TRIES - 1:
                    raise _down(url, "doesn't answer") from None
                _wait(attempt)
            except requests.exceptions.RequestException as error:
                # Only the kind of error: its text could hold the request with its headers.
                raise MediaError(f"the item can't be fetched: {type(error).__name__}") from None
        if response.status_code in (200, 206, 416):
            return response
        response.close()
        raise _refused(url, response.status_code)


def _wait(attempt: int) -> None:
    if attempt < TRIES - 1:
        time.sleep(0.2 * 2**attempt)


def _refused(url: str, status: int) -> MediaError:
    if status in (401, 403) or 300 <= status < 400:
        return _down(url, "wants a login (set an API key; a session ends after an hour)")
    if status in (404, 410):
        return NotServedError("the server has no such file any more: rescan in Stash", url)
    if status in _NOT_READY:
        return _down(url, f"isn't ready (HTTP {status})")
    return NotServedError(f"the server couldn't deliver the file (HTTP {status})", url)


def _down(url: str, what: str) -> PlaceGoneError:
    place = urlsplit(url).netloc.rpartition("@")[2]
    return PlaceGoneError(f"the server {place} {what}", place)


class WebFile(io.RawIOBase):
    """A remote file, read in blocks of which the last few are kept."""

    def __init__(self, web: Web, url: str) -> None:
        self._web, self._url = web, url
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._at = 0
        first, size = web.block(url, 0)
        self._size = size or len(first)
        self._blocks[0] = first

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._at >= self._size:
            return 0
        number, offset = divmod(self._at, BLOCK_BYTES)
        piece = self._block(number)[offset : offset + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        block, _ = self._web.block(self._url, number * BLOCK_BYTES)
        self._blocks[number] = block
        if len(self._blocks) > BLOCKS_KEPT:
            self._blocks.popitem(last=False)
        return block
