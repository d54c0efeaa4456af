"""How each kind of rule is checked, on many samples at once: a rule made ready becomes a function of the samples.

A comparison with what is not known, NaN, is false, so that it breaks nothing. No judgement of what is to follow enters
here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from .condition import ConditionColumns
from .schema import (
    CategoryColumn,
    ClassCondition,
    Entry,
    Implies,
    Limit,
    Order,
    Rule,
    Schema,
    SignalSchema,
    TableSchema,
)

Parts = npt.NDArray[np.float32]
"""Samples as [n, channels, points], or [n, columns, 1] for rows of a table."""
Mask = npt.NDArray[np.bool_]
Check = Callable[[Parts, ConditionColumns], Mask]
"""From samples and their conditions to whether each breaks the rule [n]."""

_SLACK = 1e-6  # of a range: float32 rounds its ends
_OFF_STEP = 1e-4  # of a step
_LARGEST = np.finfo(np.float32).max
_FLOAT32_STEP = np.float32(np.finfo(np.float32).eps)


def part_names(schema: Schema) -> tuple[str, ...]:
    """Names of the channels or columns, in the order of a sample's parts."""
    return tuple(name for name, _, _ in schema.parts())


def rule_check(rule: Rule, schema: Schema) -> Check:
    """Make a rule of the schema ready to be checked."""
    if isinstance(rule, Order):
        return _order(rule, schema)
    if isinstance(rule, Limit):
        return _limit(rule, schema)
    return _implies(rule, schema)


def range_check(schema: Schema) -> Callable[[Parts], Mask]:
    """Make ready what a schema says by itself of each channel or column.

    Each is within its range, finite, on its steps, one of its categories, and missing only where it may be.

    Returns:
        From samples to whether each channel or column of each is otherwise [n, parts].
    """
    low, high, step, exact, gaps = (np.array(values) for values in zip(*_bounds(schema), strict=True))
    slack = np.where(exact, 0.0, _SLACK * (high - low))
    # A range may end beyond what float32 holds; an infinite sample is outside all the same.
    ends = np.clip([low - slack, high + slack], -_LARGEST, _LARGEST).astype(np.float32)
    lowest, highest = ends[:, :, None]
    stepped = np.flatnonzero(step > 0)
    # A tenth is no float32, which is the coarser the more steps a number has; the index of a category is exact.
    off_step = np.where(exact, 0.0, _OFF_STEP)[stepped]
    rounding = np.where(exact, 0.0, _FLOAT32_STEP)[stepped]

    def check(parts: Parts) -> Mask:
        inside: Mask = np.asarray((parts >= lowest) & (parts <= highest))
        if gaps.any():
            inside |= np.isnan(parts) & gaps[:, None]
        broken: Mask = np.zeros(parts.shape[:2], dtype=np.bool_)
        if not inside.all():  # a tenth of what the next line costs, and enough for most batches
            broken |= ~inside.all(axis=2)
        if len(stepped):  # only rows have steps
            steps = parts[:, stepped, 0] / step[stepped]
            broken[:, stepped] |= np.abs(steps - np.rint(steps)) > off_step + np.abs(steps) * rounding
        return broken

    return check


def _bounds(schema: Schema) -> list[tuple[float, float, float, bool, bool]]:
    """Of each channel or column: lowest, highest, step, whether it is exact, whether it may be missing."""
    if isinstance(schema, TableSchema):
        return [
            (0.0, len(c.values) - 1.0, 1.0, True, c.may_be_missing)
            if isinstance(c, CategoryColumn)
            else (c.minimum, c.maximum, c.step, False, c.may_be_missing)
            for c in schema.columns
        ]
    if isinstance(schema, SignalSchema):
        return [(c.minimum, c.maximum, 0.0, False, c.may_be_missing) for c in schema.channels]
    return [(0.0, 1.0, 0.0, False, False) for _ in schema.channels]


