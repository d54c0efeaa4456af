"""What a model costs, against numbers counted by hand."""

import json

import numpy as np
import onnx
import pytest
import torch
from edgeward.compression import Compressed
from edgeward.compression.cost import (
    Cost,
    count_onnx,
    count_torch_multiply_adds,
    one_torch_thread,
    onnx_cost,
    torch_cost,
    varied_inputs,
)
from edgeward.runtime.schema import Channel, ClassCondition, SignalSchema
from edgeward.training.checkpoint import Checkpoint
from edgeward.training.families import Generative
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

SCHEMA = SignalSchema(
    name="toy",
    description="One channel.",
    channels=(Channel("flow", "L/min", -10.0, 10.0),),
    sampling_rate_hz=10.0,
    length=8,
    conditions=(ClassCondition("kind", ("a", "b", "c"), ("first", "second", "third")),),
)
PARAMETERS = (7 * 16 + 16) + (2 * 1 * 3 + 1) + 1
"""Of the linear layer, the convolution, and the gain."""
MULTIPLY_ADDS = 7 * 16 + 2 * 3 * 8
"""Of the linear layer, and of the convolution at each of 8 points."""


class Small(Generative):
    """A linear layer from 4 + 3 numbers to two channels of eight points, a convolution over them, and a gain."""

    def __init__(self) -> None:
        super().__init__()
        self.noise_shape, self.condition_size = (4,), 3
        self.linear = nn.Linear(7, 16)
        self.conv = nn.Conv1d(2, 1, 3, padding=1)
        self.gain = nn.Parameter(torch.ones(1))
        self.register_buffer("offset", torch.zeros(5))

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        hidden = self.linear(torch.cat([noise, condition], dim=1)).reshape(-1, 2, 8)
        samples: Tensor = self.gain * self.conv(hidden)
        return samples

    encoded = forward


def small_graph(batch: str | int = "n") -> onnx.ModelProto:
    """The same network in ONNX, without the gain."""
    rng = np.random.default_rng(1)

    def weight(name: str, *shape: int) -> TensorProto:
        return numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32), name)

    graph = helper.make_graph(
        [
            helper.make_node("Concat", ["noise", "condition"], ["both"], axis=1),
            helper.make_node("Gemm", ["both", "w", "b"], ["flat"], transB=1),
            helper.make_node("Reshape", ["flat", "shape"], ["hidden"]),
            helper.make_node("Conv", ["hidden", "k", "c"], ["sample"], pads=[1, 1]),
        ],
        "small",
        [
            helper.make_tensor_value_info("noise", TensorProto.FLOAT, [batch, 4]),
            helper.make_tensor_value_info("condition", TensorProto.FLOAT, [batch, 3]),
        ],
        [helper.make_tensor_value_info("sample", TensorProto.FLOAT, [batch, 1, 8])],
        [
            weight("w", 16, 7),
            weight("b", 16),
            weight("k", 1, 2, 3),
            weight("c", 1),
            numpy_helper.from_array(np.array([-1, 2, 8], np.int64), "shape"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def test_a_pytorch_model_costs_what_was_counted_by_hand() -> None:
    cost = torch_cost(Small(), SCHEMA)
    assert (cost.parameters, cost.multiply_adds) == (PARAMETERS, MULTIPLY_ADDS)
    assert cost.bytes == 4 * (PARAMETERS + 5), "float32, and the buffer is stored too"
    assert cost.latency_ms > 0


def test_multiply_adds_of_a_batch_grow_with_it() -> None:
    assert count_torch_multiply_adds(Small(), torch.zeros(5, 4), torch.zeros(5, 3)) == 5 * MULTIPLY_ADDS


def test_a_graph_costs_what_was_counted_by_hand() -> None:
    model = small_graph()
    onnx.checker.check_model(model, full_check=True)
    assert count_onnx(model) == (PARAMETERS - 1, MULTIPLY_ADDS)


def test_a_graph_is_counted_for_one_sample_whatever_its_batch() -> None:
    assert count_onnx(small_graph(batch=64)) == count_onnx(small_graph())


def test_groups_and_strides_of_a_convolution_are_counted() -> None:
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "k"], ["y"], group=2, strides=[2], pads=[1, 1])],
        "grouped",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4, 10])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 6, 5])],
        [numpy_helper.from_array(np.zeros((6, 2, 3), np.float32), "k")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    # Six channels of five points; each sums over the two channels of its group and three taps.
    assert count_onnx(model) == (36, 6 * 5 * 2 * 3)


def test_a_matrix_product_over_a_sequence_is_counted_at_each_place() -> None:
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "sequence",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 10, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 10, 3])],
        [numpy_helper.from_array(np.zeros((4, 3), np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    assert count_onnx(model) == (12, 10 * 4 * 3)


def test_the_exported_graph_has_the_students_parameters_with_batch_norms_folded_away(compressed: Compressed) -> None:
    graph = onnx.load_model_from_string(compressed.graphs["fp32"])
    weights = {tensor.name: [*tensor.dims, 0][0] for tensor in graph.graph.initializer}
    (biases_of_class,) = (tensor.dims[1] for tensor in graph.graph.initializer if tensor.name == "class_table")
    *widths, _ = [weights[node.input[1]] for node in graph.graph.node if node.op_type == "Conv"]
    student = compressed.steps[1].cost
    parameters, _ = count_onnx(graph)
    folded = student.parameters - sum(widths)  # scale and shift of each channel became one bias
    folded -= biases_of_class  # what two layers make of the class is looked up, so that their biases went too
    # A few constants (sampling factors, limits of the channels) are stored as floats too.
    assert folded <= parameters <= folded + 10


def test_export_and_quantisation_change_neither_multiply_adds_nor_the_count_of_weights(compressed: Compressed) -> None:
    student, fp32, int8 = (step.cost for step in compressed.steps[1:])
    assert fp32.multiply_adds == student.multiply_adds
    assert (int8.parameters, int8.multiply_adds) == (fp32.parameters, fp32.multiply_adds)


def test_bytes_of_a_graph_are_those_of_its_file(teacher: Checkpoint, compressed: Compressed) -> None:
    for graph in compressed.graphs.values():
        cost = onnx_cost(graph, teacher.schema, (6,))
        assert cost.bytes == len(graph)
        assert (cost.parameters, cost.multiply_adds) == count_onnx(onnx.load_model_from_string(graph))
        assert cost.latency_ms > 0


def test_the_number_of_threads_is_given_back_even_after_an_error() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(ZeroDivisionError), one_torch_thread():
            assert torch.get_num_threads() == 1
            raise ZeroDivisionError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_inputs_to_measure_on_are_single_samples_that_vary() -> None:
    inputs = varied_inputs((4,), SCHEMA)
    assert all(noise.shape == (1, 4) and condition.shape == (1, 3) for noise, condition in inputs)
    assert len({noise.tobytes() for noise, _ in inputs}) == len(inputs)
    assert len({condition.tobytes() for _, condition in inputs}) == 3


def test_json_holds_all_of_a_cost() -> None:
    cost = Cost(parameters=1, multiply_adds=2, bytes=3, latency_ms=0.5)
    assert Cost(**json.loads(json.dumps(cost.to_json()))) == cost
