"""Closed-loop latency: each call starts when the last one ended.

Contenders take turns in short blocks, so that a machine that speeds up or slows down does so for all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from .percentiles import fewest_calls

_T = TypeVar("_T")

_WARM_UP_CALLS = 3
_FIRST_WARM_UP_S = 0.2


@dataclass(frozen=True)
class Contender:
    """One way to make a sample. Its inputs must vary from call to call."""

    name: str
    call: Callable[[int], object]
    """Called with the number of the call; what it returns is thrown away."""


@dataclass(frozen=True)
class Latency:
    """Distribution of the time of one call, over all blocks of one contender."""

    name: str
    n: int
    """Calls measured; warm-up calls come on top."""
    p50_us: float | None
    """None where `n` is too small for the percentile."""
    p90_us: float | None
    p99_us: float | None
    min_us: float
    cpu_share: float
    """CPU time of the process over elapsed time; well below 1, other programs took the processor."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def measure(
    contenders: Sequence[Contender],
    *,
    calls: int = 2000,
    block: int = 50,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Latency]:
    """Time every contender `calls` times, in interleaved blocks whose order alternates (ABBA).

    Args:
        contenders: What to compare; each is warmed up first, and shortly before each block.
        calls: Measured calls of each, 1 or more.
        block: Calls in a row of one contender; the last block is shorter where they do not divide evenly.
        on_progress: Called with (blocks done, blocks) after each round.

    Returns:
        One distribution per contender, in their order, over the raw times of all calls.
    """
    for contender in contenders:
        end = time.monotonic() + _FIRST_WARM_UP_S
        number = 0
        while number < _WARM_UP_CALLS or time.monotonic() < end:
            contender.call(number)
            number += 1
    blocks = range(0, calls, block)
    times = np.zeros((len(contenders), calls), dtype=np.int64)
    cpu = np.zeros(len(contenders))
    for turn, first in enumerate(blocks):
        for index in alternating(range(len(contenders)), turn):
            cpu[index] += time_block(contenders[index].call, first, times[index, first : first + block])
        if on_progress:
            on_progress(turn + 1, len(blocks))
    return [
        _summary(contender.name, samples, cpu_s)
        for contender, samples, cpu_s in zip(contenders, times, cpu, strict=True)
    ]


def time_block(
    call: Callable[[int], object],
    first: int,
    times: npt.NDArray[np.int64],
    *,
    warm_up_calls: int = _WARM_UP_CALLS,
    clock: Callable[[], int] | None = None,
) -> float:
    """Fill `times` with one block of calls, in nanoseconds.

    Args:
        call: Told its number, from `first` on; the calls that warm up begin there too.
        first: Number of the first call.
        times: Of each call; filled.
        warm_up_calls: Made before, and not timed.
        clock: In nanoseconds; None: of elapsed time.

    Returns:
        The processor time in seconds that the timed calls took.
    """
    for number in range(first, first + warm_up_calls):
        call(number)
    clock = clock or time.perf_counter_ns
    cpu_before = time.process_time()
    for number in range(len(times)):
        start = clock()
        call(first + number)
        times[number] = clock() - start
    return time.process_time() - cpu_before


def median_ns(
    call: Callable[[int], object],
    first: int,
    calls: int,
    *,
    warm_up_calls: int = 0,
    clock: Callable[[], int] | None = None,
) -> float:
    """Median nanoseconds of one block of calls; arguments as of `time_block`."""
    times = np.zeros(calls, dtype=np.int64)
    time_block(call, first, times, warm_up_calls=warm_up_calls, clock=clock)
    return float(np.median(times))


def take_turns(
    calls: Sequence[Callable[[int], object]], *, each: int, turns: int, clock: Callable[[], int] | None = None
) -> npt.NDArray[np.float64]:
    """Median nanoseconds of a call [contender, turn], of `each` calls a turn after one that warms up.

    The order alternates; call numbers go on from turn to turn.
    """
    times = np.zeros((len(calls), turns))
    for turn in range(turns):
        for index in alternating(range(len(calls)), turn):
            times[index, turn] = median_ns(calls[index], turn * each, each, warm_up_calls=1, clock=clock)
    return times


def alternating(contenders: Sequence[_T], turn: int) -> Sequence[_T]:
    """In which order they take this turn: forward, then backward (ABBA), so that none always follows the same one."""
    return contenders if turn % 2 == 0 else contenders[::-1]


def _summary(name: str, samples: npt.NDArray[np.int64], cpu_s: float) -> Latency:
    def percentile(p: int) -> float | None:
        return float(np.percentile(samples, p)) / 1000 if len(samples) >= fewest_calls(p) else None

    return Latency(
        name=name,
        n=len(samples),
        p50_us=percentile(50),
        p90_us=percentile(90),
        p99_us=percentile(99),
        min_us=float(samples.min()) / 1000,
        cpu_share=cpu_s / (float(samples.sum()) * 1e-9),
    )
