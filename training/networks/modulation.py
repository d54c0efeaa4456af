"""Time and condition as one vector, and how it steers a layer: for networks that are called at any time of a path."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_FREQUENCIES = 16
_SLOWEST, _FASTEST = 0.25, 16.0
"""Cycles from time 0 to time 1."""


class TimeEmbedding(nn.Module):
    """Times and conditions to vectors.

    A time becomes sines and cosines of many frequencies (Tancik et al., NeurIPS 2020). It meets the condition in a sum:
    a fixed time's part of that is a constant, which the exporter folds, so nothing of it is left to quantise.

    Args:
        condition_size: Size of the condition vector.
        size: Of the vector that comes out.
    """

    frequency: Tensor

    def __init__(self, condition_size: int, size: int) -> None:
        super().__init__()
        cycles = torch.logspace(math.log2(_SLOWEST), math.log2(_FASTEST), _FREQUENCIES, base=2.0)
        self.register_buffer("frequency", 2.0 * math.pi * cycles, persistent=False)
        self.of_time = nn.Linear(2 * _FREQUENCIES, size)
        self.of_condition = nn.Linear(condition_size, size)
        self.mix = nn.Linear(size, size)

    def forward(self, t: Tensor, condition: Tensor) -> Tensor:
        """Times [n], or [1] for all of them, and conditions [n, c] to [n, size]."""
        angles = t[:, None] * self.frequency
        of_time = self.of_time(torch.cat([angles.sin(), angles.cos()], dim=1))
        vector: Tensor = F.silu(self.mix(F.silu(of_time + self.of_condition(condition))))
        return vector


class Modulation(nn.Module):
    """Scale and shift of every channel by a vector: FiLM (Perez et al., AAAI 2018). Begins as the identity.

    Args:
        size: Of the vector.
        channels: Of what is scaled and shifted.
        axes: How many axes follow the channels: none for a row.
    """

    def __init__(self, size: int, channels: int, axes: int) -> None:
        super().__init__()
        # Two layers, not one whose output is split, and indexed, not reshaped: otherwise the pruner loses channels.
        self.scale = zeroed(nn.Linear(size, channels))
        self.shift = zeroed(nn.Linear(size, channels))
        self._spread = (..., *(None,) * axes)

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        """[n, channels, *axes] and [n, size] to [n, channels, *axes]."""
        modulated: Tensor = x * (1.0 + self.scale(vector)[self._spread]) + self.shift(vector)[self._spread]
        return modulated


def zeroed(layer: nn.Module) -> nn.Module:
    """The layer with weights of zero: what its output is added to begins unchanged."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
