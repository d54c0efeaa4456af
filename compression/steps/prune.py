"""Structured pruning: whole channels are taken out, so that the network really is smaller.

Torch-Pruning (Fang et al., CVPR 2023) follows which layers share channels; what to keep is decided by the
first-order Taylor importance (Molchanov et al., CVPR 2019) of the samples' energy.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import torch
import torch_pruning
from torch import nn

from ...runtime.errors import GateError
from ...runtime.feed import Feed
from ...runtime.schema import Schema
from ...training.families import Generative
from ..student import Change, Context, Student
from .step import Option, Step

PruningHistory = list[Any]
"""Which channels of which layer were taken out: plain values that `replay_pruning` applies again."""

_IMPORTANCE_SAMPLES = 512


def prune(
    model: Generative, schema: Schema, *, ratio: float, round_to: int, seed: int
) -> tuple[Generative, PruningHistory]:
    """Take about `ratio` of the channels out of every convolution but the last.

    Args:
        model: Left as it is.
        schema: The data's schema.
        ratio: Share of the channels to take out, above 0 and below 1.
        round_to: The channels left are a multiple of it, as kernels like.
        seed: Of the noise and conditions the importance is measured on.

    Returns:
        The smaller model, not fine-tuned, and what was taken out.

    Raises:
        GateError: There is nothing to prune, or the pruner took out much less than asked for, as it does where
            rounding leaves no room.
    """
    pruned = copy.deepcopy(model).eval()
    if not _convolutions(pruned):
        raise GateError("the model has no convolution, whose channels are what is pruned; leave the step out")
    inputs = Feed(seed, model.noise_shape, schema.conditions, {}).take(0, _IMPORTANCE_SAMPLES)
    noise, condition = torch.from_numpy(inputs.noise), torch.from_numpy(inputs.condition)
    widths_before = _conv_channels(pruned)
    pruned.zero_grad()
    with _traced_from_the_first_convolution(pruned):
        pruned(noise, condition).square().mean().backward()
        pruner = torch_pruning.pruner.BasePruner(
            pruned,
            (noise[:1], condition[:1]),
            importance=torch_pruning.importance.GroupTaylorImportance(),
            pruning_ratio=ratio,
            round_to=round_to,
            ignored_layers=_left_whole(pruned),
        )
        pruner.step()
    history: PruningHistory = pruner.pruning_history()
    pruned.zero_grad()
    _check_pruned(pruned, schema, widths_before, ratio)
    return pruned, history


def _run(student: Student, context: Context, *, ratio: float, round_to: int) -> None:
    student.model, history = prune(student.model, context.schema, ratio=ratio, round_to=round_to, seed=context.seed)
    student.changes.append({"do": "prune", "history": history})


def _replay(model: Generative, change: Change) -> Generative:
    replay_pruning(model, change["history"])
    return model


STEP = Step(
    {"ratio": Option(float, below=1), "round_to": Option(int)},
    _run,
    replay=_replay,
    remedy="prune less, or distil longer after it",
)


def replay_pruning(model: Generative, history: PruningHistory) -> None:
    """Take the same channels out of a fresh copy of the same model, in place."""
    inputs = torch.zeros(1, *model.noise_shape), torch.zeros(1, model.condition_size)
    with _traced_from_the_first_convolution(model):
        graph = torch_pruning.DependencyGraph().build_dependency(model, inputs)
        graph.load_pruning_history(history)


@contextlib.contextmanager
def _traced_from_the_first_convolution(model: nn.Module) -> Iterator[None]:
    """Within it, no gradient flows through linear layers' weights, so that the pruner does not look before the stem.

    It follows gradients to find which layers share channels, and cannot follow the splits and joins of a prior.
    """
    linear = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    for layer in linear:
        layer.requires_grad_(False)
    try:
        yield
    finally:
        for layer in linear:
            layer.requires_grad_(True)


def _left_whole(model: nn.Module) -> list[nn.Module]:
    """Layers whose outputs must stay: the last one makes the channels, a reshape hides a linear layer's."""
    return [_convolutions(model)[-1], *(module for module in model.modules() if isinstance(module, nn.Linear))]


def _conv_channels(model: nn.Module) -> list[int]:
    return [module.out_channels for module in _convolutions(model)]


_Convolution = nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d


def _convolutions(model: nn.Module) -> list[_Convolution]:
    return [module for module in model.modules() if isinstance(module, _Convolution)]


def _check_pruned(model: Generative, schema: Schema, before: list[int], ratio: float) -> None:
    with torch.no_grad():
        shape = model(torch.zeros(2, *model.noise_shape), torch.zeros(2, model.condition_size)).shape
    if shape != (2, *schema.shape):
        raise GateError(f"pruning broke the network: it now gives {tuple(shape)}, not {(2, *schema.shape)}")
    for old, new in zip(before[:-1], _conv_channels(model)[:-1], strict=True):
        if new > (1 - ratio) * old + 1:
            raise GateError(
                f"the pruner left {new} of {old} channels though {ratio:.0%} should go; "
                "use a smaller round_to, or several rounds of a smaller ratio"
            )
