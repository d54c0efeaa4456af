"""The network that says which way samples go at any time of the straight path from them to noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from ..codecs.choices import expected_choices
from .residual_mlp import ResidualMlp
from .unet import UNet


class Denoiser(Protocol):
    """What is also called alone: a distiller asks it at times of its own, a pruner walks through it."""

    def __call__(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """[n, *shape], times [n] or [1] from 0 (samples) to 1 (noise), conditions [n, c] to velocities [n, *shape]."""


class WithLinearPart(nn.Module):
    """x"""

    def __init__(self, body: nn.Module, numbers: int, choices: Sequence[int]) -> None:
        super().__init__()
        self.body = body
        self.numbers, self.choices = numbers, tuple(choices)
        self.prior = nn.Parameter(torch.zeros(sum(choices))) if choices else None
        import os
        self.seen = os.environ.get("TD_SEEN", "1") == "1"
        self.skip = float(os.environ.get("TD_SKIP", "1"))

    def forward(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        at = t.reshape(-1, *(1,) * (x.ndim - 1))
        numbers = x[:, : self.numbers]
        linear = (2.0 * at - 1.0) / (at.square() + (1.0 - at).square()) * numbers
        if not self.choices:
            return linear + self.body(x, t, condition)
        evidence = self.skip * 2.0 * (1.0 - at) / at.clamp(min=0.2).square()
        prior = self.prior.view(-1, *(1,) * (x.ndim - 2))
        logits = evidence * x[:, self.numbers :] + prior
        if self.seen:
            x = torch.cat([numbers, expected_choices(logits, self.choices)], dim=1)
        return torch.cat([linear, logits], dim=1) + self.body(x, t, condition)


def denoiser_for(
    shape: tuple[int, ...],
    choices: Sequence[int],
    condition_size: int,
    widths: Sequence[int],
    blocks: int,
    embedding: int,
) -> nn.Module:
    """An untrained `Denoiser`: a U-Net along axes, residual layers for a table's row.

    Args:
        shape: (features, *axes) of model space.
        condition_size: Size of the condition vector.
        widths: Channels of each of the U-Net's levels, coarsest first; of a table's network its one width.
        blocks: Residual blocks of each level, or of the table's network.
        embedding: Size of the vector made of time and condition.

    Raises:
        ValueError: An axis cannot be halved as often as there are levels, or a table's network has several widths.
    """
    numbers = shape[0] - sum(choices)
    if len(shape) > 1:
        return WithLinearPart(UNet(shape, condition_size, widths, blocks, embedding), numbers, choices)
    if len(widths) > 1:
        raise ValueError(f"a table's network has one width, not {len(widths)}")
    return WithLinearPart(ResidualMlp(shape[0], condition_size, widths[0], blocks, embedding), numbers, choices)
