"""Translations of what changes a tensor's shape, and of what is computed from shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F

from .node import Node, Translation, axis_of
from .steps import Method, Steps
from .values import BATCHES, Size, Value, both, known, size_of


def reshaped(steps: Steps, value: Value, shape: Sequence[int | Size]) -> Value:
    """A value in a shape of fixed sizes and sizes of the batch; the first of these is left for the step to find."""
    changing = [k for k, size in enumerate(shape) if isinstance(size, Size)]
    return steps.call(Method("reshape"), value, [-1 if k in changing[:1] else size for k, size in enumerate(shape)])


def _reshape(steps: Steps, node: Node) -> Value:
    value, copied = node.input(0), not node.whole("allowzero", 0)
    asked = node.input(1).sizes()
    targets = [
        _resolved(list(value.at[k].shape), asked, batch, steps.baked if not value.known else None, copied=copied)
        for k, batch in enumerate(BATCHES)
    ]
    return reshaped(steps, value, [size_of(pair) for pair in zip(*targets, strict=True)])


def _resolved(
    shape: list[int], asked: Sequence[int | Size], batch: int, baked: int | None, *, copied: bool
) -> list[int]:
    """The sizes asked for, with 0 and -1 filled in, and the batch where a batch size was baked in."""
    sizes = [size.at(batch) if isinstance(size, Size) else size for size in asked]
    copies = [size == 0 and copied for size in sizes]
    sizes = [shape[k] if copies[k] else size for k, size in enumerate(sizes)]
    numbers = math.prod(shape)
    # The leading size of what holds samples speaks of the batch: a graph for one batch size has it as a number.
    whole = bool(baked and sizes and not copies[0] and not isinstance(asked[0], Size) and sizes[0] > 0)
    if baked and whole and (sizes[0] == baked or (-1 not in sizes and math.prod(sizes) != numbers)):
        sizes[0] = sizes[0] * batch // baked
    if sizes.count(-1) == 1:
        others = -math.prod(sizes)
        if others <= 0 or numbers % others:
            raise ValueError(f"{shape} cannot be reshaped to {list(asked)}")
        sizes[sizes.index(-1)] = numbers // others
    return sizes


def _flatten(steps: Steps, node: Node) -> Value:
    value = node.input(0)
    axis = node.whole("axis", 1)
    axis = value.rank if axis == value.rank else axis_of(axis, value.rank)
    both = [[math.prod(each.shape[:axis]), math.prod(each.shape[axis:])] for each in value.at]
    return reshaped(steps, value, [size_of(pair) for pair in zip(*both, strict=True)])


def _transpose(steps: Steps, node: Node) -> Value:
    value = node.input(0)
    order = node.wholes("perm") or list(range(value.rank))[::-1]
    return value if order == sorted(order) else steps.call(Method("permute"), value, order)


def _squeeze(steps: Steps, node: Node) -> Value:
    value = node.input(0)
    axes = node.axes(1, value.rank)
    if axes is None:
        axes = [k for k, size in enumerate(value.shape) if size == 1]
    if any(value.shape[axis] != 1 for axis in axes):
        if steps.baked == 1 and 0 in axes:
            raise ValueError("it takes the batch away, which is fixed to 1; export the model with a free batch size")
        raise ValueError(f"axes {axes} of {list(value.at[0].shape)} are not of size 1")
    for axis in sorted(axes, reverse=True):
        value = steps.call(torch.squeeze, value, axis)
    return value


def _unsqueeze(steps: Steps, node: Node) -> Value:
    value, listed = node.input(0), node.listed("axes", 1) or []
    rank = value.rank + len(listed)
    for axis in sorted(axis_of(axis, rank) for axis in listed):
        value = steps.call(torch.unsqueeze, value, axis)
    return value


def _expand(steps: Steps, node: Node) -> Value:
    value, asked = node.input(0), node.input(1).sizes()
    return expanded(steps, value, asked)


def expanded(steps: Steps, value: Value, asked: Sequence[int | Size]) -> Value:
    """Broadcast against a shape, which may also be smaller."""
    own: list[int | Size] = [*[1] * (len(asked) - value.rank), *value.shape]
    asked = [*[1] * (len(own) - len(asked)), *asked]
    if steps.baked and isinstance(own[0], Size) and asked[0] == steps.baked:
        asked = [own[0], *asked[1:]]
    shape: list[int | Size] = [b if a == 1 else a for a, b in zip(own, asked, strict=True)]
    if any(b not in (1, size) for b, size in zip(asked, shape, strict=True)):
        raise ValueError(f"{list(value.at[0].shape)} cannot be expanded to {asked}")
    if shape == value.shape:
        return value
    kept = [-1 if k >= len(shape) - value.rank and size == own[k] else size for k, size in enumerate(shape)]
    return steps.call(Method("expand"), value, *kept)


def _tile(steps: Steps, node: Node) -> Value:
    return steps.call(Method("repeat"), node.input(0), *node.input(1).sizes())


def _concat(steps: Steps, node: Node) -> Value:
    parts = node.inputs
    axis = axis_of(node.whole("axis", 1), parts[0].rank)
    if len(parts) == 1:
        return parts[0]
    batch = next((each.shape[0] for each in parts if each.rank and isinstance(each.shape[0], Size)), None)
    if axis and batch is not None:  # what was stored for a batch of one serves every sample
        parts = [
            expanded(steps, each, [batch, *each.shape[1:]]) if each.known and each.shape[0] == 1 else each
            for each in parts
        ]
    return steps.call(torch.cat, parts, dim=axis)


def _split(steps: Steps, node: Node) -> list[Value]:
    value = node.input(0)
    axis = axis_of(node.whole("axis", 0), value.rank)
    listed = [node.wholes("split")] if node.has("split") else []
    chosen = node.optional(1)
    if chosen is not None:
        listed = [chosen.ints()]
    size = value.static(axis)[0] if axis else value.shape[0]
    if isinstance(size, Size):
        raise node.refuse("splitting the batch, whose samples must not depend on each other,")
    each = -(-size // node.whole("num_outputs", node.outputs))
    sizes = listed[0] if listed else [min(each, size - first) for first in range(0, size, each)]
    if len(sizes) != node.outputs or sum(sizes) != size or min(sizes) < 0:
        raise ValueError(f"{size} cannot be split into {sizes}")
    return steps.call_many(torch.split, len(sizes), value, sizes, dim=axis)


def _shape(steps: Steps, node: Node) -> Value:  # noqa: ARG001 - translations have one form
    value = node.input(0)
    part = slice(node.whole("start", 0), node.whole("end", value.rank))
    first, second = (torch.tensor(list(each.shape)[part], dtype=torch.int64) for each in value.at)
    return both(first, second)


def _size(steps: Steps, node: Node) -> Value:  # noqa: ARG001 - translations have one form
    first, second = (torch.tensor(each.numel()) for each in node.input(0).at)
    return both(first, second)


def _constant(steps: Steps, node: Node) -> Value:  # noqa: ARG001 - translations have one form
    tensor = node.tensor("value")
    if tensor is not None:
        return known(tensor)
    if node.has("value_float"):
        return known(torch.tensor(node.real("value_float", 0.0)))
    if node.has("value_int"):
        return known(torch.tensor(node.whole("value_int", 0)))
    if node.has("value_floats"):
        return known(torch.tensor(node.reals("value_floats")))
    if node.has("value_ints"):
        return known(torch.tensor(node.wholes("value_ints"), dtype=torch.int64))
    raise node.refuse("a constant that is no tensor of numbers")


def _constant_of_shape(steps: Steps, node: Node) -> Value:
    value = node.tensor("value")
    return steps.call(torch.full, node.input(0).sizes(), 0.0 if value is None else value.reshape(-1)[0].item())


def _range(steps: Steps, node: Node) -> Value:
    start, limit, step = (each.number for each in node.inputs)
    if start is None or limit is None or step is None or not step:
        raise ValueError("its bounds are computed from the model's inputs or the batch size; they must be fixed")
    count = max(math.ceil((limit - start) / step), 0)
    numbers = steps.call(torch.full, [count], 1)  # within the bounds of what is computed beforehand
    made = torch.arange(numbers.at[0].numel()) * step + start
    return known(made.to(torch.float32) if node.input(0).is_float else made)


def _depth_to_space(steps: Steps, node: Node) -> Value:
    value, block = node.input(0), node.whole("blocksize", 1)
    if node.text("mode", "DCR") == "CRD":
        return steps.call(F.pixel_shuffle, value, block)
    channels, height, width = value.static(1)
    deep = reshaped(steps, value, [value.shape[0], block, block, channels // block**2, height, width])
    turned = steps.call(Method("permute"), deep, [0, 3, 4, 1, 5, 2])
    return reshaped(steps, turned, [value.shape[0], channels // block**2, height * block, width * block])


def _space_to_depth(steps: Steps, node: Node) -> Value:
    value, block = node.input(0), node.whole("blocksize", 1)
    channels, height, width = value.static(1)
    deep = reshaped(steps, value, [value.shape[0], channels, height // block, block, width // block, block])
    turned = steps.call(Method("permute"), deep, [0, 3, 5, 1, 2, 4])
    return reshaped(steps, turned, [value.shape[0], channels * block**2, height // block, width // block])


SHAPES: dict[str, Translation] = {
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Expand": _expand,
    "Tile": _tile,
    "Concat": _concat,
    "Split": _split,
    "Shape": _shape,
    "Size": _size,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Range": _range,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _space_to_depth,
}
