"""Residual network of fully connected layers for a table's rows (Gorishniy et al., NeurIPS 2021)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from .modulation import Modulation, TimeEmbedding, zeroed


class ResidualLayers(nn.Module):
    """Two layers, steered by a vector between them: [n, width] to the same."""

    def __init__(self, width: int, embedding: int) -> None:
        super().__init__()
        self.layer = nn.Linear(width, width)
        self.modulation = Modulation(embedding, width, axes=0)
        self.last = zeroed(nn.Linear(width, width))

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        """[n, width] and [n, embedding] to [n, width]."""
        change: Tensor = self.last(F.silu(self.modulation(self.layer(F.silu(x)), vector)))
        return x + change


class ResidualMlp(nn.Module):
    """What a denoiser says of a row.

    Args:
        features: Of a row.
        condition_size: Size of the condition vector.
        width: Of all layers.
        blocks: Residual blocks, of two layers each.
        embedding: Size of the vector made of time and condition.
    """

    def __init__(self, features: int, condition_size: int, width: int, blocks: int, embedding: int) -> None:
        super().__init__()
        self.embedding = TimeEmbedding(condition_size, embedding)
        self.first = nn.Linear(features, width)
        self.blocks = nn.ModuleList(ResidualLayers(width, embedding) for _ in range(blocks))
        self.last = zeroed(nn.Linear(width, features))

    def forward(self, x: Tensor, t: Tensor, condition: Tensor, span: Tensor | None = None) -> Tensor:
        """Rows [n, features], times [n] or [1], conditions [n, c], spans as times to [n, features]."""
        vector = self.embedding(t, condition, span)
        x = self.first(x)
        for block in self.blocks:
            x = block(x, vector)
        said: Tensor = self.last(F.silu(x))
        return said
