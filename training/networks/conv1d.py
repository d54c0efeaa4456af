"""1-D convolutional encoder and decoder for fixed-length signals.

Up-sampling is nearest-neighbour Resize followed by a convolution, never a transposed convolution: engines
compute it alike, and it quantises. Batch norms follow convolutions directly, so they fold into them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_KERNEL = 5
_STEM_CHANNELS = 32


class ConvBlock(nn.Module):
    """Convolution, batch norm, ReLU: [n, inputs, t] to [n, outputs, t / stride]."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, _KERNEL, stride, padding=_KERNEL // 2, bias=False)
        self.norm = nn.BatchNorm1d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs, t] to [n, outputs, t / stride]."""
        return F.relu(self.norm(self.conv(x)))


class SignalDecoder(nn.Module):
    """From a vector to a signal, doubling the time axis once a stage.

    Args:
        inputs: Size of the input vector.
        channels: Channels of the signal.
        length: Samples of the signal; must be divisible by 2 to the number of stages.
        widths: Channels of the first, coarsest block and then of each stage.
    """

    def __init__(self, inputs: int, channels: int, length: int, widths: Sequence[int]) -> None:
        super().__init__()
        stages = len(widths) - 1
        if length % 2**stages:
            raise ValueError(f"length {length} cannot be halved {stages} times")
        self._start_length = length // 2**stages
        # The reshape after `stem` hides its channels from the pruner, so it stays small and is left whole.
        self.stem = nn.Linear(inputs, _STEM_CHANNELS * self._start_length)
        self.first = ConvBlock(_STEM_CHANNELS, widths[0])
        self.stages = nn.ModuleList(ConvBlock(a, b) for a, b in itertools.pairwise(widths))
        self.last = nn.Conv1d(widths[-1], channels, _KERNEL, padding=_KERNEL // 2)

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs] to [n, channels, length]."""
        x = self.stem(x).reshape(-1, _STEM_CHANNELS, self._start_length)
        x = self.first(x)
        for stage in self.stages:
            x = stage(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        output: Tensor = self.last(x)
        return output


class SignalEncoder(nn.Module):
    """From a signal and a condition to a vector, halving the time axis once a stage.

    Args:
        channels: Channels of the signal.
        length: Samples of the signal.
        condition_size: Size of the condition vector, seen by every time step.
        outputs: Size of the output vector.
        widths: As the decoder's: coarsest first.
    """

    def __init__(self, channels: int, length: int, condition_size: int, outputs: int, widths: Sequence[int]) -> None:
        super().__init__()
        fine_to_coarse = [channels + condition_size, *reversed(widths)]
        strides = [1] + [2] * (len(widths) - 1)
        self.blocks = nn.Sequential(
            *(
                ConvBlock(a, b, stride)
                for (a, b), stride in zip(itertools.pairwise(fine_to_coarse), strides, strict=True)
            )
        )
        self.head = nn.Linear(widths[0] * (length // 2 ** (len(widths) - 1)), outputs)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """[n, channels, length] and [n, c] to [n, outputs]."""
        spread = condition[:, :, None].expand(-1, -1, x.shape[2])
        output: Tensor = self.head(self.blocks(torch.cat([x, spread], dim=1)).flatten(1))
        return output
