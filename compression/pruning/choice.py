"""How many channels stay and which: a multiple kernels like, and equally many of every group of a group norm.

Were they not equally many, the norm would divide the rest into groups anew: channels would silently be normalised
with others than they were trained with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor, nn

from .groups import ChannelGroup
from .layers import group_of_channel


@dataclass(frozen=True)
class Cluster:
    """Groups of channels that one group norm sees together, as after a concatenation; mostly one group alone."""

    groups: tuple[ChannelGroup, ...]
    classes: tuple[tuple[int, ...], ...]
    """Of each group, each channel's class: the same for those that every group norm takes together."""

    def sizes(self, of: int) -> list[int]:
        """How many channels each class of a group has."""
        labels = self.classes[of]
        return [labels.count(label) for label in sorted(set(labels))]

    def shares(self, round_to: int) -> list[Fraction]:
        """The shares of every class that may stay, the largest first; every group keeps a multiple of `round_to`."""
        step = math.gcd(*(size for of in range(len(self.groups)) for size in self.sizes(of)))
        return [
            Fraction(kept, step)
            for kept in range(step, 0, -1)
            if all(kept * group.size // step % round_to == 0 for group in self.groups)
        ]

    def share(self, ratio: float, round_to: int) -> Fraction | None:
        """The largest of them that takes `ratio` of the channels out, or None where there is none."""
        # What 1 - 0.9 leaves of ten is one, whatever binary fractions make of it.
        return next((share for share in self.shares(round_to) if share <= 1.0 - ratio + 1e-9), None)

    def best(self, share: Fraction, scores: Mapping[ChannelGroup, Tensor]) -> dict[ChannelGroup, list[int]]:
        """Of each group, ascending, the channels that matter most: this share of each class."""
        return {
            group: sorted(
                channel
                for label in set(labels)
                for channel in _highest([c for c, one in enumerate(labels) if one == label], scores[group], share)
            )
            for group, labels in zip(self.groups, self.classes, strict=True)
        }


def clusters(model: nn.Module, groups: Sequence[ChannelGroup]) -> list[Cluster]:
    """Put together the groups that share a group norm."""
    by_norm: dict[str, list[int]] = {}
    for number, group in enumerate(groups):
        for member in group.members:
            if isinstance(model.get_submodule(member.layer), nn.GroupNorm):
                by_norm.setdefault(member.layer, []).append(number)
    together = list(range(len(groups)))
    for numbers in by_norm.values():
        old = {together[number] for number in numbers}
        together = [min(old) if one in old else one for one in together]
    return [
        Cluster(tuple(inside), tuple(_classes(model, group) for group in inside))
        for first in sorted(set(together))
        if (inside := [group for number, group in enumerate(groups) if together[number] == first])
    ]


def _classes(model: nn.Module, group: ChannelGroup) -> tuple[int, ...]:
    seen: list[set[tuple[str, int]]] = [set() for _ in range(group.size)]
    for member in group.members:
        layer = model.get_submodule(member.layer)
        if isinstance(layer, nn.GroupNorm):
            for index, channel in zip(member.indices, member.channels, strict=True):
                seen[channel].add((member.layer, group_of_channel(layer, index)))
    labels = {frozenset(one): number for number, one in enumerate(dict.fromkeys(frozenset(s) for s in seen))}
    return tuple(labels[frozenset(one)] for one in seen)


def _highest(channels: list[int], scores: Tensor, share: Fraction) -> list[int]:
    order = torch.argsort(scores[channels], descending=True, stable=True).tolist()
    return [channels[place] for place in order[: int(share * len(channels))]]
