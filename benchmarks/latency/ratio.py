"""How many times faster one contender is than another: the median over interleaved turns, with its interval.

A single run's medians differ by more than small gains; the turns of one run see the same machine, and their spread
tells how sure the ratio is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .closed_loop import Contender, median_ns, take_turns

_CONFIDENCE = 0.95
_WARM_UP_CALLS = 2


@dataclass(frozen=True)
class Ratio:
    """The time of a reference over that of a contender: above 1, the contender is faster."""

    name: str
    p50_us: float
    """Median of the contender's turns, each of which is the median of its calls."""
    times_faster: float
    """Median over the turns; 1 of the reference itself."""
    low: float
    high: float
    """Distribution-free 95 % interval of that median (order statistics of the turns)."""
    turns: int

    @property
    def faster(self) -> bool:
        """Whether it is measurably faster than the reference."""
        return self.low > 1

    @property
    def slower(self) -> bool:
        """Whether it is measurably slower than the reference."""
        return self.high < 1

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def measure_ratios(contenders: Sequence[Contender], *, turns: int = 21, turn_s: float = 0.01) -> list[Ratio]:
    """Time contenders in turns, and compare each with the first.

    Args:
        contenders: The reference, and what is compared with it.
        turns: Turns of each, 6 or more: fewer have no 95 % interval. The order alternates (ABBA).
        turn_s: About how long the reference's turn lasts; all contenders make as many calls.

    Returns:
        One ratio per contender, in their order.
    """
    low, high = _places_of_interval(turns)
    for contender in contenders:
        for number in range(_WARM_UP_CALLS):
            contender.call(number)
    usual_ns = median_ns(contenders[0].call, 0, _WARM_UP_CALLS, warm_up_calls=1)
    calls = max(1, math.ceil(turn_s * 1e9 / max(1, usual_ns)))
    times = take_turns([contender.call for contender in contenders], each=calls, turns=turns)
    ratios = times[0] / times
    ranked = np.sort(ratios, axis=1)
    return [
        Ratio(
            name=contender.name,
            p50_us=float(np.median(times[index])) / 1000,
            times_faster=float(np.median(ratios[index])),
            low=float(ranked[index, low]),
            high=float(ranked[index, high]),
            turns=turns,
        )
        for index, contender in enumerate(contenders)
    ]


def _places_of_interval(turns: int) -> tuple[int, int]:
    """Ranks, from 0, of the turns between which the true median lies with at least 95 % confidence.

    The number of turns below the true median is binomial with probability 1/2.

    Raises:
        ValueError: There are too few turns.
    """
    outside, below = 0.0, 0
    for place in range(turns // 2):
        outside += 2 * math.comb(turns, place) / 2**turns
        if outside > 1 - _CONFIDENCE:
            break
        below = place + 1
    if not below:
        raise ValueError(f"{turns} turns have no interval of {_CONFIDENCE:.0%}; take 6 or more")
    return below - 1, turns - below
