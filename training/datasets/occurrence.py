"""How often the values of a condition occur: what a generator draws where a user leaves the condition open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ...runtime.schema import ClassCondition, Condition, NumberCondition

_QUANTILES = 21
_STEPS_OF_RANGE = 1000.0
"""Quantiles are rounded to about this share of their range: no record can be read off them."""
_EQUAL = 1e-9
"""Of the range a number may have: what differs by less is noise of the arithmetic, and its steps cannot be written."""


def as_they_occur(
    conditions: Sequence[Condition], columns: Mapping[str, npt.NDArray[np.float64]]
) -> tuple[Condition, ...]:
    """The conditions with shares, ranges and quantiles as in these columns [n] of the train split, all rounded.

    A number's range becomes what occurs, within the range it has; where all are as good as equal it stays as it is.
    """
    return tuple(
        replace(condition, shares=_shares(columns[condition.name], len(condition.values)))
        if isinstance(condition, ClassCondition)
        else _as_it_occurs(condition, columns[condition.name])
        for condition in conditions
    )


def _shares(indices: npt.NDArray[np.float64], values: int) -> tuple[float, ...]:
    """Rounded to thousandths that sum to 1, by the largest remainders."""
    thousandths = 1000.0 * np.bincount(indices.astype(np.intp), minlength=values) / len(indices)
    whole = np.floor(thousandths)
    short = round(1000.0 - whole.sum())
    whole[np.argsort(whole - thousandths, kind="stable")[:short]] += 1.0
    return tuple((whole / 1000.0).tolist())


def _as_it_occurs(condition: NumberCondition, values: npt.NDArray[np.float64]) -> NumberCondition:
    inside = values.clip(condition.minimum, condition.maximum)
    if inside.max() - inside.min() <= _EQUAL * (condition.maximum - condition.minimum):
        return condition
    step = 10.0 ** np.ceil(np.log10((inside.max() - inside.min()) / _STEPS_OF_RANGE))
    decimals = max(0, -round(np.log10(step)))
    lowest = max(condition.minimum, round(float(np.floor(inside.min() / step) * step), decimals))
    highest = min(condition.maximum, round(float(np.ceil(inside.max() / step) * step), decimals))
    between = np.quantile(inside, np.linspace(0.0, 1.0, _QUANTILES)[1:-1])
    rounded = np.round(np.rint(between / step) * step, decimals).clip(lowest, highest)
    return replace(condition, minimum=lowest, maximum=highest, quantiles=(lowest, *rounded.tolist(), highest))
