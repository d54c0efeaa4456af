"""The network asked on the straight path from samples to noise: numbers' velocities, and logits of choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from .residual_mlp import ResidualMlp
from .unet import UNet

_SURE = 0.2
"""A time at which noise no longer hides a choice: two of them lie 5.7 standard deviations apart from a tie. Before it
the evidence for one grows no further, so that it stays finite."""


class Denoiser(Protocol):
    """What is also called alone: a distiller asks it at times of its own, a pruner walks through it."""

    def __call__(self, x: Tensor, t: Tensor, condition: Tensor, span: Tensor | None = None) -> Tensor:
        """[n, *shape], times [n] or [1] from 0 (samples) to 1 (noise), conditions [n, c] to [n, *shape].

        What comes out are velocities of the features that are numbers, and logits of those that are choices. With spans
        [n] or [1] they stand for the mean velocity from the time t down to t - span, which few steps need (MeanFlow,
        Geng et al. 2025); at a span of 0 that is the velocity itself.
        """


class WithLinearPart(nn.Module):
    """A denoiser whose body learns what is left once what each feature tells of itself is taken out.

    Of a number that is the best linear guess of its velocity, were samples white and of unit variance:
    (2t - 1) / (t² + (1 - t)²) times x. It plays the part of the skip connection of Karras et al. 2022: at the ends of
    the path x itself must come through, and what passes here is neither convolved nor quantised. Over a span the guess
    is the mean slope of the path such a sample takes, (s(t) - s(t - span)) / (span s(t)), where s(t) = √(t² + (1 - t)²)
    is the samples' spread on the way.

    Of a choice it is the logarithm of Bayes' factor, exactly: x is normal about (1 - t) times the choice, which is 1
    in its own feature and -1 in the others, with a spread of t; so its logits are 2 (1 - t) / t² times x, and the body
    has but to learn how likely each choice is given all the rest.

    Args:
        body: Takes and gives what a denoiser does.
        numbers: How many of the features are numbers; the rest are choices.
    """

    def __init__(self, body: nn.Module, numbers: int) -> None:
        super().__init__()
        self.body = body
        self._numbers = numbers

    def admit_spans(self) -> None:
        """Take spans too; at first they change the linear part alone."""
        self.body.embedding.admit_spans()  # type: ignore[operator, union-attr]

    def forward(self, x: Tensor, t: Tensor, condition: Tensor, span: Tensor | None = None) -> Tensor:
        """[n, *shape], times [n] or [1], conditions [n, c], spans as times to velocities and logits [n, *shape]."""
        at = t.reshape(-1, *(1,) * (x.ndim - 1))
        end = at if span is None else at - span.reshape(-1, *(1,) * (x.ndim - 1))
        # The difference of the two spreads, divided by the span: so written, a span of 0 is no case of its own.
        slope = 2.0 * (at + end - 1.0) / (_spread(at) * (_spread(at) + _spread(end)))
        factor = slope
        if self._numbers < x.shape[1]:
            # One factor for each feature, so that at a fixed time all of them are one constant.
            evidence = 2.0 * (1.0 - at) / at.clamp(min=_SURE).square()
            numbers, choices = self._numbers, x.shape[1] - self._numbers
            axes = (1,) * (x.ndim - 2)
            factor = torch.cat([slope.repeat(1, numbers, *axes), evidence.repeat(1, choices, *axes)], dim=1)
        found: Tensor = factor * x + self.body(x, t, condition, span)
        return found


def _spread(t: Tensor) -> Tensor:
    return (t.square() + (1.0 - t).square()).sqrt()


def denoiser_for(
    shape: tuple[int, ...], numbers: int, condition_size: int, widths: Sequence[int], blocks: int, embedding: int
) -> nn.Module:
    """An untrained `Denoiser`: a U-Net along axes, residual layers for a table's row.

    Args:
        shape: (features, *axes) of model space.
        numbers: How many of the features are numbers; the rest are choices.
        condition_size: Size of the condition vector.
        widths: Channels of each of the U-Net's levels, coarsest first; of a table's network its one width.
        blocks: Residual blocks of each level, or of the table's network.
        embedding: Size of the vector made of time and condition.

    Raises:
        ValueError: An axis cannot be halved as often as there are levels, or a table's network has several widths.
    """
    if len(shape) > 1:
        return WithLinearPart(UNet(shape, condition_size, widths, blocks, embedding), numbers)
    if len(widths) > 1:
        raise ValueError(f"a table's network has one width, not {len(widths)}")
    return WithLinearPart(ResidualMlp(shape[0], condition_size, widths[0], blocks, embedding), numbers)
