"""NVIDIA's parser and builder take every kind of generator, in float and in 8 bits, and refuse what the linter does.

TensorRT-RTX builds engines without a GPU (`make test-oracles`); whether they run right and fast is not measured here.
"""

from typing import Any

import numpy as np
import onnx
import pytest
import torch
from edgeward.compression.quantisation.calibration import calibration_batches
from edgeward.compression.quantisation.judge import Judge
from edgeward.compression.quantisation.layers import find_layers, worth_quantising
from edgeward.compression.quantisation.qdq import FORMS, Quantiser
from edgeward.compression.steps.export import export
from edgeward.compression.steps.half import store_in_half
from edgeward.compression.steps.weights_only import store_in_bytes
from edgeward.compression.tensorrt_operators import lint_for_tensorrt
from edgeward.runtime.schema import Schema
from edgeward.training.families import build_family

from ...training.toy_schemas import TABLE, image, samples_of, signal

trt = pytest.importorskip("tensorrt_rtx", reason="an oracle: make test-oracles")
pytestmark = pytest.mark.oracle

PERCENTILE = 99.99
VAE = {"noise_size": 8, "widths": [16, 16], "prior_couplings": 2, "prior_hidden": 16}
GAN = {"noise_size": 8, "widths": [16, 16], "critic_widths": [16, 16], "penalty": 0.05}
DIFFUSION = {
    "widths": [16, 16],
    "blocks": 1,
    "embedding": 16,
    "shift": 2.0,
    "condition_dropout": 0.1,
    "guidance": 1.0,
    "sampler": "heun",
    "sampler_steps": 2,
}
KINDS: dict[str, tuple[str, Schema, dict[str, Any]]] = {
    "vae of signals": ("vae", signal(2, 64), VAE),
    "vae of images": ("vae", image(1, 16), VAE),
    "vae of gappy series": ("vae", signal(4, 16, gappy=2), VAE),
    "vae of tables": ("vae", TABLE, VAE | {"widths": [64, 96]}),
    "gan of signals": ("gan", signal(2, 64), GAN),
    "gan of images": ("gan", image(3, 16), GAN),
    "diffusion of signals": ("diffusion", signal(2, 64), DIFFUSION),
    "diffusion of tables": ("diffusion", TABLE, DIFFUSION | {"widths": [64]}),
}


@pytest.fixture(scope="module", params=list(KINDS))
def generator(request: pytest.FixtureRequest) -> tuple[bytes, tuple[int, ...], Schema]:
    """An untrained generator of each kind as a float graph, the shape of its noise, and what it makes."""
    family, schema, options = KINDS[request.param]
    torch.manual_seed(1)
    model = build_family(family, schema, options)
    model.codec.fit(samples_of(schema, 64))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    made = model.generator().eval() if hasattr(model, "generator") else model.eval()
    return export(made, schema), made.noise_shape, schema


def faults(graph: bytes) -> list[str]:
    """What the parser or the builder says against a graph; empty where an engine is built."""
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(graph):
        return [parser.get_error(number).desc() for number in range(parser.num_errors)]
    profile = builder.create_optimization_profile()
    for number in range(network.num_inputs):
        given = network.get_input(number)
        shape = tuple(given.shape)[1:]
        profile.set_shape(given.name, (1, *shape), (1, *shape), (32, *shape))
    config = builder.create_builder_config()
    config.add_optimization_profile(profile)
    return [] if builder.build_serialized_network(network, config) is not None else ["the builder gave nothing"]


def test_an_engine_is_built_of_the_float_graph_and_of_those_that_store_it_small(
    generator: tuple[bytes, tuple[int, ...], Schema],
) -> None:
    graph = generator[0]
    for stored in (graph, store_in_half(graph), store_in_bytes(graph)):
        assert lint_for_tensorrt(onnx.load_model_from_string(stored)) == []
        assert faults(stored) == []


def test_an_engine_is_built_of_the_symmetric_form_and_none_of_onnxruntimes(
    generator: tuple[bytes, tuple[int, ...], Schema],
) -> None:
    graph, noise_shape, schema = generator
    layers = find_layers(onnx.load_model_from_string(graph))
    batches = calibration_batches(noise_shape, schema, samples=32, seed=1)

    def quantised(engine: str) -> bytes:
        quantiser = Quantiser(graph, batches, FORMS[engine], (PERCENTILE,))
        return quantiser.quantised(worth_quantising(layers), PERCENTILE)

    symmetric = quantised("tensorrt")
    assert np.isfinite(Judge(graph, noise_shape, schema, 1).error(symmetric))
    assert lint_for_tensorrt(onnx.load_model_from_string(symmetric)) == []
    assert faults(symmetric) == []
    other = quantised("onnxruntime")
    assert lint_for_tensorrt(onnx.load_model_from_string(other)) != []
    assert faults(other) != []
