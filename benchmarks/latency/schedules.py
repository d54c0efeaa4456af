"""Calls that do not follow each other at once: with a pause between them, or when a schedule says so.

In a closed loop a stall delays the next call, and so hides how many users would have waited (coordinated omission).
Here calls are due at times fixed beforehand, and the response counts from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

_LEAD_NS = 1_000_000
"""Between setting up and the first call that is due."""


def periodic(rate_hz: float, calls: int) -> IntArray:
    """When each call is due, in nanoseconds from the first: one every 1/rate seconds, without drift."""
    return np.asarray(np.rint(np.arange(calls) * (1e9 / rate_hz)).astype(np.int64))


def poisson(rate_hz: float, calls: int, seed: int | Sequence[int]) -> IntArray:
    """When each call is due, in nanoseconds from the first: independent arrivals, as of many users."""
    gaps = np.random.default_rng(seed).exponential(1e9 / rate_hz, calls)
    return np.asarray(np.rint(np.cumsum(gaps) - gaps[0]).astype(np.int64)) if calls else np.zeros(0, np.int64)


def open_loop(call: Callable[[int], object], first: int, due_ns: IntArray) -> tuple[IntArray, IntArray]:
    """Call when it is due, or at once where that has passed.

    Args:
        call: Told its number, from `first` on.
        first: Number of the first call.
        due_ns: When each is due, from the first, ascending.

    Returns:
        Of each call the service time (from its start) and the response time (from when it was due), in nanoseconds.
    """
    service, response = np.zeros(len(due_ns), np.int64), np.zeros(len(due_ns), np.int64)
    clock, sleep = time.perf_counter_ns, time.sleep
    begin = clock() + _LEAD_NS
    for number, offset in enumerate(due_ns.tolist()):
        due = begin + offset
        while (wait := due - clock()) > 0:
            sleep(wait * 1e-9)
        start = clock()
        call(first + number)
        end = clock()
        service[number], response[number] = end - start, end - due
    return service, response


def paced(call: Callable[[int], object], first: int, calls: int, pause_s: float) -> IntArray:
    """Call with a pause before each, as a monitor does that needs a record now and then.

    The processor's caches and clock speed are then not those of a closed loop, and calls take several times longer.

    Returns:
        Of each call the time it took, in nanoseconds.
    """
    times = np.zeros(calls, np.int64)
    clock, sleep = time.perf_counter_ns, time.sleep
    for number in range(calls):
        sleep(pause_s)
        start = clock()
        call(first + number)
        times[number] = clock() - start
    return times
