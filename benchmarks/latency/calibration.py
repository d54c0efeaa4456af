"""Calibrate the model of latency on this machine, and find its errors. Needs the package onnx.

Small graphs are timed, the constants fitted, and each graph predicted by constants fitted without it.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from ...devices import DeviceProfile, this_host
from ...runtime.atomic import atomic_file
from ...runtime.backends import Options
from ...runtime.backends.onnxruntime import import_engine, inference_session
from .calibration_graphs import NOISE, calibration_graphs
from .roofline import CoreSpeed, Prediction, Rates, carried_over, fit_rates, predict_us
from .work import LayerWork, graph_work

CARRIED_OVER_FACTOR = 1.5
"""Assumed, not measured: how far off, either way, a prediction may be because it was carried to another machine."""

_CALIBRATION_SCHEMA = 1
_TIMED_S = 0.06
_FEWEST_CALLS, _MOST_CALLS = 9, 1000
_PRODUCT = 512
_REPEATS = 5


@dataclass(frozen=True)
class Calibration:
    """The model's constants for this machine, and how well they predict what they were not fitted on."""

    cpu: str
    cpu_class: str
    engine: str
    """onnxruntime and its version."""
    here: CoreSpeed
    rates: Rates
    graphs: int
    error_median: float
    """Of the ratio of prediction to measurement, or of its inverse where that is larger, over the graphs left out."""
    error_p90: float

    def predict(self, layers: Sequence[LayerWork]) -> Prediction:
        """Latency on this machine, one thread, batch 1."""
        return _range(predict_us(layers, self.rates), self.error_p90)

    def predict_on(self, device: DeviceProfile, layers: Sequence[LayerWork]) -> Prediction:
        """Latency on another machine, by the ratios of its figures to this one's.

        Raises:
            ValueError: The profile does not tell how fast a core computes.
        """
        there = core_speed(device)
        if there is None:
            raise ValueError(f"the profile of {device.id} has no fp32_gflops_core")
        rates = carried_over(self.rates, self.here, there)
        return _range(predict_us(layers, rates), self.error_p90 * CARRIED_OVER_FACTOR)

    def describe(self) -> str:
        """What the model rests on, in a sentence."""
        return (
            f"calibrated on {self.graphs} graphs on {self.cpu} ({self.cpu_class}) with {self.engine}; of graphs it was "
            f"not fitted on it misses half by less than a factor of {self.error_median:.2f}, nine in ten by less than "
            f"{self.error_p90:.2f}"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `calibration_from_json` reads them back."""
        return {"schema": _CALIBRATION_SCHEMA, **asdict(self)}


def calibration_from_json(values: dict[str, Any]) -> Calibration | None:
    """What was calibrated before; None if it was on another machine, with another engine or by another release."""
    try:
        if values.pop("schema") != _CALIBRATION_SCHEMA:
            return None
        found = Calibration(
            **{**values, "here": CoreSpeed(**values["here"]), "rates": Rates(**values["rates"])},
        )
    except (KeyError, TypeError, AttributeError):
        return None
    same = (found.cpu, found.cpu_class, found.engine) == (this_host().cpu, this_host().cpu_class, _engine())
    return found if same else None


def kept_calibration(file: Path, *, on_progress: Callable[[int, int], None] | None = None) -> Calibration:
    """The calibration in a file, or a new one that is kept there, so that later predictions agree with earlier ones.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        kept = calibration_from_json(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError):
        kept = None
    if kept is not None:
        return kept
    calibration = calibrate(on_progress=on_progress)
    with atomic_file(file) as out:
        out.write((json.dumps(calibration.to_json(), indent=1) + "\n").encode())
    return calibration


def calibrate(*, on_progress: Callable[[int, int], None] | None = None) -> Calibration:
    """Time the calibration graphs on one thread of this machine, some seconds in all, and fit the model."""
    graphs = list(calibration_graphs())
    noise = np.random.default_rng(1).standard_normal((1, NOISE)).astype(np.float32)
    layers = [graph_work(graph.model) for graph in graphs]
    times = []
    for number, graph in enumerate(graphs, start=1):
        times.append(_call_us(graph.model, {"noise": noise}))
        if on_progress:
            on_progress(number, len(graphs))
    names = [graph.name for graph in graphs]
    errors = left_out_errors(names, layers, times)
    return Calibration(
        cpu=this_host().cpu,
        cpu_class=this_host().cpu_class,
        engine=_engine(),
        here=_core_here(),
        rates=fit_rates(layers, times),
        graphs=len(graphs),
        error_median=float(np.quantile(errors, 0.5)),
        error_p90=float(np.quantile(errors, 0.9)),
    )


_LEAST_US = 1e-3
"""A nanosecond: no call is told to be shorter."""


def left_out_errors(
    names: Sequence[str], layers: Sequence[Sequence[LayerWork]], times_us: Sequence[float]
) -> npt.NDArray[np.float64]:
    """Factors, 1 or more, by which each graph is missed when those of its name are left out of the fit."""
    found = np.ones(len(names))
    for name in dict.fromkeys(names):
        kept = [number for number, other in enumerate(names) if other != name]
        rates = fit_rates([layers[number] for number in kept], [times_us[number] for number in kept])
        for number in (n for n, other in enumerate(names) if other == name):
            # From few and noisy graphs the fit can find that what is left takes no time at all.
            ratio = max(predict_us(layers[number], rates), _LEAST_US) / times_us[number]
            found[number] = max(ratio, 1 / ratio)
    return found


def core_speed(device: DeviceProfile) -> CoreSpeed | None:
    """What the model needs of a device; None where its profile does not tell how fast a core computes."""
    fp32, cache = device.value("fp32_gflops_core"), device.value("last_cache_kib")
    if fp32 is None:
        return None
    return CoreSpeed(
        fp32_gflops=fp32,
        vector_bits=device.vector_bits,
        int8_gops=device.value("int8_gops_core"),
        memory_gb_s=device.value("memory_gb_s"),
        last_cache_bytes=None if cache is None else 1024 * cache,
    )


def _range(us: float, factor: float) -> Prediction:
    return Prediction(us / 1000, us / 1000 / factor, us / 1000 * factor)


def _engine() -> str:
    return f"onnxruntime {import_engine().__version__}"


def _core_here() -> CoreSpeed:
    """How fast a core of this machine multiplies large matrices, which is most of what it could."""
    fp32, int8 = (_PRODUCT**3 * 2 / us / 1000 for us in (_product_us(int8=False), _product_us(int8=True)))
    return CoreSpeed(fp32, _vector_bits(this_host().cpu_class, this_host().cpu), int8)


def _vector_bits(cpu_class: str, cpu: str) -> int:
    """AMD's Zen 4 and Intel's laptop chips compute 512 bits in two halves, or with one unit where servers have two."""
    if not cpu_class.startswith("x86_64"):
        return 128
    return 512 if "avx512" in cpu_class and "Xeon" in cpu else 256


def _product_us(*, int8: bool) -> float:
    """Microseconds of the product of two large square matrices."""
    rng, side = np.random.default_rng(1), _PRODUCT
    right = rng.integers(-9, 9, (side, side)).astype(np.int8 if int8 else np.float32)
    left = rng.integers(0, 9, (side, side)).astype(np.uint8 if int8 else np.float32)
    element, result = (TensorProto.UINT8, TensorProto.INT32) if int8 else (TensorProto.FLOAT, TensorProto.FLOAT)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger" if int8 else "MatMul", ["left", "right"], ["product"])],
        "product",
        [helper.make_tensor_value_info("left", element, [side, side])],
        [helper.make_tensor_value_info("product", result, [side, side])],
        [numpy_helper.from_array(right, "right")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return min(_call_us(model.SerializeToString(), {"left": left}) for _ in range(_REPEATS))


def _call_us(model: bytes, feeds: dict[str, npt.NDArray[Any]]) -> float:
    """Median microseconds of a call on one thread, by the processor time it took: other programs do not count."""
    session = inference_session(model, Options())
    clock = _clock()
    times: list[int] = []
    for _ in range(3):
        session.run(None, feeds)
    end = time.monotonic() + _TIMED_S
    while len(times) < _FEWEST_CALLS or (len(times) < _MOST_CALLS and time.monotonic() < end):
        start = clock()
        session.run(None, feeds)
        times.append(clock() - start)
    return float(np.median(times)) / 1000


def _clock() -> Callable[[], int]:
    fine = time.get_clock_info("thread_time").resolution <= 1e-6 and platform.system() != "Windows"
    return time.thread_time_ns if fine else time.perf_counter_ns
