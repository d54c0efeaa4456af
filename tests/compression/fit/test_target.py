"""The target of a search: a device whose latency a model tells, or this machine, where it is measured."""

import json
from pathlib import Path

import pytest
from edgeward.benchmarks.latency.calibration import Calibration
from edgeward.benchmarks.latency.roofline import CoreSpeed, Prediction, Rates
from edgeward.compression import Compressed
from edgeward.compression.fit import target as module
from edgeward.compression.fit.target import THIS_MACHINE, open_target
from edgeward.runtime.errors import RequestError

SLOW = """
schema = 1
id = "slow"
name = "Slow"
form = "board"
cpu = "Toy (1)"
cpu_class = "aarch64"
vector_bits = 128
advice = "None."
[figures]
{figures}
[[source]]
id = "a"
title = "A page"
url = "https://example.org/a"
read = "2026-11-24"
"""
CALIBRATION = Calibration(
    cpu="this",
    cpu_class="x86_64",
    engine="onnxruntime 1",
    here=CoreSpeed(100.0, 128, 400.0),
    rates=Rates(
        overhead_us={"call": 5.0, "convolution": 2.0, "product": 1.0, "function": 1.0, "other": 1.0},
        compute_us={f"{k} {p}": 1e-5 for k in ("convolution", "product") for p in ("float", "int8")},
        byte_us=dict.fromkeys(("convolution", "product", "function", "other"), 1e-5),
    ),
    graphs=29,
    error_median=1.1,
    error_p90=1.4,
)


@pytest.fixture
def calibrated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "kept_calibration", lambda *_, **__: CALIBRATION)


def test_on_this_machine_latency_is_what_was_measured(tmp_path: Path) -> None:
    target = open_target(THIS_MACHINE, tmp_path)
    assert target.latency(b"", 1.25) == Prediction(1.25, 1.25, 1.25)
    assert target.describe().startswith("measured on this machine")
    assert target.to_json()["latency"] == "measured"
    assert list(tmp_path.iterdir()) == []


def test_on_a_device_latency_is_a_models_and_is_told_with_its_errors(
    calibrated: None, compressed: Compressed, tmp_path: Path
) -> None:
    target = open_target("raspberry-pi-5", tmp_path)
    told = target.latency(compressed.graphs["fp32"], 0.001)
    assert told.low_ms < told.ms < told.high_ms
    assert told.high_ms / told.ms == pytest.approx(1.4 * 1.5)
    for words in ("told by a model", "1.10", "1.40", "a factor of 1.5 is assumed", "not measured on that device"):
        assert words in target.describe()
    assert json.loads(json.dumps(target.to_json()))["calibration"]["graphs"] == 29


def test_a_profile_of_ones_own_will_do_and_a_core_of_half_the_speed_takes_twice_as_long(
    calibrated: None, compressed: Compressed, tmp_path: Path
) -> None:
    times = []
    for gflops in (100, 50):
        file = tmp_path / "slow.toml"
        figure = f'fp32_gflops_core = {{ value = {gflops}, kind = "vendor", source = "a" }}'
        file.write_text(SLOW.format(figures=figure))
        times.append(open_target(str(file), tmp_path).latency(compressed.graphs["fp32"], 0.0).ms)
    assert times[1] == pytest.approx(2 * times[0])


def test_a_device_of_unknown_speed_and_an_unknown_device_are_refused(calibrated: None, tmp_path: Path) -> None:
    file = tmp_path / "slow.toml"
    file.write_text(SLOW.format(figures='cores = { value = 1, kind = "vendor", source = "a" }'))
    with pytest.raises(RequestError, match=r"slow does not tell how fast a core computes \(fp32_gflops_core\)"):
        open_target(str(file), tmp_path)
    with pytest.raises(RequestError, match=r"did you mean n1.*for the machine at hand write this-machine"):
        open_target("n10", tmp_path)
