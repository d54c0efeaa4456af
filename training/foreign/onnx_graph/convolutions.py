"""Translations of convolutions: with fixed weights they become layers, whose channels can be pruned."""

from __future__ import annotations

import math
from typing import Any

import torch.nn.functional as F
from torch import nn

from .node import Node, Translation
from .padding import split_pads, trimmed
from .steps import Steps
from .values import Value

_LAYERS: dict[tuple[bool, int], Any] = {
    (False, 1): nn.Conv1d,
    (False, 2): nn.Conv2d,
    (True, 1): nn.ConvTranspose1d,
    (True, 2): nn.ConvTranspose2d,
}
_FUNCTIONS: dict[tuple[bool, int], Any] = {
    (False, 1): F.conv1d,
    (False, 2): F.conv2d,
    (True, 1): F.conv_transpose1d,
    (True, 2): F.conv_transpose2d,
}


def _conv(steps: Steps, node: Node) -> Value:
    value, weight = node.input(0), node.input(1)
    axes = _axes(value, node)
    kernel, options = weight.static(2), _options(node, axes)
    pads = split_pads(node, value, kernel, options["stride"], options["dilation"])
    if all(before == after for before, after in pads):
        options["padding"] = [before for before, _ in pads]
    else:  # a layer pads both sides alike
        value = steps.call(F.pad, value, [side for pair in reversed(pads) for side in pair])
    return _applied(steps, node, value, weight, options, transposed=False)


def _conv_transpose(steps: Steps, node: Node) -> Value:
    value, weight = node.input(0), node.input(1)
    axes = _axes(value, node)
    kernel, options = weight.static(2), _options(node, axes)
    more = node.wholes("output_padding", [0] * axes) or [0] * axes
    pads = _transposed_pads(node, value, kernel, options, more)
    options["output_padding"] = more
    options["padding"] = [min(pair) for pair in pads]
    made = _applied(steps, node, value, weight, options, transposed=True)
    return trimmed(steps, made, [(a - min(a, b), b - min(a, b)) for a, b in pads])


def _transposed_pads(
    node: Node, value: Value, kernel: list[int], options: dict[str, Any], more: list[int]
) -> list[tuple[int, int]]:
    """What is cut off on each side of each axis; `more` grows where the wanted shape asks for more."""
    axes, auto = len(kernel), node.text("auto_pad", "NOTSET")
    wanted = node.wholes("output_shape")[-axes:]
    if not wanted and auto in ("NOTSET", "VALID"):
        pads = node.wholes("pads", [0] * 2 * axes) if auto == "NOTSET" else [0] * 2 * axes
        return list(zip(pads[:axes], pads[axes:], strict=True))
    found = []
    for k, size in enumerate(value.static(2)):
        stride = options["stride"][k]
        target = wanted[k] if wanted else size * stride
        surplus = stride * (size - 1) + more[k] + (kernel[k] - 1) * options["dilation"][k] + 1 - target
        if surplus < 0:
            more[k] -= surplus
        smaller = max(surplus, 0) // 2
        larger = max(surplus, 0) - smaller
        found.append((smaller, larger) if auto == "SAME_UPPER" else (larger, smaller))
    return found


def _applied(
    steps: Steps, node: Node, value: Value, weight: Value, options: dict[str, Any], *, transposed: bool
) -> Value:
    bias, axes = node.optional(2), value.rank - 2
    if not weight.fixed or (bias is not None and not bias.fixed):
        return steps.call(_FUNCTIONS[transposed, axes], value, weight, bias, **options)
    shape, groups = weight.static(), options["groups"]
    channels = (shape[0], shape[1] * groups) if transposed else (shape[1] * groups, shape[0])
    layer = _LAYERS[transposed, axes](*channels, shape[2:], bias=bias is not None, device="meta", **options)
    layer.to_empty(device="cpu")
    layer.weight.copy_(weight.at[0])
    if bias is not None:
        layer.bias.copy_(bias.at[0].reshape(-1))
    return steps.call(layer, value)


def _axes(value: Value, node: Node) -> int:
    axes = value.rank - 2
    if (False, axes) not in _LAYERS:
        raise node.refuse(f"a convolution over {axes} axes (1 and 2 can)")
    kernel, stated = node.input(1).static(2), node.wholes("kernel_shape")
    if len(kernel) != axes or (stated and stated != kernel) or math.prod(kernel) < 1:
        raise ValueError("its weights do not have the shape of its kernel")
    return axes


def _options(node: Node, axes: int) -> dict[str, Any]:
    return {
        "stride": node.wholes("strides", [1] * axes),
        "dilation": node.wholes("dilations", [1] * axes),
        "groups": node.whole("group", 1),
    }


CONVOLUTIONS: dict[str, Translation] = {"Conv": _conv, "ConvTranspose": _conv_transpose}
