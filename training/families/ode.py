"""Solvers of an ordinary differential equation in a fixed number of steps: plain loops, which unroll into a graph."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

Velocity = Callable[[Tensor, Tensor], Tensor]
"""dx/dt at x [n, *shape] and time t [1], the same for all: [n, *shape]."""

Sampler = Literal["heun", "euler"]


def times_between(steps: int, shift: float = 1.0) -> list[float]:
    """From 1, where all is noise, to 0, where the samples are: sin² of even angles, closer together at both ends.

    There the path bends: near noise the whole of a sample is decided, near samples its finest detail.

    Args:
        steps: How many.
        shift: Above 1: more of the times near noise, as long or large samples need (Esser et al. 2024, equation 23).
    """
    squares = [math.sin(math.pi / 2 * (1 - step / steps)) ** 2 for step in range(steps + 1)]
    return [shift * t / (shift * t + (1.0 - t)) for t in squares]


def euler(velocity: Velocity, x: Tensor, times: Sequence[float]) -> Tensor:
    """From x at the first time to x at the last by Euler's method: first order, one evaluation a step."""
    for t, next_t in itertools.pairwise(times):
        x = x + (next_t - t) * velocity(x, _at(t, x))
    return x


def heun(velocity: Velocity, x: Tensor, times: Sequence[float]) -> Tensor:
    """From x at the first time to x at the last by Heun's method: second order, two evaluations a step.

    The last step is Euler's, as in Algorithm 1 of Karras et al. 2022: no velocity is asked for at the very end, and one
    step of a lower order leaves the order of the whole.
    """
    *first_times, end = times
    for t, next_t in itertools.pairwise(first_times):
        slope = velocity(x, _at(t, x))
        there = velocity(x + (next_t - t) * slope, _at(next_t, x))
        x = x + (next_t - t) * (slope + there) / 2
    return euler(velocity, x, [first_times[-1], end])


SAMPLERS: dict[Sampler, Callable[[Velocity, Tensor, Sequence[float]], Tensor]] = {"heun": heun, "euler": euler}


def _at(t: float, x: Tensor) -> Tensor:
    """A time as [1]: a constant of an exported graph, whatever the number of samples."""
    return torch.full((1,), t, dtype=x.dtype, device=x.device)
