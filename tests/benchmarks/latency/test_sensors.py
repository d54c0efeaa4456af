"""A sensor is believed if it exists, can be read, changes under load and is plausible; else it says why not."""

import itertools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from edgeward.benchmarks.latency import energy as energy_module
from edgeward.benchmarks.latency.sensors import power_capability, watch_sensors
from edgeward.devices.profile import Capability

from ...devices.machines import intel_laptop, jetson_orin_nano, lying_machine, put, raspberry_pi_5

TEMPERATURE = "sys/class/thermal/thermal_zone0/temp"
CLOCK = "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq"
RAPL = "sys/class/powercap/intel-rapl:0/energy_uj"
RAIL = "sys/class/hwmon/hwmon1/curr1_input"

ChangeOverTime = Callable[[Callable[[int], object]], None]


@pytest.fixture
def over_time(monkeypatch: pytest.MonkeyPatch) -> ChangeOverTime:
    """Lets the clock of the test of power go on by 10 ms a look, and files change with it: nobody waits."""

    def begin(change: Callable[[int], object]) -> None:
        steps = itertools.count(1)

        def tick() -> float:
            number = next(steps)
            change(number)
            return number / 100

        monkeypatch.setattr(energy_module, "time", SimpleNamespace(monotonic=tick, sleep=lambda _: tick()))

    return begin


def watched(root: Path, under_load: dict[str, object]) -> dict[str, Capability]:
    """What is believed where the work changes these files."""
    result, found = watch_sensors(root, lambda: put(root, under_load), idle_s=0.0)
    assert result == root
    return {one.name: one for one in found}


def test_a_sensor_that_moves_under_load_is_believed(tmp_path: Path, over_time: ChangeOverTime) -> None:
    over_time(lambda _: None)
    found = watched(raspberry_pi_5(tmp_path), {TEMPERATURE: 61_500, CLOCK: 2_400_000})
    assert found["temperature cpu-thermal"] == Capability(
        "temperature cpu-thermal", "measured", method="thermal_zone0; 49 to 61.5 °C while probed"
    )
    assert found["clock"].status == "measured"
    assert "1200 to 2400 MHz" in found["clock"].method
    assert found["power"].status == "unavailable"
    assert "battery: none" in found["power"].reason


def test_counters_that_never_move_are_not_believed(tmp_path: Path, over_time: ChangeOverTime) -> None:
    over_time(lambda _: None)
    found = watched(lying_machine(tmp_path), {})
    assert {one.status for one in found.values()} == {"unavailable"}
    assert "a constant 27.8 °C, idle and at work: not believed" in found["temperature acpitz"].reason
    assert "/proc/cpuinfo, the fastest core: a constant 2300 MHz" in found["clock"].reason
    assert "the rapl counter shows no energy" in found["power"].reason


@pytest.mark.parametrize(
    ("under_load", "name", "told"),
    [
        ({TEMPERATURE: 150_000}, "temperature cpu-thermal", "150 °C is not plausible"),
        ({TEMPERATURE: 0}, "temperature cpu-thermal", "0 °C is not plausible"),
        ({TEMPERATURE: "hot"}, "temperature cpu-thermal", "it could not always be read"),
        ({CLOCK: 20_000_000}, "clock", "20000 MHz is not plausible"),
    ],
)
def test_what_cannot_be_is_told(
    tmp_path: Path, over_time: ChangeOverTime, under_load: dict[str, object], name: str, told: str
) -> None:
    over_time(lambda _: None)
    capability = watched(raspberry_pi_5(tmp_path), under_load)[name]
    assert capability.status == "unavailable"
    assert told in capability.reason


def test_a_sensor_that_is_off_is_told_beside_one_that_is_not(tmp_path: Path, over_time: ChangeOverTime) -> None:
    over_time(lambda number: put(tmp_path, {RAIL: 1000 + 10 * (number % 7)}))
    found = watched(jetson_orin_nano(tmp_path), {TEMPERATURE: 55_000})
    assert found["temperature cpu-thermal"].status == "measured"
    assert "-256 °C is not plausible" in found["temperature cv0-thermal"].reason
    assert found["power"].status == "measured"
    assert "ina3221, module" in found["power"].method


def test_a_machine_that_tells_nothing_is_told_so(tmp_path: Path, over_time: ChangeOverTime) -> None:
    over_time(lambda _: None)
    found = watched(tmp_path, {})
    assert found["temperature"].reason == "no thermal zone"
    assert found["clock"].reason == "neither cpufreq nor /proc/cpuinfo tells it"


@pytest.mark.parametrize(("step_uj", "status"), [(150_000, "measured"), (10, "unavailable"), (10**11, "unavailable")])
def test_power_must_be_plausible(tmp_path: Path, over_time: ChangeOverTime, step_uj: int, status: str) -> None:
    intel_laptop(tmp_path)
    put(tmp_path, {"sys/class/powercap/intel-rapl:0/max_energy_range_uj": 10**18})
    over_time(lambda number: put(tmp_path, {RAPL: 1_000_000 + step_uj * number}))
    capability = power_capability(tmp_path)
    assert capability.status == status
    if status == "unavailable":
        assert "is not plausible" in capability.reason


def test_the_work_s_own_failure_comes_through(tmp_path: Path) -> None:
    def fail() -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        watch_sensors(raspberry_pi_5(tmp_path), fail, idle_s=0.0)
