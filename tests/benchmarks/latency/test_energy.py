"""Energy comes from a counter that was seen to move, in joules; one that stands still or is constant is rejected."""

import itertools
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from edgeward.benchmarks.latency import energy as energy_module
from edgeward.benchmarks.latency.energy import Energy, RaplMeter, SampledMeter, find_meter, open_book

Changing = Callable[[Callable[[int], object]], None]

RAPL = "sys/class/powercap/intel-rapl:0"
INA = "sys/class/hwmon/hwmon3"
BATTERY = "sys/class/power_supply/BAT0"


def put(root: Path, folder: str, **files: object) -> Path:
    (root / folder).mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        partial = root / folder / f".{name}"
        partial.write_text(f"{value}\n")
        partial.replace(root / folder / name)  # a reader never sees half a number
    return root


@pytest.fixture
def changing(monkeypatch: pytest.MonkeyPatch) -> Changing:
    """Makes time pass in steps of 10 ms, whoever looks at the clock, and a sensor change with each: no test waits."""

    def begin(change: Callable[[int], object]) -> None:
        steps, lock = itertools.count(1), threading.Lock()

        def tick() -> float:
            with lock:  # a meter that samples looks from a thread of its own, too
                number = next(steps)
                change(number)
            return number / 100

        monkeypatch.setattr(energy_module, "time", SimpleNamespace(monotonic=tick, sleep=lambda _: tick()))

    return begin


def rapl(root: Path, energy_uj: int) -> Path:
    return put(root, RAPL, name="package-0", energy_uj=energy_uj, max_energy_range_uj=10_000_000)


def test_rapl_counts_microjoules_and_survives_a_wrap(tmp_path: Path) -> None:
    meter = find_meter(rapl(tmp_path, 9_000_000))
    assert isinstance(meter, RaplMeter)
    assert meter.joules() == 0
    rapl(tmp_path, 9_500_000)
    assert meter.joules() == pytest.approx(0.5)
    rapl(tmp_path, 250_000)
    assert meter.joules() == pytest.approx(0.5 + 0.75)


def test_only_whole_packages_count(tmp_path: Path) -> None:
    put(tmp_path, "sys/class/powercap/intel-rapl:0:0", name="core", energy_uj=1, max_energy_range_uj=10)
    assert "no powercap package zone" in str(find_meter(tmp_path))


def test_a_moving_rapl_counter_is_believed(tmp_path: Path, changing: Changing) -> None:
    rapl(tmp_path, 0)
    changing(lambda number: rapl(tmp_path, 50_000 * number))
    book = open_book(tmp_path, trial_s=0.1)
    assert book.meter is not None
    assert book.idle_watts is not None
    assert book.idle_watts > 0
    book.add(0, joules=6.0, seconds=2.0, records=100)
    book.idle_watts = 1.0
    assert book.of(0) == Energy("rapl", 0.06, 0.04, 1.0, "processor package")
    assert book.of(1).method == "unavailable"
    book.idle_watts = 4.0
    assert (book.of(0).joules_per_record, book.of(0).above_idle_joules_per_record) == (0.06, None)
    assert "no more than idle" in (book.of(0).reason or "")


@pytest.mark.parametrize("energy_uj", [0, 123_456])
def test_a_rapl_counter_that_stands_still_is_rejected(tmp_path: Path, energy_uj: int) -> None:
    book = open_book(rapl(tmp_path, energy_uj), trial_s=0.05)
    energy = book.of(0)
    assert (energy.method, energy.joules_per_record) == ("unavailable", None)
    assert "shows no energy" in (energy.reason or "")
    assert "not believed" in (energy.reason or "")


def test_a_counter_that_stops_later_gives_no_number(tmp_path: Path, changing: Changing) -> None:
    rapl(tmp_path, 0)
    changing(lambda number: rapl(tmp_path, 50_000 * number))
    book = open_book(tmp_path, trial_s=0.05)
    book.add(0, joules=0.0, seconds=1.0, records=10)
    assert book.of(0).joules_per_record is None
    assert "did not move" in (book.of(0).reason or "")


def ina(root: Path, label: str = "VDD_IN", milliamperes: int = 1000) -> Path:
    return put(root, INA, name="ina3221", in1_label=label, in1_input=5000, curr1_input=milliamperes)


@pytest.mark.parametrize("label", ["VDD_IN", "POM_5V_IN"])
def test_a_jetsons_rail_gives_volts_times_amperes(tmp_path: Path, label: str) -> None:
    meter = find_meter(ina(tmp_path, label))
    assert isinstance(meter, SampledMeter)
    assert (meter.method, meter.scope) == ("ina3221", "module")
    time.sleep(0.3)
    first, began = meter.joules(), time.monotonic()
    time.sleep(0.2)
    assert meter.joules() - first == pytest.approx(5.0 * (time.monotonic() - began), rel=0.1)
    meter.close()


def test_another_rail_is_not_the_total(tmp_path: Path) -> None:
    assert "no rail" in str(find_meter(ina(tmp_path, "VDD_CPU_GPU_CV")))


@pytest.mark.parametrize("milliamperes", [0, 1000])
def test_a_constant_sensor_is_rejected(tmp_path: Path, milliamperes: int) -> None:
    book = open_book(ina(tmp_path, milliamperes=milliamperes), trial_s=0.25)
    assert book.meter is None
    assert "not believed" in (book.of(0).reason or "")


def test_a_sensor_that_is_alive_is_believed(tmp_path: Path, changing: Changing) -> None:
    ina(tmp_path)
    changing(lambda number: ina(tmp_path, milliamperes=1000 + number))
    book = open_book(tmp_path, trial_s=0.25)
    assert book.meter is not None
    book.meter.close()


def test_a_battery_counts_only_while_it_is_used(tmp_path: Path) -> None:
    put(tmp_path, BATTERY, type="Battery", status="Charging", power_now=8_000_000)
    assert "does not run on its battery" in str(find_meter(tmp_path))
    put(tmp_path, BATTERY, status="Discharging")
    meter = find_meter(tmp_path)
    assert isinstance(meter, SampledMeter)
    assert (meter.method, meter.seen) == ("battery", {8.0})
    meter.close()


def test_a_battery_without_power_tells_volts_and_amperes(tmp_path: Path) -> None:
    put(tmp_path, BATTERY, type="Battery", status="Discharging", voltage_now=11_000_000, current_now=-500_000)
    meter = find_meter(tmp_path)
    assert isinstance(meter, SampledMeter)
    assert meter.seen == {5.5}
    meter.close()


def test_the_battery_of_a_mouse_is_not_the_machines(tmp_path: Path) -> None:
    put(tmp_path, BATTERY, type="Battery", scope="Device", status="Discharging", power_now=1)
    assert "battery: none" in str(find_meter(tmp_path))


def test_without_a_counter_every_way_is_named(tmp_path: Path) -> None:
    reason = open_book(tmp_path).of(0).reason or ""
    for name in ("RAPL", "INA3221", "battery"):
        assert name in reason
