"""The choices of samples in model space, in few operations however many there are, as small graphs need it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

_ALIKE = 4
"""Choices are padded to a common size if the largest has at most as many times the features of the smallest."""
NEVER = -3e4
"""A logit that no other loses to."""


class Choices(nn.Module):
    """Where the features of each choice are, and a way to have them all at hand: as rows, one for each choice.

    A table has dozens of choices of all sizes. One operation on each would be most of a small network's time, so those
    of like sizes are padded to the largest of them and come together. Choices that all have one size come as they are.

    Args:
        start: The first feature that is a choice's.
        sizes: Features of each choice, in order.
    """

    _order: Tensor
    """[padded features], which feature stands there; at a pad the first one of the choice."""
    _is_pad: Tensor
    _log_copies: Tensor
    """[padded features], logarithm of how often the feature that stands there does so."""
    _copies: Tensor
    """[features of choices], how often each stands among the padded ones."""
    _back: Tensor
    """[features of choices], where each first stands among the padded ones."""

    def __init__(self, start: int, sizes: Sequence[int]) -> None:
        super().__init__()
        self._start = start
        starts = list(itertools.accumulate(sizes, initial=0))
        self._together = _alike(sizes)
        self.order = [choice for run, _ in self._together for choice in run]
        """Which choice each row is of, over all parts that `rows` gives."""
        order, is_pad = [], []
        for run, padded in self._together:
            for choice in run:
                pads = padded - sizes[choice]
                order += [*range(starts[choice], starts[choice + 1]), *[starts[choice]] * pads]
                is_pad += [*[False] * sizes[choice], *[True] * pads]
        self._padded, self._as_they_are = any(is_pad), order == list(range(starts[-1]))
        back = [order.index(feature) for feature in range(starts[-1])]
        places = torch.tensor(order, dtype=torch.long)
        copies = torch.bincount(places, minlength=starts[-1]).float()
        self.register_buffer("_order", places + start, persistent=False)
        self.register_buffer("_is_pad", torch.tensor(is_pad, dtype=torch.bool), persistent=False)
        self.register_buffer("_log_copies", copies.log()[places], persistent=False)
        self.register_buffer("_copies", copies, persistent=False)
        self.register_buffer("_back", torch.tensor(back, dtype=torch.long), persistent=False)

    def rows(self, encoded: Tensor, pad: float) -> list[Tensor]:
        """Features [n, features, *axes] to parts [n, choices, size, *axes], the choices in the order `order` tells.

        Args:
            encoded: In model space.
            pad: What stands where a choice has fewer features than its part.
        """
        features = self._side_by_side(encoded)
        if self._padded:
            features = torch.where(_along(self._is_pad, encoded), pad, features)
        return self._parts(features)

    def probabilities(self, encoded: Tensor) -> Tensor:
        """Of each choice the softmax of its features: [n, features, *axes] to [n, features of choices, *axes]."""
        features = self._side_by_side(encoded)
        if self._padded:
            # A pad is the choice's first feature once more, and its copies share what it has. A logit of almost minus
            # infinity would do as well, but engines are slow with the numbers next to 0 that it becomes.
            features = features - _along(self._log_copies, encoded)
        found = self.features([torch.softmax(part, dim=2) for part in self._parts(features)])
        return found * _along(self._copies, encoded) if self._padded else found

    def features(self, rows: Sequence[Tensor]) -> Tensor:
        """The way back of `rows`: [n, features of choices, *axes], without pads."""
        flat = [part.flatten(1, 2) for part in rows]
        padded = torch.cat(flat, dim=1) if len(flat) > 1 else flat[0]
        return padded if self._as_they_are else padded.index_select(1, self._back)

    def _side_by_side(self, encoded: Tensor) -> Tensor:
        return encoded[:, self._start :] if self._as_they_are else encoded.index_select(1, self._order)

    def _parts(self, features: Tensor) -> list[Tensor]:
        lengths = [len(run) * size for run, size in self._together]
        parts = torch.split(features, lengths, dim=1) if len(lengths) > 1 else [features]
        axes = features.shape[2:]
        return [
            part.reshape(-1, len(run), size, *axes) for part, (run, size) in zip(parts, self._together, strict=True)
        ]


def _along(of_features: Tensor, encoded: Tensor) -> Tensor:
    """[features] to [features, *axes], to meet samples [n, features, *axes]."""
    return of_features.view(-1, *(1,) * (encoded.ndim - 2))


def _alike(sizes: Sequence[int]) -> list[tuple[list[int], int]]:
    """Which choices come together, in order of their size, and the size they are padded to."""
    together: list[tuple[list[int], int]] = []
    smallest = 0
    for choice in sorted(range(len(sizes)), key=lambda choice: sizes[choice]):
        if not together or sizes[choice] > _ALIKE * smallest:
            together.append(([], 0))
            smallest = sizes[choice]
        together[-1] = ([*together[-1][0], choice], sizes[choice])
    return together
