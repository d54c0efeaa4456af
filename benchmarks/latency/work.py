"""What a graph has to do, layer by layer: multiply-adds, bytes moved, and in which precision. Needs the package onnx.

Counted on the graph as onnxruntime runs it, its layers fused by rules that do not depend on the machine.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import onnx
from onnx import TensorProto, shape_inference

from ...runtime.backends.onnxruntime import import_engine

LayerKind = Literal["convolution", "product", "function", "other"]
"""`function`: element by element, and dear: exponentials, norms. `other`: whatever moves or adds numbers."""

_CONVOLUTIONS = {"Conv", "FusedConv", "QLinearConv", "ConvTranspose", "ConvInteger"}
_PRODUCTS = {"Gemm", "FusedGemm", "QGemm", "MatMul", "FusedMatMul", "QLinearMatMul", "MatMulInteger", "MatMulNBits"}
_FUNCTIONS = {
    "BiasGelu",
    "Cos",
    "Elu",
    "Erf",
    "Exp",
    "FastGelu",
    "Gelu",
    "InstanceNormalization",
    "LayerNormalization",
    "Log",
    "Pow",
    "QuickGelu",
    "Sigmoid",
    "SimplifiedLayerNormalization",
    "Sin",
    "SkipLayerNormalization",
    "Softmax",
    "Softplus",
    "Sqrt",
    "Tanh",
}
_INT8 = {"QLinearConv", "ConvInteger", "QGemm", "QLinearMatMul", "MatMulInteger"}


@dataclass(frozen=True)
class LayerWork:
    """One node of the graph, for one sample."""

    kind: LayerKind
    int8: bool
    """Whether it multiplies whole numbers."""
    multiply_adds: int
    bytes_moved: int
    """Read and written: inputs, weights, outputs."""
    weight_bytes: int
    """The part of it that does not depend on the sample."""


def graph_work(model: bytes) -> tuple[LayerWork, ...]:
    """The layers of an ONNX graph that runs on onnxruntime, for one sample."""
    before = onnx.load_model_from_string(model)
    sizes = _sizes(shape_inference.infer_shapes(before).graph)
    fused = _fused(model).graph
    sizes = {**_sizes(fused), **sizes}
    weights = {tensor.name for tensor in fused.initializer}
    return tuple(_layer(node, sizes, weights) for node in fused.node)


@dataclass(frozen=True)
class _Size:
    shape: tuple[int, ...]
    bytes_each: int

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.bytes_each


def _layer(node: onnx.NodeProto, sizes: Mapping[str, _Size], weights: set[str]) -> LayerWork:
    nothing = _Size((0,), 0)
    inputs = [sizes.get(name, nothing) for name in node.input]
    output = sizes.get(node.output[0], nothing)
    kind: LayerKind = "other"
    multiply_adds = 0
    # The quantised forms name scale and zero point after each tensor.
    step = {"QLinearConv": 3, "QLinearMatMul": 3, "QGemm": 3}.get(node.op_type, 1)
    if node.op_type in _CONVOLUTIONS:
        kind = "convolution"
        per_output = math.prod(inputs[step].shape[1:])
        meets = inputs[0] if node.op_type == "ConvTranspose" else output
        multiply_adds = per_output * math.prod(meets.shape[1:])
    elif node.op_type in _PRODUCTS:
        kind = "product"
        multiply_adds = (inputs[0].shape or (0,))[-1] * math.prod(output.shape[1:] or (0,))
    elif node.op_type in _FUNCTIONS:
        kind = "function"
    weight_bytes = sum(sizes[name].bytes for name in set(node.input) & weights if name in sizes)
    moved = sum(size.bytes for size in inputs) + sum(sizes.get(name, nothing).bytes for name in node.output)
    return LayerWork(kind, node.op_type in _INT8, multiply_adds, moved, weight_bytes)


def _sizes(graph: onnx.GraphProto) -> dict[str, _Size]:
    """Of every tensor whose shape is told; the batch is the only free dimension, and counts as one sample."""
    found = {t.name: _Size(tuple(t.dims), _bytes_each(t.data_type)) for t in graph.initializer}
    for value in [*graph.value_info, *graph.output, *graph.input]:
        tensor = value.type.tensor_type
        if tensor.HasField("shape"):
            shape = tuple(d.dim_value or 1 for d in tensor.shape.dim)
            found[value.name] = _Size(shape, _bytes_each(tensor.elem_type))
    return found


def _bytes_each(data_type: int) -> int:
    if data_type in (TensorProto.INT8, TensorProto.UINT8, TensorProto.BOOL):
        return 1
    if data_type in (TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.INT16, TensorProto.UINT16):
        return 2
    return 8 if data_type in (TensorProto.INT64, TensorProto.DOUBLE, TensorProto.UINT64) else 4


def _fused(model: bytes) -> onnx.ModelProto:
    """The graph after onnxruntime's own rewriting, up to the level that does not look at the processor."""
    engine: Any = import_engine()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "fused.onnx")
        settings = engine.SessionOptions()
        settings.graph_optimization_level = engine.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        settings.optimized_model_filepath = str(file)
        settings.intra_op_num_threads = 1
        settings.log_severity_level = 3  # it warns that the file is for machines like this one; no machine runs it
        engine.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
        return onnx.load_model(file)
