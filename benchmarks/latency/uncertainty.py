"""How sure a median is, what an A/A comparison would show, and when two runs differ. No torch, no scipy.

Calls of one process agree with each other far better than processes do: memory lies elsewhere in each. So intervals
are drawn over processes, then their blocks, then calls; and a difference counts only beyond what two runs of the same
code show.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Processes = Sequence[Sequence[IntArray]]
"""Times in nanoseconds: of each process its blocks, of each block its calls."""

FEWEST_PROCESSES = 5
"""Fewer do not tell how much processes differ, and no order of 4 and 4 is rare enough to mean something."""
BETWEEN_RUNS = 0.05
"""Least change between two runs that counts: a machine's speed drifts from one hour to the next, which no run can see
in itself."""
WITHIN_A_RUN = 0.02
"""Likewise of contenders that took turns: the drift was the same for both."""
_ALPHA = 0.008  # just above the p-value of 5 and 5 processes that do not overlap
_FAST_HALF = 25.0
_DRAWS, _FLOOR_DRAWS = 400, 1000
_SEED = 20170608


@dataclass(frozen=True)
class Interval:
    """95 of 100, from a bootstrap over processes, blocks and calls; in microseconds."""

    low_us: float
    high_us: float

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def hierarchical_interval(processes: Processes, percent: float = 50.0) -> Interval | None:
    """The 95 % interval of a percentile; None with one process, which says nothing of others.

    Args:
        processes: At least one block each, at least one call a block.
        percent: Which percentile.
    """
    if len(processes) < 2:
        return None
    rng = np.random.default_rng(_SEED)
    blocks = [block for process in processes for block in process]
    first_block = np.cumsum([0, *(len(process) for process in processes)])
    calls = np.concatenate(blocks)
    order = np.argsort(calls)
    ranked, block_of = calls[order], np.repeat(np.arange(len(blocks)), [len(block) for block in blocks])[order]
    found = np.empty(_DRAWS)
    for draw in range(_DRAWS):
        drawn = [
            first_block[process] + rng.integers(len(processes[process]), size=len(processes[process]))
            for process in rng.integers(len(processes), size=len(processes))
        ]
        times_drawn = np.bincount(np.concatenate(drawn), minlength=len(blocks))
        # How often a call is drawn is nearly Poisson, and counting is quicker than sorting each draw.
        below = np.cumsum(rng.poisson(times_drawn[block_of]))
        place = np.searchsorted(below, below[-1] * percent / 100)
        found[draw] = ranked[min(int(place), len(ranked) - 1)]
    low, high = np.percentile(found, (2.5, 97.5)) / 1000
    return Interval(float(low), float(high))


def process_medians_us(processes: Processes) -> list[float]:
    """The median call of each process, in microseconds: what two runs are compared by."""
    return [float(np.median(np.concatenate(list(blocks)))) / 1000 for blocks in processes]


def aa_floor(medians: Sequence[float]) -> float | None:
    """How far apart two runs of the same code come by chance: a share, such as 0.03, that 99 of 100 pairs stay below.

    Both runs are drawn from the processes that were measured. None below `FEWEST_PROCESSES`.
    """
    if len(medians) < FEWEST_PROCESSES:
        return None
    logs = np.log(np.asarray(medians, dtype=np.float64))
    rng = np.random.default_rng(_SEED)
    drawn = logs[rng.integers(len(logs), size=(2, _FLOOR_DRAWS, len(logs)))]
    apart = np.abs(np.diff(np.median(drawn, axis=2), axis=0))
    # What is drawn from few processes spreads less than what these were drawn from.
    wider = math.sqrt(len(logs) / (len(logs) - 1))
    return math.expm1(wider * float(np.percentile(apart, 99)))


Finding = Literal["faster", "slower", "same", "cannot tell"]
"""`same`: the whole interval lies within the least change that was asked for. That no change was found does not make
it so: where the interval is wider, or processes are too few, it is `cannot tell`."""


@dataclass(frozen=True)
class Difference:
    """What was measured after against what was measured before: times of the same thing."""

    ratio: float
    """Time after over time before, by the medians of the processes' medians: above 1 is slower."""
    low: float | None
    """From here to `high` lie 95 of 100, by a bootstrap over processes; None where one run has too few of them."""
    high: float | None
    p_value: float
    """Of the Mann-Whitney test on the processes' medians, exact where none are equal."""
    floor: float | None
    """The larger A/A floor of the two; None where one has too few processes."""
    least_effect: float
    """What a change must exceed: the floor, and at least what was asked for."""
    finding: Finding

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def difference(before: Sequence[float], after: Sequence[float], *, least_effect: float = BETWEEN_RUNS) -> Difference:
    """Compare two runs by the medians of their processes.

    A change must be rare by the test, have an interval without 1, exceed both the A/A floors and `least_effect`, and
    show in the faster processes too: machines have slow modes that catch some processes of a run and not of another.

    Args:
        before: Of each process its median, positive.
        after: Likewise.
        least_effect: Smallest change that counts, as a share.
    """
    old, new = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    ratio = float(np.median(new) / np.median(old))
    floors = aa_floor(before), aa_floor(after)
    floor = None if floors[0] is None or floors[1] is None else max(floors[0], floors[1])
    least = max(least_effect, floor or 0.0)
    p_value = mann_whitney(old, new)
    if floor is None:
        return Difference(ratio, None, None, p_value, floor, least, "cannot tell")
    low, high = _ratio_interval(old, new)
    of_fast_half = float(np.percentile(new, _FAST_HALF) / np.percentile(old, _FAST_HALF))
    finding: Finding = "cannot tell"
    if p_value < _ALPHA and min(ratio, of_fast_half) > 1 + least and low > 1:
        finding = "slower"
    elif p_value < _ALPHA and max(ratio, of_fast_half) < 1 / (1 + least) and high < 1:
        finding = "faster"
    elif 1 / (1 + least_effect) <= low and high <= 1 + least_effect:
        finding = "same"
    return Difference(ratio, low, high, p_value, floor, least, finding)


