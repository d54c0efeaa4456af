"""What is put around the axes of a tensor, or cut off there, and its translation."""

from __future__ import annotations

import operator

import torch.nn.functional as F

from .node import Node, Translation, axis_of
from .steps import Steps
from .values import Value

_MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


def split_pads(
    node: Node, value: Value, kernel: list[int], strides: list[int], dilations: list[int]
) -> list[tuple[int, int]]:
    """Padding (before, after) of each axis behind the channels, of a convolution or pooling."""
    axes, auto = len(kernel), node.text("auto_pad", "NOTSET")
    if auto == "NOTSET":
        pads = node.wholes("pads", [0] * 2 * axes)
        return list(zip(pads[:axes], pads[axes:], strict=True))
    if auto == "VALID":
        return [(0, 0)] * axes
    found = []
    for size, width, stride, dilation in zip(value.static(2), kernel, strides, dilations, strict=True):
        whole = max((-(-size // stride) - 1) * stride + (width - 1) * dilation + 1 - size, 0)
        smaller = whole // 2
        found.append((smaller, whole - smaller) if auto == "SAME_UPPER" else (whole - smaller, smaller))
    return found


def trimmed(steps: Steps, value: Value, pads: list[tuple[int, int]]) -> Value:
    """Cut (before, after) off each axis behind the channels."""
    if not any(map(any, pads)):
        return value
    sizes = value.static(2)
    kept = tuple(slice(before, size - after) for (before, after), size in zip(pads, sizes, strict=True))
    return steps.call(operator.getitem, value, (slice(None), slice(None), *kept))


def _pad(steps: Steps, node: Node) -> Value:
    value, rank = node.input(0), node.input(0).rank
    listed = node.listed("pads", 1)
    if listed is None or not all(isinstance(each, int) for each in listed):
        raise ValueError("how much it pads must be fixed")
    pads = [each for each in listed if isinstance(each, int)]
    chosen = node.optional(3)
    axes = list(range(rank)) if chosen is None else [axis_of(axis, rank) for axis in chosen.ints()]
    sides = [(0, 0)] * rank
    for k, axis in enumerate(axes):
        sides[axis] = pads[k], pads[k + len(axes)]
    mode = node.text("mode", "constant")
    if mode not in _MODES:
        raise node.refuse(f"padding of the mode {mode!r}")
    if not any(map(any, sides)):
        return value
    number = node.optional(2)
    fill = node.real("value", 0.0) if number is None else number.number
    if fill is None:
        raise ValueError("what it pads with must be one fixed number")
    first = next(axis for axis in range(rank) if any(sides[axis])) if mode == "constant" else 2
    if any(map(any, sides[:first])):
        raise node.refuse(f"padding of the mode {mode!r} of the batch or the channels")
    flat = [side for pair in reversed(sides[first:]) for side in pair]
    if mode == "constant":
        return steps.call(F.pad, value, flat, value=fill)
    return steps.call(F.pad, value, flat, mode=_MODES[mode])


PADDING: dict[str, Translation] = {"Pad": _pad}
