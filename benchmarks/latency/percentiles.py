"""Percentiles that a number of calls can carry, each with an exact upper bound. No torch, no scipy.

How many calls lie above the true percentile is binomial, whatever their distribution. MLPerf LoadGen's early stopping
rests on the same sum; its minimum counts (64 for p90, 662 for p99, 6,636 for p99.9) are reproduced here.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.99
"""Of the upper bounds."""
SHOWN = (50.0, 90.0, 95.0, 99.0, 99.9)
"""The percentiles of a report."""
_EXCEEDING = 1  # MLPerf lets one call lie above the bound at least: a bound that is the maximum says little


@dataclass(frozen=True)
class Percentile:
    """One percentile of a distribution of times, or the reason why it is not told."""

    percent: float
    value_us: float | None
    """None where `n` is too small."""
    upper_us: float | None
    """The true percentile is at most this in 99 of 100 runs, if calls are independent of each other."""
    n: int
    needs: int
    """Fewest calls that carry it."""
    reason: str | None = None
    """Why there is no value; None where there is one."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        told = {"value_us": self.value_us, "upper_us": self.upper_us, "n": self.n}
        return told if self.reason is None else {**told, "needs": self.needs, "reason": self.reason}


def binomial_cdf(at_most: int, n: int, probability: float) -> float:
    """P(Binomial(n, probability) <= at_most), for a probability between 0 and 1.

    Summed from logarithms, so that no term under- or overflows.
    """
    if at_most >= n:
        return 1.0
    hit, missed = math.log(probability), math.log1p(-probability)
    logs = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * hit + (n - k) * missed
        for k in range(at_most + 1)
    ]
    largest = max(logs)
    return min(1.0, math.exp(largest) * math.fsum(math.exp(log - largest) for log in logs))


@functools.cache
def fewest_calls(percent: float, exceeding: int = _EXCEEDING) -> int:
    """Fewest calls of which `exceeding` may lie above a bound that holds for this percentile with 99 % confidence."""
    above = 1 - percent / 100
    low, high = exceeding, exceeding + 1  # not enough, perhaps enough
    while binomial_cdf(exceeding, high, above) > 1 - CONFIDENCE:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        enough = binomial_cdf(exceeding, middle, above) <= 1 - CONFIDENCE
        low, high = (low, middle) if enough else (middle, high)
    return high


def calls_above_bound(n: int, percent: float) -> int | None:
    """How many of `n` calls may lie above the upper bound of this percentile; None where even the largest is none."""
    above = 1 - percent / 100
    hit, missed = math.log(above), math.log1p(-above)
    total = 0.0
    for count in range(n + 1):
        log = math.lgamma(n + 1) - math.lgamma(count + 1) - math.lgamma(n - count + 1)
        total += math.exp(log + count * hit + (n - count) * missed)
        if total > 1 - CONFIDENCE:
            return count - 1 if count else None
    return None


def percentile_of(ranked_ns: npt.NDArray[np.int64], percent: float) -> Percentile:
    """One percentile of times in nanoseconds that are sorted already."""
    n, needs = len(ranked_ns), fewest_calls(percent)
    if n < needs:
        return Percentile(percent, None, None, n, needs, f"{n:,} calls do not carry p{percent:g}; it needs {needs:,}")
    above = calls_above_bound(n, percent)
    assert above is not None  # noqa: S101 - there are more calls than the bound needs
    return Percentile(
        percent, float(np.percentile(ranked_ns, percent)) / 1000, float(ranked_ns[n - above - 1]) / 1000, n, needs
    )


def percentiles_of(times_ns: npt.NDArray[np.int64], percents: Sequence[float] = SHOWN) -> dict[str, Percentile]:
    """Percentiles of times in nanoseconds, by name, such as `p99.9`."""
    ranked = np.sort(times_ns)
    return {f"p{percent:g}": percentile_of(ranked, percent) for percent in percents}
