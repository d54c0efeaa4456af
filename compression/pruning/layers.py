"""Layers and their channels: how many there are on each side, and how to take some out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

Side = Literal["in", "out"]
"""Of a layer: the channels it takes, or those it gives. What treats every channel alone has an `out` only."""

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)
PRODUCERS = (*CONVOLUTIONS, nn.Linear)
"""Layers that mix channels, and so make new ones."""
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d)


def is_depthwise(layer: nn.Module) -> bool:
    """Whether a convolution treats every channel alone."""
    return isinstance(layer, CONVOLUTIONS) and 1 < layer.groups == layer.in_channels == layer.out_channels


def is_cuttable(layer: nn.Module) -> bool:
    """Whether channels can be taken out of a layer of this kind."""
    if isinstance(layer, CONVOLUTIONS):
        return layer.groups == 1 or is_depthwise(layer)
    if isinstance(layer, nn.LayerNorm):
        return len(layer.normalized_shape) == 1
    return isinstance(layer, nn.Linear | nn.Embedding | nn.GroupNorm | _NormBase | nn.PReLU)


def axis(layer: nn.Module, side: Side) -> int:
    """The axis of a layer's weight that a side's channels lie along."""
    if isinstance(layer, _TRANSPOSED) and not is_depthwise(layer):
        return 0 if side == "in" else 1
    if isinstance(layer, nn.Embedding):
        return 1
    return 1 if side == "in" else 0


def width(layer: nn.Module, side: Side) -> int:
    """How many channels a layer has on a side."""
    if isinstance(layer, CONVOLUTIONS):
        return layer.in_channels if side == "in" else layer.out_channels
    if isinstance(layer, nn.Linear):
        return layer.in_features if side == "in" else layer.out_features
    if isinstance(layer, nn.Embedding):
        return layer.embedding_dim
    if isinstance(layer, nn.GroupNorm):
        return layer.num_channels
    if isinstance(layer, nn.LayerNorm):
        return layer.normalized_shape[0]
    if isinstance(layer, _NormBase):
        return layer.num_features
    if isinstance(layer, nn.PReLU):
        return layer.num_parameters
    raise TypeError(f"a {type(layer).__name__} has no channels")


def group_of_channel(norm: nn.GroupNorm, index: int) -> int:
    """The group a channel is normalised with."""
    return index // (norm.num_channels // norm.num_groups)


def cut_layer(layer: nn.Module, side: Side, kept: Sequence[int]) -> None:
    """Keep these channels of a side, in this order; in place.

    Raises:
        ValueError: A group norm would be left with groups of unequal size: channels would change their group.
    """
    index = torch.tensor(kept, dtype=torch.long)
    if isinstance(layer, nn.GroupNorm):
        left = [0] * layer.num_groups
        for channel in kept:
            left[group_of_channel(layer, channel)] += 1
        if len(set(left)) > 1:
            raise ValueError(f"its {layer.num_groups} groups would be left with {min(left)} to {max(left)} channels")
    along = axis(layer, side)
    for name, tensor in [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]:
        if tensor.ndim == 0 or (side == "in" and name != "weight"):  # a bias, and statistics, are of the outputs
            continue
        part = tensor.detach().index_select(along if name == "weight" else 0, index)
        if isinstance(tensor, nn.Parameter):
            part = nn.Parameter(part, requires_grad=tensor.requires_grad)
        setattr(layer, name, part)
    _note_width(layer, side, len(kept))


def _note_width(layer: nn.Module, side: Side, size: int) -> None:
    """What a layer says of itself; some of it, such as a group norm's, is computed with."""
    if is_depthwise(layer):
        assert isinstance(layer, CONVOLUTIONS)  # noqa: S101 - for the type checker
        layer.in_channels = layer.out_channels = layer.groups = size
    elif isinstance(layer, CONVOLUTIONS):
        setattr(layer, f"{side}_channels", size)
    elif isinstance(layer, nn.Linear):
        setattr(layer, f"{side}_features", size)
    elif isinstance(layer, nn.Embedding):
        layer.embedding_dim = size
    elif isinstance(layer, nn.GroupNorm):
        layer.num_channels = size
    elif isinstance(layer, nn.LayerNorm):
        layer.normalized_shape = (size,)
    elif isinstance(layer, _NormBase):
        layer.num_features = size
    elif isinstance(layer, nn.PReLU):
        layer.num_parameters = size


def weight_of(layer: nn.Module) -> Tensor:
    """The weight of a layer that takes channels in."""
    assert isinstance(layer, PRODUCERS)  # noqa: S101 - for the type checker
    return layer.weight
