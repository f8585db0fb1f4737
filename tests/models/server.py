"""A mirror over real HTTP that can break off, ignore ranges, or send something else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Mirror:
    """``files`` by path; ``break_after`` bytes the connection ends (once for each entry); ``ranges`` seen."""

    files: dict[str, bytes]
    break_after: list[int] = field(default_factory=list)
    honours_ranges: bool = True
    url: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def serving(mirror: Mirror) -> Iterator[Mirror]:
    """Serve ``mirror`` on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            mirror.seen.append((self.path, wanted))
            whole = mirror.files.get(self.path.lstrip("/"))
            if whole is None:
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and mirror.honours_ranges else 0
            if start >= len(whole) and start:
                self.send_error(416)
                return
            body = whole[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: mirror.break_after.pop(0)] if mirror.break_after else body)

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    mirror.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield mirror
    finally:
        server.shutdown()
        server.server_close()
