"""Translations of matrix products: with fixed weights they become linear layers."""

from __future__ import annotations

import operator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .node import Node, Translation
from .steps import Method, Steps
from .values import Value


def linear(steps: Steps, value: Value, weight: Tensor, bias: Tensor | None) -> Value:
    """`value @ weight.T + bias`, as a layer."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta").to_empty(device="cpu")
    layer.weight.copy_(weight)
    if bias is not None:
        layer.bias.copy_(bias)
    return steps.call(layer, value)


def _gemm(steps: Steps, node: Node) -> Value:
    a, b, c = node.input(0), node.input(1), node.optional(2)
    alpha, beta = node.real("alpha", 1.0), node.real("beta", 1.0)
    if node.whole("transA", 0):
        a = steps.call(Method("transpose"), a, 0, 1)
    if b.fixed and not a.known and b.rank == 2 and (c is None or _is_bias(c)):
        weight = b.at[0] if node.whole("transB", 0) else b.at[0].T
        bias = None if c is None else (c.at[0] * beta).reshape(-1).expand(len(weight))
        return linear(steps, a, weight * alpha, bias)
    if node.whole("transB", 0):
        b = steps.call(Method("transpose"), b, 0, 1)
    made = steps.call(operator.matmul, a, b)
    if alpha != 1.0:
        made = steps.call(operator.mul, made, alpha)
    if c is None:
        return made
    return steps.call(operator.add, made, c if beta == 1.0 else steps.call(operator.mul, c, beta))


def _is_bias(c: Value) -> bool:
    if not c.fixed:
        return False
    shape = list(c.at[0].shape)
    return len(shape) < 2 or shape[:-1] == [1] * (len(shape) - 1)


def _matmul(steps: Steps, node: Node) -> Value:
    a, b = node.input(0), node.input(1)
    if b.fixed and b.rank == 2 and not a.known:
        return linear(steps, a, b.at[0].T, None)
    return steps.call(operator.matmul, a, b)


def _einsum(steps: Steps, node: Node) -> Value:
    return steps.call(torch.einsum, node.text("equation", ""), *node.inputs)


def _attention(steps: Steps, node: Node) -> Value:
    query, key, value = (node.input(number) for number in range(3))
    beyond = any(node.optional(number) for number in (4, 5, 6)) or node.outputs > 1 or node.real("softcap", 0.0)
    if query.rank != 4 or key.shape[1] != query.shape[1] or beyond:
        raise node.refuse("attention other than of whole heads [n, heads, places, width], without a past,")
    mask = node.optional(3)
    options: dict[str, Any] = {} if mask is None else {"attn_mask": mask}
    if node.whole("is_causal", 0):
        options["is_causal"] = True
    if node.has("scale"):
        options["scale"] = node.real("scale", 1.0)
    return steps.call(F.scaled_dot_product_attention, query, key, value, **options)


PRODUCTS: dict[str, Translation] = {"Gemm": _gemm, "MatMul": _matmul, "Einsum": _einsum, "Attention": _attention}
