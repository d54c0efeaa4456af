"""Check the part of the contract that an ONNX graph can break."""

from __future__ import annotations

from collections.abc import Iterator

import onnx

from ..runtime.errors import GateError

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
    graphs = list(_graphs(model.graph))
    nodes = [node for graph in graphs for node in graph.node]
    for domain in {opset.domain for opset in model.opset_import} | {node.domain for node in nodes}:
        if domain not in ("", "ai.onnx"):
            raise GateError(f"the graph uses operators of {domain!r}; only standard ONNX operators may be shipped")
    for node in nodes:
        if node.op_type in _RANDOM_OPS:
            raise GateError(f"the graph draws random numbers ({node.op_type}); noise must be an input")
    for tensor in _tensors(graphs):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise GateError(f"the graph keeps {tensor.name!r} in another file; a variant must be one file")
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise GateError(f"the graph is no valid ONNX: {error}") from error


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """The graph, and those of branches and loops inside it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _graphs(inner)


def _tensors(graphs: list[onnx.GraphProto]) -> Iterator[onnx.TensorProto]:
    """All stored numbers: weights, and the values of constants."""
    for graph in graphs:
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
        for node in graph.node:
            for attribute in node.attribute:
                yield from (attribute.t, *attribute.tensors)
                for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                    yield from (sparse.values, sparse.indices)
