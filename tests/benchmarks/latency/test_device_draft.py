"""A draft holds what the machine's files tell and what was measured, and nothing of whose machine it is."""

import datetime
import json
from pathlib import Path

import pytest
from edgeward.benchmarks.latency import sensors
from edgeward.benchmarks.latency.calibration import core_speed
from edgeward.benchmarks.latency.device_draft import draft_profile
from edgeward.benchmarks.latency.machine_speed import Speed
from edgeward.devices import DeviceProfile
from edgeward.devices.hardware import Hardware
from edgeward.devices.profile import Capability, profile_from_mapping
from edgeward.devices.profile_text import profile_text
from edgeward.devices.toml import tomllib

from ...devices.machines import intel_laptop, jetson_orin_nano, lying_machine, raspberry_pi_5

TODAY = datetime.date(2026, 12, 1)


@pytest.fixture(autouse=True)
def no_power(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its test takes a second, and is tested elsewhere."""
    monkeypatch.setattr(sensors, "power_capability", lambda _: Capability("power", "unavailable", reason="not asked"))


def measured(_: Hardware) -> dict[str, Speed]:
    return {
        "fp32_gflops_core": Speed(38.36912, 37.9, "products"),
        "int8_gops_core": Speed(153.48, 150.0, "products"),
        "memory_gb_s": Speed(9.12345, 9.0, "copies"),
    }


def drafted(root: Path) -> DeviceProfile:
    return draft_profile(root, measure=measured, version={"onnxruntime": "1.32.0"}.get, today=TODAY, idle_s=0.0)


@pytest.mark.parametrize("machine", [jetson_orin_nano, raspberry_pi_5, intel_laptop, lying_machine])
def test_a_draft_is_a_profile_that_the_latency_model_takes(machine: object, tmp_path: Path) -> None:
    profile = drafted(machine(tmp_path))  # type: ignore[operator]
    assert profile_from_mapping(tomllib.loads(profile_text(profile)), "draft") == profile
    speed = core_speed(profile)
    assert speed is not None
    assert (speed.fp32_gflops, speed.int8_gops) == (38.37, 153.5)
    assert {figure.kind for figure in profile.figures.values()} == {"measured"}
    assert profile.figures["memory_gb_s"].note == "copies; median 9"
    (source,) = profile.sources
    assert source.read == "2026-12-01"
    assert "onnxruntime 1.32.0, numpy of unknown version" in source.title


def test_a_jetson_s_draft_tells_its_mode_by_name_and_its_software(tmp_path: Path) -> None:
    profile = drafted(jetson_orin_nano(tmp_path))
    assert profile.probed_under == {"nvpmodel": "25W", "governor": "schedutil"}
    assert profile.software["jetpack"] == "6.2"
    assert profile.software["jetson module"] == "p3767-0005"
    assert profile.id == "nvidia-jetson-orin-nano-engineering-reference-developer-kit-super"
    assert profile.value("cores") == 6
    assert profile.advice.startswith("onnxruntime, int8")


def test_a_draft_names_neither_the_machine_nor_its_serial_number(tmp_path: Path) -> None:
    for machine, secrets in ((jetson_orin_nano, ("ward-3-orin", "1421000000001")), (raspberry_pi_5, ("abcdef01",))):
        text = json.dumps(drafted(machine(tmp_path / machine.__name__)).to_json())
        assert not [secret for secret in secrets if secret in text]


def test_a_machine_that_tells_little_has_a_draft_all_the_same(tmp_path: Path) -> None:
    profile = drafted(tmp_path)
    assert set(profile.figures) == set(measured(None))  # type: ignore[arg-type]
    assert profile_from_mapping(tomllib.loads(profile_text(profile)), "draft") == profile


def test_a_lying_machine_s_draft_believes_none_of_its_counters(tmp_path: Path) -> None:
    profile = drafted(lying_machine(tmp_path))
    told = {one.name: one.status for one in profile.capabilities}
    assert told == {
        "temperature acpitz": "unavailable",
        "clock": "unavailable",
        "power": "unavailable",
        "vector width": "estimated",
    }
    assert profile.value("clock_mhz") is None
