"""Encoder and decoder for a table's rows: fully connected layers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .norm import Norm, norm_for

_LEAK = 0.2


class MlpDecoder(nn.Module):
    """From a vector to a row's features.

    Args:
        inputs: Size of the input vector.
        outputs: Features of the row.
        widths: Of the hidden layers, from the vector on.
        norm: What normalises each of them.
    """

    def __init__(self, inputs: int, outputs: int, widths: Sequence[int], norm: Norm = "batch") -> None:
        super().__init__()
        self.layers = _layers([inputs, *widths], norm)
        self.last = nn.Linear(widths[-1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs] to [n, outputs]."""
        output: Tensor = self.last(self.layers(x))
        return output


class MlpEncoder(nn.Module):
    """From a row's features and a condition to a vector.

    Args:
        features: Of the row.
        condition_size: Size of the condition vector.
        outputs: Size of the output vector.
        widths: As the decoder's: the last one first.
        norm: What normalises each layer.
    """

    def __init__(
        self, features: int, condition_size: int, outputs: int, widths: Sequence[int], norm: Norm = "batch"
    ) -> None:
        super().__init__()
        self.layers = _layers([features + condition_size, *reversed(widths)], norm)
        self.head = nn.Linear(widths[0], outputs)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """[n, features] and [n, c] to [n, outputs]."""
        output: Tensor = self.head(self.layers(torch.cat([x, condition], dim=1)))
        return output


def _layers(sizes: Sequence[int], norm: Norm) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs, bias=norm != "batch"), norm_for(norm, outputs, 0)]
        layers.append(nn.LeakyReLU(_LEAK) if norm == "none" else nn.ReLU())
    return nn.Sequential(*layers)
