"""The guard: which samples break which rule of their schema, and what becomes of them. Nothing is clipped or mended."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from .batch import Batch
from .condition import ConditionColumns
from .errors import GateError
from .rule_checks import Mask, part_names, range_check, rule_check
from .schema import Schema
from .violations import Broken, OnViolation, Violations

MAX_REDRAWS = 100
"""How often a sample is drawn anew before the generator is given up."""

Samples = npt.NDArray[np.float32]

_CHUNK_NUMBERS = 2**18  # checked at once: what is in the caches


class Checker:
    """What samples of a schema must keep to, ready to be checked many at once. Safe to use from several threads.

    Args:
        schema: Of the samples. What it says by itself is a rule for each channel or column, `range_of_<name>`.
    """

    def __init__(self, schema: Schema) -> None:
        self._shape = schema.shape[0], math.prod(schema.shape[1:])
        with np.errstate(over="ignore"):  # ranges of a stranger can be wider than a float
            self._ranges = range_check(schema)
            self._rules = [rule_check(rule, schema) for rule in schema.rules]
        self.names = (*(f"range_of_{part}" for part in part_names(schema)), *(rule.name for rule in schema.rules))
        """Of all rules: those of the ranges, then those the schema states."""

    def broken(self, samples: Samples, columns: ConditionColumns) -> Mask:
        """Which sample breaks which rule.

        Args:
            samples: [n, *shape].
            columns: Per condition [n].

        Returns:
            [n, rules], in the order of `names`.
        """
        parts = samples.reshape(len(samples), *self._shape)
        size = max(1, _CHUNK_NUMBERS // math.prod(self._shape))
        result = np.empty((len(parts), len(self.names)), dtype=np.bool_)
        for first in range(0, len(parts), size):
            some = slice(first, first + size)
            self._check(parts[some], {name: values[some] for name, values in columns.items()}, result[some])
        return result

    def _check(self, parts: Samples, columns: ConditionColumns, result: Mask) -> None:
        with np.errstate(invalid="ignore", over="ignore"):  # infinity less infinity is not known
            result[:, : parts.shape[1]] = self._ranges(parts)
            for place, check in enumerate(self._rules, parts.shape[1]):
                result[:, place] = check(parts, columns)


Redraw = Callable[[npt.NDArray[np.intp], int], Samples]
"""From positions in the batch and the number of the redraw, from 1, to those samples drawn anew."""


def guarded(batch: Batch, checker: Checker, on_violation: OnViolation, redraw: Redraw) -> Batch:
    """The batch with what was found in it; its implausible samples drawn anew where that is asked for.

    Raises:
        GateError: A sample breaks a rule where none may, or still does after `MAX_REDRAWS`.
    """
    broken = checker.broken(batch.samples, batch.columns)
    places = np.flatnonzero(broken.any(axis=1))
    samples, redraws = batch.samples, np.zeros(len(batch), dtype=np.intp)
    if len(places) and on_violation == "fail":
        raise GateError(
            f"sample {batch.first + places[0]} of seed {batch.seed} breaks a rule of the bundle: "
            f"{', '.join(_named(checker, broken[places[0]]))}; 'report' would keep such samples and count them, "
            "'resample' draw them anew"
        )
    if len(places) and on_violation == "resample":
        samples, redraws = _drawn_anew(batch, checker, places, redraw)
    found = {batch.first + p: Broken(_named(checker, broken[p]), int(redraws[p])) for p in places.tolist()}
    return replace(batch, samples=samples, violations=Violations(on_violation, len(batch), found))


def _drawn_anew(
    batch: Batch, checker: Checker, places: npt.NDArray[np.intp], redraw: Redraw
) -> tuple[Samples, npt.NDArray[np.intp]]:
    """All samples, and how often each was drawn anew."""
    samples, redraws = batch.samples.copy(), np.zeros(len(batch), dtype=np.intp)
    for number in range(1, MAX_REDRAWS + 1):
        drawn = redraw(places, number)
        samples[places], redraws[places] = drawn, number
        broken = checker.broken(drawn, {name: values[places] for name, values in batch.columns.items()})
        still = broken.any(axis=1)
        places, broken = places[still], broken[still]
        if not len(places):
            return samples, redraws
    raise GateError(
        f"sample {batch.first + places[0]} of seed {batch.seed} still breaks a rule of the bundle after {MAX_REDRAWS} "
        f"redraws: {', '.join(_named(checker, broken[0]))}; the generator hardly ever keeps it under these conditions"
    )


def _named(checker: Checker, broken: Mask) -> tuple[str, ...]:
    return tuple(name for name, breaks in zip(checker.names, broken.tolist(), strict=True) if breaks)
