"""Static INT8 quantisation for onnxruntime: weights S8 per output channel, activations U8 per tensor, QDQ.

The last convolution stays in float: it costs little and made half of the error (measured). So do matrix products
with few weights, whose 8 bits would save next to nothing: among them those that scale and shift latents.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from ...runtime.errors import GateError
from ...runtime.feed import Feed
from ...runtime.schema import Schema
from ..drawn_classes import check_every_class
from ..student import Context, Student
from .export import check_graph
from .step import Option, Step

_CALIBRATION_BATCH = 32
_QUANTISED_OPERATORS = ["Conv", "Gemm", "MatMul"]
_FEWEST_WEIGHTS = 4096


def quantise(
    model: bytes,
    noise_shape: tuple[int, ...],
    schema: Schema,
    *,
    samples: int,
    percentile: float,
    seed: int,
) -> bytes:
    """Quantise a float graph, its activation ranges calibrated on drawn noise and conditions (no real record).

    Args:
        model: ONNX graph of the contract, in float.
        noise_shape: Shape of one sample's noise.
        schema: The data's schema.
        samples: Calibration samples, over all conditions.
        percentile: Share of the activations, in per cent, that the ranges hold; the rest saturates.
        seed: Of the noise and conditions.

    Raises:
        GateError: Nothing in the graph can be quantised, or a class is missing among the samples.
    """
    graph = onnx.load_model_from_string(model)
    kept_in_float = _kept_in_float(graph)
    # Looked at beforehand: the quantiser fails in its own way where it has nothing to do.
    if all(node.name in kept_in_float for node in graph.graph.node if node.op_type in _QUANTISED_OPERATORS):
        raise GateError("nothing in the graph can be quantised; it needs two convolutions, or a large matrix product")
    feed = Feed(seed, noise_shape, schema.conditions, {})
    check_every_class(schema.conditions, feed.columns(0, samples), "calibration")
    batches = [feed.take(first, _CALIBRATION_BATCH) for first in range(0, samples, _CALIBRATION_BATCH)]
    engine = _quantisation()
    with tempfile.TemporaryDirectory() as folder, _quiet():
        source, result = Path(folder, "float.onnx"), Path(folder, "int8.onnx")
        source.write_bytes(model)
        engine.quantize_static(
            source,
            result,
            _Calibration([{"noise": b.noise, "condition": b.condition} for b in batches]),
            quant_format=engine.QuantFormat.QDQ,
            op_types_to_quantize=_QUANTISED_OPERATORS,
            nodes_to_exclude=kept_in_float,
            per_channel=True,
            weight_type=engine.QuantType.QInt8,
            activation_type=engine.QuantType.QUInt8,
            calibrate_method=engine.CalibrationMethod.Percentile,
            extra_options={"CalibPercentile": percentile},
        )
        quantised = onnx.load_model(result)
    del quantised.metadata_props[:]
    check_graph(quantised)
    content: bytes = quantised.SerializeToString()
    return content


def _run(student: Student, context: Context, *, samples: int, percentile: float) -> None:
    student.graphs["int8"] = quantise(
        student.graphs["fp32"],
        context.teacher.noise_shape,
        context.schema,
        samples=samples,
        percentile=percentile,
        seed=context.seed,
    )


STEP = Step(
    {"samples": Option(int), "percentile": Option(float, at_most=100)},
    _run,
    of_graphs=True,
    remedy="calibrate on more samples",
)


def _kept_in_float(graph: onnx.ModelProto) -> list[str]:
    """Names of the nodes that are not quantised."""
    weights = {tensor.name: math.prod(tensor.dims) for tensor in graph.graph.initializer}
    layers = [node for node in graph.graph.node if node.op_type in _QUANTISED_OPERATORS]
    last_convolution = [node.name for node in layers if node.op_type == "Conv"][-1:]
    products = [node for node in layers if node.op_type != "Conv"]
    small = [node.name for node in products if sum(weights.get(name, 0) for name in node.input) < _FEWEST_WEIGHTS]
    return last_convolution + small


def _quantisation() -> Any:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # must be set before the engine is imported
    return importlib.import_module("onnxruntime.quantization")


class _Calibration:
    """The calibration batches, as onnxruntime asks for them: one after the other, then None."""

    def __init__(self, batches: list[dict[str, npt.NDArray[np.float32]]]) -> None:
        self._batches = iter(batches)

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        return next(self._batches, None)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The quantiser prints its histograms' settings and logs advice that is followed already."""
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.root.setLevel(level)
