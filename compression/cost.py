"""What a model costs: parameters, multiply-adds, bytes, and the time of one sample on this machine."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import onnx
import torch
from onnx import TensorProto, shape_inference
from torch.utils.flop_counter import FlopCounterMode

from ..benchmarks.latency import Contender, measure
from ..runtime.backends import Options, backend_named
from ..runtime.feed import Feed
from ..runtime.schema import Schema
from ..training.families import Generative

_LATENCY_CALLS = 300
_INPUTS_SEED = 1
_INPUTS = 64


@dataclass(frozen=True)
class Cost:
    """Size and speed of one model."""

    parameters: int
    multiply_adds: int
    """Multiply-accumulate operations of convolutions and matrix products, for one sample."""
    bytes: int
    """Of the weights in PyTorch, or of the files of the graph."""
    latency_ms: float
    """Median time of one sample on one thread: PyTorch eager, onnxruntime, or OpenVINO for its IR."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def torch_cost(model: Generative, schema: Schema) -> Cost:
    """Cost of a PyTorch generator run eagerly on one thread."""
    noise, condition = torch.zeros(1, *model.noise_shape), torch.zeros(1, model.condition_size)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    with one_torch_thread():
        latency_ms = _median_ms(torch_call(model, schema))
    return Cost(
        parameters=parameters,
        multiply_adds=count_torch_multiply_adds(model, noise, condition),
        bytes=sum(t.numel() * t.element_size() for t in model.state_dict().values()),
        latency_ms=latency_ms,
    )


@contextlib.contextmanager
def one_torch_thread() -> Iterator[None]:
    """Within it, PyTorch computes on one thread, as the small generators do that it is compared with."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def count_torch_multiply_adds(model: Generative, noise: torch.Tensor, condition: torch.Tensor) -> int:
    """Multiply-adds of one call, as PyTorch itself counts them."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(noise, condition)
    return int(counter.get_total_flops()) // 2


def torch_call(model: Generative, schema: Schema) -> Callable[[int], object]:
    """One sample with PyTorch on one thread, with inputs that vary: a contender's call."""
    inputs = [
        (torch.from_numpy(noise), torch.from_numpy(condition))
        for noise, condition in varied_inputs(model.noise_shape, schema)
    ]

    def call(number: int) -> object:
        with torch.inference_mode():
            return model(*inputs[number % len(inputs)])

    return call


def varied_inputs(noise_shape: tuple[int, ...], schema: Schema) -> list[tuple[Any, Any]]:
    """Prepared inputs of single samples: (noise [1, ...], condition [1, c]) float32 arrays."""
    inputs = Feed(_INPUTS_SEED, noise_shape, schema.conditions, {}).take(0, _INPUTS)
    return [(inputs.noise[i : i + 1], inputs.condition[i : i + 1]) for i in range(_INPUTS)]


def onnx_cost(model: bytes, schema: Schema, noise_shape: tuple[int, ...]) -> Cost:
    """Cost of an ONNX graph run by onnxruntime on one thread."""
    parameters, multiply_adds = count_onnx(onnx.load_model_from_string(model))
    inputs = varied_inputs(noise_shape, schema)
    with backend_named("onnxruntime").open(model, Options()) as session:
        latency = _median_ms(lambda number: session.run(inputs[number % len(inputs)]))
    return Cost(parameters, multiply_adds, len(model), latency)


def ir_cost(description: bytes, weights: bytes, float_model: bytes, schema: Schema) -> Cost:
    """Cost of an OpenVINO IR run by OpenVINO on one thread; it computes what the float graph does."""
    parameters, multiply_adds = count_onnx(onnx.load_model_from_string(float_model))
    with backend_named("openvino").open(description, Options(), weights) as session:
        noise_shape = tuple(size or 1 for size in session.input_shapes["noise"][1:])
        inputs = varied_inputs(noise_shape, schema)
        latency = _median_ms(lambda number: session.run(inputs[number % len(inputs)]))
    return Cost(parameters, multiply_adds, len(description) + len(weights), latency)


def _median_ms(call: Callable[[int], object]) -> float:
    (latency,) = measure([Contender("", call)], calls=_LATENCY_CALLS)
    assert latency.p50_us is not None  # noqa: S101 - the number of calls above is enough for a median
    return latency.p50_us / 1000


def tensor_shapes(model: onnx.ModelProto) -> dict[str, list[int]]:
    """Shape of every tensor of a graph by name, for one sample."""
    inferred = shape_inference.infer_shapes(model)
    shapes: dict[str, list[int]] = {t.name: list(t.dims) for t in model.graph.initializer}
    for value in [*inferred.graph.value_info, *inferred.graph.output, *inferred.graph.input]:
        # The batch is the only free dimension, and counts as one sample.
        shapes[value.name] = [d.dim_value or 1 for d in value.type.tensor_type.shape.dim]
    return shapes


def node_multiply_adds(node: onnx.NodeProto, shapes: Mapping[str, list[int]]) -> int:
    """Multiply-adds of a convolution or matrix product for one sample; 0 of any other operator."""
    if node.op_type == "Conv":
        return math.prod(shapes[node.input[1]][1:]) * math.prod(shapes[node.output[0]][1:])
    if node.op_type == "ConvTranspose":
        # Every number of the input meets every weight of its channel.
        return math.prod(shapes[node.input[1]][1:]) * math.prod(shapes[node.input[0]][1:])
    if node.op_type in ("Gemm", "MatMul"):
        # Summed over the last axis of the left factor, for every number of the output.
        return shapes[node.input[0]][-1] * math.prod(shapes[node.output[0]][1:])
    return 0


def count_onnx(model: onnx.ModelProto) -> tuple[int, int]:
    """Parameters, and multiply-adds of one sample, of a graph with convolutions and matrix products.

    Weights that are stored quantised count once, as the numbers they stand for.
    """
    shapes = tensor_shapes(model)
    multiply_adds = sum(node_multiply_adds(node, shapes) for node in model.graph.node)
    quantisation = {
        name
        for node in model.graph.node
        if node.op_type in ("QuantizeLinear", "DequantizeLinear")
        for name in node.input[1:]
    }
    weight_types = (TensorProto.FLOAT, TensorProto.INT8, TensorProto.UINT8, TensorProto.INT32)
    weights = [t for t in model.graph.initializer if t.name not in quantisation and t.data_type in weight_types]
    return sum(math.prod(t.dims) for t in weights), multiply_adds
