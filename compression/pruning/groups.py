"""Which channels of which layers hang together: Torch-Pruning's answer, in plain values and by the layers' names.

Torch-Pruning (Fang et al., CVPR 2023) follows a network's gradients backwards. It is asked for indices only: it takes
much that it does not know for element by element, so what it says is checked (`audit`) before anything is cut.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch_pruning
from torch import Tensor, nn

from ...training.families import Generative
from .layers import PRODUCERS, Side, is_cuttable, is_depthwise, width

Calls = Mapping[str, tuple[tuple[Any, ...], dict[str, Any]]]
"""By a module's name, what it was first called with."""


@dataclass(frozen=True)
class Member:
    """A side of a layer whose channels go when those of the group go."""

    layer: str
    """Its name in the model."""
    side: Side
    indices: tuple[int, ...]
    """On this side of the layer."""
    channels: tuple[int, ...]
    """Of the group, one for each index: several where an axis was flattened into the channels."""


@dataclass(frozen=True)
class ChannelGroup:
    """Channels that can only be taken out everywhere at once."""

    size: int
    members: tuple[Member, ...]

    @property
    def name(self) -> str:
        """Of the layer that stands for the group in messages."""
        return self.members[0].layer


@dataclass(frozen=True)
class Part:
    """A module that can be followed alone, and its groups."""

    name: str
    groups: tuple[ChannelGroup, ...]


@dataclass(frozen=True)
class LeftWhole:
    """What is not pruned, and why."""

    name: str
    why: str


def first_calls(
    model: Generative, noise: Tensor, condition: Tensor
) -> dict[str, tuple[tuple[Any, ...], dict[str, Any]]]:
    """What each module of a model is first called with."""
    calls: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}

    def noting(name: str) -> Any:
        return lambda _, given, options: calls.setdefault(name, (given, options)) and None

    hooks = [module.register_forward_pre_hook(noting(name), with_kwargs=True) for name, module in model.named_modules()]
    try:
        with torch.no_grad():
            model.encoded(noise, condition)
    finally:
        for hook in hooks:
            hook.remove()
    return calls


def find_parts(model: nn.Module, calls: Calls) -> tuple[list[Part], list[LeftWhole]]:
    """Groups of channels, part by part.

    A network that is called several times, by a solver or by a student of several steps, is followed through one call.
    A part that cannot be followed, such as a prior's splits and joins, gives way to the parts it is made of.

    Args:
        model: In evaluation mode.
        calls: Of `first_calls`.
    """
    parts: list[Part] = []
    whole: list[LeftWhole] = []
    waiting = [name for name, _ in model.named_children()]
    while waiting:
        name = waiting.pop(0)
        module = model.get_submodule(name)
        inner = [f"{name}.{child}" for child, _ in module.named_children()]
        if not any(True for _ in module.parameters()):
            continue
        if name not in calls:  # a list of modules, which is not called itself
            waiting = inner + waiting
            continue
        try:
            groups, without = _groups(name, module, *calls[name])
        except Exception as error:
            if inner:
                waiting = inner + waiting
            else:
                whole.append(LeftWhole(name, f"it cannot be followed ({type(error).__name__}: {error})"))
            continue
        parts.append(Part(name, tuple(groups)))
        whole += without
    return parts, whole


def _groups(
    name: str, module: nn.Module, given: tuple[Any, ...], options: dict[str, Any]
) -> tuple[list[ChannelGroup], list[LeftWhole]]:
    """Every group is asked for from the narrowest side of a layer in it.

    From the layer of a FiLM that is split in two, or from a linear layer whose outputs are reshaped, several of its
    channels are one of the others', and Torch-Pruning loses all of them but one.
    """
    names = {inner: f"{name}.{path}" if path else name for path, inner in module.named_modules()}
    with warnings.catch_warnings(), torch.enable_grad():
        warnings.simplefilter("ignore")
        graph = torch_pruning.DependencyGraph().build_dependency(
            module, given, forward_fn=lambda called, _: called(*given, **options), verbose=False
        )
        groups: list[ChannelGroup] = []
        whole: dict[str, LeftWhole] = {}
        done: set[tuple[str, Side]] = set()
        for layer, side in _narrow_first(graph.module2node, names):
            if (names[layer], side) in done:
                continue
            pruner = graph.get_pruner_of_module(layer)
            root = pruner.prune_out_channels if side == "out" else pruner.prune_in_channels
            size = width(layer, side)
            try:
                group = _group(graph, graph.get_pruning_group(layer, root, list(range(size))), names, size)
            except _CannotBePrunedError as error:
                whole.setdefault(names[layer], LeftWhole(names[layer], str(error)))
                continue
            sides = {(member.layer, member.side) for member in group.members}
            if {"in", "out"} <= {one for _, one in sides}:  # otherwise they are the part's inputs, or its output
                done |= sides
                groups.append(group)
    return groups, [left for layer_name, left in whole.items() if (layer_name, "out") not in done]


def _narrow_first(layers: Iterable[Any], names: Mapping[nn.Module, str]) -> list[tuple[nn.Module, Side]]:
    """The sides of the layers that make channels; what gives channels before what takes as many."""
    making = [layer for layer in layers if isinstance(layer, PRODUCERS) and layer in names and not is_depthwise(layer)]
    sides: list[tuple[nn.Module, Side]] = [(layer, side) for side in ("out", "in") for layer in making]
    return sorted(sides, key=lambda one: width(*one))


class _CannotBePrunedError(Exception):
    pass


def _group(graph: Any, items: Any, names: Mapping[nn.Module, str], size: int) -> ChannelGroup:
    members: dict[tuple[str, Side], Member] = {}
    for item in items:
        module = item.dep.target.module
        if isinstance(module, nn.Parameter):
            raise _CannotBePrunedError("a tensor that belongs to no layer meets its channels")
        if module not in names or (isinstance(module, nn.PReLU) and module.num_parameters == 1):
            continue
        if not is_cuttable(module):
            raise _CannotBePrunedError(f"its channels meet a {type(module).__name__} that cannot be cut")
        side = _side(graph, item)
        indices, channels = tuple(item.idxs), tuple(item.root_idxs)
        # A reshape that hides channels shows as some that have no place, or as places past the end.
        if set(channels) != set(range(size)) or not set(indices) <= set(range(width(module, side))):
            raise _CannotBePrunedError("a reshape hides its channels")
        members[names[module], side] = Member(names[module], side, indices, channels)
    return ChannelGroup(size, tuple(members.values()))


def _side(graph: Any, item: Any) -> Side:
    return "out" if graph.is_out_channel_pruning_fn(item.dep.handler) else "in"
