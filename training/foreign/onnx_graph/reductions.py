"""Translations of what sums up axes: reductions and pooling."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from .node import Node, Translation
from .padding import split_pads
from .steps import Steps
from .values import Value

_Reduce = Callable[[Steps, Value, list[int], bool], Value]


def _reduction(reduce: _Reduce) -> Translation:
    def translate(steps: Steps, node: Node) -> Value:
        value = node.input(0)
        axes = node.axes(1, value.rank)
        if not axes:
            if node.whole("noop_with_empty_axes", 0):
                return value
            axes = list(range(value.rank))
        return reduce(steps, value, axes, bool(node.whole("keepdims", 1))) if axes else value

    return translate


def _by(function: Callable[..., Any]) -> _Reduce:
    return lambda steps, value, axes, keep: steps.call(function, value, axes, keep)


def _product(steps: Steps, value: Value, axes: list[int], keep: bool) -> Value:
    for axis in sorted(axes, reverse=True):  # from the end, so that those before keep their places
        value = steps.call(torch.prod, value, axis, keep)
    return value


def _absolute_sum(steps: Steps, value: Value, axes: list[int], keep: bool) -> Value:
    return steps.call(torch.sum, steps.call(torch.abs, value), axes, keep)


def _square_sum(steps: Steps, value: Value, axes: list[int], keep: bool) -> Value:
    return steps.call(torch.sum, steps.call(operator.mul, value, value), axes, keep)


def _length(steps: Steps, value: Value, axes: list[int], keep: bool) -> Value:
    return steps.call(torch.sqrt, _square_sum(steps, value, axes, keep))


def _log_sum(steps: Steps, value: Value, axes: list[int], keep: bool) -> Value:
    return steps.call(torch.log, steps.call(torch.sum, value, axes, keep))


def _log_sum_exp(steps: Steps, value: Value, axes: list[int], keep: bool) -> Value:
    top = steps.call(torch.amax, value, axes, True)
    rest = steps.call(torch.exp, steps.call(operator.sub, value, top))
    log = steps.call(torch.log, steps.call(torch.sum, rest, axes, keep))
    return steps.call(operator.add, log, steps.call(torch.amax, value, axes, keep))


def _over_places(function: Callable[..., Any]) -> Translation:
    return lambda steps, node: steps.call(function, node.input(0), list(range(2, node.input(0).rank)), True)


def _pool(kind: str) -> Translation:
    def translate(steps: Steps, node: Node) -> Value:
        value, kernel = node.input(0), node.wholes("kernel_shape")
        axes = len(kernel)
        if axes not in (1, 2) or node.outputs > 1:
            raise node.refuse(f"pooling over {axes} axes (1 and 2 can), or with indices")
        strides, dilations = node.wholes("strides", [1] * axes), node.wholes("dilations", [1] * axes)
        pads = split_pads(node, value, kernel, strides, dilations)
        even = all(before == after for before, after in pads) and all(
            2 * p[0] <= k for p, k in zip(pads, kernel, strict=True)
        )
        ceil, counted = bool(node.whole("ceil_mode", 0)), bool(node.whole("count_include_pad", 0))
        if not even:
            if ceil or (kind == "Avg" and not counted):
                raise node.refuse("pooling with padding of one side")
            fill = 0.0 if kind == "Avg" else torch.finfo(torch.float32).min
            value = steps.call(F.pad, value, [side for pair in reversed(pads) for side in pair], value=fill)
        options: dict[str, Any] = {"stride": strides, "padding": [p[0] for p in pads] if even else 0, "ceil_mode": ceil}
        if kind == "Avg":
            if set(dilations) != {1}:
                raise node.refuse("average pooling with gaps")
            options["count_include_pad"] = counted
        else:
            options["dilation"] = dilations
        return steps.call(getattr(nn, f"{kind}Pool{axes}d")(kernel, **options), value)

    return translate


REDUCTIONS: dict[str, Translation] = {
    "ReduceMean": _reduction(_by(torch.mean)),
    "ReduceSum": _reduction(_by(torch.sum)),
    "ReduceMax": _reduction(_by(torch.amax)),
    "ReduceMin": _reduction(_by(torch.amin)),
    "ReduceProd": _reduction(_product),
    "ReduceL1": _reduction(_absolute_sum),
    "ReduceL2": _reduction(_length),
    "ReduceSumSquare": _reduction(_square_sum),
    "ReduceLogSum": _reduction(_log_sum),
    "ReduceLogSumExp": _reduction(_log_sum_exp),
    "GlobalAveragePool": _over_places(torch.mean),
    "GlobalMaxPool": _over_places(torch.amax),
    "AveragePool": _pool("Avg"),
    "MaxPool": _pool("Max"),
}
