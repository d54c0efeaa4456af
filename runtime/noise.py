"""The noise a generator is fed: a fixed function of (seed, sample index), equal on every machine.

Philox 4x64-10 (Salmon et al., SC'11) from numpy gives the raw bits; its stream is stable across numpy
versions, `Generator.normal` is not. Bits become normals by our own fixed transform, built only from
operations that IEEE 754 rounds exactly, so the same seed gives the same bytes with every numpy, CPU and
operating system. Golden vectors in the tests pin it; changing a number here breaks every seed in use.
"""

from __future__ import annotations

import functools
import math
import threading

import numpy as np
import numpy.typing as npt

ALGORITHM = "philox4x64-10/inverse-normal-1"
"""Name of this transform in manifests and provenance."""

MAX_SEED = 2**64 - 1

# Philox keys are two 64-bit words: the seed, and which stream of that seed.
_NOISE_STREAM, _CONDITION_STREAM = 0, 1
_REDRAW_STREAMS = 2**32  # plus the number of the redraw, from 1; numbers between are left for what may come
_WORDS_PER_BLOCK = 4  # Philox gives four 64-bit words per counter step
_COUNTERS = 2**256

# The inverse normal distribution function is tabulated at float32 numbers that share their sign-less
# exponent and leading mantissa bits, and is linear between them: |error| < 1e-6 standard deviations.
_TABLE_BITS = 8
_SHIFT = np.int32(23 - _TABLE_BITS)
_FRACTION_MASK = np.int32((1 << (23 - _TABLE_BITS)) - 1)
_FRACTION_SCALE = np.float32(2.0 ** (_TABLE_BITS - 23))
_SMALLEST = np.float32(0.5)  # half a step of the 31-bit uniform
_FIRST_CELL = int(_SMALLEST.view(np.int32) >> _SHIFT)

_NUMBERS_AT_ONCE = 2**14  # what is computed on the way stays in the processor's second cache


class _Stream:
    """Raw Philox words of one (seed, stream), by sample index; each sample owns whole counter blocks."""

    def __init__(self, seed: int, stream: int, words_per_sample: int) -> None:
        self._blocks = max(1, math.ceil(words_per_sample / _WORDS_PER_BLOCK))
        self._philox = np.random.Philox(key=np.array([seed, stream], dtype=np.uint64))
        self._next_block = 0
        self._lock = threading.Lock()

    def words(self, first: int, n: int) -> npt.NDArray[np.uint64]:
        """The words [n, blocks * 4] of samples `first` to `first + n - 1`."""
        block = first * self._blocks
        with self._lock:
            if block != self._next_block:
                self._philox.advance((block - self._next_block) % _COUNTERS)
            raw = self._philox.random_raw(n * self._blocks * _WORDS_PER_BLOCK)
            self._next_block = block + n * self._blocks
        return raw.reshape(n, self._blocks * _WORDS_PER_BLOCK)