def _order(rule: Order, schema: Schema) -> Check:
    lower, upper = (part_names(schema).index(name) for name in (rule.lower, rule.upper))
    bounds = _bounds(schema)
    low, high, *_ = bounds[upper]
    # Both values, their difference and `least` itself are rounded to float32, the more coarsely the larger they are.
    largest = max(abs(end) for place in (lower, upper) for end in bounds[place][:2])
    least = np.float32(rule.apart - max(_SLACK * (high - low), 3 * float(_FLOAT32_STEP) * largest))

    def check(parts: Parts, _: ConditionColumns) -> Mask:
        return np.asarray((parts[:, upper] - parts[:, lower] < least).any(axis=1))

    return check


def _limit(rule: Limit, schema: Schema) -> Check:
    place = part_names(schema).index(rule.channel)
    least = -np.inf if rule.least is None else rule.least
    most = np.inf if rule.most is None else rule.most
    rate_hz = schema.sampling_rate_hz if isinstance(schema, SignalSchema) else 1.0

    def check(parts: Parts, _: ConditionColumns) -> Mask:
        value = STATISTIC[rule.of](parts[:, place], rate_hz)
        return np.asarray((value < least) | (value > most))

    return check


def _mean(points: Parts, _: float) -> npt.NDArray[np.floating]:
    known = ~np.isnan(points)
    total = np.sum(points, axis=1, where=known, dtype=np.float64)
    return np.asarray(total / np.where(known.any(axis=1), known.sum(axis=1), np.nan))


def _peak_to_peak(points: Parts, _: float) -> npt.NDArray[np.floating]:
    return np.asarray(np.fmax.reduce(points, axis=1) - np.fmin.reduce(points, axis=1))


def _steepest(points: Parts, rate_hz: float) -> npt.NDArray[np.floating]:
    return np.asarray(np.fmax.reduce(np.abs(np.diff(points, axis=1)), axis=1) * rate_hz)


STATISTIC: dict[str, Callable[[Parts, float], npt.NDArray[np.floating]]] = {
    "mean": _mean,
    "peak_to_peak": _peak_to_peak,
    "steepest": _steepest,
}
"""By name, from one channel [n, points] and its sampling rate to [n]; NaN where nothing is known."""


def _implies(rule: Implies, schema: Schema) -> Check:
    given, then = (_entry(entry, schema) for entry in (rule.given, rule.then))

    def check(parts: Parts, columns: ConditionColumns) -> Mask:
        holds, _ = given(parts, columns)
        _, fails = then(parts, columns)
        return holds & fails

    return check


def _entry(entry: Entry, schema: Schema) -> Callable[[Parts, ConditionColumns], tuple[Mask, Mask]]:
    """Of each row, whether the entry is so, and whether it is not so: neither where it is not known."""
    names = part_names(schema)
    named = entry.one_of if entry.one_of is not None else entry.none_of
    codes = None if named is None else _codes(entry.name, named, schema)

    def check(parts: Parts, columns: ConditionColumns) -> tuple[Mask, Mask]:
        values = parts[:, names.index(entry.name), 0] if entry.name in names else columns.get(entry.name)
        if values is None:  # real records may come without what a generator is asked for
            nothing = np.zeros(len(parts), dtype=np.bool_)
            return nothing, nothing
        known = ~np.isnan(values)
        if entry.missing is not None:
            return (~known, known) if entry.missing else (known, ~known)
        if codes is not None:
            so = (values[:, None] == codes).any(axis=1) == (entry.one_of is not None)
        else:
            assert entry.within is not None  # noqa: S101 - an entry says one of the four
            so = (values >= entry.within[0]) & (values <= entry.within[1])
        return so & known, ~so & known

    return check


def _codes(name: str, values: tuple[str, ...], schema: Schema) -> npt.NDArray[np.float32]:
    """The indices of values of a category or a class."""
    columns = schema.columns if isinstance(schema, TableSchema) else ()
    (of,) = (
        one.values
        for one in (*columns, *schema.conditions)
        if one.name == name and isinstance(one, CategoryColumn | ClassCondition)
    )
    return np.array([of.index(value) for value in values], dtype=np.float32)
