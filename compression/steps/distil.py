"""Distillation of a one-step generator: the student learns to make the teacher's samples from the same noise.

No real record is used: noise and conditions are drawn, the teacher answers (Hinton, Vinyals & Dean 2015).
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...runtime.errors import TrainingError
from ...runtime.feed import Feed
from ...runtime.schema import Schema
from ...training.families import Generative
from ...training.mixed_precision import mixed_precision
from ..student import Context, Student
from .step import Option, Step

_MAX_GRADIENT_NORM = 1.0
_SHOW_EVERY_S = 0.1


def distil(
    student: Generative,
    teacher: Generative,
    schema: Schema,
    *,
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> Generative:
    """Train a copy of the student on the teacher's samples.

    Args:
        student: Left as it is.
        teacher: Left as it is.
        schema: The data's schema.
        steps: Optimiser steps.
        batch_size: Samples a step, all fresh.
        learning_rate: Peak of the one-cycle schedule.
        seed: Of the noise and conditions.
        on_progress: Called with (step, steps).

    Raises:
        TrainingError: The loss became NaN or infinite.
    """
    student = copy.deepcopy(student).train()
    feed = Feed(seed, teacher.noise_shape, schema.conditions, {})
    optimiser = torch.optim.AdamW(student.parameters(), lr=learning_rate, weight_decay=0.0)
    # The rate rises for a step at least: one-cycle divides by the length of its rise.
    rise = max(0.1, 2 / (steps + 1))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps + 1, pct_start=rise)
    shown = 0.0
    for step in range(steps):
        inputs = feed.take(step * batch_size, batch_size)
        noise, condition = torch.from_numpy(inputs.noise), torch.from_numpy(inputs.condition)
        with mixed_precision():
            with torch.no_grad():
                wanted = teacher.encoded(noise, condition)
            loss = _distance(student.encoded(noise, condition), wanted)
        if not torch.isfinite(loss):
            raise TrainingError(f"distillation diverged at step {step + 1}; lower its learning_rate")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(student.parameters(), _MAX_GRADIENT_NORM)
        optimiser.step()
        schedule.step()
        if on_progress and (time.monotonic() - shown > _SHOW_EVERY_S or step + 1 == steps):
            shown = time.monotonic()
            on_progress(step + 1, steps)
    return student.eval()


def _run(student: Student, context: Context, *, steps: int, batch_size: int, learning_rate: float) -> None:
    student.model = distil(
        student.model,
        context.teacher,
        context.schema,
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=context.seed,
        on_progress=context.show,
    )


STEP = Step(
    {"steps": Option(int), "batch_size": Option(int), "learning_rate": Option(float)}, _run, remedy="distil longer"
)


def _distance(samples: Tensor, wanted: Tensor) -> Tensor:
    """Squared error of the samples and of their slope along every axis: it keeps steep, short waves such as the QRS."""
    slopes = [F.mse_loss(samples.diff(dim=axis), wanted.diff(dim=axis)) for axis in range(2, samples.ndim)]
    return torch.stack([F.mse_loss(samples, wanted), *slopes]).sum()
