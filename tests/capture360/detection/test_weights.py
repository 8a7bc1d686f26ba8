"""Weights below the smallest number of full precision are set to zero, and nothing else changes."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from capture360.detection.weights import without_subnormals

SUBNORMAL, SMALLEST = 1e-39, 1.1754944e-38
FLOAT32, INT32 = 1, 6


def field(number: int, content: bytes) -> bytes:
    """A field of bytes shorter than 128."""
    return bytes([number << 3 | 2, len(content)]) + content


def tensor(data_type: int, raw: bytes) -> bytes:
    """A TensorProto of three values, with its name, written in the order of no exporter in particular."""
    return bytes([1 << 3, 3]) + field(9, raw) + field(8, b"weights") + bytes([2 << 3, data_type])


def model(*tensors: bytes) -> bytes:
    """A ModelProto with a version, fields of fixed width, and a graph of weights."""
    graph = field(2, b"graph") + b"".join(field(5, each) for each in tensors)
    return bytes([1 << 3, 8]) + bytes([15 << 3 | 1]) + bytes(8) + bytes([14 << 3 | 5]) + bytes(4) + field(7, graph)


def test_only_subnormal_weights_become_zero() -> None:
    raw = struct.pack("<3f", SUBNORMAL, -SUBNORMAL, SMALLEST)
    integers = np.array([1, 2, 3], dtype="<i4").tobytes()
    changed = without_subnormals(model(tensor(FLOAT32, raw), tensor(INT32, integers)))
    assert changed == model(tensor(FLOAT32, struct.pack("<3f", 0, 0, SMALLEST)), tensor(INT32, integers))


@pytest.mark.parametrize("damaged", [model(tensor(FLOAT32, bytes(12)))[:-1], b"\x80", b"\x07"])
def test_what_is_no_model_is_refused(damaged: bytes) -> None:
    with pytest.raises(ValueError, match="model"):
        without_subnormals(damaged)
