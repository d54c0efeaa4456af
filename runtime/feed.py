"""The inputs of a graph for consecutive samples of one seed: noise and condition vectors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .condition import ConditionColumns, draw_columns, encode_columns
from .noise import NoiseStream
from .schema import Condition

BATCH_SIZE = 32
"""Most golden samples of a bundle."""

_READ_AHEAD = 256
_NUMBERS_AT_ONCE = 2**16
"""Of noise: a fraction of a millisecond, which is the longest that a caller waits for what others will take."""


class GraphInputs(NamedTuple):
    """What samples `first`, `first + 1`, … of a seed are made from."""

    noise: npt.NDArray[np.float32]
    """[n, *noise_shape]"""
    condition: npt.NDArray[np.float32]
    """[n, c]"""
    columns: ConditionColumns
    """Per condition [n]: the class's index, or the number in its unit. Read-only, as portions share memory."""


class Feed:
    """Noise and conditions of one seed by sample index, the same in whatever portions they are taken.

    Small portions taken one after the other are cut from a larger one made ahead, so that a caller who
    wants single samples does not pay the set-up of the noise for each. Not for several threads at once.

    Args:
        seed: 0 to 2**64 - 1.
        noise_shape: Shape of one sample's noise.
        conditions: The schema's conditions.
        fixed: Column values of the conditions that are not drawn, checked already.
    """

    def __init__(
        self,
        seed: int,
        noise_shape: tuple[int, ...],
        conditions: Sequence[Condition],
        fixed: Mapping[str, float],
    ) -> None:
        self.seed = seed
        self.fixed = dict(fixed)
        self._noise_shape = noise_shape
        self._conditions = conditions
        self._noise = NoiseStream(seed, noise_shape)
        self._at_once = max(1, _NUMBERS_AT_ONCE // max(1, math.prod(noise_shape)))
        self._next = -1
        self._ahead_first = self._ahead_n = 0
        self._ahead = self._make(0, 0)

    def take(self, first: int, n: int) -> GraphInputs:
        """Inputs of samples `first` to `first + n - 1`."""
        start = first - self._ahead_first
        if start < 0 or start + n > self._ahead_n:
            continues = first == self._next
            self._ahead_first, self._ahead_n = first, max(n, min(_READ_AHEAD, self._at_once)) if continues else n
            self._ahead, start = self._make(first, self._ahead_n), 0
        self._next = first + n
        if n == self._ahead_n:
            return self._ahead
        return _cut(self._ahead, start, start + n)

    def portions(self, first: int, n: int, size: int) -> Iterator[GraphInputs]:
        """Inputs of samples `first` to `first + n - 1`, at most `size` at a time, in constant memory.

        Several portions are made at once: after the engine's work the caches hold nothing of what makes them.
        """
        step = size * max(1, self._at_once // size)
        for start in range(first, first + n, step):
            made_n = min(step, first + n - start)
            made = self._make(start, made_n)
            for cut in range(0, made_n, size):
                yield _cut(made, cut, min(cut + size, made_n))

    def columns(self, first: int, n: int) -> dict[str, npt.NDArray[np.float64]]:
        """The condition columns alone, for writers that need them a second time."""
        return draw_columns(self._conditions, self.fixed, self.seed, first, n)

    def drawn_anew(self, indices: Sequence[int], columns: ConditionColumns, redraw: int) -> GraphInputs:
        """Inputs of samples that are drawn anew for the `redraw`-th time, from 1: other noise, the same conditions.

        Args:
            indices: Of the samples, rising.
            columns: Their conditions.
            redraw: Which time.
        """
        stream = NoiseStream(self.seed, self._noise_shape, redraw)
        noise = np.concatenate([stream.take(index, 1) for index in indices])
        return GraphInputs(noise, encode_columns(self._conditions, columns, len(indices)), columns)

    def _make(self, first: int, n: int) -> GraphInputs:
        columns = self.columns(first, n)
        for values in columns.values():
            values.setflags(write=False)
        return GraphInputs(self._noise.take(first, n), encode_columns(self._conditions, columns, n), columns)


def _cut(inputs: GraphInputs, start: int, stop: int) -> GraphInputs:
    noise, condition, columns = inputs
    part = slice(start, stop)
    return GraphInputs(noise[part], condition[part], {name: values[part] for name, values in columns.items()})
