"""How much the samples change when a channel goes: what decides which channels stay.

First-order Taylor importance (Molchanov et al., CVPR 2019): a channel's weight times its gradient, summed where the
channel is used and squared. The loss that matters, the squared distance of the samples from those the model gives now,
is zero and so is its gradient; what grows is its second-order term |J w|². Gradients of the samples times random signs
give it without bias (Hutchinson 1989): for signs v, the mean of (w · Jᵀv)² is |J w|². The gradient flows back through
every call of a network that a solver or a student of several steps calls, so all its times count, as much as they
matter for the samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ...runtime.feed import Feed
from ...runtime.schema import Schema
from ...training.families import Generative
from .groups import ChannelGroup
from .layers import axis, weight_of

_BATCHES, _BATCH_SIZE = 64, 4
"""Fresh noise, conditions and signs each: many small batches, since each gives one random direction."""


def taylor_scores(
    model: Generative,
    groups: Sequence[ChannelGroup],
    schema: Schema,
    *,
    seed: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[ChannelGroup, Tensor]:
    """Of each group, each channel's mean squared change of the samples [size], to first order.

    Args:
        model: In evaluation mode.
        groups: Of its channels.
        schema: The data's schema.
        seed: Of noise, conditions and signs.
        on_progress: Called with (done, of).
    """
    feed = Feed(seed, model.noise_shape, schema.conditions, {})
    generator = torch.Generator().manual_seed(seed)
    used = sorted({member.layer for group in groups for member in group.members if member.side == "in"})
    weights = {name: weight_of(model.get_submodule(name)) for name in used}
    scores = {group: torch.zeros(group.size) for group in groups}
    for batch in range(_BATCHES):
        inputs = feed.take(batch * _BATCH_SIZE, _BATCH_SIZE)
        samples = model.encoded(torch.from_numpy(inputs.noise), torch.from_numpy(inputs.condition))
        signs = torch.randint(0, 2, samples.shape, generator=generator) * 2.0 - 1.0
        total = (signs * samples / _spread(samples.detach())).sum()
        gradients = torch.autograd.grad(total, list(weights.values()), allow_unused=True)
        moved = {
            name: torch.zeros_like(weight) if gradient is None else weight.detach() * gradient
            for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
        }
        for group, score in scores.items():
            score += _change(model, group, moved).square() / _BATCHES
        if on_progress:
            on_progress(batch + 1, _BATCHES)
    return scores


def _change(model: Generative, group: ChannelGroup, moved: dict[str, Tensor]) -> Tensor:
    """Weight times gradient of each channel [size], over all places where it is used."""
    change = torch.zeros(group.size)
    for member in group.members:
        if member.side == "in":
            along = axis(model.get_submodule(member.layer), "in")
            each = moved[member.layer].movedim(along, 0).flatten(1).sum(dim=1)
            change.index_add_(0, torch.tensor(member.channels), each[list(member.indices)])
    return change


def _spread(samples: Tensor) -> Tensor:
    """Of every feature: one with large numbers must not hide the others."""
    spread = samples.std(dim=(0, *range(2, samples.ndim)), keepdim=True)
    return torch.where(spread > 0, spread, torch.ones_like(spread))
