"""A prediction stands beside each time that the model knows, with its range and how far it is off."""

from typing import Any

import pytest
from edgeward.benchmarks.latency.calibration import CARRIED_OVER_FACTOR
from edgeward.benchmarks.latency.prediction import add_predictions, predict_bundle
from edgeward.devices import device_profile
from edgeward.runtime import Bundle

from .toy_calibration import CALIBRATION


def row(bundle: Bundle, p50_us: float | None, **changes: object) -> dict[str, Any]:
    """What predictions need of a report's row."""
    plain = {"bundle_sha256": bundle.digest, "precision": "fp32", "backend": "onnxruntime", "threads": 1}
    return {**plain, "closed": {"p50": {"value_us": p50_us}}, **changes}


def predicted_us(bundle: Bundle) -> float:
    told = {variant.name: prediction for variant, prediction in predict_bundle(bundle, CALIBRATION)}
    return 1000 * told["fp32"].ms


def test_every_variant_of_the_engine_is_predicted_here_and_on_a_device(bundle: Bundle) -> None:
    here = {variant.name: prediction for variant, prediction in predict_bundle(bundle, CALIBRATION)}
    assert set(here) == {"fp32", "int8"}
    assert here["fp32"].high_ms / here["fp32"].ms == pytest.approx(1.5)
    slower = device_profile("raspberry-pi-4")  # 12 GFLOPS a core, here 100
    there = {variant.name: prediction for variant, prediction in predict_bundle(bundle, CALIBRATION, slower)}
    assert there["fp32"].ms > 3 * here["fp32"].ms
    assert there["fp32"].high_ms / there["fp32"].ms == pytest.approx(1.5 * CARRIED_OVER_FACTOR)


def test_a_row_tells_how_far_the_prediction_is_off_and_whether_within_its_range(bundle: Bundle) -> None:
    us = predicted_us(bundle)
    report = {"rows": [row(bundle, 1.2 * us), row(bundle, 2.0 * us), row(bundle, us / 1.6)]}
    add_predictions(report, {"here": bundle}, CALIBRATION)
    near, slow, fast = (one["predicted"] for one in report["rows"])
    assert near["us"] == pytest.approx(us)
    assert near["measured_over_predicted"] == pytest.approx(1.2)
    assert (near["within"], slow["within"], fast["within"]) == (True, False, False)
    assert "29 graphs" in str(report["prediction_method"])


@pytest.mark.parametrize(
    "changes", [{"backend": "openvino"}, {"threads": 2}, {"precision": "fp16"}, {"bundle_sha256": "0"}]
)
def test_what_the_model_does_not_know_is_not_predicted(bundle: Bundle, changes: dict[str, object]) -> None:
    report = {"rows": [row(bundle, 100.0, **changes)]}
    add_predictions(report, {"here": bundle}, CALIBRATION)
    assert report["rows"][0]["predicted"] is None


@pytest.mark.parametrize("closed", [None, {"p50": {"value_us": None}}])
def test_without_a_time_there_is_a_prediction_and_no_error(bundle: Bundle, closed: object) -> None:
    report = {"rows": [row(bundle, None, closed=closed)]}
    add_predictions(report, {"here": bundle}, CALIBRATION)
    told = report["rows"][0]["predicted"]
    assert told["us"] > 0
    assert (told["measured_over_predicted"], told["within"]) == (None, None)
