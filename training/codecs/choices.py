"""What probabilities a network's outputs give the choices of model space."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor


def by_size(choices: Tensor, sizes: Sequence[int]) -> list[Tensor]:
    """The features that are choices [n, features, *axes], each run of groups of one size together.

    Args:
        choices: Those features alone.
        sizes: Of the groups, in order, as `Codec.choices`.

    Returns:
        [n, groups, size, *axes] of each run.
    """
    parts, start = [], 0
    for size, run in itertools.groupby(sizes):
        count = len(list(run))
        parts.append(choices[:, start : start + count * size].reshape(-1, count, size, *choices.shape[2:]))
        start += count * size
    return parts


def expected_choices(logits: Tensor, sizes: Sequence[int]) -> Tensor:
    """Logits [n, features, *axes] to the probabilities of each choice, as model space has them: -1 for 0, 1 for 1.

    Args:
        logits: Of the features that are choices alone.
        sizes: Of the groups, in order, as `Codec.choices`.
    """
    return torch.cat([(2.0 * torch.softmax(run, dim=2) - 1.0).flatten(1, 2) for run in by_size(logits, sizes)], dim=1)
