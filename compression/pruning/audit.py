"""Whether a cut did what was meant: the cut network must give what the whole one gives without the channels cut out.

The whole network loses the channels where they are used: the weights that take them in become zero, and norms over
several channels take their statistics of those that stay. Wrong indices anywhere, channels that change their group in a
group norm, or a mean over the channels give different samples. It is tried on random weights: trained ones may happen
not to care, and untrained ones are often zero.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from .cut import Kept, cut, sides
from .layers import axis, width

_TOLERANCE = 1e-4
"""Of the largest number that comes out; a wrong index makes a difference of the order of 1."""


def fault_of(model: nn.Module, kept: Kept, call: Callable[[nn.Module], Tensor]) -> str | None:
    """What is wrong with a cut, or None.

    Args:
        model: Before the cut; left as it is.
        kept: What stays.
        call: Gives the output of a model of this architecture for fixed inputs.
    """
    smaller = copy.deepcopy(model)
    try:
        cut(smaller, kept)
        with torch.no_grad():
            got, wanted = call(smaller), call(without(model, kept))
    except Exception as error:
        return " ".join(str(error).split())[:200] or type(error).__name__
    if got.shape != wanted.shape:
        return f"it gives {tuple(got.shape)}, not {tuple(wanted.shape)}"
    apart, largest = float((got - wanted).abs().max()), float(wanted.abs().max())
    if not apart <= _TOLERANCE * largest:
        return f"its output is off by {apart / largest:.2g}"
    return None


def without(model: nn.Module, kept: Kept) -> nn.Module:
    """A copy of the same size in which nothing takes in what is not kept."""
    masked = copy.deepcopy(model)
    for name, side, stay in sides(kept):
        layer = masked.get_submodule(name)
        mask = torch.zeros(width(layer, side))
        mask[stay] = 1.0
        if side == "in":
            assert isinstance(layer.weight, Tensor)  # noqa: S101 - what takes channels in has weights
            shape = [1] * layer.weight.ndim
            shape[axis(layer, "in")] = -1
            with torch.no_grad():
                layer.weight *= mask.reshape(shape)
        elif isinstance(layer, nn.GroupNorm | nn.LayerNorm):
            masked.set_submodule(name, _NormOfSome(layer, mask))
    return masked


def randomised(model: nn.Module, seed: int) -> nn.Module:
    """A copy with random weights that keep the size of what passes, and random statistics of norms."""
    other, generator = copy.deepcopy(model), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in other.parameters():
            drawn = torch.randn(parameter.shape, generator=generator)
            matrix = parameter.ndim > 1
            parameter.copy_(drawn * (parameter[0].numel() ** -0.5) if matrix else 0.5 + 0.3 * drawn)
        for layer in other.modules():
            if isinstance(layer, _NormBase) and layer.running_mean is not None and layer.running_var is not None:
                layer.running_mean.copy_(torch.randn(layer.running_mean.shape, generator=generator))
                layer.running_var.copy_(0.5 + torch.rand(layer.running_var.shape, generator=generator))
    return other


class _NormOfSome(nn.Module):
    """A group or layer norm whose statistics are those of the channels that stay."""

    def __init__(self, norm: nn.GroupNorm | nn.LayerNorm, mask: Tensor) -> None:
        super().__init__()
        self._norm, self._mask = norm, mask
        self._groups = norm.num_groups if isinstance(norm, nn.GroupNorm) else 1

    def forward(self, x: Tensor) -> Tensor:
        """[n, channels, *axes], or of a layer norm [*axes, channels]."""
        last = isinstance(self._norm, nn.LayerNorm)
        inner = x.reshape(-1, x.shape[-1]) if last else x
        grouped = inner.reshape(len(inner), self._groups, -1, *inner.shape[2:])
        shape = (self._groups, -1, *(1,) * (inner.ndim - 2))
        mask = self._mask.reshape(shape).expand(grouped.shape)
        over = tuple(range(2, grouped.ndim))
        count = mask.sum(over, keepdim=True)
        mean = (grouped * mask).sum(over, keepdim=True) / count
        variance = ((grouped - mean).square() * mask).sum(over, keepdim=True) / count
        normal = ((grouped - mean) * torch.rsqrt(variance + self._norm.eps)).reshape(inner.shape)
        if self._norm.weight is not None:
            spread = (-1, *(1,) * (inner.ndim - 2))
            normal = normal * self._norm.weight.reshape(spread)
            if self._norm.bias is not None:
                normal = normal + self._norm.bias.reshape(spread)
        return normal.reshape(x.shape)


def calling(given: tuple[Any, ...], options: dict[str, Any]) -> Callable[[nn.Module], Tensor]:
    """A call of a module with fixed inputs."""

    def call(module: nn.Module) -> Tensor:
        output: Tensor = module(*given, **options)
        return output

    return call
