"""Taking channels out of a model, by the layers' names: what is kept is written in plain values, to be done again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from torch import nn

from .groups import ChannelGroup
from .layers import Side, cut_layer, width

Kept = dict[str, dict[str, list[int]]]
"""By layer and side (`in`, `out`), the channels that stay, ascending; what is not named stays whole."""
Channels = Mapping[ChannelGroup, Sequence[int]]
"""Of each group, the channels that stay."""


def kept_of(model: nn.Module, channels: Channels) -> Kept:
    """What stays of every layer when of some groups these channels stay."""
    gone: dict[tuple[str, Side], set[int]] = {}
    for group, stay in channels.items():
        staying = set(stay)
        for member in group.members:
            pairs = zip(member.indices, member.channels, strict=True)
            gone.setdefault((member.layer, member.side), set()).update(i for i, c in pairs if c not in staying)
    kept: Kept = {}
    for (layer, side), indices in gone.items():
        size = width(model.get_submodule(layer), side)
        kept.setdefault(layer, {})[side] = [i for i in range(size) if i not in indices]
    return kept


def cut(model: nn.Module, kept: Kept) -> None:
    """Take out what is not kept, in place.

    Raises:
        ValueError: A group norm would be left with unequal groups; the model is then of no more use.
    """
    for layer, side, stay in sides(kept):
        try:
            cut_layer(model.get_submodule(layer), side, stay)
        except ValueError as error:
            raise ValueError(f"{layer}: {error}") from error


def sides(kept: Kept) -> Iterable[tuple[str, Side, list[int]]]:
    """(layer, side, channels that stay), one by one."""
    for layer, of_layer in kept.items():
        for side, stay in of_layer.items():
            yield layer, cast(Side, side), stay
