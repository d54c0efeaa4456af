"""Translations of what is done number by number."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
from onnx import TensorProto, helper

from .node import Node, Translation
from .steps import Method, Steps
from .values import Value


def plain_or_value(value: Value, other: Value) -> Any:
    """One fixed number as a number, where it does not change the other's shape: no tensor is kept for it."""
    number = value.number
    return value if number is None or value.rank > other.rank or value.is_float != other.is_float else number


def _binary(function: Callable[..., Any]) -> Translation:
    def translate(steps: Steps, node: Node) -> Value:
        made, *rest = node.inputs
        for other in rest:
            made = pair(steps, function, made, other)
        return made

    return translate


def pair(steps: Steps, function: Callable[..., Any], first: Value, second: Value) -> Value:
    """A function of two values, of which one may be written as a number."""
    if first.known:
        return steps.call(function, first if second.known else plain_or_value(first, second), second)
    return steps.call(function, first, plain_or_value(second, first))


def _unary(function: Callable[..., Any]) -> Translation:
    return lambda steps, node: steps.call(function, node.input(0))


def _divide(steps: Steps, node: Node) -> Value:
    if node.input(0).is_float:
        return pair(steps, operator.truediv, node.input(0), node.input(1))
    return steps.call(torch.div, node.input(0), node.input(1), rounding_mode="trunc")


def _power(steps: Steps, node: Node) -> Value:
    base, exponent = node.input(0), node.input(1)
    made = steps.call(operator.pow, base, exponent if exponent.number is None or base.known else exponent.number)
    return made if made.is_float == base.is_float else steps.call(Method("to"), made, base.at[0].dtype)


def _modulo(steps: Steps, node: Node) -> Value:
    if not node.whole("fmod", 0):
        return steps.call(operator.mod, node.input(0), node.input(1))
    a, b = node.inputs
    times = steps.call(torch.div, a, b, rounding_mode="trunc")
    return steps.call(operator.sub, a, steps.call(operator.mul, times, b))


def _mean(steps: Steps, node: Node) -> Value:
    return steps.call(operator.truediv, _binary(operator.add)(steps, node), float(len(node.inputs)))


def _extreme(function: Callable[..., Any]) -> Translation:
    """Of several tensors; `torch.maximum` takes no numbers."""

    def translate(steps: Steps, node: Node) -> Value:
        made, *rest = node.inputs
        for other in rest:
            made = steps.call(function, made, other)
        return made

    return translate


def _clip(steps: Steps, node: Node) -> Value:
    value = node.input(0)
    if node.opset < 11:
        low: Any = node.real("min", float("-inf"))
        high: Any = node.real("max", float("inf"))
    else:
        low, high = (
            (each.number if each and each.number is not None else each) for each in (node.optional(1), node.optional(2))
        )
    if isinstance(low, Value) or isinstance(high, Value):
        for bound, function in ((low, torch.maximum), (high, torch.minimum)):
            if bound is not None:
                other = bound if isinstance(bound, Value) else steps.call(torch.full, [], bound)
                value = steps.call(function, value, other)
        return value
    bounds = {name: bound for name, bound in (("min", low), ("max", high)) if bound is not None}
    # An infinite bound is none, and one that a plain value of a checkpoint need not hold.
    bounds = {name: bound for name, bound in bounds.items() if abs(bound) != float("inf")}
    return steps.call(torch.clamp, value, **bounds) if bounds else value


def _cast(steps: Steps, node: Node) -> Value:
    target = node.whole("to", TensorProto.FLOAT)
    kind = helper.tensor_dtype_to_np_dtype(target).kind
    if kind == "b":
        return steps.call(Method("to"), node.input(0), torch.bool)
    if kind not in "fiu" and target != TensorProto.BFLOAT16:
        raise node.refuse(f"a cast to {TensorProto.DataType.Name(target)}")
    return _as(steps, node.input(0), torch.int64 if kind in "iu" else torch.float32)


def _as(steps: Steps, value: Value, dtype: torch.dtype) -> Value:
    return value if value.at[0].dtype == dtype else steps.call(Method("to"), value, dtype)


def _where(steps: Steps, node: Node) -> Value:
    return steps.call(torch.where, *node.inputs)


def _same(steps: Steps, node: Node) -> Value:  # noqa: ARG001 - translations have one form
    return node.input(0)


def _dropout(steps: Steps, node: Node) -> Value:  # noqa: ARG001 - translations have one form
    training = node.optional(2)
    if training is not None and training.number != 0:
        raise ValueError("it draws random numbers, as in training; export the model in evaluation mode")
    return node.input(0)


ARITHMETIC: dict[str, Translation] = {
    "Add": _binary(operator.add),
    "Sub": _binary(operator.sub),
    "Mul": _binary(operator.mul),
    "Sum": _binary(operator.add),
    "Div": _divide,
    "Pow": _power,
    "Mod": _modulo,
    "Mean": _mean,
    "Max": _extreme(torch.maximum),
    "Min": _extreme(torch.minimum),
    "Equal": _binary(operator.eq),
    "Greater": _binary(operator.gt),
    "GreaterOrEqual": _binary(operator.ge),
    "Less": _binary(operator.lt),
    "LessOrEqual": _binary(operator.le),
    "And": _binary(torch.logical_and),
    "Or": _binary(torch.logical_or),
    "Xor": _binary(torch.logical_xor),
    "Not": _unary(torch.logical_not),
    "Neg": _unary(torch.neg),
    "Abs": _unary(torch.abs),
    "Sqrt": _unary(torch.sqrt),
    "Exp": _unary(torch.exp),
    "Log": _unary(torch.log),
    "Sin": _unary(torch.sin),
    "Cos": _unary(torch.cos),
    "Erf": _unary(torch.erf),
    "Floor": _unary(torch.floor),
    "Ceil": _unary(torch.ceil),
    "Round": _unary(torch.round),
    "Sign": _unary(torch.sign),
    "Reciprocal": lambda steps, node: steps.call(operator.truediv, 1.0, node.input(0)),
    "Clip": _clip,
    "Cast": _cast,
    "CastLike": lambda steps, node: _as(steps, node.input(0), node.input(1).at[0].dtype),
    "Where": _where,
    "Identity": _same,
    "Dropout": _dropout,
}
