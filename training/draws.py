"""The random numbers of one training step: drawn for the whole batch, of which each process takes its part.

So a step's numbers depend on (seed, step) alone, not on how many processes share the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .processes import rank, world_size


class Draws:
    """The only source of randomness of a step.

    Args:
        generator: Seeded for this step; on the CPU, so that every device gets the same numbers.
        device: Where the numbers are wanted.
    """

    def __init__(self, generator: torch.Generator, device: torch.device | str = "cpu") -> None:
        self._generator, self._device = generator, device

    def normal(self, n: int, *shape: int) -> Tensor:
        """Standard normal numbers [n, *shape]: this process's part of those of the whole batch."""
        return self._mine(torch.randn(n * world_size(), *shape, generator=self._generator), n)

    def uniform(self, n: int, *shape: int) -> Tensor:
        """Uniform numbers from 0 to 1, [n, *shape]."""
        return self._mine(torch.rand(n * world_size(), *shape, generator=self._generator), n)

    def stratified(self, n: int) -> Tensor:
        """Uniform numbers from 0 to 1, [n], of the whole batch one in each of as many equal parts, in random order.

        Each alone is uniform; together they are spread evenly, which steadies a mean over them.
        """
        size = n * world_size()
        places = torch.randperm(size, generator=self._generator)
        return self._mine((places + torch.rand(size, generator=self._generator)) / size, n)

    def rows(self, n: int, of: int) -> Tensor:
        """Indices [n] from 0 to below `of`, with replacement."""
        return self._mine(torch.randint(of, (n * world_size(),), generator=self._generator), n)

    def _mine(self, all_of_them: Tensor, n: int) -> Tensor:
        return all_of_them[rank() * n : (rank() + 1) * n].to(self._device)
