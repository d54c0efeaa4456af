"""What a generative family must offer, and what all of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ...runtime.schema import SignalSchema


class Generative(nn.Module, ABC):
    """A generator as it ships: (noise, condition) to samples in physical units.

    Everything is inside: condition embedding, de-normalisation, clamping to the channels' ranges.
    """

    noise_shape: tuple[int, ...]
    condition_size: int

    @abstractmethod
    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        """[n, *noise_shape] and [n, c] to samples [n, channels, length]."""


class Family(nn.Module, ABC):
    """A model to train. Its generator is the part that ships; the rest exists for training only."""

    @abstractmethod
    def losses(self, samples: Tensor, condition: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """The terms of the training loss of one batch; their sum is minimised.

        Args:
            samples: [n, channels, length] in physical units.
            condition: [n, c].
            rng: The only source of randomness.
        """

    @abstractmethod
    def generator(self) -> Generative:
        """The part that ships; shares its weights with the model."""

    @abstractmethod
    def fit_normalisation(self, samples: npt.NDArray[np.float32]) -> None:
        """Take location and scale of the channels from the training samples [n, channels, length]."""


class Normalisation(nn.Module):
    """Physical units to zero mean and unit variance per channel, and back, clamped to the ranges."""

    location: Tensor
    scale: Tensor
    minimum: Tensor
    maximum: Tensor

    def __init__(self, schema: SignalSchema) -> None:
        super().__init__()
        column = (len(schema.channels), 1)
        self.register_buffer("location", torch.zeros(column))
        self.register_buffer("scale", torch.ones(column))
        self.register_buffer("minimum", torch.tensor([[c.minimum] for c in schema.channels]))
        self.register_buffer("maximum", torch.tensor([[c.maximum] for c in schema.channels]))

    def fit(self, samples: npt.NDArray[np.float32]) -> None:
        """Take location and scale from samples [n, channels, length]."""
        self.location.copy_(torch.from_numpy(samples.mean(axis=(0, 2), dtype=np.float64)[:, None]))
        self.scale.copy_(torch.from_numpy(samples.std(axis=(0, 2), dtype=np.float64)[:, None]).clamp(min=1e-6))

    def normalise(self, samples: Tensor) -> Tensor:
        """Physical units to normalised, [n, channels, length]."""
        return (samples - self.location) / self.scale

    def to_physical(self, normalised: Tensor) -> Tensor:
        """Normalised to physical units within the channels' ranges, [n, channels, length]."""
        physical = normalised * self.scale + self.location
        return torch.minimum(torch.maximum(physical, self.minimum), self.maximum)
