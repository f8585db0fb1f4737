"""Another embedder for tests: a real one whose space is turned, so that its vectors mean nothing to the first one's.

An ONNX file is a protobuf message, and two such messages written one after the other are one that holds both: so a
multiplication by a matrix is appended to a model's graph, byte by byte, without any package for it.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def _field(number: int, payload: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def rotation(dimensions: int, seed: int = 1) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """A turn (d, d) at random: lengths and cosines within a space stay, those between two spaces are chance."""
    turn, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((dimensions, dimensions)))
    return turn.astype(np.float32)


def turned(weights: bytes, output: str, dimensions: int) -> bytes:
    """The same model with one output more, ``turned``: the vectors of ``output``, turned."""
    matrix = rotation(dimensions)
    tensor = _number(1, dimensions) + _number(1, dimensions) + _number(2, 1)
    tensor += _field(8, b"turn") + _field(9, matrix.tobytes())
    node = _field(1, output.encode()) + _field(1, b"turn") + _field(2, b"turned") + _field(4, b"MatMul")
    floats = _field(1, _number(1, 1))
    graph = _field(1, node) + _field(5, tensor) + _field(12, _field(1, b"turned") + _field(2, floats))
    return weights + _field(7, graph)


def add_another_embedder(models: Path, yaml: Path, weights: Path) -> None:
    """A model ``another`` of a user's own in the folder ``models``: the embedder of this ``yaml``, turned."""
    models.mkdir(exist_ok=True)
    (models / "another.onnx").write_bytes(turned(weights.read_bytes(), "output0", 128))
    text = yaml.read_text("utf-8").replace("outputs: {vector: output0}", "outputs: {vector: turned}")
    text = re.sub(r"^name: .*", "name: another", text, count=1)
    text = re.sub(r"\nfiles:\n(?:  .*\n)*", "\nfiles:\n  - path: another.onnx\n", text)
    (models / "another.yaml").write_text(re.sub(r"\npresets: .*", "", text), "utf-8")
