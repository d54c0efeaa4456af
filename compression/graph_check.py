"""Check the part of the contract that an ONNX graph can break."""

from __future__ import annotations

import onnx

from ..runtime.errors import GateError
from ..training.foreign.onnx_graph.file import STANDARD, graphs_of, tensors_of

_RANDOM_OPS = {
    "Bernoulli",
    "Dropout",  # in training mode; an exported generator has none in either
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
}


def check_graph(model: onnx.ModelProto) -> None:
    """Check the part of the contract a graph can break: standard operators, no randomness, one file.

    Raises:
        GateError: It is broken; the message names the operator or tensor.
    """
    graphs = list(graphs_of(model.graph))
    nodes = [node for graph in graphs for node in graph.node]
    for domain in {opset.domain for opset in model.opset_import} | {node.domain for node in nodes}:
        if domain not in STANDARD:
            raise GateError(f"the graph uses operators of {domain!r}; only standard ONNX operators may be shipped")
    for node in nodes:
        if node.op_type in _RANDOM_OPS:
            raise GateError(f"the graph draws random numbers ({node.op_type}); noise must be an input")
    for tensor in tensors_of(graphs):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise GateError(f"the graph keeps {tensor.name!r} in another file; a variant must be one file")
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise GateError(f"the graph is no valid ONNX: {error}") from error
