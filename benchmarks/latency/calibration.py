"""Calibrate the model of latency on this machine, and find its errors. Needs the package onnx.

Small graphs are timed, the constants fitted, and each graph predicted by constants fitted without it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...devices import DeviceProfile, this_host
from ...devices.host import vector_bits
from ...runtime.atomic import atomic_file
from ...runtime.backends.onnxruntime import import_engine
from .calibration_graphs import NOISE, calibration_graphs
from .machine_speed import call_us, product_speed
from .roofline import CoreSpeed, Prediction, Rates, carried_over, fit_rates, predict_us
from .work import LayerWork, graph_work

CARRIED_OVER_FACTOR = 1.5
"""Assumed, not measured: how far off, either way, a prediction may be because it was carried to another machine."""

_CALIBRATION_SCHEMA = 1


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
        times.append(call_us(graph.model, {"noise": noise}))
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
    host = this_host()
    width = vector_bits(host.cpu_class, host.cpu)
    return CoreSpeed(product_speed(int8=False).best, width, product_speed(int8=True).best)
