"""The INT8 graph really holds 8-bit weights, stays close to the float one, and runs alike on the engines."""

import dataclasses
import logging
from collections.abc import Mapping

import numpy as np
import onnx
import pytest
from edgeward.compression import Compressed
from edgeward.compression.error import probe_inputs, relative_l2, run_onnx
from edgeward.compression.graph_check import check_graph
from edgeward.compression.quantisation.calibration import calibration_batches
from edgeward.compression.quantisation.judge import Judge
from edgeward.compression.steps import STEPS
from edgeward.compression.steps.quantise import quantise
from edgeward.compression.student import Student
from edgeward.compression.tensorrt_operators import lint_for_tensorrt
from edgeward.runtime.backends import Options, backend_named
from edgeward.runtime.errors import GateError
from edgeward.training.checkpoint import Checkpoint
from onnx import ModelProto, TensorProto, helper, numpy_helper

from ..quantised import context_of, drawn, graph_of, layers, weight_source


class Untimed(Judge):
    """What each layer saves is no matter here, and takes long to measure."""

    def saved_us(self, whole: bytes, without: Mapping[str, bytes]) -> dict[str, float]:
        return {}


def quantised(
    compressed: Compressed,
    teacher: Checkpoint,
    *,
    seed: int = 1,
    percentile: float = 99.99,
    engine: str = "onnxruntime",
    budget: float = 1.0,
) -> bytes:
    graph = compressed.graphs["fp32"]
    batches = calibration_batches((6,), teacher.schema, samples=64, seed=seed)
    judge = Untimed(graph, (6,), teacher.schema, seed)
    return quantise(graph, judge, batches, engine, (percentile,), budget)[0]


@pytest.fixture(scope="module")
def model(compressed: Compressed) -> ModelProto:
    return onnx.load_model_from_string(compressed.graphs["int8"])


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
        for name in ("onnxruntime", "openvino"):
            with backend_named(name).open(graph, Options()) as session:
                (results[name],) = session.run(given)
        wanted = results.pop("onnxruntime")
        # A number between two steps of the 8 bits may be rounded either way, but that changes less than they do.
        allowed = 1e-5 if precision == "fp32" else compressed.steps[-1].error
        assert results
        for name, samples in results.items():
            assert relative_l2(samples, wanted) < allowed, name


def run_step(teacher: Checkpoint, graph: bytes, **options: object) -> tuple[Student, dict[str, object]]:
    """Run the step on a graph; returns the student and what the step found out."""
    model = teacher.generator()
    student = Student(model, graphs={"fp32": graph})
    chosen = {"engine": "onnxruntime", "samples": 32, "percentile": 99.9, "error_budget": 1.0, **options}
    details = STEPS["quantise"].run(student, context_of(model, teacher.schema), **chosen)
    return student, dict(details or {})


def test_a_graph_with_nothing_to_quantise_is_left_as_it_is_and_the_record_says_why(teacher: Checkpoint) -> None:
    shifted = helper.make_node("Mul", ["noise", "w"], ["sample"], "mul")
    student, details = run_step(teacher, graph_of(shifted, noise=(6,), classes=5, w=drawn(6)))
    assert list(student.graphs) == ["fp32"]
    assert "nothing in the graph can be quantised" in str(details["skipped"])


def test_a_budget_that_no_layer_keeps_skips_the_step(compressed: Compressed, teacher: Checkpoint) -> None:
    student, details = run_step(teacher, compressed.graphs["fp32"], error_budget=1e-6)
    assert list(student.graphs) == ["fp32"]
    assert "no layer can be quantised within error_budget = 1e-06" in str(details["skipped"])


def test_the_budget_is_kept_and_leaves_the_dearest_layers_in_float(compressed: Compressed, teacher: Checkpoint) -> None:
    inputs, graph = probe_inputs((6,), teacher.schema), compressed.graphs["fp32"]
    wanted = run_onnx(graph, inputs)
    whole = relative_l2(run_onnx(compressed.graphs["int8"], inputs), wanted)
    student, details = run_step(teacher, graph, error_budget=0.7 * whole)
    assert relative_l2(run_onnx(student.graphs["int8"], inputs), wanted) < 0.85 * whole
    rows = details["layers"]
    assert isinstance(rows, list)
    assert {row["quantised"] for row in rows} == {True, False}
    assert all(("saves_us" in row) == row["quantised"] for row in rows)
    assert all(row["error_alone"] > 0 and row["multiply_adds"] > 0 for row in rows)


def test_the_record_tells_the_percentile_that_was_found_best(compressed: Compressed, teacher: Checkpoint) -> None:
    _, details = run_step(teacher, compressed.graphs["fp32"], percentile=0.0)
    assert details["percentile"] in (99.9, 99.97, 99.99, 99.997, 99.999, 100.0)


def test_each_engine_has_a_variant_of_its_own_name(compressed: Compressed, teacher: Checkpoint) -> None:
    student, _ = run_step(teacher, compressed.graphs["fp32"], engine="tensorrt")
    assert list(student.graphs) == ["fp32", "int8-tensorrt"]
    assert lint_for_tensorrt(onnx.load_model_from_string(student.graphs["int8-tensorrt"])) == []


def test_two_steps_for_the_same_variant_are_refused(compressed: Compressed, teacher: Checkpoint) -> None:
    student = Student(teacher.generator(), graphs=dict(compressed.graphs))
    with pytest.raises(GateError, match="two steps of the recipe make the variant 'int8'"):
        student.add("int8", b"")


def test_a_step_that_did_nothing_is_told_and_costs_nothing(compressed: Compressed) -> None:
    *first, last = compressed.steps
    skipped = dataclasses.replace(last, variant=None, details={"skipped": "no layer"})
    assert dataclasses.replace(compressed, steps=(*first, skipped), speeds=()).notes() == [
        "quantise did nothing: no layer"
    ]


def test_quantising_prints_nothing_and_leaves_the_log_as_it_was(
    compressed: Compressed, teacher: Checkpoint, capfd: pytest.CaptureFixture[str]
) -> None:
    level = logging.root.level
    quantised(compressed, teacher)
    assert capfd.readouterr() == ("", "")
    assert logging.root.level == level
