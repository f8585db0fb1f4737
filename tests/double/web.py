"""The double's HTTP: GraphQL, media with ranges, login rules and faults."""

from __future__ import annotations

import json
import re
import ssl
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.double import graph
from tests.double.data import StoredFile

if TYPE_CHECKING:
    from tests.double.server import Session, StashDouble

_PORTRAIT = re.compile(r"/performer/(\d+)/image$")
_MEDIA = re.compile(r"/(image|scene)/(\d+)/(image|thumbnail|stream|screenshot|vtt/sprite|vtt/thumbs)$")


class WebServer:
    """Serves the double on a free port of the loopback."""

    def __init__(self, double: StashDouble, certificate: Path | None) -> None:
        handler = type("Handler", (_Handler,), {"double": double})
        self._server = _Threading(("127.0.0.1", 0), handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Threading(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, or doesn't trust the certificate, is none of the test's business."""


class _Handler(BaseHTTPRequestHandler):
    double: StashDouble
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # A head and a body are two sends; the second would wait 40 ms for the first.

    def log_message(self, format: str, *args: Any) -> None:
        """Silence: tests look at ``double.requests``."""

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self._path()
        if path != "/graphql":
            return self._send(404, b"404 page not found")
        session = self._session(path)
        if session is None:
            return None
        request = json.loads(content)
        text, variables = request["query"], request.get("variables") or {}
        self.double.note_request(text, variables, self.headers)
        fault = self.double.take_fault(text)
        if fault and fault.kind == "delay":
            time.sleep(fault.delay_s)
        if fault and fault.kind == "error500":
            return self._send(500, b"internal system error")
        if fault and fault.kind == "drop_before":
            return self._drop()
        if fault and fault.kind == "refuse":
            refusal = {"data": None, "errors": [{"message": fault.message, "path": ["found"]}]}
            return self._send(200, json.dumps(refusal).encode(), "application/graphql-response+json")
        status, body = graph.answer(self.double, session, text, variables)
        if fault and fault.kind == "drop_after":
            return self._drop()
        return self._send(status, json.dumps(body).encode(), "application/graphql-response+json")

    def do_GET(self) -> None:
        path = self._path()
        if self._session(path) is None:
            return
        self.double.note_media(path)
        match = _MEDIA.match(path)
        found = self.double.media("scene" if match[1] == "scene" else "image", match[2], match[3]) if match else None
        if portrait := _PORTRAIT.match(path):
            found = self.double.portrait(portrait[1])
        if found is None:
            self._send(404, b"404 page not found")
            return
        content = found if isinstance(found, bytes) else _read(found)
        if content is None:
            self._send(500, b"file does not exist")
            return
        self._send_range(content)

    def _path(self) -> str:
        """Below the sub-path; a proxy in front of Stash takes that away."""
        path = urlsplit(self.path).path
        prefix = self.double.sub_path
        if prefix and not path.startswith(f"{prefix}/"):
            return ""
        return path[len(prefix) :]

    def _session(self, path: str) -> Session | None:
        """Who asks; None after it was turned away as Stash does."""
        key = self.headers.get("ApiKey") or ""
        session = self.double.session_of(self.headers.get("Cookie") or "")
        if key:
            if key != self.double.api_key:
                self._turn_away(401)
                return None
            return session.logged_in()
        if self.double.locked and not session.user:
            has_suffix = "." in path.rsplit("/", 1)[-1]
            self._turn_away(401 if path == "/graphql" or has_suffix else 302)
            return None
        return session

    def _turn_away(self, status: int) -> None:
        extra = {"Location": f"{self.double.sub_path}/login"} if status == 302 else {"WWW-Authenticate": "FormBased"}
        self._send(status, b"", **extra)

    def _drop(self) -> None:
        self.close_connection = True

    def _send(self, status: int, content: bytes, content_type: str = "text/plain", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _send_range(self, content: bytes) -> None:
        match = re.match(r"bytes=(\d+)-(\d*)$", self.headers.get("Range") or "")
        if not match:
            self._send(200, content, "application/octet-stream", **{"Accept-Ranges": "bytes"})
            return
        start = int(match[1])
        end = min(int(match[2]) if match[2] else len(content) - 1, len(content) - 1)
        if start > end:
            self._send(416, b"")
            return
        span = {"Content-Range": f"bytes {start}-{end}/{len(content)}", "Accept-Ranges": "bytes"}
        self._send(206, content[start : end + 1], "application/octet-stream", **span)


def _read(file: StoredFile) -> bytes | None:
    try:
        if file.zip_path:
            with zipfile.ZipFile(file.zip_path) as archive:
                return archive.read(file.path.removeprefix(file.zip_path).lstrip("/\\"))
        return Path(file.path).read_bytes()
    except (OSError, KeyError):
        return None
