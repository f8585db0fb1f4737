"""How the run and its decoding processes talk: JSON behind its length, and raw pixels behind a frame's JSON."""

from __future__ import annotations

import json
import os
import struct
from typing import Any

_LENGTH = struct.Struct("<I")
MOST_BYTES = 16 << 20


class PipeClosedError(Exception):
    """The other side is gone."""


def send(fd: int, message: dict[str, Any], pixels: memoryview | None = None) -> None:
    """One message, whole. Raises PipeClosedError."""
    body = json.dumps(message, separators=(",", ":")).encode()
    _write(fd, memoryview(_LENGTH.pack(len(body)) + body))
    if pixels is not None:
        _write(fd, pixels)


def receive(fd: int) -> dict[str, Any]:
    """The next message. Raises PipeClosedError; the pixels that belong to it are read with :func:`fill`."""
    length = bytearray(_LENGTH.size)
    fill(fd, memoryview(length))
    (size,) = _LENGTH.unpack(length)
    if size > MOST_BYTES:
        raise PipeClosedError
    body = bytearray(size)
    fill(fd, memoryview(body))
    message: dict[str, Any] = json.loads(body)
    return message


def fill(fd: int, into: memoryview) -> None:
    """Read until ``into`` (bytes) is full. Raises PipeClosedError."""
    at = 0
    while at < len(into):
        try:
            got = os.readv(fd, [into[at:]]) if hasattr(os, "readv") else _read(fd, into[at:])
        except OSError:
            got = 0
        if not got:
            raise PipeClosedError
        at += got


def _read(fd: int, into: memoryview) -> int:
    piece = os.read(fd, min(len(into), 1 << 20))
    into[: len(piece)] = piece
    return len(piece)


def _write(fd: int, body: memoryview) -> None:
    at = 0
    while at < len(body):
        try:
            at += os.write(fd, body[at : at + (1 << 20)])
        except OSError:
            raise PipeClosedError from None
