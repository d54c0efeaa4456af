"""Mean velocities that agree with each other: what a jump does is a small step of the teacher's and a shorter jump.

MeanFlow (Geng et al. 2025) in the form of a difference. The mean velocity u from t to r of a path with velocity v is

    (t - r) u(t, r) = ∫ v from s to t + (s - r) u(s, r)   for any s between,

whose limit for s → t is MeanFlow's identity u = v - (t - r) du/dt. A step of the teacher's own size by Heun's method
gives the integral; so no derivative of the network is taken, which holds in half precision, and through any network.
It is consistency distillation (Song et al. 2023) towards the end of each jump (Heek, Hoogeboom & Salimans 2024). The
states are mixed of the teacher's samples and fresh noise, so nothing real is in them.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from ...training.draws import Draws
from ...training.families.diffusion import DiffusionGenerator
from ..bank import Answers
from ..distance import distance
from .jumps import Jumps

_AT_THE_START = 0.25
"""Share of a batch at the very start of its jump, where the student will be asked."""
_NEAREST = 1e-3
"""Time that counts as the end; also the shortest span."""


def mean_flow_loss(
    student: Jumps, teacher: DiffusionGenerator, answers: Answers, batch_size: int, draws: Draws
) -> Tensor:
    """The loss of one batch.

    Args:
        student: In training mode.
        teacher: Its velocity is followed, guidance included.
        answers: With the samples alone.
        batch_size: States a batch.
        draws: The only source of randomness.
    """
    batch = answers.take(draws.rows(batch_size, len(answers)))
    t, span = times_in_jumps(student.times, batch_size, draws)
    at = _along(t, batch.noise)
    x = (1.0 - at) * batch.states[-1] + at * draws.normal(batch_size, *batch.noise.shape[1:])
    with torch.no_grad():
        wanted = consistent(student, teacher, x, t, span, batch.condition)
    asked = student.conditioning(batch.condition)
    said = student.velocity(x, t, span, asked)
    numbers = student.codec.numbers
    if numbers < x.shape[1]:
        # Of a choice the velocity is (x - expected choice) / t: what is expected counts alike at all times.
        at = _along(t, x)
        said, wanted = (torch.cat([v[:, :numbers], at * v[:, numbers:]], dim=1) for v in (said, wanted))
    return distance(said, wanted)


def times_in_jumps(times: tuple[float, ...], n: int, draws: Draws) -> tuple[Tensor, Tensor]:
    """Times [n] within jumps, each jump's turn in order, and how far it is from them to the end of the jump [n]."""
    jumps = torch.tensor(list(itertools.pairwise(times)))
    start, end = jumps[torch.arange(n) % len(jumps)].unbind(dim=1)
    share = (draws.stratified(n) / (1.0 - _AT_THE_START)).clamp(max=1.0)
    span = (share * (start - end)).clamp(min=_NEAREST)
    return end + span, span


def consistent(
    student: Jumps, teacher: DiffusionGenerator, x: Tensor, t: Tensor, span: Tensor, condition: Tensor
) -> Tensor:
    """Mean velocities [n, *codec.shape] over spans that agree with the teacher and with the student on what is left."""
    asked = teacher.conditioning(condition)
    step = span.clamp(max=1.0 / teacher.steps)
    size = _along(step, x)
    slope = teacher.velocity(x, t, asked)
    # At the very end no velocity is asked for, as by the solver: the step there is Euler's.
    then = (t - step).clamp(min=_NEAREST)
    there = teacher.velocity(x - size * slope, then, asked)
    slope = torch.where(_along(t - step, x) < _NEAREST, slope, (slope + there) / 2)
    left = span - step
    rest = student.velocity(x - size * slope, then, left, student.conditioning(condition))
    return (size * slope + _along(left, x) * rest) / _along(span, x)


def _along(t: Tensor, x: Tensor) -> Tensor:
    return t.reshape(-1, *(1,) * (x.ndim - 1))
