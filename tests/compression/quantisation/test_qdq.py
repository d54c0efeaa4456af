"""The two forms of QDQ hold what their engine fuses, along whole trajectories, and every engine can load them."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from edgeward.compression.graph_check import check_graph
from edgeward.compression.quantisation.calibration import calibration_batches
from edgeward.compression.quantisation.judge import Judge
from edgeward.compression.quantisation.layers import worth_quantising
from edgeward.compression.quantisation.qdq import FORMS, Quantiser
from edgeward.compression.tensorrt_operators import lint_for_tensorrt
from edgeward.runtime.backends import BACKENDS, Options, backend_named
from edgeward.runtime.feed import GraphInputs
from edgeward.runtime.schema import Schema
from onnx import ModelProto, NodeProto, numpy_helper

from ...training.toy_schemas import signal
from ..quantised import layers, unrolled_sampler, weight_source

STEPS, PERCENTILE = 3, 99.99
SHAPE = (6, 8)


@pytest.fixture(scope="module")
def schema() -> Schema:
    return signal(6, 8)


@pytest.fixture(scope="module")
def sampler() -> bytes:
    return unrolled_sampler(STEPS)


@pytest.fixture(scope="module")
def batches(schema: Schema) -> tuple[GraphInputs, ...]:
    return calibration_batches(SHAPE, schema, samples=64, seed=1)


@pytest.fixture(scope="module")
def quantised(sampler: bytes, batches: tuple[GraphInputs, ...]) -> Callable[[str], bytes]:
    made = {}
    for engine, form in FORMS.items():
        quantiser = Quantiser(sampler, batches, form, (PERCENTILE,))
        made[engine] = quantiser.quantised(worth_quantising(quantiser.layers), PERCENTILE)
    return lambda engine: made[engine]


def read(content: bytes) -> tuple[ModelProto, dict[str, np.ndarray], dict[str, NodeProto]]:
    """The graph, its stored tensors, and the node that makes each other one."""
    model = onnx.load_model_from_string(content)
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    return model, stored, {name: node for node in model.graph.node for name in node.output}


@pytest.mark.parametrize("engine", list(FORMS))
def test_chosen_layers_are_quantised_in_every_step_and_nothing_else(
    engine: str, quantised: Callable[[str], bytes]
) -> None:
    model, _, _ = read(quantised(engine))
    found = {node.name: weight_source(model, node) is not None for node in layers(model)}
    wanted = {f"{name}_{step}": name in ("first", "middle") for step in range(STEPS) for name in ("first", "middle")}
    left = {f"{name}_{step}": False for step in range(STEPS) for name in ("last", "time")} | {"shift": False}
    assert found == wanted | left, "the last layer and the embedding of the time stay in float"


@pytest.mark.parametrize("engine", list(FORMS))
def test_each_step_has_ranges_of_its_own(engine: str, quantised: Callable[[str], bytes]) -> None:
    model, stored, makers = read(quantised(engine))
    steps = [node for node in layers(model) if node.name.startswith("middle")]
    scales = [float(stored[makers[node.input[0]].input[1]]) for node in steps]
    assert len(set(scales)) == STEPS


@pytest.mark.parametrize("engine", list(FORMS))
def test_weights_shared_by_the_steps_are_stored_once(engine: str, quantised: Callable[[str], bytes]) -> None:
    _, stored, _ = read(quantised(engine))
    assert [name for name, values in stored.items() if values.shape == (16, 16, 3)] == ["middle_quantized"]


def test_tensorrt_is_given_signed_symmetric_inputs_and_biases_in_float(quantised: Callable[[str], bytes]) -> None:
    model, stored, _ = read(quantised("tensorrt"))
    assert lint_for_tensorrt(model) == []
    pairs = [node for node in model.graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")]
    assert all(stored[node.input[2]].dtype == np.int8 and not stored[node.input[2]].any() for node in pairs)
    rounded = {node.input[0] for node in pairs if node.op_type == "QuantizeLinear"}
    assert not {f"d_{step}" for step in range(STEPS)} & rounded, "it fuses what follows a layer, up to the next input"


def test_onnxruntimes_form_is_told_to_be_none_of_tensorrts(quantised: Callable[[str], bytes]) -> None:
    assert any("not 0 of INT8" in fault for fault in lint_for_tensorrt(read(quantised("onnxruntime"))[0]))


def test_a_layers_output_is_rounded_behind_its_relu(quantised: Callable[[str], bytes]) -> None:
    model, stored, _ = read(quantised("onnxruntime"))
    for step in range(STEPS):
        quantise = next(n for n in model.graph.node if n.op_type == "QuantizeLinear" and n.input[0] == f"f_{step}")
        assert stored[quantise.input[2]] == 0, "all 256 steps are above zero"
        assert stored[quantise.input[2]].dtype == np.uint8
    assert not any(name.startswith("relu2") for name in (node.name for node in model.graph.node))


@pytest.mark.parametrize("engine", list(FORMS))
@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_a_u_net_with_skips_and_time_loads_on_every_engine_and_stays_close(
    engine: str, backend: str, quantised: Callable[[str], bytes], sampler: bytes, schema: Schema
) -> None:
    if not BACKENDS[backend].probe().available:
        pytest.skip(f"{backend} is not installed")
    content = quantised(engine)
    check_graph(onnx.load_model_from_string(content))
    assert Judge(sampler, SHAPE, schema, seed=1).error(content) < 0.05
    noise = np.random.default_rng(3).standard_normal((4, *SHAPE)).astype(np.float32)
    with backend_named(backend).open(content, Options()) as session:
        assert np.isfinite(session.run((noise, np.zeros((4, 4), np.float32)))[0]).all()


def test_calibrated_on_a_part_of_the_range_samples_are_worse(
    sampler: bytes, batches: tuple[GraphInputs, ...], schema: Schema
) -> None:
    judge = Judge(sampler, SHAPE, schema, seed=1)
    narrow = [batch._replace(noise=0.3 * batch.noise) for batch in batches]  # as if from late steps only
    errors = []
    for given in (batches, narrow):
        quantiser = Quantiser(sampler, given, FORMS["onnxruntime"], (PERCENTILE,))
        errors.append(judge.error(quantiser.quantised(worth_quantising(quantiser.layers), PERCENTILE)))
    assert errors[1] > 2 * errors[0]


def test_ranges_of_several_percentiles_come_from_one_calibration(
    sampler: bytes, batches: tuple[GraphInputs, ...]
) -> None:
    several = Quantiser(sampler, batches, FORMS["onnxruntime"], (90.0, PERCENTILE))
    alone = Quantiser(sampler, batches, FORMS["onnxruntime"], (PERCENTILE,))
    chosen = worth_quantising(alone.layers)
    assert several.percentiles == (90.0, PERCENTILE)
    assert several.quantised(chosen, PERCENTILE) == alone.quantised(chosen, PERCENTILE)
    assert several.quantised(chosen, 90.0) != alone.quantised(chosen, PERCENTILE)
