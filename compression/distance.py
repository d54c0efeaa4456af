"""How far a student's samples in model space are from its teacher's, made from the same noise and conditions."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor

from ..training.codecs import Codec

_SHARPNESS = 2.0
"""What choices from -1 to 1 are multiplied by to be logits."""


def distance(codec: Codec, samples: Tensor, wanted: Tensor) -> Tensor:
    """Mean over features [n, *codec.shape]: of numbers as `of_numbers`, of choices the cross-entropy of those made.

    By squared error a student that is unsure of a choice would give in to the commonest; by its probabilities it is
    told what the noise decided.
    """
    if not codec.choices:
        return of_numbers(samples, wanted)
    features, numbers = codec.shape[0], codec.numbers
    parts = [of_numbers(samples[:, :numbers], wanted[:, :numbers]) * numbers] if numbers else []
    start = numbers
    for size, run in itertools.groupby(codec.choices):
        # Groups of one size at once: a series of dozens of variables has as many of two.
        count = len(list(run))
        said, made = (
            side[:, start : start + count * size].reshape(len(side), count, size, *side.shape[2:]).movedim(2, 1)
            for side in (samples, wanted)
        )
        parts.append(F.cross_entropy(_SHARPNESS * said, made.argmax(dim=1)) * count)
        start += count * size
    return torch.stack(parts).sum() / features


def of_numbers(samples: Tensor, wanted: Tensor) -> Tensor:
    """Squared error and that of the slope along every axis: it keeps steep, short waves such as the QRS."""
    slopes = [F.mse_loss(samples.diff(dim=axis), wanted.diff(dim=axis)) for axis in range(2, samples.ndim)]
    return torch.stack([F.mse_loss(samples, wanted), *slopes]).sum()