def _ratio_interval(old: FloatArray, new: FloatArray) -> tuple[float, float]:
    rng = np.random.default_rng(_SEED)

    def medians(values: FloatArray) -> FloatArray:
        drawn = values[rng.integers(len(values), size=(_FLOOR_DRAWS, len(values)))]
        return np.asarray(np.median(drawn, axis=1))

    low, high = np.percentile(medians(new) / medians(old), (2.5, 97.5))
    return float(low), float(high)


def mann_whitney(one: FloatArray, other: FloatArray) -> float:
    """Two-sided p-value of the Mann-Whitney U test: exact without ties, else by the normal distribution."""
    n, m = len(one), len(other)
    both = np.concatenate([one, other])
    values, inverse, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    u = float(ranks[:n].sum()) - n * (n + 1) / 2
    nearer = min(u, n * m - u)
    if len(values) == n + m:
        return min(1.0, 2 * _share_up_to(round(nearer), n, m))
    ties = float((counts.astype(np.float64) ** 3 - counts).sum())
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    if variance <= 0:
        return 1.0
    z = (n * m / 2 - nearer - 0.5) / math.sqrt(variance)
    return min(1.0, math.erfc(z / math.sqrt(2)))


def _share_up_to(u: int, n: int, m: int) -> float:
    """Share of the orders of `n` and `m` values whose U is at most `u`."""
    return sum(_orders(n, m, value) for value in range(u + 1)) / math.comb(n + m, n)


@functools.cache
def _orders(n: int, m: int, u: int) -> int:
    """In how many orders of `n` and `m` values U is `u`: the largest value belongs to one side or to the other."""
    if u < 0:
        return 0
    if n == 0 or m == 0:
        return int(u == 0)
    return _orders(n - 1, m, u - m) + _orders(n, m - 1, u)
