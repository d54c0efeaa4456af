"""Weights stored in 8 bits and computed in float: a quarter of the bytes, where size matters and time does not.

No activation is rounded, so samples change less than in `int8`. The engine multiplies the weights out, at each call
or once. Four bits would need opset 21, and generators keep to 18, which JetPack 6 takes.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..student import Context, Details, Student
from .half import with_first_nodes
from .step import Step

NAME = "weights8"
_FEWEST_WEIGHTS = 1024
_LARGEST = 127


def store_in_bytes(model: bytes) -> bytes:
    """The same graph with its larger weights in signed bytes, symmetric, with a scale for each output channel."""
    graph = onnx.load_model_from_string(model)
    axes = _output_axes(graph)
    nodes, scales = [], []
    for tensor in graph.graph.initializer:
        axis = axes.get(tensor.name)
        if axis is None or tensor.data_type != TensorProto.FLOAT or math.prod(tensor.dims) < _FEWEST_WEIGHTS:
            continue
        name, weight = tensor.name, numpy_helper.to_array(tensor)
        scale = _scale(weight, axis)
        shape = [-1 if place == axis else 1 for place in range(weight.ndim)]
        rounded = np.clip(np.rint(weight / scale.reshape(shape)), -_LARGEST, _LARGEST).astype(np.int8)
        tensor.CopyFrom(numpy_helper.from_array(rounded, f"{name}_int8"))
        scales.append(numpy_helper.from_array(scale, f"{name}_scale"))
        nodes.append(
            helper.make_node("DequantizeLinear", [f"{name}_int8", f"{name}_scale"], [name], f"{name}_float", axis=axis)
        )
    graph.graph.initializer.extend(scales)
    return with_first_nodes(graph, nodes)


def _scale(weight: npt.NDArray[np.float32], axis: int) -> npt.NDArray[np.float32]:
    others = tuple(place for place in range(weight.ndim) if place != axis)
    largest = np.abs(weight).max(axis=others)
    return np.where(largest > 0, largest / _LARGEST, 1.0).astype(np.float32)


def _output_axes(graph: onnx.ModelProto) -> dict[str, int]:
    """By weight of a layer, the axis of its output channels."""
    axes = {}
    for node in graph.graph.node:
        if node.op_type == "Gemm":
            axes[node.input[1]] = 0 if any(a.name == "transB" and a.i for a in node.attribute) else 1
        elif node.op_type in ("Conv", "ConvTranspose", "MatMul"):
            axes[node.input[1]] = {"Conv": 0, "ConvTranspose": 1, "MatMul": -1}[node.op_type]
    ranks = {tensor.name: len(tensor.dims) for tensor in graph.graph.initializer}
    return {name: axis % ranks[name] for name, axis in axes.items() if name in ranks}


def _run(student: Student, context: Context) -> Details:  # noqa: ARG001 - a step's signature
    student.add(NAME, store_in_bytes(student.graphs["fp32"]))
    return {}


STEP = Step({}, _run, of_graphs=True)
