"""The INT8 graph really holds 8-bit weights, stays close to the float one, and runs alike on the engines."""

import logging

import numpy as np
import onnx
import pytest
from edgeward.compression import Compressed
from edgeward.compression.error import probe_inputs, relative_l2, run_onnx
from edgeward.compression.steps.export import check_graph
from edgeward.compression.steps.quantise import quantise
from edgeward.runtime.backends import BACKENDS, Options, backend_named
from edgeward.runtime.errors import GateError
from edgeward.training.checkpoint import Checkpoint
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper


def quantised(compressed: Compressed, teacher: Checkpoint, *, seed: int = 1, percentile: float = 99.99) -> bytes:
    return quantise(compressed.graphs["fp32"], (6,), teacher.schema, samples=64, percentile=percentile, seed=seed)


@pytest.fixture(scope="module")
def model(compressed: Compressed) -> ModelProto:
    return onnx.load_model_from_string(compressed.graphs["int8"])


def layers(model: ModelProto) -> list[NodeProto]:
    return [node for node in model.graph.node if node.op_type in ("Conv", "Gemm", "MatMul")]


def weight_source(model: ModelProto, layer: NodeProto) -> NodeProto | None:
    """What makes a layer's weight: None where it is stored as it is."""
    return next((node for node in model.graph.node if layer.input[1] in node.output), None)


def test_the_stem_and_all_convolutions_but_the_last_are_quantised_and_nothing_else(model: ModelProto) -> None:
    convolutions = [node for node in layers(model) if node.op_type == "Conv"]
    products = [node for node in layers(model) if node.op_type != "Conv"]
    assert [weight_source(model, node) is not None for node in convolutions] == [True] * 4 + [False]
    assert [node.input[1] for node in products if weight_source(model, node)] == [
        "decoder.stem.weight_DequantizeLinear_Output"
    ], "those of the prior are small, and scale latents"


def test_quantised_weights_are_signed_bytes_with_one_scale_an_output_channel(model: ModelProto) -> None:
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    sources = [source for layer in layers(model) if (source := weight_source(model, layer))]
    assert len(sources) == 5
    for source in sources:
        assert source.op_type == "DequantizeLinear"
        weight, scale, zero_point = (tensors[name] for name in source.input)
        assert weight.dtype == np.int8
        assert {a.name: a.i for a in source.attribute}["axis"] == 0
        assert scale.shape == (len(weight),)
        assert len(np.unique(scale)) > 1
        assert not zero_point.any(), "symmetric"


def test_quantised_weights_stand_for_the_float_ones(model: ModelProto, compressed: Compressed) -> None:
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    floats = onnx.load_model_from_string(compressed.graphs["fp32"]).graph.initializer
    wanted = {tensor.name: numpy_helper.to_array(tensor) for tensor in floats}
    name = "decoder.stages.0.conv.weight"
    scale = tensors[f"{name}_scale"][:, None, None]
    difference = tensors[f"{name}_quantized"] * scale - wanted[name]
    assert np.all(np.abs(difference) <= 0.5001 * scale)


def test_activations_between_quantised_layers_are_unsigned_bytes(model: ModelProto) -> None:
    types = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    quantising = [node for node in model.graph.node if node.op_type == "QuantizeLinear"]
    assert {types[node.input[2]] for node in quantising} == {TensorProto.UINT8}
    makers = {name: node.op_type for node in model.graph.node for name in node.output}
    for layer in layers(model):
        if weight_source(model, layer):
            assert makers[layer.input[0]] == "DequantizeLinear"


def test_the_graph_keeps_the_contract_and_is_smaller(compressed: Compressed, model: ModelProto) -> None:
    check_graph(model)
    assert len(compressed.graphs["int8"]) < 0.75 * len(compressed.graphs["fp32"])
    with backend_named("onnxruntime").open(compressed.graphs["int8"], Options()) as session:
        assert list(session.input_shapes.items()) == [("noise", (None, 6)), ("condition", (None, 5))]
        assert list(session.output_shapes.items()) == [("sample", (None, 2, 256))]


def test_samples_change_a_little_but_not_by_nothing(compressed: Compressed, teacher: Checkpoint) -> None:
    inputs = probe_inputs((6,), teacher.schema)
    error = relative_l2(run_onnx(compressed.graphs["int8"], inputs), run_onnx(compressed.graphs["fp32"], inputs))
    assert 1e-4 < error < 0.1


