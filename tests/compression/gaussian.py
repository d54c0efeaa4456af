"""A diffusion teacher of normal rows whose path, and so whose samples, are known in closed form."""

from __future__ import annotations

from typing import Any

import torch
from edgeward.runtime.schema import NumberColumn, Schema, TableSchema
from edgeward.training.families.diffusion import Diffusion, DiffusionGenerator, build_diffusion
from torch import Tensor, nn

MEAN = torch.tensor([0.7, -0.4, 0.1])
COVARIANCE = torch.tensor([[1.0, 0.6, 0.0], [0.6, 0.8, -0.2], [0.0, -0.2, 0.3]])
SCHEMA = TableSchema("normal", "Normal numbers.", tuple(NumberColumn(name, "1", -3.5, 3.5) for name in "abc"), ())
OPTIONS: dict[str, Any] = {
    "widths": [16],
    "blocks": 1,
    "embedding": 16,
    "shift": 1.0,
    "condition_dropout": 0.1,
    "guidance": 1.0,
    "sampler": "heun",
    "sampler_steps": 12,
}


def spread(t: Tensor) -> Tensor:
    """Covariance at times [n] of the straight path from normal samples to noise, [n, 3, 3]."""
    t = t[:, None, None]
    return (1.0 - t) ** 2 * COVARIANCE + t**2 * torch.eye(3)


class NormalVelocity(nn.Module):
    """In a network's place: E[noise - sample | x]."""

    def forward(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        at = t[:, None, None]
        gain = (at * torch.eye(3) - (1.0 - at) * COVARIANCE) @ torch.linalg.inv(spread(t))
        centred = x - (1.0 - t[:, None]) * MEAN
        return (gain @ centred[:, :, None])[:, :, 0] - MEAN


def carried(x: Tensor, t: Tensor, end: Tensor) -> Tensor:
    """Where the path of `NormalVelocity` through x [n, 3] at times t [n] is at times end [n]."""
    grown = root(spread(end)) @ torch.linalg.inv(root(spread(t)))
    centred = x - (1.0 - t[:, None]) * MEAN
    return (1.0 - end[:, None]) * MEAN + (grown @ centred[:, :, None])[:, :, 0]


def root(matrices: Tensor) -> Tensor:
    """Symmetric square roots [n, 3, 3]. All spreads share their axes, so that the paths grow along these alone."""
    values, vectors = torch.linalg.eigh(matrices)
    return vectors @ torch.diag_embed(values.sqrt()) @ vectors.mT


def teacher(**changed: Any) -> DiffusionGenerator:
    """Its network is the closed form; all the rest as it ships."""
    generator = untrained(SCHEMA, **changed).generator()
    generator.network = NormalVelocity()
    return generator.eval()


def untrained(schema: Schema, **changed: Any) -> Diffusion:
    """A model of the toy options; its codec changes nothing in the schema above."""
    torch.manual_seed(2)
    return build_diffusion(schema, {**OPTIONS, **changed}).eval()
