"""A small file server over real HTTP: range requests, a login, and ways to go wrong."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "s3cret-key"


@dataclass
class Served:
    """``url`` of a running server and what was asked of it."""

    url: str
    asked: list[str] = field(default_factory=list)
    hang: threading.Event = field(default_factory=threading.Event)


@contextmanager
def served(files: Mapping[str, bytes]) -> Iterator[Served]:
    """Serve ``files`` by path to whoever sends the header ``ApiKey``; ``/hangs`` answers when told to stop, ``/busy``
    never; files named "busy-at-first" or "cut-at-first" do so at the first try or two."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {}))
    server.daemon_threads = True
    state = Served(f"http://127.0.0.1:{server.server_address[1]}")
    server.RequestHandlerClass.files, server.RequestHandlerClass.state = files, state  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        state.hang.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # as in tests/double/web.py
    files: Mapping[str, bytes]
    state: Served

    def do_GET(self) -> None:
        self.state.asked.append(self.path)
        if self.headers.get("ApiKey") != KEY:
            self._answer(302, b"", {"Location": "/login"})
        elif self.path == "/hangs":
            self.state.hang.wait(60)
            self.close_connection = True
        elif self.path == "/broken":
            self._answer(500, b"")
        elif self.path == "/busy" or (self.path.startswith("/busy-at-first") and self._asked_before() < 2):
            self._answer(503, b"")
        elif self.path not in self.files:
            self._answer(404, b"")
        else:
            self._send_part(self.files[self.path])

    def _asked_before(self) -> int:
        return self.state.asked.count(self.path) - 1

    def _send_part(self, body: bytes) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not wanted:
            self._answer(200, body)
            return
        start, end = int(wanted[1]), min(int(wanted[2] or len(body)), len(body) - 1)
        self._answer(206, body[start : end + 1], {"Content-Range": f"bytes {start}-{end}/{len(body)}"})

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path.startswith("/cut-at-first") and not self._asked_before():
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""
