"""How far a student's samples in model space are from its teacher's, made from the same noise and conditions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def distance(samples: Tensor, wanted: Tensor) -> Tensor:
    """Squared error of the samples and of their slope along every axis: it keeps steep, short waves such as the QRS.

    Choices count like numbers: how clearly the teacher made each, a cross-entropy of what it chose would not tell.
    """
    slopes = [F.mse_loss(samples.diff(dim=axis), wanted.diff(dim=axis)) for axis in range(2, samples.ndim)]
    return torch.stack([F.mse_loss(samples, wanted), *slopes]).sum()
