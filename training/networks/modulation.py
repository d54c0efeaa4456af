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
    Once `admit_spans` was called, how far the network's answer is to carry is a second time, embedded likewise.

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
        self.of_span: nn.Module | None = None

    def admit_spans(self) -> None:
        """Take spans too; at first they change nothing."""
        if self.of_span is None:
            self.of_span = zeroed(nn.Linear(2 * _FREQUENCIES, self.of_time.out_features))

    def forward(self, t: Tensor, condition: Tensor, span: Tensor | None = None) -> Tensor:
        """Times [n], or [1] for all of them, conditions [n, c] and spans as the times to [n, size]."""
        of_time = self.of_time(self._waves(t))
        if span is not None:
            assert self.of_span is not None  # noqa: S101 - whoever gives spans has asked for them
            of_time = of_time + self.of_span(self._waves(span))
        vector: Tensor = F.silu(self.mix(F.silu(of_time + self.of_condition(condition))))
        return vector

    def _waves(self, t: Tensor) -> Tensor:
        angles = t[:, None] * self.frequency
        return torch.cat([angles.sin(), angles.cos()], dim=1)


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
        modulated: Tensor = x * (1.0 + self.scale(vector))[self._spread] + self.shift(vector)[self._spread]
        return modulated


def zeroed(layer: nn.Module) -> nn.Module:
    """The layer with weights of zero: what its output is added to begins unchanged."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
