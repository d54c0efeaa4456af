"""Samples of a generator that is still a PyTorch module."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from ...runtime.noise import NoiseStream
from .family import Generative

_BATCH = 256


@torch.no_grad()
def samples_for(
    generator: Generative, condition: npt.NDArray[np.float32], *, seed: int, first: int = 0
) -> npt.NDArray[np.float32]:
    """Samples [n, *schema.shape] for condition vectors [n, c]: those of indices `first`, `first + 1`, … of the seed."""
    noise = NoiseStream(seed, generator.noise_shape)
    device = next(iter(generator.parameters())).device
    parts = []
    for start in range(0, len(condition), _BATCH):
        asked = condition[start : start + _BATCH]
        drawn = noise.take(first + start, len(asked))
        parts.append(generator(torch.from_numpy(drawn).to(device), torch.from_numpy(asked).to(device)).cpu().numpy())
    return np.concatenate(parts)
