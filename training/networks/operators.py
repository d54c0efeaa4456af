"""What a network rebuilt from a checkpoint may consist of: named layers, functions and methods, nothing else.

None of them reads a file, runs code or draws random numbers; a checkpoint that names another one is refused.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

LAYERS: dict[str, type[nn.Module]] = {
    name: getattr(nn, name)
    for name in (
        *("AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AvgPool1d", "AvgPool2d", "MaxPool1d", "MaxPool2d"),
        *("BatchNorm1d", "BatchNorm2d", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "LayerNorm"),
        *("Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d", "Linear", "Embedding"),
        *("ConstantPad1d", "ConstantPad2d", "ReflectionPad1d", "ReflectionPad2d", "ReplicationPad1d"),
        *("ReplicationPad2d", "ZeroPad1d", "ZeroPad2d"),
        *("Dropout", "Dropout1d", "Dropout2d", "Flatten", "Identity", "PixelShuffle", "Unflatten", "Upsample"),
        *("UpsamplingBilinear2d", "UpsamplingNearest2d"),
        *("ELU", "GELU", "Hardswish", "Hardtanh", "LeakyReLU", "LogSoftmax", "Mish", "PReLU", "ReLU", "ReLU6", "SELU"),
        *("SiLU", "Sigmoid", "Softmax", "Softplus", "Tanh"),
    )
}
_LARGEST = 2**63
_LONGEST = 64


def bounded(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Python's own arithmetic within bounds: it has none, and a checkpoint could fill the memory with one number.

    Raises:
        TypeError: It is not of tensors and numbers.
        ValueError: It does not stay within its bounds.
    """

    def within(*operands: Any) -> Any:
        unwanted = (str, bytes, tuple, list) if operation in (operator.mul, operator.imul) else (str, bytes)
        for operand in operands:
            if isinstance(operand, unwanted):
                raise TypeError(f"{operation.__name__} is of tensors and numbers, not of a {type(operand).__name__}")
        plain = [operand for operand in operands if isinstance(operand, int | float)]
        if operation is operator.pow and len(plain) == len(operands) and abs(operands[1]) > _LONGEST:
            raise ValueError(f"the power {operands[1]} of a plain number is too large")
        result = operation(*operands)
        if isinstance(result, int) and abs(result) >= _LARGEST:
            raise ValueError("a plain number has grown too large")
        if isinstance(result, tuple | list) and len(result) > _LONGEST:
            raise ValueError("a list has grown too long")
        return result

    return within


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        f"operator.{name}": getattr(operator, name)
        for name in (
            *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "neg", "matmul", "getitem"),
            *("iadd", "isub", "imul", "itruediv", "lt", "le", "gt", "ge", "eq", "ne"),
        )
    },
    **{
        f"torch.{name}": getattr(torch, name)
        for name in (
            *(
                "abs",
                "add",
                "amax",
                "amin",
                "argmax",
                "bmm",
                "cat",
                "ceil",
                "chunk",
                "clamp",
                "concat",
                "cos",
                "cumsum",
            ),
            *("div", "einsum", "erf", "exp", "flatten", "flip", "floor", "full", "full_like", "gather", "index_select"),
            *("log", "logical_and", "logical_not", "logical_or", "logical_xor", "matmul", "max", "maximum", "mean"),
            *("min", "minimum", "mul", "neg", "ones", "ones_like", "permute", "pow", "prod", "relu", "reshape", "roll"),
            *("round", "rsqrt", "sigmoid", "sign", "sin", "softmax", "split", "sqrt", "squeeze", "stack", "sub", "sum"),
            *("tanh", "tile", "transpose", "unsqueeze", "where", "zeros", "zeros_like"),
        )
    },
    **{
        f"functional.{name}": getattr(F, name)
        for name in (
            *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "avg_pool1d", "avg_pool2d", "batch_norm", "conv1d"),
            *("conv2d", "conv_transpose1d", "conv_transpose2d", "elu", "embedding", "gelu", "group_norm", "hardtanh"),
            *("instance_norm", "interpolate", "layer_norm", "leaky_relu", "linear", "log_softmax", "mish", "normalize"),
            *("one_hot", "pad", "pixel_shuffle", "relu", "relu6", "scaled_dot_product_attention", "selu", "sigmoid"),
            *("silu", "softmax", "softplus", "tanh"),
        )
    },
}
METHODS = frozenset(
    (
        *("abs", "add", "argmax", "bmm", "chunk", "clamp", "contiguous", "cos", "dim", "div", "exp", "expand"),
        *("expand_as", "flatten", "flip", "float", "log", "long", "matmul", "max", "mean", "min", "movedim", "mul"),
        *("narrow", "neg", "permute", "pow", "repeat", "reshape", "round", "rsqrt", "sigmoid", "sin", "size"),
        *("softmax", "split", "sqrt", "squeeze", "std", "sub", "sum", "tanh", "to", "transpose", "type_as"),
        *("unflatten", "unsqueeze", "var", "view"),
    )
)
"""Of a tensor."""
ATTRIBUTES = frozenset(("shape", "dtype", "device", "ndim", "T", "mT"))
"""Of a tensor."""
RANDOM = frozenset(
    (
        *("bernoulli", "bernoulli_", "multinomial", "normal", "normal_", "rand", "rand_like", "randint", "randn"),
        *("randn_like", "randperm", "uniform_", "exponential_", "dropout", "dropout1d", "dropout2d", "alpha_dropout"),
    )
)
"""Names whose call draws random numbers: known, so that the refusal can say so."""

_OPTIONS = {kind: tuple(inspect.signature(kind).parameters) for kind in LAYERS.values()}
_NOT_KEPT = ("device", "dtype")


def layer_options(layer: nn.Module) -> dict[str, Any]:
    """What a layer of `LAYERS` was built with, so that it can be built again."""
    options = {}
    for name in _OPTIONS[type(layer)]:
        if name in _NOT_KEPT or name.startswith("_") or not hasattr(layer, name):
            continue
        value = getattr(layer, name)
        options[name] = value is not None if name == "bias" else value
    return options
