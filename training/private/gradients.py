"""Gradients of single records, clipped, summed and noised: the step of DP-SGD (Abadi et al., CCS 2016).

Each record's loss is computed alone, by `torch.func`, not taken apart after a batch went through: whatever a family
does, no other record can enter a record's gradient, and no parameter can be left out of its norm.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..draws import Draws
from ..families import Family

_NUMBERS_AT_ONCE = 2**24
"""Of gradients held in memory: 64 MiB, and two or three times that at the peak."""

Gradients = dict[str, Tensor]
"""By the parameter's name."""


class RecordDraws(Draws):
    """The random numbers of one record of many: its part of numbers drawn for all of them.

    Args:
        rng: Their source.
        n: How many records there are.
        index: Which one this is, [1]; `torch.func.vmap` puts all of them through at once.
    """

    def __init__(self, rng: np.random.Generator, n: int, index: Tensor) -> None:
        self._rng, self._n, self._index = rng, n, index

    def normal(self, n: int, *shape: int) -> Tensor:
        """Standard normal numbers [1, *shape]."""
        return self._of_record(n, self._rng.standard_normal((self._n, *shape), np.float32))

    def uniform(self, n: int, *shape: int) -> Tensor:
        """Uniform numbers from 0 to 1, [1, *shape]."""
        return self._of_record(n, self._rng.random((self._n, *shape), np.float32))

    def stratified(self, n: int) -> Tensor:
        """A uniform number from 0 to 1, [1], whatever the other records got.

        Spread over the batch, one record's number would depend on how many others there are, and its gradient would
        tell of them.
        """
        # Never 0 or 1 as float32: their quantiles are infinite.
        return self.uniform(n).clamp(1e-6, 1.0 - 1e-6)

    def _of_record(self, n: int, of_all: npt.NDArray[np.float32]) -> Tensor:
        if n != 1:
            raise ValueError(f"a record's loss asks for the random numbers of {n} records")
        return torch.from_numpy(of_all).to(self._index.device).index_select(0, self._index)


class _Losses(nn.Module):
    """Makes a family's losses of single records its forward pass, as `functional_call` wants it."""

    def __init__(self, family: Family) -> None:
        super().__init__()
        self.family = family

    def forward(self, samples: Tensor, condition: Tensor, draws: Draws) -> Tensor:
        return self.family.record_losses(samples, condition, draws)


def record_gradients(
    model: Family, samples: Tensor, condition: Tensor, rng: np.random.Generator
) -> tuple[Tensor, Gradients]:
    """Losses [n] and gradients [n, *parameter] of each record alone.

    Args:
        model: Its parameters are left as they are.
        samples: [n, *schema.shape], one or more.
        condition: [n, c].
        rng: Of the random numbers in the losses.
    """
    losses = _Losses(model)
    parameters = {name: parameter.detach() for name, parameter in losses.named_parameters()}
    n = len(samples)

    def loss(weights: Gradients, sample: Tensor, asked: Tensor, index: Tensor) -> Tensor:
        draws = RecordDraws(rng, n, index)
        of_record: Tensor = torch.func.functional_call(losses, weights, (sample[None], asked[None], draws))
        return of_record.sum()

    both = torch.func.vmap(torch.func.grad_and_value(loss), in_dims=(None, 0, 0, 0))
    gradients, values = both(parameters, samples, condition, torch.arange(n, device=samples.device)[:, None])
    return values.detach(), {name.removeprefix("family."): gradient for name, gradient in gradients.items()}


def clipped_sum(gradients: Gradients, clip: float) -> Gradients:
    """The sum over records of gradients [n, *parameter], each made as short as `clip` where it is longer.

    A gradient that is not finite counts as zero, so that no record whatsoever moves the sum by more than `clip`.
    """
    squares = torch.stack([g.flatten(1).double().square().sum(dim=1) for g in gradients.values()])
    norms = squares.sum(dim=0).sqrt()
    finite = norms.isfinite()
    factors = torch.where(finite, (clip / norms.clamp(min=1e-12)).clamp(max=1.0), 0.0).float()
    return {
        name: torch.tensordot(factors, torch.where(_spread(finite, g), g, 0.0), dims=1) for name, g in gradients.items()
    }


def private_gradients(
    model: Family,
    samples: Tensor,
    condition: Tensor,
    *,
    clip: float,
    noise_multiplier: float,
    expected: float,
    draws: np.random.Generator,
    noise: np.random.Generator,
) -> tuple[float, Gradients]:
    """One step's gradient with differential privacy, and the mean loss, which has none: it is not to be kept.

    Args:
        model: The model.
        samples: [n, *schema.shape] of a Poisson sample; none will do.
        condition: [n, c].
        clip: Largest norm of one record's gradient.
        noise_multiplier: Standard deviation of the noise on the sum, in units of `clip`.
        expected: Number of records expected in a step, which the sum is divided by: how many came is private.
        draws: Of the random numbers in the losses.
        noise: Of the noise.
    """
    parameters = dict(model.named_parameters())
    total = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
    at_once = max(1, _NUMBERS_AT_ONCE // sum(p.numel() for p in parameters.values()))
    losses = []
    for part in range(0, len(samples), at_once):
        mine = slice(part, part + at_once)
        found, gradients = record_gradients(model, samples[mine], condition[mine], draws)
        losses.append(found)
        for name, gradient in clipped_sum(gradients, clip).items():
            total[name] += gradient
    return torch.cat(losses).mean().item() if losses else 0.0, _noised(total, noise_multiplier * clip, expected, noise)


def _noised(total: Mapping[str, Tensor], deviation: float, expected: float, rng: np.random.Generator) -> Gradients:
    noised = {}
    for name, summed in total.items():
        noise = torch.from_numpy(rng.standard_normal(tuple(summed.shape)) * deviation)
        # Added in double precision: in single, small noise on a large sum leaves traces of the sum in its last bits.
        noised[name] = ((summed.double() + noise.to(summed.device)) / expected).float()
    return noised


def _spread(of_records: Tensor, gradient: Tensor) -> Tensor:
    return of_records.view(-1, *(1,) * (gradient.ndim - 1))
