"""U-Net for signals and images (Ronneberger et al., MICCAI 2015; Ho, Jain & Abbeel, NeurIPS 2020).

It has no normalisation: its residual branches begin at zero instead (Zhang, Dauphin & Ma, ICLR 2019).
Skips are added, not concatenated: that prunes as one group, and quantises with one scale. It has no attention: the
convolutions of the coarsest level see the whole sample.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from .conv import coarsest, convolution
from .modulation import Modulation, TimeEmbedding, zeroed


class ResidualBlock(nn.Module):
    """Two convolutions, steered by a vector between them: [n, channels, *axes] to the same."""

    def __init__(self, axes: int, channels: int, embedding: int) -> None:
        super().__init__()
        self.conv = convolution(axes, channels, channels)
        self.modulation = Modulation(embedding, channels, axes)
        self.last = zeroed(convolution(axes, channels, channels))

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        """[n, channels, *axes] and [n, embedding] to [n, channels, *axes]."""
        change: Tensor = self.last(F.silu(self.modulation(self.conv(F.silu(x)), vector)))
        return x + change


class Level(nn.Module):
    """Residual blocks at one resolution."""

    def __init__(self, axes: int, channels: int, embedding: int, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ResidualBlock(axes, channels, embedding) for _ in range(blocks))

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        """[n, channels, *axes] and [n, embedding] to [n, channels, *axes]."""
        for block in self.blocks:
            x = block(x, vector)
        return x


def pointwise(axes: int, inputs: int, outputs: int) -> nn.Module:
    """A convolution that sees one place at a time."""
    kind = nn.Conv1d if axes == 1 else nn.Conv2d
    return kind(inputs, outputs, 1)


class UNet(nn.Module):
    """Velocity of a sample along one or two axes.

    Args:
        shape: (features, *axes) of a sample; axes must be divisible by 2 to the number of levels less one.
        condition_size: Size of the condition vector.
        widths: Channels of each level, coarsest first.
        blocks: Residual blocks of each level, on the way down and again on the way up.
        embedding: Size of the vector made of time and condition.

    Raises:
        ValueError: An axis cannot be halved as often as there are levels.
    """

    def __init__(
        self, shape: tuple[int, ...], condition_size: int, widths: Sequence[int], blocks: int, embedding: int
    ) -> None:
        super().__init__()
        features, *lengths = shape
        coarsest(lengths, len(widths) - 1)
        axes, finest = len(lengths), widths[-1]
        upward = list(itertools.pairwise(widths))
        self.embedding = TimeEmbedding(condition_size, embedding)
        self.first = convolution(axes, features, finest)
        self.down = nn.ModuleList(Level(axes, fine, embedding, blocks) for _, fine in reversed(upward))
        self.halve = nn.ModuleList(convolution(axes, fine, coarse, stride=2) for coarse, fine in reversed(upward))
        self.middle = Level(axes, widths[0], embedding, blocks)
        self.narrow = nn.ModuleList(pointwise(axes, coarse, fine) for coarse, fine in upward)
        self.up = nn.ModuleList(Level(axes, fine, embedding, blocks) for _, fine in upward)
        self.last = zeroed(convolution(axes, finest, features))

    def forward(self, x: Tensor, t: Tensor, condition: Tensor, span: Tensor | None = None) -> Tensor:
        """Samples [n, *shape], times [n] or [1], conditions [n, c], spans as times to velocities [n, *shape]."""
        vector = self.embedding(t, condition, span)
        x = self.first(x)
        skips = []
        for level, halve in zip(self.down, self.halve, strict=True):
            x = level(x, vector)
            skips.append(x)
            x = halve(x)
        x = self.middle(x, vector)
        for narrow, level in zip(self.narrow, self.up, strict=True):
            # A convolution over single places commutes with repeating them, and costs half or a quarter before it.
            x = skips.pop() + F.interpolate(narrow(x), scale_factor=2.0, mode="nearest")
            x = level(x, vector)
        velocity: Tensor = self.last(F.silu(x))
        return velocity
