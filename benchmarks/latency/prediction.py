"""What the model of latency says of a bundle's graphs, to stand beside what was measured. Needs the package onnx."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...devices import DeviceProfile
from ...runtime.bundle import Bundle
from ...runtime.manifest import REFERENCE_ENGINE, Variant
from .calibration import Calibration
from .roofline import Prediction
from .work import graph_work

THREADS = 1
"""The model knows one core."""


def predict_bundle(
    bundle: Bundle, calibration: Calibration, device: DeviceProfile | None = None
) -> Iterator[tuple[Variant, Prediction]]:
    """Latency of a call with one sample on one thread of onnxruntime, of every variant it runs.

    Args:
        bundle: Whose graphs.
        calibration: Of the model, on this machine.
        device: Another machine; None: this one.

    Raises:
        ValueError: The device's profile does not tell how fast a core computes.
    """
    for variant in bundle.manifest.variants_for(REFERENCE_ENGINE):
        layers = graph_work(bundle.read(variant.file))
        yield variant, calibration.predict_on(device, layers) if device else calibration.predict(layers)


def add_predictions(report: dict[str, Any], bundles: Mapping[str, Bundle], calibration: Calibration) -> None:
    """Give every row of a report of `bench_report` its `predicted`; null where the model does not know its kind.

    The model knows the engine's call: what `generate` takes besides is not in it.
    """
    told = {
        (bundle.digest, variant.precision): prediction
        for bundle in bundles.values()
        for variant, prediction in predict_bundle(bundle, calibration)
    }
    for row in report["rows"]:
        known = (row["backend"], row["threads"]) == (REFERENCE_ENGINE, THREADS)
        prediction = told.get((row["bundle_sha256"], row["precision"])) if known else None
        row["predicted"] = None if prediction is None else _beside(prediction, row["closed"])
    report["prediction_method"] = calibration.describe()


def _beside(prediction: Prediction, closed: Mapping[str, Any] | None) -> dict[str, Any]:
    """The prediction, and how many times as long the measured median is."""
    measured_us = closed["p50"]["value_us"] if closed else None
    ratio = None if measured_us is None else measured_us / (1000 * prediction.ms)
    return {
        "us": 1000 * prediction.ms,
        "low_us": 1000 * prediction.low_ms,
        "high_us": 1000 * prediction.high_ms,
        "measured_over_predicted": ratio,
        "within": None if measured_us is None else prediction.low_ms <= measured_us / 1000 <= prediction.high_ms,
    }
