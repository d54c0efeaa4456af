"""How fast this machine multiplies matrices and copies memory: a short test with the engine that generates.

Times are processor times, so that other programs do not count. The graphs are written by hand, so that a thin install
needs no package onnx for them.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...runtime.backends import Options
from ...runtime.backends.onnxruntime import inference_session

PRODUCT = 512
"""Side of the matrices: large enough that starting an operator costs nothing, small enough for the caches."""

_TIMED_S = 0.06
_FEWEST_CALLS, _MOST_CALLS = 9, 1000
_REPEATS = 5
_COPIED_BYTES = 64 * 2**20
_LARGE_COPIED_BYTES = 256 * 2**20
_COPIES = 7

# Numbers of fields and types as in onnx.proto.
_FLOAT, _UINT8, _INT8, _INT32 = 1, 2, 3, 6
_IR_VERSION, _OPSET = 9, 18


@dataclass(frozen=True)
class Speed:
    """One figure, measured several times."""

    best: float
    """The highest: what disturbs only makes slower."""
    median: float
    method: str
    """In words, for the note of a profile."""


def product_speed(*, int8: bool, cores: int = 1) -> Speed:
    """Operations a second of large products of matrices, in units of 1e9; multiply and add count as two.

    Args:
        int8: Unsigned by signed bytes, added up in 32 bits, instead of float.
        cores: That work at once, each on products of its own.
    """
    rng, side = np.random.default_rng(1), PRODUCT
    left = rng.integers(0, 9, (side, side)).astype(np.uint8 if int8 else np.float32)
    model = product_graph(int8=int8)
    rates = _summed(cores, _REPEATS, lambda _: 2e-3 * side**3 / call_us(model, {"left": left}))
    return _speed(rates, f"products of {side} x {side} by onnxruntime")


def copy_speed(cores: int, last_cache_bytes: int | None, memory_bytes: int | None) -> Speed:
    """GB a second, read and written, of copying memory that no cache should hold.

    Args:
        cores: That copy at once, each a part of its own.
        last_cache_bytes: That the copied memory should exceed several times; None: not known.
        memory_bytes: Of the machine, of which a quarter is used at most; None: not known.
    """
    wanted = min(max(_COPIED_BYTES, 4 * (last_cache_bytes or 0)), _LARGE_COPIED_BYTES)
    size = min(wanted, (memory_bytes or 8 * wanted) // 8) // cores
    pairs = [(np.zeros(size // 8), np.ones(size // 8)) for _ in range(cores)]
    clock = _clock()

    def copied(number: int) -> float:
        target, source = pairs[number]
        began = clock()
        np.copyto(target, source)
        return 2 * source.nbytes / (clock() - began)

    rates = _summed(cores, _COPIES, copied)
    cached = ", of which the last cache may hold a part" if size * cores < (last_cache_bytes or 0) else ""
    return _speed(rates, f"numpy copies {size * cores >> 20} MiB, read plus written{cached}")


def _summed(cores: int, repeats: int, rate: Callable[[int], float]) -> list[float]:
    """Rates of all cores together, of each repeat."""
    with ThreadPoolExecutor(cores) as pool:
        return [sum(pool.map(rate, range(cores))) for _ in range(repeats)]


def _speed(rates: Sequence[float], method: str) -> Speed:
    return Speed(max(rates), float(np.median(rates)), f"{method}, best of {len(rates)}")


def call_us(model: bytes, feeds: dict[str, npt.NDArray[Any]]) -> float:
    """Median microseconds of a call on one thread, by the processor time it took: other programs do not count."""
    session = inference_session(model, Options())
    clock = _clock()
    times: list[int] = []
    for _ in range(3):
        session.run(None, feeds)
    end = time.monotonic() + _TIMED_S
    while len(times) < _FEWEST_CALLS or (len(times) < _MOST_CALLS and time.monotonic() < end):
        start = clock()
        session.run(None, feeds)
        times.append(clock() - start)
    return float(np.median(times)) / 1000


def _clock() -> Callable[[], int]:
    fine = time.get_clock_info("thread_time").resolution <= 1e-6 and platform.system() != "Windows"
    return time.thread_time_ns if fine else time.perf_counter_ns


def product_graph(*, int8: bool) -> bytes:
    """ONNX: the product of an input `left` with a constant matrix, both square."""
    right = np.random.default_rng(2).integers(-9, 9, (PRODUCT, PRODUCT)).astype(np.int8 if int8 else np.float32)
    element, result = (_UINT8, _INT32) if int8 else (_FLOAT, _FLOAT)
    shape = [PRODUCT, PRODUCT]
    node = _text(1, "left") + _text(1, "right") + _text(2, "product") + _text(4, "MatMulInteger" if int8 else "MatMul")
    constant = b"".join(_number(1, size) for size in shape)
    constant += _number(2, _INT8 if int8 else _FLOAT) + _text(8, "right") + _bytes(9, right.tobytes())
    graph = _bytes(1, node) + _text(2, "product") + _bytes(5, constant)
    graph += _bytes(11, _value("left", element, shape)) + _bytes(12, _value("product", result, shape))
    return _number(1, _IR_VERSION) + _bytes(7, graph) + _bytes(8, _text(1, "") + _number(2, _OPSET))


def _value(name: str, element: int, shape: Sequence[int]) -> bytes:
    """A ValueInfoProto: name, type, and a TensorShapeProto of plain sizes."""
    sizes = b"".join(_bytes(1, _number(1, size)) for size in shape)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, element) + _bytes(2, sizes)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    """Protobuf's whole numbers: seven bits a byte, the low ones first; the high bit tells that more follow."""
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