def test_cutting_the_activations_short_costs_quality(compressed: Compressed, teacher: Checkpoint) -> None:
    inputs = probe_inputs((6,), teacher.schema)
    wanted = run_onnx(compressed.graphs["fp32"], inputs)
    wide, narrow = (
        relative_l2(run_onnx(quantised(compressed, teacher, percentile=percentile), inputs), wanted)
        for percentile in (99.99, 80.0)
    )
    assert narrow > 2 * wide


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    compressed: Compressed, teacher: Checkpoint
) -> None:
    once = quantised(compressed, teacher)
    assert quantised(compressed, teacher) == once
    assert quantised(compressed, teacher, seed=2) != once


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_all_engines_agree_on_single_samples_and_on_batches(
    precision: str, compressed: Compressed, teacher: Checkpoint
) -> None:
    pytest.importorskip("openvino")
    graph = compressed.graphs["fp32"] if precision == "fp32" else compressed.graphs["int8"]
    inputs = probe_inputs((6,), teacher.schema)
    for n in (1, 64):
        given = inputs.noise[:n], inputs.condition[:n]
        results = {}
        for name in BACKENDS:
            with backend_named(name).open(graph, Options()) as session:
                (results[name],) = session.run(given)
        wanted = results.pop("onnxruntime")
        # A number between two steps of the 8 bits may be rounded either way, but that changes less than they do.
        allowed = 1e-5 if precision == "fp32" else compressed.steps[-1].error
        assert results
        for name, samples in results.items():
            assert relative_l2(samples, wanted) < allowed, name


def by_hand(*nodes: NodeProto, weight: tuple[int, ...]) -> bytes:
    """A graph from noise [n, 6, 8] to a sample, with one weight."""
    rng = np.random.default_rng(1)
    graph = helper.make_graph(
        list(nodes),
        "by-hand",
        [
            helper.make_tensor_value_info("noise", TensorProto.FLOAT, ["n", 6, 8]),
            helper.make_tensor_value_info("condition", TensorProto.FLOAT, ["n", 5]),
        ],
        [helper.make_tensor_value_info("sample", TensorProto.FLOAT, ["n", None, None])],
        [numpy_helper.from_array(rng.standard_normal(weight).astype(np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    content: bytes = model.SerializeToString()
    return content


@pytest.mark.parametrize(
    "graph",
    [
        by_hand(helper.make_node("Mul", ["noise", "w"], ["sample"], "mul"), weight=(8,)),
        by_hand(helper.make_node("Conv", ["noise", "w"], ["sample"], "last"), weight=(2, 6, 3)),
        by_hand(helper.make_node("MatMul", ["noise", "w"], ["sample"], "small"), weight=(8, 8)),
    ],
    ids=["no layer", "only a last convolution", "only a small product"],
)
def test_a_graph_with_nothing_to_quantise_is_refused(graph: bytes, teacher: Checkpoint) -> None:
    with pytest.raises(GateError, match="nothing in the graph can be quantised"):
        quantise(graph, (6, 8), teacher.schema, samples=32, percentile=99.9, seed=1)


def test_calibration_that_misses_a_class_is_refused_by_its_name(compressed: Compressed, teacher: Checkpoint) -> None:
    names = "|".join(teacher.schema.label.values)
    with pytest.raises(
        GateError, match=rf"calibration drew 3 samples, and none of beat_class ({names})(, |:).*take more"
    ):
        quantise(compressed.graphs["fp32"], (6,), teacher.schema, samples=3, percentile=99.9, seed=1)


def test_a_large_matrix_product_alone_is_quantised(teacher: Checkpoint) -> None:
    graph = by_hand(helper.make_node("MatMul", ["noise", "w"], ["sample"], "large"), weight=(8, 512))
    content = quantise(graph, (6, 8), teacher.schema, samples=32, percentile=99.9, seed=1)
    (layer,) = layers(onnx.load_model_from_string(content))
    assert weight_source(onnx.load_model_from_string(content), layer) is not None


def test_quantising_prints_nothing_and_leaves_the_log_as_it_was(
    compressed: Compressed, teacher: Checkpoint, capfd: pytest.CaptureFixture[str]
) -> None:
    level = logging.root.level
    quantised(compressed, teacher)
    assert capfd.readouterr() == ("", "")
    assert logging.root.level == level
