"""Static INT8 in ONNX: QuantizeLinear and DequantizeLinear around the layers, in the form that an engine fuses.

For onnxruntime: weights S8 per output channel, activations U8 per tensor, outputs rounded too, or its 8-bit kernels are
not used; behind a ReLU where there is one, as the half of the range that it cuts away would halve the precision
(measured: 2.0 to 1.2 % relative L2, at the same speed). For TensorRT: activations S8 and symmetric, biases in float, as
it refuses anything else; inputs only, as it fuses what stands between a layer and the next one's input.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from ...runtime.feed import GraphInputs
from .layers import OPERATORS, Layer, find_layers

PERCENTILES = (99.9, 99.97, 99.99, 99.997, 99.999, 100.0)
"""Ranges tried where a recipe leaves the choice to the measured error: wider ones have coarser steps."""


@dataclass(frozen=True)
class Form:
    """How an engine wants 8 bits written."""

    activations: str
    """Name in onnxruntime's `QuantType`."""
    joined: tuple[str, ...] = ()
    """Operators behind a layer that are part of its rounding, so that its output is rounded after them."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of onnxruntime's quantiser."""


_TENSORRT = {
    "QuantizeBias": False,
    "ActivationSymmetric": True,
    "WeightSymmetric": True,
    "OpTypesToExcludeOutputQuantization": list(OPERATORS),
}
FORMS = {"onnxruntime": Form("QUInt8", ("Relu",)), "tensorrt": Form("QInt8", (), _TENSORRT)}


class Quantiser:
    """A float graph whose activation ranges have been found once, to be quantised in several ways.

    Args:
        model: ONNX graph of the contract, in float.
        batches: Calibration samples.
        form: How the engine wants it.
        percentiles: Shares of the activations, in per cent, that the ranges may hold; the rest saturates.
    """

    def __init__(
        self, model: bytes, batches: Sequence[GraphInputs], form: Form, percentiles: Sequence[float] = PERCENTILES
    ) -> None:
        self._model, self._form, self._engine = model, form, quantisation_engine()
        self._operators = [*OPERATORS, *form.joined]
        feeds = [{"noise": batch.noise, "condition": batch.condition} for batch in batches]
        with tempfile.TemporaryDirectory() as folder, _quiet():
            source = Path(folder, "float.onnx")
            source.write_bytes(model)
            calibrator = self._engine.create_calibrator(
                source,
                self._operators,
                augmented_model_path=str(Path(folder, "augmented.onnx")),
                calibrate_method=self._engine.CalibrationMethod.Percentile,
            )
            calibrator.collect_data(_Batches(feeds))
            self._ranges = {}
            for percentile in percentiles:  # all from the same histograms
                calibrator.collector.percentile = percentile
                self._ranges[percentile] = calibrator.compute_data()
        self.layers = find_layers(onnx.load_model_from_string(model))

    @property
    def percentiles(self) -> tuple[float, ...]:
        """Those that ranges were found for."""
        return tuple(self._ranges)

    def quantised(self, layers: Collection[Layer], percentile: float) -> bytes:
        """The graph with these layers in 8 bits and all others in float."""
        kept = {name for layer in layers for name in layer.nodes}
        graph = onnx.load_model_from_string(self._model)
        outputs = {name for node in graph.graph.node if node.name in kept for name in node.output}
        kept.update(n.name for n in graph.graph.node if n.op_type in self._form.joined and n.input[0] in outputs)
        with _quiet():
            quantiser = self._engine.QDQQuantizer(
                graph,
                per_channel=True,
                reduce_range=False,
                weight_qType=self._engine.QuantType.QInt8,
                activation_qType=self._engine.QuantType[self._form.activations],
                tensors_range=self._ranges[percentile],
                nodes_to_quantize=[],
                nodes_to_exclude=[node.name for node in graph.graph.node if node.name not in kept],
                op_types_to_quantize=self._operators,
                extra_options=dict(self._form.options),
            )
            quantiser.quantize_model()
            quantiser.model.topological_sort()
        quantised = quantiser.model.model
        del quantised.metadata_props[:]
        content: bytes = quantised.SerializeToString()
        return content


def quantisation_engine() -> Any:
    """The quantiser that comes with onnxruntime."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # must be set before the engine is imported
    return importlib.import_module("onnxruntime.quantization")


class _Batches:
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
