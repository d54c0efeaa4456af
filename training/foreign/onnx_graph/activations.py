"""Translations of activation functions."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from .node import Node, Translation, axis_of
from .steps import Method, Steps
from .values import Value

_SELU = (1.67326319217681884765625, 1.05070102214813232421875)


def _simple(function: Callable[..., Any]) -> Translation:
    return lambda steps, node: steps.call(function, node.input(0))


def _with_alpha(function: Callable[..., Any], default: float) -> Translation:
    return lambda steps, node: steps.call(function, node.input(0), node.real("alpha", default))


def _prelu(steps: Steps, node: Node) -> Value:
    value, slope = node.input(0), node.input(1)
    shape = list(slope.at[0].shape)
    one_a_channel = value.rank > 1 and len(shape) == value.rank - 1 and math.prod(shape) == shape[0]
    one_a_channel |= value.rank == 2 and len(shape) == 1
    if slope.fixed and slope.is_float and (math.prod(shape) == 1 or (one_a_channel and shape[0] == value.shape[1])):
        layer = nn.PReLU(math.prod(shape))
        layer.weight.copy_(slope.at[0].reshape(-1))
        return steps.call(layer, value)
    positive = steps.call(operator.ge, value, 0)
    return steps.call(torch.where, positive, value, steps.call(operator.mul, value, slope))


def _selu(steps: Steps, node: Node) -> Value:
    alpha, gamma = node.real("alpha", _SELU[0]), node.real("gamma", _SELU[1])
    if math.isclose(alpha, _SELU[0], rel_tol=1e-6) and math.isclose(gamma, _SELU[1], rel_tol=1e-6):
        return steps.call(F.selu, node.input(0))
    return steps.call(operator.mul, steps.call(F.elu, node.input(0), alpha), gamma)


def _hard_sigmoid(steps: Steps, node: Node) -> Value:
    sloped = steps.call(operator.mul, node.input(0), node.real("alpha", 0.2))
    return steps.call(torch.clamp, steps.call(operator.add, sloped, node.real("beta", 0.5)), 0.0, 1.0)


def _hard_swish(steps: Steps, node: Node) -> Value:
    gate = steps.call(operator.add, steps.call(operator.mul, node.input(0), 1 / 6), 0.5)
    return steps.call(operator.mul, node.input(0), steps.call(torch.clamp, gate, 0.0, 1.0))


def _swish(steps: Steps, node: Node) -> Value:
    alpha = node.real("alpha", 1.0)
    if alpha == 1.0:
        return steps.call(F.silu, node.input(0))
    gate = steps.call(torch.sigmoid, steps.call(operator.mul, node.input(0), alpha))
    return steps.call(operator.mul, node.input(0), gate)


def _softsign(steps: Steps, node: Node) -> Value:
    below = steps.call(operator.add, steps.call(torch.abs, node.input(0)), 1.0)
    return steps.call(operator.truediv, node.input(0), below)


def _celu(steps: Steps, node: Node) -> Value:
    alpha = node.real("alpha", 1.0)
    sloped = steps.call(F.elu, steps.call(operator.truediv, node.input(0), alpha))
    positive = steps.call(torch.relu, node.input(0))
    return steps.call(operator.add, positive, steps.call(operator.mul, steps.call(torch.clamp, sloped, max=0.0), alpha))


def _softmax(function: Callable[..., Any]) -> Translation:
    def translate(steps: Steps, node: Node) -> Value:
        value = node.input(0)
        axis = axis_of(node.whole("axis", -1 if node.opset >= 13 else 1), value.rank)
        if node.opset >= 13 or axis == value.rank - 1:
            return steps.call(function, value, dim=axis)
        # Before opset 13, over all axes from this one on together.
        together = steps.call(function, steps.call(torch.flatten, value, axis), dim=axis)
        return steps.call(Method("reshape"), together, *value.shape[:1], *value.static(1)) if axis else together

    return translate


ACTIVATIONS: dict[str, Translation] = {
    "Relu": _simple(torch.relu),
    "Sigmoid": _simple(torch.sigmoid),
    "Tanh": _simple(torch.tanh),
    "Softplus": _simple(F.softplus),
    "Mish": _simple(F.mish),
    "Softsign": _softsign,
    "LeakyRelu": _with_alpha(F.leaky_relu, 0.01),
    "Elu": _with_alpha(F.elu, 1.0),
    "Celu": _celu,
    "Selu": _selu,
    "PRelu": _prelu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _hard_swish,
    "Swish": _swish,
    "Gelu": lambda steps, node: steps.call(F.gelu, node.input(0), approximate=node.text("approximate", "none")),
    "Softmax": _softmax(torch.softmax),
    "LogSoftmax": _softmax(F.log_softmax),
}
