"""Small ONNX generators of table rows, made node by node, and their description: what tests of whole graphs vary."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DESCRIPTION = """
name = "rows"
description = "One row."
kind = "table"
columns = [
    {kind = "number", name = "a", unit = "1", range = [-3, 3]},
    {kind = "number", name = "b", unit = "1", range = [-3, 3]},
    {kind = "number", name = "c", unit = "1", range = [-3, 3]},
]
conditions = [{kind = "class", name = "state", values = ["p", "q"]}]
source = "rows of nobody"
licence = "CC0-1.0"
attribution = "nobody"
"""
NOISE = 'inputs.z = {from = "noise"}\n'
LABEL = 'inputs.label = {from = "state", as = "index"}\n'
_RNG = np.random.default_rng(3)
WEIGHTS = {
    "matrix": _RNG.normal(size=(4, 3)).astype(np.float32) * 0.3,
    "bias": _RNG.normal(size=3).astype(np.float32) * 0.1,
    "table": _RNG.normal(size=(2, 3)).astype(np.float32) * 0.3,
}


def node(op: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    """A node by the names it reads and makes, as `"a b"`; `-` is none."""
    names = [name.replace("-", "") for name in inputs.split()]
    return helper.make_node(op, names, outputs.split(), name=f"the {op.lower()} of {outputs}", **attributes)


LINEAR = [node("Gemm", "z matrix bias", "h"), node("Tanh", "h", "y")]


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, tuple[int, Sequence[Any]]] | None = None,
    weights: dict[str, np.ndarray] | None = None,
    outputs: Sequence[str] = ("y",),
    opset: int = 18,
) -> onnx.ModelProto:
    """A model; without inputs, of the noise `z` [n, 4]."""
    stored = {**WEIGHTS, **(weights or {})}
    used = {name for each in nodes for name in each.input}
    graph = helper.make_graph(
        list(nodes),
        "rows",
        [
            helper.make_tensor_value_info(name, kind, shape)
            for name, (kind, shape) in (inputs or {"z": (TensorProto.FLOAT, ["n", 4])}).items()
        ],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in stored.items() if name in used],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def written(made: onnx.ModelProto, folder: Path, name: str = "rows.onnx") -> Path:
    """The file of a model."""
    path = folder / name
    path.write_bytes(made.SerializeToString())
    return path
