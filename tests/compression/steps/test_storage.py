"""Weights stored small stand for the same numbers: half or a quarter of the bytes, the same function."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from edgeward.compression import Compressed
from edgeward.compression.error import probe_inputs, relative_l2, run_onnx
from edgeward.compression.graph_check import check_graph
from edgeward.compression.steps.half import store_in_half
from edgeward.compression.steps.weights_only import store_in_bytes
from edgeward.compression.tensorrt_operators import lint_for_tensorrt
from edgeward.runtime.backends import BACKENDS, Options, backend_named
from edgeward.training.checkpoint import Checkpoint
from onnx import TensorProto, helper, numpy_helper

from ..quantised import drawn, graph_of

Store = Callable[[bytes], bytes]
STORED = [(store_in_half, 0.65, 2e-3), (store_in_bytes, 0.6, 0.05)]


@pytest.mark.parametrize(("store", "share", "error"), STORED)
def test_a_graph_becomes_smaller_and_computes_nearly_the_same_on_every_engine(
    store: Store, share: float, error: float, compressed: Compressed, teacher: Checkpoint
) -> None:
    graph = compressed.graphs["fp32"]
    stored = store(graph)
    check_graph(onnx.load_model_from_string(stored))
    assert lint_for_tensorrt(onnx.load_model_from_string(stored)) == []
    assert len(stored) < share * len(graph)
    inputs = probe_inputs((6,), teacher.schema)
    wanted = run_onnx(graph, inputs)
    for name, backend in BACKENDS.items():
        if backend.probe().available:
            with backend_named(name).open(stored, Options()) as session:
                (found,) = session.run((inputs.noise, inputs.condition))
            assert 0 < relative_l2(found, wanted) < error, name


def test_every_layer_with_an_axis_of_its_own_is_stored_by_output_channel() -> None:
    weights = {"a": drawn(32, 6, 9), "b": drawn(32, 16, 4), "c": drawn(16, 64), "d": drawn(96, 64), "e": drawn(96, 64)}
    weights = {
        name: value * np.exp(3 * drawn(*value.shape[:1], *[1] * (value.ndim - 1))) for name, value in weights.items()
    }
    graph = graph_of(
        helper.make_node("Conv", ["noise", "a"], ["1"], "conv", pads=[4, 4]),
        helper.make_node("ConvTranspose", ["1", "b"], ["2"], "up"),
        helper.make_node("Transpose", ["2"], ["3"], "turn", perm=[0, 2, 1]),
        helper.make_node("MatMul", ["3", "c"], ["4"], "product"),
        helper.make_node("ReduceMean", ["4", "axis"], ["5"], "mean", keepdims=0),
        helper.make_node("Gemm", ["5", "d"], ["6"], "turned", transB=1),
        helper.make_node("Gemm", ["6", "e"], ["7"], "straight"),
        helper.make_node("Unsqueeze", ["7", "axis"], ["sample"], "unsqueeze"),
        **weights,
        axis=np.array([1], np.int64),
    )
    model = onnx.load_model_from_string(store_in_bytes(graph))
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    axes = {node.output[0]: node.attribute[0].i for node in model.graph.node if node.op_type == "DequantizeLinear"}
    assert axes == {"a": 0, "b": 1, "c": 1, "d": 0, "e": 1}
    for name, axis in axes.items():
        shape = [-1 if place == axis else 1 for place in range(weights[name].ndim)]
        scale = stored[f"{name}_scale"].reshape(shape)
        assert stored[f"{name}_int8"].dtype == np.int8
        assert np.all(np.abs(stored[f"{name}_int8"] * scale - weights[name]) <= 0.5001 * scale), name


def test_a_weight_beyond_the_range_of_16_bits_stays_as_it_is() -> None:
    large = drawn(8, 64)
    large[0, 0] = 1e6
    node = helper.make_node("MatMul", ["noise", "w"], ["sample"], "product")
    model = onnx.load_model_from_string(store_in_half(graph_of(node, w=large)))
    assert [tensor.data_type for tensor in model.graph.initializer] == [TensorProto.FLOAT]
