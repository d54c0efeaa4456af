"""Weights stored in 16-bit floats and computed in 32: half the bytes, at the speed and nearly the values of fp32.

On CPUs 16-bit arithmetic is emulated and slower; as a form of storage it costs nothing once the engine has read it.
"""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..graph_check import check_graph
from ..student import Context, Details, Student
from .step import Step

NAME = "fp16"
_FEWEST_NUMBERS = 64
_LARGEST = float(np.finfo(np.float16).max)


def store_in_half(model: bytes) -> bytes:
    """The same graph with its larger weights in 16-bit floats, each followed by a Cast to 32 bits.

    A weight that 16 bits cannot hold (above 65504) stays as it is.
    """
    graph = onnx.load_model_from_string(model)
    casts = []
    for tensor in graph.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or math.prod(tensor.dims) < _FEWEST_NUMBERS:
            continue
        values = numpy_helper.to_array(tensor)
        if np.abs(values).max() > _LARGEST:
            continue
        stored = f"{tensor.name}_fp16"
        casts.append(helper.make_node("Cast", [stored], [tensor.name], f"{tensor.name}_cast", to=TensorProto.FLOAT))
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
    return with_first_nodes(graph, casts)


def with_first_nodes(graph: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> bytes:
    """The graph with nodes before all others, checked and written.

    Raises:
        GateError: It breaks the contract.
    """
    others = list(graph.graph.node)
    del graph.graph.node[:]
    graph.graph.node.extend([*nodes, *others])
    check_graph(graph)
    content: bytes = graph.SerializeToString()
    return content


def _run(student: Student, context: Context) -> Details:  # noqa: ARG001 - a step's signature
    student.add(NAME, store_in_half(student.graphs["fp32"]))
    return {}


STEP = Step({}, _run, of_graphs=True)
