"""Small graphs of the kinds generators are made of, on which the model of latency is calibrated. Needs package onnx.

Decoders in one and two dimensions, residual stacks with norms, perceptrons, and chains of small operations as in a
prior and in a table's columns; each in float and, where it multiplies enough, in int8 as onnxruntime runs it fastest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

_OPSET = 18
NOISE = 16
"""Numbers of noise that each graph takes; its one input is [1, NOISE]."""


@dataclass(frozen=True)
class CalibrationGraph:
    """One graph to measure."""

    name: str
    """Of the network; the same in float and in int8."""
    int8: bool
    model: bytes


def calibration_graphs() -> Iterator[CalibrationGraph]:
    """All of them, from small to large of each kind."""
    for int8 in (False, True):
        for channels, length in ((16, 64), (24, 256), (64, 256), (96, 512)):
            yield _made(f"decoder 1-D {channels}x{length}", int8, _decoder, channels, (length,))
        for channels, side in ((16, 28), (48, 28), (32, 64)):
            yield _made(f"decoder 2-D {channels}x{side}", int8, _decoder, channels, (side, side))
        for channels, length in ((16, 128), (48, 128), (64, 256)):
            yield _made(f"residual {channels}x{length}", int8, _residual, channels, length)
        for hidden, layers in ((64, 3), (256, 4), (768, 4)):
            yield _made(f"perceptron {hidden}x{layers}", int8, _perceptron, hidden, layers)
    for blocks, hidden in ((2, 16), (6, 48), (12, 32)):
        yield _made(f"couplings {blocks}x{hidden}", False, _couplings, blocks, hidden)


@dataclass
class _Builder:
    """Nodes and weights in the making."""

    int8: bool
    rng: np.random.Generator
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """A node; returns the name of its output, or their list."""
        names = [f"{operator}{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value: npt.NDArray[Any]) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def weight(self, shape: tuple[int, ...], *, int8: bool) -> str:
        """Random numbers that neither die out nor grow through the layers; in 8 bits with a scale for each channel."""
        values = self.rng.standard_normal(shape) * (2.0 / np.prod(shape[1:])) ** 0.5
        if not int8:
            return self.constant(values.astype(np.float32))
        scale = np.abs(values).max(axis=tuple(range(1, len(shape)))) / 127
        per_channel = scale.reshape(-1, *[1] * (len(shape) - 1))
        whole = self.constant(np.round(values / per_channel).astype(np.int8))
        scales = self.constant(scale.astype(np.float32))
        return str(self.add("DequantizeLinear", whole, scales, self.constant(np.zeros(shape[0], np.int8)), axis=0))

    def rounded(self, x: str, *, zero_point: int = 128) -> str:
        """Activations in 8 bits, where asked for."""
        if not self.int8:
            return x
        scale, zero = self.constant(np.array(0.05, np.float32)), self.constant(np.array(zero_point, np.uint8))
        whole = self.add("QuantizeLinear", x, scale, zero)
        return str(self.add("DequantizeLinear", whole, scale, zero))

    def convolution(self, x: str, channels: int, inputs: int, width: int, dimensions: int) -> str:
        """A hidden layer: in 8 bits, and so is what it makes, where asked for."""
        return self.rounded(self._convolution(self.rounded(x), channels, inputs, width, dimensions, self.int8))

    def last_convolution(self, x: str, inputs: int, dimensions: int) -> str:
        """Stays in float, as our quantisation leaves it."""
        return self._convolution(x, 1, inputs, 3, dimensions, False)

    def _convolution(self, x: str, channels: int, inputs: int, width: int, dimensions: int, int8: bool) -> str:
        weight = self.weight((channels, inputs, *[width] * dimensions), int8=int8)
        bias = self.constant(np.zeros(channels, np.float32))
        pads = [width // 2] * (2 * dimensions)
        return str(self.add("Conv", x, weight, bias, kernel_shape=[width] * dimensions, pads=pads))

    def product(self, x: str, outputs: int, inputs: int, *, int8: bool = False) -> str:
        weight = self.weight((outputs, inputs), int8=int8)
        x = self.rounded(x) if int8 else x
        made = str(self.add("Gemm", x, weight, self.constant(np.zeros(outputs, np.float32)), transB=1))
        return self.rounded(made) if int8 else made


def _made(name: str, int8: bool, build: Callable[..., str], *options: Any) -> CalibrationGraph:
    builder = _Builder(int8, np.random.default_rng(1))
    last = build(builder, *options)
    builder.nodes.append(helper.make_node("Identity", [last], ["sample"]))
    graph = helper.make_graph(
        builder.nodes,
        name.replace(" ", "-"),
        [helper.make_tensor_value_info("noise", TensorProto.FLOAT, ["n", NOISE])],
        [helper.make_tensor_value_info("sample", TensorProto.FLOAT, None)],
        builder.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=9)
    return CalibrationGraph(name, int8, model.SerializeToString())


def _decoder(b: _Builder, channels: int, sides: tuple[int, ...]) -> str:
    """From noise to a signal or an image: up-sampled twice by two, a convolution after each, one at the end."""
    dimensions, start = len(sides), [side // 4 for side in sides]
    x = b.add("Relu", b.product("noise", channels * int(np.prod(start)), NOISE))
    x = b.add("Reshape", x, b.constant(np.array([-1, channels, *start], np.int64)))
    for _ in range(2):
        scales = b.constant(np.array([1, 1, *[2] * dimensions], np.float32))
        x = b.add("Resize", x, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric")
        x = b.add("Relu", b.convolution(x, channels, channels, 3 if dimensions == 2 else 5, dimensions))
        # In two dimensions as an engine likes it best: what the rectifier leaves, rounded, makes it vanish.
        x = b.rounded(x, zero_point=0) if dimensions == 2 else x
    return b.last_convolution(x, channels, dimensions)


def _residual(b: _Builder, channels: int, length: int) -> str:
    """As a diffusion model's blocks: norm, SiLU, convolution, and what came in added."""
    x = b.product("noise", channels * length, NOISE)
    x = b.add("Reshape", x, b.constant(np.array([-1, channels, length], np.int64)))
    one, zero = b.constant(np.ones(channels, np.float32)), b.constant(np.zeros(channels, np.float32))
    for _ in range(3):
        h = b.add("InstanceNormalization", x, one, zero)
        h = b.add("Mul", h, b.add("Sigmoid", h))
        x = b.add("Add", x, b.convolution(h, channels, channels, 3, 1))
    return b.last_convolution(b.add("Concat", x, h, axis=1), 2 * channels, 1)


