"""Tiny ONNX graphs, written byte by byte: no dependency, and nothing stored."""

from __future__ import annotations


def _field(number: int, payload: bytes) -> bytes:
    return bytes([number << 3 | 2, len(payload)]) + payload


def one_node(operator: str) -> bytes:
    """A model ``y = operator(x)`` over float tensors of any shape, opset 13."""
    any_floats = _field(1, b"\x08\x01")
    node = _field(1, b"x") + _field(2, b"y") + _field(4, operator.encode())
    ends = [_field(1, name) + _field(2, any_floats) for name in (b"x", b"y")]
    graph = _field(1, node) + _field(2, b"g") + _field(11, ends[0]) + _field(12, ends[1])
    return b"\x08\x07" + _field(7, graph) + _field(8, b"\x0a\x00\x10\x0d")
