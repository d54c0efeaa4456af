"""Warm up until calls take about the same time, for as long as that takes and no longer than allowed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from .closed_loop import median_ns

WINDOWS = 3
"""Consecutive windows whose medians must agree."""
STEADY = 0.05
"""Within which share of each other."""
_LEAST_S = 0.1
"""A governor takes that long to raise the clock; until then calls can agree and still be slow."""
_WINDOW_S = 0.005
_FEWEST, _MOST = 5, 1000
_SLOW_CALL_S = 0.1


@dataclass(frozen=True)
class WarmUp:
    """What it took."""

    calls: int
    seconds: float
    settled: bool
    """Whether the last windows agreed before the time was up."""
    call_us: float
    """Median call of the last window."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def warm_up(call: Callable[[int], object], first: int, *, most_s: float) -> WarmUp:
    """Call until the medians of three windows agree within five percent.

    Args:
        call: Told its number, from `first` on.
        first: Number of the first call.
        most_s: When to give up, in seconds; the first three windows are made whatever they take.
    """
    began = time.monotonic()
    medians = [median_ns(call, first, 1)]
    calls = 1
    while True:
        size = _window(medians[-1] * 1e-9)
        medians.append(median_ns(call, first + calls, size))
        calls += size
        last = medians[-WINDOWS:]
        seconds = time.monotonic() - began
        agree = len(medians) > WINDOWS and max(last) <= (1 + STEADY) * min(last)
        settled = agree and seconds >= _LEAST_S
        if settled or (len(medians) > WINDOWS and seconds > most_s):
            return WarmUp(calls, seconds, settled, medians[-1] / 1000)


def _window(call_s: float) -> int:
    if call_s > _SLOW_CALL_S:  # five of them would be a long wait, and their medians say no more
        return 1
    return min(_MOST, max(_FEWEST, round(_WINDOW_S / max(call_s, 1e-9))))
