"""Translations of what picks parts of a tensor, or turns indices into numbers."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import nn

from .node import Node, Translation, axis_of
from .shapes import reshaped
from .steps import Method, Steps
from .values import BATCHES, Size, Value, known, size_of


def _gather(steps: Steps, node: Node) -> Value:
    value, index = node.input(0), node.input(1)
    axis = axis_of(node.whole("axis", 0), value.rank)
    if not index.known:
        return _looked_up(steps, value, index, axis)
    size = value.shape[axis]
    places = [place + size if isinstance(size, int) and place < 0 else place for place in index.ints()]
    if isinstance(size, int) and not all(0 <= place < size for place in places):
        raise ValueError(f"it picks places {index.ints()} of {size}")
    if not index.rank:
        return steps.call(operator.getitem, value, _at_axis(axis, places[0]))
    if isinstance(size, Size):
        raise node.refuse("picking samples of the batch, which must not depend on each other,")
    if index.rank == 1 and places and places == list(range(places[0], places[0] + len(places))):
        return _sliced(steps, value, axis, slice(places[0], places[0] + len(places)))
    picked = steps.call(torch.index_select, value, axis, known(torch.tensor(places, dtype=torch.int64)))
    return reshaped(steps, picked, [*value.shape[:axis], *index.static(), *value.shape[axis + 1 :]])


def _looked_up(steps: Steps, value: Value, index: Value, axis: int) -> Value:
    """By an index that is computed: a label."""
    if value.fixed and value.is_float and value.rank == 2 and axis == 0:
        rows, width = value.static()
        layer = nn.Embedding(rows, width, device="meta").to_empty(device="cpu")
        layer.weight.copy_(value.at[0])
        return steps.call(layer, index)
    return steps.call(operator.getitem, value, _at_axis(axis, index))


def _gather_elements(steps: Steps, node: Node) -> Value:
    value, index = node.inputs
    return steps.call(torch.gather, value, axis_of(node.whole("axis", 0), value.rank), index)


def _gather_nd(steps: Steps, node: Node) -> Value:
    value, index = node.inputs
    if node.whole("batch_dims", 0):
        raise node.refuse("picking by an index of each sample's own")
    axes = index.static(index.rank - 1)[0]
    columns = [steps.call(operator.getitem, index, (..., k)) for k in range(axes)]
    if axes > 1 or not index.fixed:
        return steps.call(operator.getitem, value, tuple(columns))
    picked = steps.call(torch.index_select, value, 0, steps.call(torch.flatten, columns[0]))
    return reshaped(steps, picked, [*index.static()[:-1], *value.shape[1:]])


def _at_axis(axis: int, place: Any) -> Any:
    return (*[slice(None)] * axis, place)


def _sliced(steps: Steps, value: Value, axis: int, part: slice) -> Value:
    whole = part.start == 0 and part.stop == value.shape[axis]
    return value if whole else steps.call(operator.getitem, value, _at_axis(axis, part))


def _slice(steps: Steps, node: Node) -> Value:
    value, rank = node.input(0), node.input(0).rank
    starts, ends = node.listed("starts", 1), node.listed("ends", 2)
    if starts is None or ends is None or len(starts) != len(ends):
        raise ValueError("its starts and ends do not go together")
    axes = node.axes(3, rank) or list(range(len(starts)))
    given = node.optional(4)
    strides = given.ints() if given is not None else [1] * len(starts)
    for start, end, axis, stride in zip(starts, ends, axes, strides, strict=True):
        parts = [
            slice(_number(start, batch), _number(end, batch), stride).indices(value.at[k].shape[axis])
            for k, batch in enumerate(BATCHES)
        ]
        if stride > 0:
            first, last, _ = (size_of(pair) for pair in zip(*parts, strict=True))
            value = _sliced_by(steps, value, axis, first, last, stride)
            continue
        if parts[0] != parts[1]:
            raise ValueError("it turns the batch around; samples must not depend on each other")
        places = torch.tensor(list(range(*parts[0])), dtype=torch.int64)
        value = steps.call(torch.index_select, value, axis, known(places))
    return value


def _sliced_by(steps: Steps, value: Value, axis: int, first: Any, last: Any, stride: int) -> Value:
    if stride == 1:
        return _sliced(steps, value, axis, slice(first, last))
    return steps.call(operator.getitem, value, _at_axis(axis, slice(first, last, stride)))


def _number(size: int | Size, batch: int) -> int:
    return size.at(batch) if isinstance(size, Size) else size


def _one_hot(steps: Steps, node: Node) -> Value:
    index, depth, values = node.inputs
    classes, (off, on) = depth.ints()[0], values.at[0].reshape(-1).tolist()
    axis = axis_of(node.whole("axis", -1), index.rank + 1)
    places = steps.call(torch.full, [classes], 1)  # within the bounds of what is computed beforehand
    numbers = torch.arange(places.at[0].numel()).reshape(-1, *[1] * (index.rank - axis))
    if index.is_float:
        index = steps.call(Method("to"), index, torch.int64)
    # An index below 0 counts from the end.
    index = steps.call(torch.where, steps.call(operator.lt, index, 0), steps.call(operator.add, index, classes), index)
    hot = steps.call(operator.eq, steps.call(torch.unsqueeze, index, axis), known(numbers))
    made = steps.call(Method("to"), hot, values.at[0].dtype)
    if (off, on) != (0, 1):
        made = steps.call(operator.add, steps.call(operator.mul, made, on - off), off)
    return made


def _arg_max(sign: int) -> Translation:
    def translate(steps: Steps, node: Node) -> Value:
        if node.whole("select_last_index", 0):
            raise node.refuse("the last of several largest numbers")
        value = node.input(0) if sign > 0 else steps.call(torch.neg, node.input(0))
        axis = axis_of(node.whole("axis", 0), value.rank)
        return steps.call(torch.argmax, value, axis, bool(node.whole("keepdims", 1)))

    return translate


def _cumulated(steps: Steps, node: Node) -> Value:
    if node.whole("exclusive", 0) or node.whole("reverse", 0):
        raise node.refuse("a cumulative sum that is exclusive or reversed")
    return steps.call(torch.cumsum, node.input(0), dim=node.input(1).ints()[0])


SELECTION: dict[str, Translation] = {
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "Slice": _slice,
    "OneHot": _one_hot,
    "ArgMax": _arg_max(1),
    "ArgMin": _arg_max(-1),
    "CumSum": _cumulated,
}
