"""From what a user asks for (`beat_class=V`) to the condition vectors a graph takes, and back.

Layout of the vector, in the order of the schema's conditions: a class takes one one-hot column per value,
a number takes one column in its physical unit. A condition that is left open is drawn per sample, from the
seed: uniformly from its domain, or as the schema says it occurs; sample i of a seed is the same whatever the batch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from .errors import RequestError
from .noise import UniformStream
from .schema import ClassCondition, Condition, NumberCondition, Schema

ConditionValue = str | float
"""What a user fixes a condition to: a class name, or a number in the condition's unit."""

ConditionColumns = Mapping[str, npt.NDArray[np.float64]]
"""Per condition one value a sample: the class's index for a class, the quantity for a number."""


def check_request(schema: Schema, request: Mapping[str, ConditionValue]) -> dict[str, float]:
    """Turn the wanted conditions into column values (class index, or number), checking each.

    Raises:
        RequestError: A name is unknown, a class is unknown, or a number is out of its range.
    """
    if not isinstance(request, Mapping):
        raise RequestError(f"conditions are given by name, such as {{'beat_class': 'V'}}, not as {request!r}")
    known = {condition.name: condition for condition in schema.conditions}
    checked: dict[str, float] = {}
    for name, value in request.items():
        if name not in known:
            offered = ", ".join(known) or "none"
            raise RequestError(f"there is no condition {name!r}; this generator's conditions: {offered}")
        checked[name] = _checked_value(known[name], value)
    return checked


def _checked_value(condition: Condition, value: ConditionValue) -> float:
    if isinstance(condition, ClassCondition):
        if not isinstance(value, str) or value not in condition.values:
            raise RequestError(f"{condition.name}={value} is not possible; give {condition.describe()}")
        return float(condition.values.index(value))
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not condition.minimum <= number <= condition.maximum:  # false for NaN too
        raise RequestError(f"{condition.name}={value} is not possible; give {condition.describe()}")
    return number


def draw_columns(
    conditions: Sequence[Condition], fixed: Mapping[str, float], seed: int, first: int, n: int
) -> dict[str, npt.NDArray[np.float64]]:
    """Column values of samples `first` to `first + n - 1`: the fixed ones, and the open ones drawn.

    Returns:
        For every condition an array [n]: the class's index, or the number in its unit.
    """
    columns: dict[str, npt.NDArray[np.float64]] = {}
    open_conditions = [condition for condition in conditions if condition.name not in fixed]
    uniforms = UniformStream(seed, len(conditions)).take(first, n) if open_conditions else None
    for position, condition in enumerate(conditions):
        if condition.name in fixed:
            columns[condition.name] = np.full(n, fixed[condition.name])
            continue
        assert uniforms is not None  # noqa: S101 - drawn above exactly when a condition is open
        uniform = uniforms[:, position]
        columns[condition.name] = _drawn(condition, uniform)
    return columns


def _drawn(condition: Condition, uniform: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Column values for uniform numbers [n] from 0 to below 1."""
    if isinstance(condition, ClassCondition):
        if not condition.shares:
            drawn: npt.NDArray[np.float64] = np.floor(uniform * len(condition.values))
            return drawn
        ends = np.cumsum(condition.shares)
        # The last end is 1 but for rounding; a value of share 0 is never drawn.
        chosen: npt.NDArray[np.intp] = np.searchsorted(ends[:-1], uniform * ends[-1], side="right")
        return chosen.astype(np.float64)
    if condition.quantiles:
        return np.asarray(np.interp(uniform, np.linspace(0.0, 1.0, len(condition.quantiles)), condition.quantiles))
    return condition.minimum + uniform * (condition.maximum - condition.minimum)


def encode_columns(conditions: Sequence[Condition], columns: ConditionColumns, n: int) -> npt.NDArray[np.float32]:
    """The condition vectors [n, c] of `n` samples with the given column values."""
    encoded = np.zeros((n, sum(condition.columns for condition in conditions)), dtype=np.float32)
    start = 0
    for condition in conditions:
        values = columns[condition.name]
        if isinstance(condition, NumberCondition):
            encoded[:, start] = values
        else:
            encoded[np.arange(n), start + values.astype(np.intp)] = 1.0
        start += condition.columns
    return encoded


def readable_columns(
    conditions: Sequence[Condition], columns: ConditionColumns
) -> dict[str, npt.NDArray[np.str_] | npt.NDArray[np.float64]]:
    """The column values as people read them: class names instead of indices, numbers as they are."""
    return {
        condition.name: (
            np.array(condition.values)[columns[condition.name].astype(np.intp)]
            if isinstance(condition, ClassCondition)
            else columns[condition.name]
        )
        for condition in conditions
    }
