"""Small graphs made by hand, and what is read of quantised ones."""

from pathlib import Path

import numpy as np
from edgeward.compression.bank import Bank
from edgeward.compression.student import Context
from edgeward.runtime.schema import Schema
from edgeward.training.families import Generative
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper


def graph_of(*nodes: NodeProto, noise: tuple[int, ...] = (6, 8), classes: int = 4, **weights: np.ndarray) -> bytes:
    """A graph from noise [n, *noise] and a condition [n, classes] to a sample."""
    graph = helper.make_graph(
        list(nodes),
        "by-hand",
        [
            helper.make_tensor_value_info("noise", TensorProto.FLOAT, ["n", *noise]),
            helper.make_tensor_value_info("condition", TensorProto.FLOAT, ["n", classes]),
        ],
        [helper.make_tensor_value_info("sample", TensorProto.FLOAT, ["n", *[None] * len(noise)])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    content: bytes = model.SerializeToString()
    return content


def drawn(*shape: int, seed: int = 1) -> np.ndarray:
    """Weights."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32) / 4


def layers(model: ModelProto) -> list[NodeProto]:
    return [node for node in model.graph.node if node.op_type in ("Conv", "Gemm", "MatMul")]


def weight_source(model: ModelProto, layer: NodeProto) -> NodeProto | None:
    """What makes a layer's weight: None where it is stored as it is."""
    return next((node for node in model.graph.node if layer.input[1] in node.output), None)


def unrolled_sampler(steps: int) -> bytes:
    """A sampler of equal steps: x + last(relu(middle(relu(first(x)) + embedding of the step's time)))."""
    nodes, constants = [], {}
    # The condition shifts the noise, as an engine drops an input that nothing uses.
    nodes.append(helper.make_node("MatMul", ["condition", "shift"], ["s"], "shift"))
    nodes.append(helper.make_node("Unsqueeze", ["s", "axis"], ["s3"], "unsqueeze"))
    nodes.append(helper.make_node("Add", ["noise", "s3"], ["x"], "shifted"))
    x = "x"
    for step in range(steps):
        out = "sample" if step == steps - 1 else f"x_{step}"
        constants[f"time_{step}"] = np.full((1, 4), step / steps, np.float32)
        nodes += [
            helper.make_node("MatMul", [f"time_{step}", "time_weight"], [f"t_{step}"], f"time_{step}"),
            helper.make_node("Unsqueeze", [f"t_{step}", "axis"], [f"e_{step}"], f"unsqueeze_{step}"),
            helper.make_node("Conv", [x, "first"], [f"a_{step}"], f"first_{step}", pads=[1, 1]),
            helper.make_node("Add", [f"a_{step}", f"e_{step}"], [f"b_{step}"], f"add_{step}"),
            helper.make_node("Relu", [f"b_{step}"], [f"c_{step}"], f"relu_{step}"),
            helper.make_node("Conv", [f"c_{step}", "middle"], [f"d_{step}"], f"middle_{step}", pads=[1, 1]),
            helper.make_node("Relu", [f"d_{step}"], [f"f_{step}"], f"relu2_{step}"),
            helper.make_node("Concat", [f"f_{step}", f"c_{step}"], [f"g_{step}"], f"skip_{step}", axis=1),
            helper.make_node("Conv", [f"g_{step}", "last"], [f"h_{step}"], f"last_{step}", pads=[1, 1]),
            helper.make_node("Add", [x, f"h_{step}"], [out], f"step_{step}"),
        ]
        x = out
    weights = {
        "shift": 0.01 * drawn(4, 6, seed=5),
        "first": drawn(16, 6, 3),
        "middle": drawn(16, 16, 3, seed=2),
        "last": drawn(6, 32, 3, seed=3),
        "time_weight": 9 * drawn(4, 16, seed=4),
        "axis": np.array([2], np.int64),
    }
    return graph_of(*nodes, **weights, **constants)


def context_of(teacher: Generative, schema: Schema) -> Context:
    """What a step on graphs is given; it asks the bank for nothing."""
    return Context(teacher, schema, 1, lambda *_: None, Bank(teacher, schema, Path("nowhere"), "none", 1))
