"""How well a generator's weights can reproduce a given record: the loss that a white-box attacker reads.

Latent inversion as in GAN-Leaks (Chen et al., CCS 2020, arXiv 1909.03935): the noise is fitted to the record.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ....runtime.noise import NoiseStream
from ..figure import FloatArray

_BATCH = 128
_CANDIDATES = 64
_LEARNING_RATE = 0.05
_NOISE_PENALTY = 1e-3
"""On the mean square of the noise beyond 1: noise that is never drawn reproduces records that are never made."""

Graph = Callable[[Tensor, Tensor], Tensor]
"""(noise, condition) to samples, with gradients."""


def inversion_loss(
    graph: Graph,
    noise_shape: tuple[int, ...],
    condition: npt.NDArray[np.float32],
    values: npt.NDArray[np.float32],
    *,
    scale: npt.NDArray[np.float32],
    restarts: int,
    steps: int,
    seed: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> FloatArray:
    """The least mean squared error [n] with which each record can be reproduced, in units of `scale`.

    Args:
        graph: The generator.
        noise_shape: Of one sample.
        condition: [n, c], each record's own.
        values: The records [n, *shape].
        scale: What an error is measured in; broadcasts against one record.
        restarts: Starts a record: the best of the drawn noise.
        steps: Descents from each.
        seed: Of the drawn noise.
        on_progress: Called with (records done, records).
    """
    drawn = torch.from_numpy(NoiseStream(seed, noise_shape).take(0, _CANDIDATES))
    target, unit = torch.from_numpy(values), torch.from_numpy(np.asarray(scale, dtype=np.float32))
    losses = np.empty(len(values))
    for first in range(0, len(values), _BATCH):
        rows = slice(first, first + _BATCH)
        wanted, asked = target[rows] / unit, torch.from_numpy(condition[rows])
        starts = _best_starts(graph, drawn, asked, wanted, unit, min(restarts, _CANDIDATES))
        losses[rows] = _descend(graph, starts, asked, wanted, unit, steps)
        if on_progress:
            on_progress(min(first + _BATCH, len(values)), len(values))
    return losses


@torch.no_grad()
def _best_starts(graph: Graph, drawn: Tensor, asked: Tensor, wanted: Tensor, unit: Tensor, restarts: int) -> Tensor:
    """Of the drawn noise, what comes nearest to each record: [restarts * records, *noise_shape]."""
    kinds, kind = torch.unique(asked, dim=0, return_inverse=True)
    errors = torch.empty(len(asked), len(drawn))
    for number, of_kind in enumerate(kinds):
        samples = graph(drawn, of_kind.expand(len(drawn), -1)) / unit
        mine = kind == number
        errors[mine] = torch.cdist(wanted[mine].flatten(1), samples.flatten(1))
    best = errors.topk(restarts, dim=1, largest=False).indices  # [records, restarts]
    return drawn[best.T.reshape(-1)]


def _descend(graph: Graph, starts: Tensor, asked: Tensor, wanted: Tensor, unit: Tensor, steps: int) -> FloatArray:
    restarts = len(starts) // len(asked)
    asked, goal = asked.repeat(restarts, 1), wanted.repeat(restarts, *[1] * (wanted.ndim - 1))
    noise = starts.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([noise], lr=_LEARNING_RATE)
    least = torch.full((len(goal),), torch.inf)
    for _ in range(steps + 1):
        errors = (graph(noise, asked) / unit - goal).square().flatten(1).mean(dim=1)
        beyond = (noise.square().flatten(1).mean(dim=1) - 1.0).clamp(min=0.0)
        objective = errors + _NOISE_PENALTY * beyond
        least = torch.fmin(least, objective.detach())  # a descent that diverges leaves what was found before
        (gradient,) = torch.autograd.grad(objective.sum(), noise)
        noise.grad = gradient
        optimiser.step()
    found: FloatArray = least.reshape(restarts, -1).min(dim=0).values.double().numpy()
    return found
