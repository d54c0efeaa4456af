"""What a codec must offer, and how its model space is laid out."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from .choices import Choices


class Codec(nn.Module, ABC):
    """Samples in physical units to model space and back.

    Model space has the features of a sample on axis 1 (channels, or columns spread out): first `numbers` of about
    zero mean and unit variance, then groups of features of which the largest one is the choice made: the categories
    of a column, or known against missing. `encode` gives a choice as 1 for the feature chosen and -1 for the others.
    """

    shape: tuple[int, ...]
    """Of one sample in model space: (features, *axes)."""
    numbers: int
    """How many features are numbers; the rest are choices."""
    choices: tuple[int, ...]
    """Sizes of the groups of features that are choices, in order."""
    of_choices: Choices
    """These choices all at once; only where there are some."""

    def groups(self) -> list[slice]:
        """Where the features of each choice are."""
        ends = itertools.accumulate(self.choices, initial=self.numbers)
        return [slice(start, end) for start, end in itertools.pairwise(ends)]

    @abstractmethod
    def fit(self, samples: npt.NDArray[np.float32]) -> None:
        """Take constants such as location and scale from training samples [n, *schema.shape]."""

    @abstractmethod
    def fit_public(self) -> None:
        """Take the constants from the schema alone, so that none of them tells of a record."""

    @abstractmethod
    def encode(self, samples: Tensor) -> Tensor:
        """Physical units [n, *schema.shape] to model space [n, *shape]."""

    def known(self, encoded: Tensor) -> Tensor:
        """Which of the numbers of encoded samples are known: 1 or 0, [n, numbers, *axes]; all, unless overridden."""
        return torch.ones_like(encoded[:, : self.numbers])

    @abstractmethod
    def decode(self, encoded: Tensor) -> Tensor:
        """Model space [n, *shape] to physical units [n, *schema.shape], within the ranges; part of the graph."""