class NoiseStream:
    """Standard normal noise of one seed, by sample index. Safe to use from several threads.

    Args:
        seed: 0 to 2**64 - 1.
        shape: Shape of one sample's noise.
        redraw: 0 for the noise itself; k for the noise of samples that are drawn anew for the k-th time.
    """

    def __init__(self, seed: int, shape: tuple[int, ...], redraw: int = 0) -> None:
        self.seed = seed
        self._shape = shape
        self._size = math.prod(shape)
        stream = _REDRAW_STREAMS + redraw if redraw else _NOISE_STREAM
        self._stream = _Stream(seed, stream, math.ceil(self._size / 2))

    def take(self, first: int, n: int) -> npt.NDArray[np.float32]:
        """Noise [n, *shape] of samples `first` to `first + n - 1`; |value| < 6.4."""
        part = max(1, _NUMBERS_AT_ONCE // max(1, self._size))
        if n <= part:
            return self._some(first, n).reshape(n, *self._shape)
        noise = np.empty((n, self._size), dtype=np.float32)
        for start in range(0, n, part):
            stop = min(start + part, n)
            noise[start:stop] = self._some(first + start, stop - start)
        return noise.reshape(n, *self._shape)

    def _some(self, first: int, n: int) -> npt.NDArray[np.float32]:
        halves = self._stream.words(first, n).astype("<u8", copy=False).view("<u4")
        return normals_from_bits(halves[:, : self._size])


class UniformStream:
    """Uniform numbers in [0, 1) of one seed, by sample index; a stream apart from the noise.

    Args:
        seed: 0 to 2**64 - 1.
        size: Numbers a sample.
    """

    def __init__(self, seed: int, size: int) -> None:
        self._size = size
        self._stream = _Stream(seed, _CONDITION_STREAM, size)

    def take(self, first: int, n: int) -> npt.NDArray[np.float64]:
        """Uniform numbers [n, size] of samples `first` to `first + n - 1`."""
        words = self._stream.words(first, n)[:, : self._size]
        return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normals_from_bits(bits: npt.NDArray[np.uint32]) -> npt.NDArray[np.float32]:
    """Map 32 random bits each to a standard normal number.

    The top bit is the sign; the other 31 give the tail probability p = (m + 0.5) / 2**32 in (0, 0.5),
    and the magnitude is minus the normal quantile of p.
    """
    magnitude_bits = bits & np.uint32(0x7FFFFFFF)
    # int32 converts to float32 several times faster than uint32 does; the value fits either way.
    scaled = magnitude_bits.view(np.int32).astype(np.float32)
    scaled += _SMALLEST
    pattern = scaled.view(np.int32)
    cells = _quantile_table().take(pattern >> _SHIFT)
    pattern &= _FRACTION_MASK
    result = pattern.astype(np.float32)
    result *= cells.imag
    result += cells.real
    # The magnitude is never negative, so the sign bit can be set directly.
    sign_and_magnitude = result.view(np.uint32)
    sign_and_magnitude |= bits & np.uint32(0x80000000)
    return result


@functools.cache
def _quantile_table() -> npt.NDArray[np.complex64]:
    """Per cell of the float32 numbers from 0.5 to 2**31: the value at its start, and the slope to its end.

    They are the two halves of one complex number, so that one look-up finds both. A number's leading bits are its
    cell's place, so the places of what is below 0.5 are there too, and never read.
    """
    cells = (32 << _TABLE_BITS) + 2  # 32 octaves; m + 0.5 may round up to 2**31, the start of one more cell
    patterns = (np.arange(cells, dtype=np.int32) + np.int32(_FIRST_CELL)) << _SHIFT
    p = patterns.view(np.float32).astype(np.float64) * 2.0**-32
    magnitude = -_normal_quantile(np.minimum(p, 0.5))
    values = np.maximum(magnitude, 0.0).astype(np.float32)
    table = np.zeros(_FIRST_CELL + cells - 1, dtype=np.complex64)
    table.real[_FIRST_CELL:] = values[:-1]
    # Scaled by a power of two, which rounds nothing: the fraction need not be.
    table.imag[_FIRST_CELL:] = (values[1:] - values[:-1]) * _FRACTION_SCALE
    return table


def _normal_quantile(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Quantile of the standard normal for 0 < p <= 0.5: algorithm AS 241, PPND16 (Wichura 1988)."""
    q = p - 0.5
    central = q * _ratio(0.180625 - q * q, _CENTRAL)
    r = np.sqrt(-_natural_log(p))
    tail = -np.where(r <= 5.0, _ratio(r - 1.6, _TAIL), _ratio(r - 5.0, _FAR_TAIL))
    return np.where(np.abs(q) <= 0.425, central, tail)


def _natural_log(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Natural logarithm from exactly rounded operations only; `np.log` differs in the last bit by CPU."""
    mantissa, exponent = np.frexp(x)
    low = mantissa < 0.7071067811865476
    mantissa = np.where(low, 2.0 * mantissa, mantissa)
    exponent = exponent - low
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    square = ratio * ratio
    series = np.zeros_like(x)
    for odd in range(23, 0, -2):  # atanh series; |ratio| < 0.172, so the rest is below 1e-18
        series = series * square + 1.0 / odd
    return exponent * 0.6931471805599453 + 2.0 * ratio * series


_Coefficients = tuple[tuple[float, ...], tuple[float, ...]]


def _ratio(x: npt.NDArray[np.float64], coefficients: _Coefficients) -> npt.NDArray[np.float64]:
    numerator, denominator = (np.zeros_like(x), np.zeros_like(x))
    for a, b in zip(*coefficients, strict=True):
        numerator = numerator * x + a
        denominator = denominator * x + b
    return numerator / denominator


# Coefficients of PPND16, highest power first: numerator, denominator.
_CENTRAL: _Coefficients = (
    (
        2.5090809287301226727e3,
        3.3430575583588128105e4,
        6.7265770927008700853e4,
        4.5921953931549871457e4,
        1.3731693765509461125e4,
        1.9715909503065514427e3,
        1.3314166789178437745e2,
        3.3871328727963666080e0,
    ),
    (
        5.2264952788528545610e3,
        2.8729085735721942674e4,
        3.9307895800092710610e4,
        2.1213794301586595867e4,
        5.3941960214247511077e3,
        6.8718700749205790830e2,
        4.2313330701600911252e1,
        1.0,
    ),
)
_TAIL: _Coefficients = (
    (
        7.74545014278341407640e-4,
        2.27238449892691845833e-2,
        2.41780725177450611770e-1,
        1.27045825245236838258e0,
        3.64784832476320460504e0,
        5.76949722146069140550e0,
        4.63033784615654529590e0,
        1.42343711074968357734e0,
    ),
    (
        1.05075007164441684324e-9,
        5.47593808499534494600e-4,
        1.51986665636164571966e-2,
        1.48103976427480074590e-1,
        6.89767334985100004550e-1,
        1.67638483018380384940e0,
        2.05319162663775882187e0,
        1.0,
    ),
)
_FAR_TAIL: _Coefficients = (
    (
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        1.24266094738807843860e-3,
        2.65321895265761230930e-2,
        2.96560571828504891230e-1,
        1.78482653991729133580e0,
        5.46378491116411436990e0,
        6.65790464350110377720e0,
    ),
    (
        2.04426310338993978564e-15,
        1.42151175831644588870e-7,
        1.84631831751005468180e-5,
        7.86869131145613259100e-4,
        1.48753612908506148525e-2,
        1.36929880922735805310e-1,
        5.99832206555887937690e-1,
        1.0,
    ),
)
