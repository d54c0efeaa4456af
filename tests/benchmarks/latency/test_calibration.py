"""Calibration on this machine: errors are those of graphs left out, and what was found is kept and found again."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from edgeward.benchmarks.latency import calibration as module
from edgeward.benchmarks.latency import machine_speed
from edgeward.benchmarks.latency.calibration import (
    CARRIED_OVER_FACTOR,
    Calibration,
    calibrate,
    calibration_from_json,
    core_speed,
    kept_calibration,
    left_out_errors,
)
from edgeward.benchmarks.latency.calibration_graphs import calibration_graphs
from edgeward.benchmarks.latency.work import LayerWork, graph_work
from edgeward.devices import device_profile
from edgeward.runtime.errors import OutputError

FEW = [graph for graph in calibration_graphs() if graph.name.split()[-1] in ("16x64", "24x256", "16x128", "64x3")]


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    """On a few small graphs: a moment, and a worse model than all of them give."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "calibration_graphs", lambda: iter(FEW))
        patch.setattr(machine_speed, "_TIMED_S", 0.02)
        patch.setattr(machine_speed, "_REPEATS", 1)
        return calibrate()


def test_errors_are_factors_over_graphs_that_the_model_was_not_fitted_on(calibration: Calibration) -> None:
    assert calibration.graphs == len(FEW) == 8
    assert 1 <= calibration.error_median <= calibration.error_p90
    assert str(calibration.graphs) in calibration.describe()
    assert f"{calibration.error_p90:.2f}" in calibration.describe()


def test_this_machines_core_multiplies_int8_and_float_at_a_speed_that_can_be(calibration: Calibration) -> None:
    assert 1 < calibration.here.fp32_gflops < 1000
    assert calibration.here.int8_gops is not None
    assert 1 < calibration.here.int8_gops < 10_000


def test_a_range_holds_the_prediction_and_is_wider_on_another_machine(calibration: Calibration) -> None:
    layers = graph_work(FEW[0].model)
    here, there = calibration.predict(layers), calibration.predict_on(device_profile("raspberry-pi-4"), layers)
    assert here.low_ms <= here.ms <= here.high_ms
    assert there.high_ms / there.ms == pytest.approx(CARRIED_OVER_FACTOR * here.high_ms / here.ms)
    assert there.ms > 0


def test_a_device_whose_speed_is_not_known_is_not_predicted(calibration: Calibration) -> None:
    profile = device_profile("n100")
    silent = type(profile)(**{**vars(profile), "figures": {}})
    assert core_speed(silent) is None
    with pytest.raises(ValueError, match="n100 has no fp32_gflops_core"):
        calibration.predict_on(silent, ())


def test_the_twins_of_a_graph_are_left_out_together() -> None:
    """The int8 twin would otherwise tell the fit what its float twin takes, and errors would look small."""
    kinds = ["convolution", "product", "other"]
    layers = [[LayerWork(kind, False, 1000 * (n + 1), 0, 0)] for n, kind in enumerate(kinds) for _ in range(2)]  # type: ignore[arg-type]
    names = [str(n // 2) for n in range(len(layers))]
    errors = left_out_errors(names, layers, [10.0, 10.0, 20.0, 20.0, 1.0, 1.0])
    assert (errors[:4] > 1.5).all(), "nothing but its own twin could tell what its kind of layer takes"
    assert np.array_equal(errors[::2], errors[1::2])


def test_json_gives_the_same_calibration_back(calibration: Calibration) -> None:
    assert calibration_from_json(json.loads(json.dumps(calibration.to_json()))) == calibration


@pytest.mark.parametrize("change", [{"cpu": "another"}, {"engine": "onnxruntime 0.1"}, {"schema": 99}, {"rates": 1}])
def test_a_calibration_of_another_machine_or_release_is_not_used(
    calibration: Calibration, change: dict[str, object]
) -> None:
    assert calibration_from_json({**json.loads(json.dumps(calibration.to_json())), **change}) is None


def test_a_kept_calibration_is_used_again_and_a_damaged_one_is_made_anew(
    calibration: Calibration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = itertools.count()
    monkeypatch.setattr(module, "calibrate", lambda **_: (next(numbers), calibration)[1])
    file = tmp_path / "calibration.json"
    assert kept_calibration(file) == kept_calibration(file) == calibration
    assert next(numbers) == 1
    file.write_text("{")
    assert kept_calibration(file) == calibration
    assert next(numbers) == 3
    with pytest.raises(OutputError):
        kept_calibration(tmp_path / "absent" / "calibration.json")
