"""The loop in which a student learns: one optimiser, one cycle of its rate, and a stop where it diverges."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from ..runtime.errors import TrainingError
from ..training.draws import Draws
from ..training.mixed_precision import mixed_precision

_MAX_GRADIENT_NORM = 1.0
_SHOW_EVERY_S = 0.1


def learn(
    student: nn.Module,
    loss_of: Callable[[int], Tensor],
    *,
    steps: int,
    learning_rate: float,
    what: str,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Train a student, in place.

    Args:
        student: In training mode.
        loss_of: The loss of a step by its number, from 0; the only source of its randomness is that number.
        steps: Optimiser steps.
        learning_rate: Peak of the one-cycle schedule.
        what: Name of the work, for errors.
        on_progress: Called with (step, steps).

    Raises:
        TrainingError: The loss became NaN or infinite.
    """
    optimiser = torch.optim.AdamW(student.parameters(), lr=learning_rate, weight_decay=0.0)
    # The rate rises for a step at least: one-cycle divides by the length of its rise.
    rise = max(0.1, 2 / (steps + 1))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps + 1, pct_start=rise)
    shown = 0.0
    for step in range(steps):
        with mixed_precision():
            loss = loss_of(step)
        if not torch.isfinite(loss):
            raise TrainingError(f"{what} diverged at step {step + 1}; lower its learning_rate")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(student.parameters(), _MAX_GRADIENT_NORM)
        optimiser.step()
        schedule.step()
        if on_progress and (time.monotonic() - shown > _SHOW_EVERY_S or step + 1 == steps):
            shown = time.monotonic()
            on_progress(step + 1, steps)


def draws_of(seed: int, step: int) -> Draws:
    """The random numbers of a step: they depend on nothing else."""
    mixed = int(np.random.Philox(key=[seed, step]).random_raw())
    return Draws(torch.Generator().manual_seed(mixed % 2**63))
