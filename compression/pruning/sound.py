"""Which channels can be cut without anything going wrong: tried on random weights, one by one where need be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ...runtime.errors import GateError
from ...training.families import Generative
from .audit import calling, fault_of, randomised
from .choice import Cluster, clusters
from .cut import Kept, kept_of
from .groups import Calls, ChannelGroup, LeftWhole, Part


def sound_clusters(
    model: Generative, part: Part, calls: Calls, ratio: float, seed: int
) -> tuple[list[Cluster], list[LeftWhole]]:
    """The clusters of a part that can be cut, and what has to be left whole.

    Args:
        model: The whole model.
        part: Of it.
        calls: Of `groups.first_calls`.
        ratio: Share of the channels to take out, above 0 and below 1.
        seed: Of the random weights, and of the channels that are taken out of them.

    Raises:
        GateError: What can be cut alone cannot be cut together.
    """
    trial = randomised(model, seed)
    generator = torch.Generator().manual_seed(seed)
    called = _calling_part(part, calls)

    trials: dict[Cluster, dict[ChannelGroup, list[int]]] = {}
    left_whole: list[LeftWhole] = []
    for cluster in clusters(model, part.groups):
        shares = cluster.shares(1)
        if len(shares) == 1:  # all of them
            left_whole += [
                LeftWhole(group.name, "none of its channels can go without the rest") for group in cluster.groups
            ]
            continue
        share = cluster.share(ratio, 1) or shares[-1]
        scores = {group: torch.rand(group.size, generator=generator) for group in cluster.groups}
        trials[cluster] = cluster.best(share, scores)

    def fault(chosen: list[Cluster]) -> str | None:
        kept = kept_of(model, {group: stay for one in chosen for group, stay in trials[one].items()})
        return fault_of(trial, kept, called)

    if fault(list(trials)) is None:
        return list(trials), left_whole
    sound = []
    for cluster in trials:
        if found := fault([cluster]):
            left_whole += [LeftWhole(group.name, found) for group in cluster.groups]
        else:
            sound.append(cluster)
    if sound and (found := fault(sound)):
        raise GateError(f"pruning would break {part.name}: {found}; leave the step out")
    return sound, left_whole


def fault_in_a_part(model: Generative, parts: Sequence[Part], calls: Calls, kept: Kept, seed: int) -> str | None:
    """What is wrong with the cut that was chosen, or None: a trial of other channels may have gone well by chance."""
    trial = randomised(model, seed)
    for part in parts:
        if part.groups and (fault := fault_of(trial, kept, _calling_part(part, calls))):
            return f"{part.name}: {fault}"
    return None


def _calling_part(part: Part, calls: Calls) -> Callable[[nn.Module], Tensor]:
    call = calling(*calls[part.name])
    return lambda model: call(model.get_submodule(part.name))
