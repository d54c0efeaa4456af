"""What flows through a graph while it is translated: values, known or not, and sizes that may depend on the batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

BATCHES = (2, 3)
"""Batch sizes for which a graph is followed side by side: what differs between them depends on the batch."""


@dataclass(frozen=True)
class Size:
    """A number that depends on the batch size n: `each * n + more`."""

    each: int
    more: int

    def at(self, batch: int) -> int:
        """For a batch size."""
        return self.each * batch + self.more


def size_of(values: Sequence[int]) -> int | Size:
    """From the numbers for `BATCHES`."""
    first, second = values
    if first == second:
        return first
    each = (second - first) // (BATCHES[1] - BATCHES[0])
    return Size(each, first - each * BATCHES[0])


@dataclass(frozen=True, eq=False)
class Value:
    """A result in the graph: known beforehand, or made by a step."""

    at: tuple[Tensor, Tensor]
    """For each of `BATCHES`: numbers where they are known, else a tensor without any (on the device `meta`)."""
    result: int | None = None
    """Number of the step's result; None: it is known."""

    @property
    def known(self) -> bool:
        """Whether its numbers do not depend on the model's inputs, though they may on the batch size."""
        return self.result is None

    @property
    def fixed(self) -> bool:
        """Whether its numbers depend on nothing."""
        return self.known and (self.at[0] is self.at[1] or torch.equal(*self.at))

    @property
    def shape(self) -> list[int | Size]:
        """Its sizes."""
        return [size_of(pair) for pair in zip(self.at[0].shape, self.at[1].shape, strict=True)]

    @property
    def rank(self) -> int:
        """How many axes it has."""
        return self.at[0].ndim

    @property
    def is_float(self) -> bool:
        """Whether it is of real numbers."""
        return self.at[0].is_floating_point()

    @property
    def number(self) -> float | int | bool | None:
        """Its one number, if it is one and depends on nothing."""
        if not self.fixed or self.at[0].numel() != 1:
            return None
        single: float | int | bool = self.at[0].item()
        return single

    def static(self, first: int = 0) -> list[int]:
        """Sizes from an axis on.

        Raises:
            ValueError: One depends on the batch size.
        """
        sizes = self.shape[first:]
        if any(isinstance(size, Size) for size in sizes):
            raise ValueError("an axis other than the first depends on the batch size")
        return [size for size in sizes if isinstance(size, int)]

    def sizes(self) -> list[int | Size]:
        """Of known whole numbers, as those of a shape.

        Raises:
            ValueError: They are not known before the model runs.
        """
        if not self.known:
            raise ValueError(
                "a shape, axis or index is computed from the model's inputs; only fixed shapes can be imported"
            )
        both = [[int(number) for number in each.reshape(-1).tolist()] for each in self.at]
        if len(both[0]) != len(both[1]):
            raise ValueError("how many axes there are depends on the batch size")
        return [size_of(pair) for pair in zip(*both, strict=True)]

    def ints(self) -> list[int]:
        """Of known whole numbers that do not depend on the batch size.

        Raises:
            ValueError: They are not known, or do.
        """
        if not self.fixed:
            raise ValueError("a number is computed from the model's inputs or the batch size; it must be fixed")
        return [int(number) for number in self.at[0].reshape(-1).tolist()]


def known(tensor: Tensor) -> Value:
    """A value that depends on nothing."""
    return Value((tensor, tensor))


def both(first: Tensor, second: Tensor) -> Value:
    """A known value by its numbers for each of `BATCHES`."""
    same = first.shape == second.shape and torch.equal(first, second)
    return known(first) if same else Value((first, second))


def plain_tensor(tensor: Tensor) -> Tensor:
    """Real numbers as float32, whole ones as int64: what an imported network computes in."""
    if tensor.dtype == torch.bool:
        return tensor
    return tensor.to(torch.float32 if tensor.is_floating_point() else torch.int64)
