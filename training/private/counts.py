"""How often classes occur, with noise: what a private generator draws where a user leaves the class open."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ...runtime.schema import ClassCondition, Condition

_EFFORT = 30.0
"""Noise multiplier of the counts, times epsilon: they cost about a hundredth of the noise of the steps."""
_FEWEST = 0.5
"""Count below which a class is not taken to be, whatever the noise says: all can be drawn."""


def counts_noise_multiplier(conditions: Sequence[Condition], epsilon: float) -> float | None:
    """Standard deviation of the noise in units of what one patient can change; None where nothing is counted."""
    return _EFFORT / epsilon if _counted(conditions) else None


def with_private_shares(
    conditions: Sequence[Condition],
    columns: Mapping[str, npt.NDArray[np.float64]],
    rows: npt.NDArray[np.intp],
    noise_multiplier: float,
    rng: np.random.Generator,
) -> tuple[Condition, ...]:
    """The conditions, the shares of their classes counted anew under noise.

    Args:
        conditions: Those without shares stay as they are.
        columns: Per condition [n], of the train split.
        rows: Places of the records counted, one of everyone.
        noise_multiplier: Standard deviation in units of the counts' sensitivity.
        rng: Of the noise.
    """
    counted = _counted(conditions)
    # Everyone adds 1 to one count of each condition: the whole vector moves by the root of their number.
    deviation = noise_multiplier * math.sqrt(len(counted))
    found = []
    for condition in conditions:
        if condition in counted and isinstance(condition, ClassCondition):
            counts = np.bincount(columns[condition.name][rows].astype(np.intp), minlength=len(condition.values))
            noised = (counts + deviation * rng.standard_normal(len(counts))).clip(min=_FEWEST)
            condition = replace(condition, shares=tuple((noised / noised.sum()).tolist()))
        found.append(condition)
    return tuple(found)


def _counted(conditions: Sequence[Condition]) -> list[ClassCondition]:
    return [c for c in conditions if isinstance(c, ClassCondition) and c.shares]
