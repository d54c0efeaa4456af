"""What a graph has to do, counted layer by layer on the graph as the engine runs it."""

import numpy as np
import onnx
import pytest
from edgeward.benchmarks.latency.calibration_graphs import CalibrationGraph, calibration_graphs
from edgeward.benchmarks.latency.work import graph_work
from edgeward.compression import Compressed
from edgeward.compression.cost import count_onnx
from onnx import TensorProto, helper, numpy_helper

GRAPHS = {f"{graph.name} {'int8' if graph.int8 else 'float'}": graph for graph in calibration_graphs()}


def graph_of(*nodes: onnx.NodeProto, **weights: np.ndarray) -> bytes:
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def test_a_product_and_the_function_after_it_are_counted_by_hand() -> None:
    product = helper.make_node("MatMul", ["x", "w"], ["h"])
    exponential = helper.make_node("Exp", ["h"], ["y"])
    first, second = graph_work(graph_of(product, exponential, w=np.ones((4, 6), np.float32)))
    assert (first.kind, first.int8, first.multiply_adds) == ("product", False, 24)
    assert (first.bytes_moved, first.weight_bytes) == (4 * (4 + 24 + 6), 4 * 24)
    assert (second.kind, second.multiply_adds, second.bytes_moved, second.weight_bytes) == ("function", 0, 48, 0)


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_multiply_adds_are_those_of_the_graph_before_the_engine_rewrote_it(graph: CalibrationGraph) -> None:
    counted = sum(layer.multiply_adds for layer in graph_work(graph.model))
    assert counted == count_onnx(onnx.load_model_from_string(graph.model))[1] > 0


@pytest.mark.parametrize("name", ["decoder 1-D 24x256", "decoder 2-D 16x28", "residual 48x128", "perceptron 256x4"])
def test_int8_layers_compute_in_int8_and_move_fewer_bytes(name: str) -> None:
    exact, whole = (graph_work(GRAPHS[f"{name} {precision}"].model) for precision in ("float", "int8"))
    assert not any(layer.int8 for layer in exact)
    in_int8 = sum(layer.multiply_adds for layer in whole if layer.int8)
    assert in_int8 > 0.7 * sum(layer.multiply_adds for layer in whole)
    weights = [sum(layer.weight_bytes for layer in layers) for layers in (exact, whole)]
    assert weights[1] < weights[0]


def test_our_own_graphs_are_counted_too(compressed: Compressed) -> None:
    for name, graph in compressed.graphs.items():
        layers = graph_work(graph)
        assert sum(layer.multiply_adds for layer in layers) == count_onnx(onnx.load_model_from_string(graph))[1]
        assert any(layer.int8 for layer in layers) == (name == "int8")
