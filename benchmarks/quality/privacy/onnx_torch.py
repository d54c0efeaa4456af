"""A shipped ONNX graph as a differentiable function: what an attacker who holds the bundle can make of it.

Only the operators that our exports hold; another one is an error, not a silent gap in the audit.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import Tensor

from ....runtime.errors import BackendError

_Operator = Callable[[list[Any], dict[str, Any]], Any]


class TorchGraph:
    """(noise [n, *noise_shape], condition [n, c]) to samples, with gradients to the noise.

    Rounding lets gradients through as if it were not there (straight-through, Bengio et al. 2013), so that an INT8
    graph is attacked as it is.

    Args:
        content: The ONNX graph of the contract.

    Raises:
        BackendError: It holds an operator that cannot be differentiated here.
    """

    def __init__(self, content: bytes) -> None:
        model = onnx.load_model_from_string(content)
        unknown = sorted({node.op_type for node in model.graph.node} - set(_OPERATORS) - {"Constant"})
        if unknown:
            raise BackendError(f"the graph cannot be attacked: no gradient is known here for {', '.join(unknown)}")
        self._constants = {t.name: _tensor(t) for t in model.graph.initializer}
        self._nodes = []
        for node in model.graph.node:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            if node.op_type == "Constant":
                self._constants[node.output[0]] = _tensor(attributes["value"])
            else:
                self._nodes.append((_OPERATORS[node.op_type], list(node.input), list(node.output), attributes))
        self._output = model.graph.output[0].name

    def __call__(self, noise: Tensor, condition: Tensor) -> Tensor:
        """Samples of the batch."""
        values: dict[str, Any] = {**self._constants, "noise": noise, "condition": condition, "": None}
        for operator, inputs, outputs, attributes in self._nodes:
            made = operator([values[name] for name in inputs], {**attributes, "outputs": len(outputs)})
            for name, value in zip(outputs, made if isinstance(made, tuple) else (made,), strict=True):
                values[name] = value
        sample: Tensor = values[self._output]
        return sample


def _tensor(tensor: onnx.TensorProto) -> Tensor:
    return torch.from_numpy(np.array(numpy_helper.to_array(tensor)))


def _conv(inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    x, weight, bias = (*inputs, None)[:3]
    axes = weight.ndim - 2
    pads = attributes.get("pads", [0] * 2 * axes)
    if attributes.get("auto_pad", b"NOTSET") != b"NOTSET":
        raise BackendError("the graph cannot be attacked: its convolutions pad themselves")
    # ONNX lists all beginnings, then all ends; torch wants pairs, last axis first.
    x = F.pad(x, [pad for axis in reversed(range(axes)) for pad in (pads[axis], pads[axis + axes])])
    convolve = (F.conv1d, F.conv2d)[axes - 1]
    ones = [1] * axes
    return convolve(
        x,
        weight,
        bias,
        stride=tuple(attributes.get("strides", ones)),
        dilation=tuple(attributes.get("dilations", ones)),
        groups=attributes.get("group", 1),
    )


def _argmax(inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    if attributes.get("select_last_index", 0):
        raise BackendError("the graph cannot be attacked: it takes the last of several largest numbers")
    return torch.argmax(inputs[0], dim=attributes.get("axis", 0), keepdim=bool(attributes.get("keepdims", 1)))


def _cast(inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    numbers: Tensor = inputs[0]
    return numbers.to(torch.from_numpy(np.zeros(0, onnx.helper.tensor_dtype_to_np_dtype(attributes["to"]))).dtype)


def _gather(inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    x, places = inputs
    axis = attributes.get("axis", 0) % x.ndim
    places = torch.where(places < 0, places + x.shape[axis], places)
    taken: Tensor = torch.index_select(x, axis, places.reshape(-1))
    return taken.reshape(*x.shape[:axis], *places.shape, *x.shape[axis + 1 :])


def _conv_transpose(inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    x, weight, bias = (*inputs, None)[:3]
    axes = weight.ndim - 2
    ones, zeros = [1] * axes, [0] * axes
    pads = attributes.get("pads", zeros * 2)
    if attributes.get("auto_pad", b"NOTSET") != b"NOTSET" or "output_shape" in attributes or pads[:axes] != pads[axes:]:
        raise BackendError("the graph cannot be attacked: its transposed convolutions pad unevenly")
    convolve = (F.conv_transpose1d, F.conv_transpose2d)[axes - 1]
    return convolve(
        x,
        weight,
        bias,
        stride=tuple(attributes.get("strides", ones)),
        padding=tuple(pads[:axes]),
        output_padding=tuple(attributes.get("output_padding", zeros)),
        groups=attributes.get("group", 1),
        dilation=tuple(attributes.get("dilations", ones)),
    )


def _gemm(inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    a, b, c = (*inputs, None)[:3]
    a, b = (a.T if attributes.get("transA", 0) else a), (b.T if attributes.get("transB", 0) else b)
    product: Tensor = attributes.get("alpha", 1.0) * (a @ b)
    return product if c is None else product + attributes.get("beta", 1.0) * c


def _split(inputs: list[Any], attributes: dict[str, Any]) -> tuple[Tensor, ...]:
    axis = attributes.get("axis", 0)
    if len(inputs) > 1 and inputs[1] is not None:
        return tuple(torch.split(inputs[0], inputs[1].tolist(), dim=axis))
    return tuple(torch.chunk(inputs[0], attributes["outputs"], dim=axis))


def _reshape(inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    x, shape = inputs[0], inputs[1].tolist()
    if not attributes.get("allowzero", 0):
        shape = [x.shape[place] if size == 0 else size for place, size in enumerate(shape)]
    reshaped: Tensor = x.reshape(shape)
    return reshaped


def _resize(inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    x, _, scales, sizes = (*inputs, None, None, None)[:4]
    exact = (
        attributes.get("coordinate_transformation_mode") == b"asymmetric" and attributes.get("nearest_mode") == b"floor"
    )
    if attributes.get("mode") != b"nearest" or not exact:
        raise BackendError("the graph cannot be attacked: it resizes in another way than by repeating")
    if sizes is not None:
        wanted = sizes.tolist()
    else:
        wanted = [round(size * factor) for size, factor in zip(x.shape, scales.tolist(), strict=True)]
    return F.interpolate(x, size=wanted[2:], mode="nearest")


def _clip(inputs: list[Any], _: dict[str, Any]) -> Tensor:
    x, low, high = (*inputs, None, None)[:3]
    clipped: Tensor = torch.clamp(x, low, high)
    return clipped


def _along(scale: Tensor, x: Tensor, axis: int) -> Tensor:
    """A scale or zero point of a channel each, laid along its axis."""
    return scale if scale.ndim == 0 else scale.reshape([-1 if place == axis else 1 for place in range(x.ndim)])


def _quantise(inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    x, scale, zero = inputs
    axis = attributes.get("axis", 1) % max(x.ndim, 1)
    limits = torch.iinfo(zero.dtype)
    scaled = x / _along(scale, x, axis)
    rounded = scaled + (torch.round(scaled) - scaled).detach()
    quantised: Tensor = (rounded + _along(zero, x, axis).float()).clamp(limits.min, limits.max)
    return quantised


def _dequantise(inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    x, scale, zero = (*inputs, None)[:3]
    axis = attributes.get("axis", 1) % max(x.ndim, 1)
    shift = 0.0 if zero is None else _along(zero, x, axis).float()
    dequantised: Tensor = (x.float() - shift) * _along(scale, x, axis)
    return dequantised


_OPERATORS: dict[str, _Operator] = {
    "Add": lambda x, _: x[0] + x[1],
    "ArgMax": _argmax,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": lambda x, a: torch.cat(x, dim=a["axis"]),
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "DequantizeLinear": _dequantise,
    "Div": lambda x, _: x[0] / x[1],
    "Erf": lambda x, _: torch.erf(x[0]),
    "Exp": lambda x, _: torch.exp(x[0]),
    "Flatten": lambda x, a: x[0].reshape(math.prod(x[0].shape[: a.get("axis", 1)]), -1),
    "Gather": _gather,
    "Gemm": _gemm,
    "Identity": lambda x, _: x[0],
    "LeakyRelu": lambda x, a: F.leaky_relu(x[0], a.get("alpha", 0.01)),
    "MatMul": lambda x, _: x[0] @ x[1],
    "Max": lambda x, _: functools.reduce(torch.maximum, x),
    "Min": lambda x, _: functools.reduce(torch.minimum, x),
    "Mul": lambda x, _: x[0] * x[1],
    "QuantizeLinear": _quantise,
    "Relu": lambda x, _: F.relu(x[0]),
    "Reshape": _reshape,
    "Resize": _resize,
    "Round": lambda x, _: torch.round(x[0]),
    "Sigmoid": lambda x, _: torch.sigmoid(x[0]),
    "Softmax": lambda x, a: torch.softmax(x[0], dim=a.get("axis", -1)),
    "Split": _split,
    "Sqrt": lambda x, _: torch.sqrt(x[0]),
    "Sub": lambda x, _: x[0] - x[1],
    "Tanh": lambda x, _: torch.tanh(x[0]),
    "Transpose": lambda x, a: x[0].permute(a.get("perm", list(reversed(range(x[0].ndim))))),
}
