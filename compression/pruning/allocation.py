"""How much goes where: the same cost saved as by an even cut, where the samples notice it least.

A small layer near the noise can matter to a sample as much as a large one behind it, and save next to nothing. So
channels go step by step from where the Taylor importance says that each saved multiply-add and weight is cheapest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn

from ...training.families import Generative
from .choice import Cluster
from .groups import ChannelGroup
from .layers import PRODUCERS, weight_of, width

_DEEPEST = 2.0
"""No layer is left less than an even cut's share over this: to first order only small cuts are foretold."""


_ROUNDING = 1e-9


@dataclass(frozen=True)
class CostModel:
    """What a network costs by the shares of its channels that stay, 1 where all do.

    Half of it is the share of the multiply-adds, half that of the weights.
    """

    base: Mapping[str, float]
    """Of each layer."""
    touches: Mapping[str, tuple[tuple[tuple[Cluster, float], ...], ...]]
    """Of each layer, by side: the clusters that hold channels of this side, and how much of it."""

    def of(self, shares: Mapping[Cluster, Fraction]) -> float:
        """The cost at these shares."""
        total = 0.0
        for layer, cost in self.base.items():
            for side in self.touches[layer]:
                cost *= 1.0 - sum(part * (1.0 - float(shares[cluster])) for cluster, part in side)
            total += cost
        return total


def cost_model(model: Generative, clusters: Sequence[Cluster], noise: Tensor, condition: Tensor) -> CostModel:
    """Count what each layer costs in one call of the generator, however often it is called inside."""
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, PRODUCERS)}
    work = _multiply_adds(model, layers, noise, condition)
    weights = {name: weight_of(layer).numel() for name, layer in layers.items()}
    all_work, all_weights = max(1, sum(work.values())), sum(weights.values())
    touches: dict[str, dict[str, dict[Cluster, float]]] = {name: {"in": {}, "out": {}} for name in layers}
    for cluster in clusters:
        for member in (member for group in cluster.groups for member in group.members if member.layer in layers):
            side = touches[member.layer][member.side]
            part = len(member.indices) / width(layers[member.layer], member.side)
            side[cluster] = side.get(cluster, 0.0) + part
    return CostModel(
        {name: 0.5 * work[name] / all_work + 0.5 * weights[name] / all_weights for name in layers},
        {name: tuple(tuple(side.items()) for side in sides.values()) for name, sides in touches.items()},
    )


def allocate(
    cost: CostModel,
    clusters: Sequence[Cluster],
    scores: Mapping[ChannelGroup, Tensor],
    *,
    ratio: float,
    round_to: int,
) -> dict[Cluster, Fraction] | None:
    """The share of each cluster's channels that stays, or None where rounding does not let the cost be saved.

    Args:
        cost: Of the network.
        clusters: All that can be pruned.
        scores: The importance of their channels.
        ratio: What an even cut would take of every layer.
        round_to: Every group of channels keeps a multiple of it.
    """
    least = Fraction(1.0 - ratio) / Fraction(_DEEPEST)
    levels = {cluster: [share for share in cluster.shares(round_to) if least <= share < 1] for cluster in clusters}
    shares = dict.fromkeys(clusters, Fraction(1))
    target = cost.of(dict.fromkeys(clusters, Fraction(1.0 - ratio))) + _ROUNDING
    now = cost.of(shares)
    lost = dict.fromkeys(clusters, 0.0)
    while now > target:
        steps = []
        for number, cluster in enumerate(clusters):
            if levels[cluster]:
                share = levels[cluster][0]
                saved = now - cost.of({**shares, cluster: share})
                gone = _lost(cluster, share, scores)
                if saved > 0.0:
                    steps.append(((gone - lost[cluster]) / saved, number, share, gone))
        if not steps:
            return None
        _, number, share, gone = min(steps)
        cluster = clusters[number]
        levels[cluster].pop(0)
        shares[cluster], lost[cluster] = share, gone
        now = cost.of(shares)
    return shares


def _lost(cluster: Cluster, share: Fraction, scores: Mapping[ChannelGroup, Tensor]) -> float:
    stay = cluster.best(share, scores)
    return sum(float(scores[group].sum() - scores[group][kept].sum()) for group, kept in stay.items())


def _multiply_adds(
    model: Generative, layers: Mapping[str, nn.Module], noise: Tensor, condition: Tensor
) -> dict[str, int]:
    counts = dict.fromkeys(layers, 0)

    def counting(name: str) -> Any:
        def hook(layer: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
            transposed = isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d)
            through = given[0] if transposed else made
            features = width(layer, "in" if transposed else "out")
            counts[name] += weight_of(layer).numel() * through.numel() // features

        return hook

    hooks = [layer.register_forward_hook(counting(name)) for name, layer in layers.items()]
    try:
        with torch.no_grad():
            model.encoded(noise[:1], condition[:1])
    finally:
        for hook in hooks:
            hook.remove()
    return counts
