"""How far a student's samples in model space are from its teacher's, made from the same noise and conditions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..training.codecs import Codec
from ..training.codecs.choices import NEVER

_LEAST_PROBABILITY = 1e-5


def distance(samples: Tensor, wanted: Tensor) -> Tensor:
    """Squared error of the samples and of their slope along every axis: it keeps steep, short waves such as the QRS."""
    slopes = [F.mse_loss(samples.diff(dim=axis), wanted.diff(dim=axis)) for axis in range(2, samples.ndim)]
    return torch.stack([F.mse_loss(samples, wanted), *slopes]).sum()


def distance_of_likely(codec: Codec, samples: Tensor, wanted: Tensor) -> Tensor:
    """The same of numbers, and of choices the cross-entropy of what the teacher chose; a mean over features.

    Args:
        codec: Says which features are choices.
        samples: [n, *codec.shape], of choices probabilities, from -1 for 0 to 1 for 1.
        wanted: [n, *codec.shape], of a choice the largest was made.
    """
    if not codec.choices:
        return distance(samples, wanted)
    start = codec.numbers
    parts = [distance(samples[:, :start], wanted[:, :start]) * start] if start else []
    for said, made in zip(
        codec.of_choices.rows(samples, pad=-1.0), codec.of_choices.rows(wanted, pad=NEVER), strict=True
    ):
        probability = ((said + 1.0) / 2.0).gather(2, made.argmax(dim=2, keepdim=True))
        parts.append(-probability.clamp(min=_LEAST_PROBABILITY).log().mean() * said.shape[1])
    return torch.stack(parts).sum() / codec.shape[0]