def _perceptron(b: _Builder, hidden: int, layers: int) -> str:
    x, size = "noise", NOISE
    for _ in range(layers):
        x = b.add("Relu", b.product(x, hidden, size, int8=b.int8))
        size = hidden
    return b.product(x, 32, size)


def _couplings(b: _Builder, blocks: int, hidden: int) -> str:
    """A flow's couplings, then a table's columns: many operations on few numbers."""
    x = "noise"
    for _ in range(blocks):
        kept, moved = b.add("Split", x, outputs=2, axis=1, num_outputs=2)
        h = b.product(b.add("Relu", b.product(kept, hidden, NOISE // 2)), NOISE, hidden)
        scale, shift = b.add("Split", h, outputs=2, axis=1, num_outputs=2)
        moved = b.add("Add", b.add("Mul", moved, b.add("Exp", b.add("Tanh", scale))), shift)
        x = b.add("Concat", moved, kept, axis=1)
    parts = b.add("Split", x, outputs=8, axis=1, num_outputs=8)
    columns = []
    for number, part in enumerate(parts):
        if number % 2:
            choice = b.add("Cast", b.add("ArgMax", part, axis=1, keepdims=0), to=TensorProto.FLOAT)
            columns.append(b.add("Unsqueeze", choice, b.constant(np.array([1], np.int64))))
        else:
            columns.append(
                b.add("Clip", part, b.constant(np.array(-2, np.float32)), b.constant(np.array(2, np.float32)))
            )
    return str(b.add("Concat", *columns, axis=1))
