"""Samples of a generator for given conditions, batch by batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from ...runtime.noise import NoiseStream
from .family import Generative

_BATCH = 256

Floats = npt.NDArray[np.float32]


@torch.no_grad()
def samples_for(generator: Generative, condition: Floats, *, seed: int, first: int = 0) -> Floats:
    """Samples [n, *schema.shape] for condition vectors [n, c]: those of indices `first`, `first + 1`, … of the seed."""
    device = next(iter(generator.parameters())).device

    def run(noise: Floats, asked: Floats) -> Floats:
        samples: Floats = (
            generator(torch.from_numpy(noise).to(device), torch.from_numpy(asked).to(device)).cpu().numpy()
        )
        return samples

    return in_batches(run, NoiseStream(seed, generator.noise_shape), condition, first)


def in_batches(run: Callable[[Floats, Floats], Floats], noise: NoiseStream, condition: Floats, first: int) -> Floats:
    """Samples of any generator for condition vectors [n, c], a batch at a time, in the order of their indices.

    Args:
        run: The generator: (noise, condition) to samples.
        noise: Of the seed.
        condition: [n, c].
        first: Index of the first sample.
    """
    parts = []
    for start in range(0, len(condition), _BATCH):
        asked = condition[start : start + _BATCH]
        parts.append(run(noise.take(first + start, len(asked)), asked))
    return np.concatenate(parts)
