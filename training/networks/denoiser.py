"""The network that says which way samples go at any time of the straight path from them to noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor, nn

from .residual_mlp import ResidualMlp
from .unet import UNet


class Denoiser(Protocol):
    """What is also called alone: a distiller asks it at times of its own, a pruner walks through it."""

    def __call__(self, x: Tensor, t: Tensor, condition: Tensor, span: Tensor | None = None) -> Tensor:
        """[n, *shape], times [n] or [1] from 0 (samples) to 1 (noise), conditions [n, c] to velocities [n, *shape].

        With spans [n] or [1] it is the mean velocity from the time t down to t - span, which few steps need (MeanFlow,
        Geng et al. 2025); at a span of 0 that is the velocity itself.
        """


class WithLinearPart(nn.Module):
    """A denoiser whose body learns what is left of the velocity once the best linear guess is taken out.

    Were samples white and of unit variance, that guess would be all: (2t - 1) / (t² + (1 - t)²) times x. It plays the
    part of the skip connection of Karras et al. 2022: at the ends of the path x itself must come through, and what
    passes here is neither convolved nor quantised. Over a span the guess is the mean slope of the path such a sample
    takes, (s(t) - s(t - span)) / (span s(t)), where s(t) = √(t² + (1 - t)²) is the samples' spread on the way.

    Args:
        body: Takes and gives what a denoiser does.
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def admit_spans(self) -> None:
        """Take spans too; at first they change the linear part alone."""
        self.body.embedding.admit_spans()  # type: ignore[operator, union-attr]

    def forward(self, x: Tensor, t: Tensor, condition: Tensor, span: Tensor | None = None) -> Tensor:
        """[n, *shape], times [n] or [1] from 0 to 1, conditions [n, c], spans as times to velocities [n, *shape]."""
        end = t if span is None else t - span
        # The difference of the two spreads, divided by the span: so written, a span of 0 is no case of its own.
        slope = 2.0 * (t + end - 1.0) / (_spread(t) * (_spread(t) + _spread(end)))
        for _ in range(x.ndim - 1):
            slope = slope.unsqueeze(-1)
        velocity: Tensor = slope * x + self.body(x, t, condition, span)
        return velocity


def _spread(t: Tensor) -> Tensor:
    return (t.square() + (1.0 - t).square()).sqrt()


def denoiser_for(
    shape: tuple[int, ...], condition_size: int, widths: Sequence[int], blocks: int, embedding: int
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
    if len(shape) > 1:
        return WithLinearPart(UNet(shape, condition_size, widths, blocks, embedding))
    if len(widths) > 1:
        raise ValueError(f"a table's network has one width, not {len(widths)}")
    return WithLinearPart(ResidualMlp(shape[0], condition_size, widths[0], blocks, embedding))
