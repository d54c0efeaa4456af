"""Convolutional encoder and decoder for fixed-size signals (one axis) and images (two).

Up-sampling is nearest-neighbour Resize followed by a convolution, never a transposed convolution: engines
compute it alike, and it quantises. Batch norms follow convolutions directly, so they fold into them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .norm import Norm, norm_for

_KERNELS = {1: 5, 2: 3}
"""By number of axes."""
_STEM_CHANNELS = 32
_LEAK = 0.2


def convolution(axes: int, inputs: int, outputs: int, *, stride: int = 1, bias: bool = True) -> nn.Module:
    """A convolution along one or two axes that keeps their lengths but for the stride."""
    kernel = _KERNELS[axes]
    kind = nn.Conv1d if axes == 1 else nn.Conv2d
    return kind(inputs, outputs, kernel, stride, padding=kernel // 2, bias=bias)


class ConvBlock(nn.Module):
    """Convolution, normalisation, ReLU: [n, inputs, *axes] to [n, outputs, *axes / stride].

    Without a normalisation the ReLU leaks, as a critic's must.
    """

    def __init__(self, axes: int, inputs: int, outputs: int, stride: int = 1, norm: Norm = "batch") -> None:
        super().__init__()
        self.conv = convolution(axes, inputs, outputs, stride=stride, bias=norm != "batch")
        self.norm = norm_for(norm, outputs, axes)
        self._leak = _LEAK if norm == "none" else 0.0

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs, *axes] to [n, outputs, *axes / stride]."""
        x = self.norm(self.conv(x))
        return F.leaky_relu(x, self._leak) if self._leak else F.relu(x)


class ConvDecoder(nn.Module):
    """From a vector to a sample, doubling its axes once a stage.

    Args:
        inputs: Size of the input vector.
        shape: (features, *axes) of the sample; axes must be divisible by 2 to the number of stages.
        widths: Channels of the first, coarsest block and then of each stage.
        norm: What normalises each block.
    """

    def __init__(self, inputs: int, shape: tuple[int, ...], widths: Sequence[int], norm: Norm = "batch") -> None:
        super().__init__()
        features, *axes = shape
        self._start = coarsest(axes, len(widths) - 1)
        self.stem = nn.Linear(inputs, _STEM_CHANNELS * math.prod(self._start))
        self.first = ConvBlock(len(axes), _STEM_CHANNELS, widths[0], norm=norm)
        self.stages = nn.ModuleList(ConvBlock(len(axes), a, b, norm=norm) for a, b in itertools.pairwise(widths))
        self.last = convolution(len(axes), widths[-1], features)

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs] to [n, features, *axes]."""
        x = self.stem(x).reshape(x.shape[0], -1, *self._start)  # however many channels a pruner has left
        x = self.first(x)
        for stage in self.stages:
            x = stage(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        output: Tensor = self.last(x)
        return output


class ConvEncoder(nn.Module):
    """From a sample and a condition to a vector, halving the axes once a stage.

    Args:
        shape: (features, *axes) of the sample.
        condition_size: Size of the condition vector, seen at every place.
        outputs: Size of the output vector.
        widths: As the decoder's: coarsest first.
        norm: What normalises each block.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        condition_size: int,
        outputs: int,
        widths: Sequence[int],
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        features, *axes = shape
        fine_to_coarse = [features + condition_size, *reversed(widths)]
        strides = [1] + [2] * (len(widths) - 1)
        self.blocks = nn.Sequential(
            *(
                ConvBlock(len(axes), a, b, stride, norm)
                for (a, b), stride in zip(itertools.pairwise(fine_to_coarse), strides, strict=True)
            )
        )
        self.head = nn.Linear(widths[0] * math.prod(coarsest(axes, len(widths) - 1)), outputs)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """[n, features, *axes] and [n, c] to [n, outputs]."""
        spread = condition.reshape(*condition.shape, *(1,) * (x.ndim - 2)).expand(-1, -1, *x.shape[2:])
        output: Tensor = self.head(self.blocks(torch.cat([x, spread], dim=1)).flatten(1))
        return output


def coarsest(axes: Sequence[int], halvings: int) -> list[int]:
    """The axes after so many halvings.

    Raises:
        ValueError: One of them cannot be halved as often.
    """
    for length in axes:
        if length % 2**halvings:
            raise ValueError(f"length {length} cannot be halved {halvings} times")
    return [length // 2**halvings for length in axes]
