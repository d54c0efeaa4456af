"""What a graph computes of the class alone, computed once for each class and stored as a table.

A class is a one-hot vector by contract, so whatever depends on nothing else takes one of as many values as there are
classes. A network of few steps is steered at fixed times by such vectors only: how they were computed, often half of a
small network's weights and operators, is left out of the graph, and what they are is looked up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from ..runtime.onnx_check import OPSET
from ..runtime.schema import ClassCondition, Schema

_Array = npt.NDArray[Any]

_TABLE = "class_table"


def fold_class(model: onnx.ModelProto, schema: Schema) -> int:
    """Put a table in place of what depends on the class alone, where that makes the graph smaller.

    Args:
        model: Of the contract; changed in place.
        schema: Says what the condition vector means. Only where that is one class, and nothing else, is anything done.

    Returns:
        Bytes of weights saved; 0 if nothing was changed.
    """
    if [type(condition) for condition in schema.conditions] != [ClassCondition]:
        return 0
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    of_class = _of_class_alone(graph, constants, schema)
    kept = [node for node in graph.node if not set(node.output) <= set(of_class)]
    needed = {name for node in kept for name in node.input} | {value.name for value in graph.output}
    columns = {name: rows for name, rows in of_class.items() if name in needed}
    if not columns:
        return 0
    table = np.concatenate(list(columns.values()), axis=1)
    weights = (value for name, value in constants.items() if name not in needed and value.dtype == np.float32)
    saved = sum(value.nbytes for value in weights) - table.nbytes
    if saved <= 0:
        return 0
    nodes, stored = _look_up(table, {name: rows.shape[1] for name, rows in columns.items()})
    stored = [*stored, *(tensor for tensor in graph.initializer if tensor.name in needed)]
    del graph.node[:], graph.initializer[:]
    graph.node.extend([*nodes, *kept])
    graph.initializer.extend(stored)
    return saved


def _of_class_alone(
    graph: onnx.GraphProto, constants: Mapping[str, _Array], schema: Schema
) -> dict[str, npt.NDArray[np.float32]]:
    """Tensors that are made of the class and of constants, a row for each record; what they are for each class.

    Whether each record has a row of its own is tried, on all classes once and on more of them in disorder.
    """
    each = np.eye(schema.condition_size, dtype=np.float32)
    disorder = [*reversed(range(len(each))), 0, *range(len(each))]
    known: dict[str, tuple[_Array, _Array]] = {"condition": (each, each[disorder])}
    for node in graph.node:
        inputs = [name for name in node.input if name]
        if not any(name in known for name in inputs) or not all(name in known or name in constants for name in inputs):
            continue
        ordered, disordered = (
            _run(node, {name: known[name][side] if name in known else constants[name] for name in inputs})
            for side in (0, 1)
        )
        if len(node.output) == 1 and _is_by_row(ordered, disordered, disorder):
            known[node.output[0]] = (ordered, disordered)
    del known["condition"]
    return {name: values[0] for name, values in known.items()}


def _run(node: onnx.NodeProto, inputs: Mapping[str, _Array]) -> _Array:
    (output, *_) = ReferenceEvaluator(node, opsets={"": OPSET}).run(None, dict(inputs))
    return np.asarray(output)


def _is_by_row(ordered: _Array, disordered: _Array, disorder: list[int]) -> bool:
    if ordered.dtype != np.float32 or ordered.ndim != 2 or len(ordered) != max(disorder) + 1:
        return False
    wanted = ordered[disorder]
    return disordered.shape == wanted.shape and np.allclose(disordered, wanted, rtol=1e-5, atol=1e-6)


def _look_up(table: _Array, widths: Mapping[str, int]) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Nodes that give each named tensor its columns of the record's row of the table, and their constants."""
    constants = [numpy_helper.from_array(table, _TABLE)]
    if len(widths) == 1:
        return [helper.make_node("MatMul", ["condition", _TABLE], list(widths), "look_up_class")], constants
    sizes = numpy_helper.from_array(np.array(list(widths.values()), np.int64), f"{_TABLE}.widths")
    row = f"{_TABLE}.row"
    return [
        helper.make_node("MatMul", ["condition", _TABLE], [row], "look_up_class"),
        helper.make_node("Split", [row, sizes.name], list(widths), "split_class", axis=1),
    ], [*constants, sizes]
