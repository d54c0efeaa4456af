"""The student: a network that jumps from noise to samples in a few calls, at times that are constants of its graph."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...training.families import Generative
from ...training.families.diffusion import DiffusionGenerator, velocity_of
from ...training.families.ode import times_between


class Jumps(Generative):
    """Samples in as many network calls as there are jumps, each of its span times the mean velocity over it.

    Args:
        source: Codec and conditioning are copied; so is its network, where none is given.
        times: Falling from 1, where all is noise, to 0, where the samples are; the seams of the jumps.
        network: Takes the network's place: smaller, or not trained.
    """

    tilt: Tensor
    """[features], added to samples where there are choices, so that none is made more seldom than by the teacher."""

    def __init__(
        self, source: DiffusionGenerator | Jumps, times: Sequence[float], network: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.codec = copy.deepcopy(source.codec)
        self.conditioning: nn.Module = copy.deepcopy(source.conditioning)
        self.network: nn.Module = copy.deepcopy(source.network) if network is None else network
        self.network.admit_spans()  # type: ignore[operator]
        self.noise_shape, self.condition_size = source.noise_shape, source.condition_size
        self.times = tuple(times)
        self.register_buffer("tilt", torch.zeros(self.codec.shape[0]))

    def encoded(self, noise: Tensor, condition: Tensor) -> Tensor:
        """[n, *codec.shape] and [n, c] to samples in model space [n, *codec.shape]."""
        samples = self.path(noise, condition)[-1]
        if not self.codec.choices:
            return samples
        return samples + self.tilt.view(-1, *(1,) * (samples.ndim - 2))

    def path(self, noise: Tensor, condition: Tensor) -> list[Tensor]:
        """Where each jump ends, [n, *codec.shape]; the last are the samples."""
        asked = self.conditioning(condition)
        states, x = [], noise
        for t, end in itertools.pairwise(self.times):
            x = x - (t - end) * self.velocity(x, x.new_full((1,), t), x.new_full((1,), t - end), asked)
            states.append(x)
        return states

    def velocity(self, x: Tensor, t: Tensor, span: Tensor, asked: Tensor) -> Tensor:
        """Mean velocity from times t [n] or [1] down to t - span, at x and scaled conditions: [n, *codec.shape]."""
        return velocity_of(self.codec, self.network(x, t, asked, span), x, t)


def jump_times(teacher: DiffusionGenerator, calls: int) -> list[float]:
    """Times between jumps, out of those of the teacher's solver, whose states there are what a student learns from."""
    times = times_between(teacher.steps, teacher.shift)
    return [times[round(number * teacher.steps / calls)] for number in range(calls + 1)]
