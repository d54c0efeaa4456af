"""Translations of normalisations, as layers wherever their weights are fixed."""

from __future__ import annotations

import math
import operator
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from .node import Node, Translation, axis_of
from .steps import Steps
from .values import Value

_BATCH: dict[int, Any] = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}
_INSTANCE: dict[int, Any] = {3: nn.InstanceNorm1d, 4: nn.InstanceNorm2d}


def _batch_norm(steps: Steps, node: Node) -> Value:
    value, *weights = node.inputs
    if node.whole("training_mode", 0) or node.whole("spatial", 1) != 1 or node.whole("is_test", 1) != 1:
        raise ValueError("it takes statistics of the batch, as in training; export the model in evaluation mode")
    epsilon = node.real("epsilon", 1e-5)
    if value.rank not in _BATCH or not all(each.fixed for each in weights):
        scale, bias, mean, variance = (_a_channel(steps, each, value.rank) for each in weights)
        spread = steps.call(torch.sqrt, steps.call(operator.add, variance, epsilon))
        shifted = steps.call(operator.truediv, steps.call(operator.sub, value, mean), spread)
        return steps.call(operator.add, steps.call(operator.mul, shifted, scale), bias)
    layer = _BATCH[value.rank](len(weights[0].at[0]), eps=epsilon).eval()
    tensors = (layer.weight, layer.bias, layer.running_mean, layer.running_var)
    for tensor, given in zip(tensors, weights, strict=True):
        tensor.copy_(given.at[0])
    return steps.call(layer, value)


def _instance_norm(steps: Steps, node: Node) -> Value:
    value, scale, bias = node.inputs
    epsilon = node.real("epsilon", 1e-5)
    if value.rank in _INSTANCE and scale.fixed and bias.fixed:
        layer = _INSTANCE[value.rank](len(scale.at[0]), eps=epsilon, affine=True).eval()
        layer.weight.copy_(scale.at[0])
        layer.bias.copy_(bias.at[0])
        return steps.call(layer, value)
    plain = _standardised(steps, value, list(range(2, value.rank)), epsilon)
    scaled = steps.call(operator.mul, plain, _a_channel(steps, scale, value.rank))
    return steps.call(operator.add, scaled, _a_channel(steps, bias, value.rank))


def _group_norm(steps: Steps, node: Node) -> Value:
    value, scale, bias = node.inputs
    groups, epsilon, channels = node.whole("num_groups", 0), node.real("epsilon", 1e-5), value.static(1)[0]
    if groups < 1 or channels % groups or not (scale.fixed and bias.fixed):
        raise node.refuse("group normalisation with weights or groups that are not fixed")
    layer = nn.GroupNorm(groups, channels, eps=epsilon)
    for tensor, given in ((layer.weight, scale.at[0]), (layer.bias, bias.at[0])):
        # Before opset 21, one for each group.
        tensor.copy_(given if len(given) == channels else given.repeat_interleave(channels // groups))
    return steps.call(layer, value)


def _layer_norm(steps: Steps, node: Node) -> Value:
    value, scale, bias = node.input(0), node.input(1), node.optional(2)
    axis, epsilon = axis_of(node.whole("axis", -1), value.rank), node.real("epsilon", 1e-5)
    if not axis:
        raise ValueError("it takes statistics of the batch; samples must not depend on each other")
    over = value.static(axis)
    if scale.fixed and list(scale.at[0].shape) == over and (bias is None or bias.fixed):
        layer = nn.LayerNorm(over, eps=epsilon, bias=bias is not None)
        layer.weight.copy_(scale.at[0])
        if bias is not None:
            layer.bias.copy_(bias.at[0])
        return steps.call(layer, value)
    scaled = steps.call(operator.mul, steps.call(F.layer_norm, value, over, eps=epsilon), scale)
    return scaled if bias is None else steps.call(operator.add, scaled, bias)


def _mean_variance(steps: Steps, node: Node) -> Value:
    return _standardised(steps, node.input(0), node.wholes("axes", (0, 2, 3)), 1e-9)


def _lp_norm(steps: Steps, node: Node) -> Value:
    options = {"p": float(node.whole("p", 2)), "dim": node.whole("axis", -1)}
    return steps.call(F.normalize, node.input(0), **options)


def _standardised(steps: Steps, value: Value, axes: list[int], epsilon: float) -> Value:
    centred = steps.call(operator.sub, value, steps.call(torch.mean, value, axes, True))
    variance = steps.call(torch.mean, steps.call(operator.mul, centred, centred), axes, True)
    return steps.call(operator.truediv, centred, steps.call(torch.sqrt, steps.call(operator.add, variance, epsilon)))


def _a_channel(steps: Steps, value: Value, rank: int) -> Value:
    """[c] to [c, 1, …], beside the channels of a tensor of that rank."""
    if value.rank != 1:
        raise ValueError("its weights are not one for each channel")
    return steps.call(torch.reshape, value, [math.prod(value.static()), *[1] * (rank - 2)])


NORMALISATIONS: dict[str, Translation] = {
    "BatchNormalization": _batch_norm,
    "InstanceNormalization": _instance_norm,
    "GroupNormalization": _group_norm,
    "LayerNormalization": _layer_norm,
    "MeanVarianceNormalization": _mean_variance,
    "LpNormalization": _lp_norm,
}
