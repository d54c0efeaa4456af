"""Signals without gaps: each channel standardised."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...runtime.schema import SignalSchema
from .codec import Codec

_PUBLIC_SPREADS = 8.0
"""Standard deviations that a channel's range is taken to span where no record may be looked at."""


class SignalCodec(Codec):
    """Physical units to zero mean and unit variance per channel, and back, clamped to the ranges."""

    location: Tensor
    scale: Tensor
    minimum: Tensor
    maximum: Tensor

    def __init__(self, schema: SignalSchema) -> None:
        super().__init__()
        self.shape = schema.shape
        self.numbers, self.choices = len(schema.channels), ()
        column = (len(schema.channels), 1)
        self.register_buffer("location", torch.zeros(column))
        self.register_buffer("scale", torch.ones(column))
        self.register_buffer("minimum", torch.tensor([[c.minimum] for c in schema.channels]))
        self.register_buffer("maximum", torch.tensor([[c.maximum] for c in schema.channels]))

    def fit(self, samples: npt.NDArray[np.float32]) -> None:
        """Take location and scale from samples [n, channels, length]."""
        self.location.copy_(torch.from_numpy(samples.mean(axis=(0, 2), dtype=np.float64)[:, None]))
        self.scale.copy_(torch.from_numpy(samples.std(axis=(0, 2), dtype=np.float64)[:, None]).clamp(min=1e-6))

    def fit_public(self) -> None:
        """Take location and scale from the channels' ranges."""
        self.location.copy_((self.minimum + self.maximum) / 2)
        self.scale.copy_((self.maximum - self.minimum) / _PUBLIC_SPREADS)

    def encode(self, samples: Tensor) -> Tensor:
        """Physical units to standardised, [n, channels, length]."""
        return (samples - self.location) / self.scale

    def decode(self, encoded: Tensor) -> Tensor:
        """Standardised to physical units within the channels' ranges, [n, channels, length]."""
        physical = encoded * self.scale + self.location
        return torch.minimum(torch.maximum(physical, self.minimum), self.maximum)
