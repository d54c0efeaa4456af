"""Energy of a call, from a counter that was seen to move; where there is none, the reason. Nothing is estimated.

Three kinds of counter, all read from sysfs: RAPL (Intel, AMD: joules of the processor package), INA3221 (Jetson: power
of the whole module), and a battery that is discharging (power of the whole machine).
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from ...devices.files import number_of, text_of
from ...devices.tegrastats import BOARD_RAILS

_ROOT = Path("/")
_SAMPLING_S = 0.1
_TRIAL_S = 0.6

Method = Literal["rapl", "ina3221", "battery"]


class Meter(Protocol):
    """Something that counts joules."""

    method: Method
    scope: str
    """Of what: `processor package`, `module`, `whole machine`."""

    def joules(self) -> float:
        """Counted so far."""
        ...

    def close(self) -> None:
        """Stop counting."""
        ...


class RaplMeter:
    """The energy counters of all processor packages, which wrap around."""

    method: Method = "rapl"
    scope = "processor package"

    def __init__(self, zones: list[Path]) -> None:
        self._zones = zones
        self._last = [number_of(zone / "energy_uj") or 0 for zone in zones]
        self._range = [number_of(zone / "max_energy_range_uj") or 2**32 for zone in zones]
        self._total_uj = 0

    def joules(self) -> float:
        """Counted since this object was made."""
        for index, zone in enumerate(self._zones):
            now = number_of(zone / "energy_uj")
            if now is not None:
                grown = now - self._last[index]
                self._total_uj += grown if grown >= 0 else grown + self._range[index]
                self._last[index] = now
        return self._total_uj * 1e-6

    def close(self) -> None:
        """Nothing runs."""


class SampledMeter:
    """Power read ten times a second, and summed up to energy."""

    def __init__(self, method: Method, scope: str, watts: Callable[[], float | None]) -> None:
        self.method: Method = method
        self.scope = scope
        self._watts = watts
        self._lock = threading.Lock()
        self._joules = 0.0
        self._power, self._at = watts() or 0.0, time.monotonic()
        self.seen = {self._power}
        """Every power that was read: one alone is a constant, not a measurement."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def _sample(self) -> None:
        while not self._stop.wait(_SAMPLING_S):
            self.joules()

    def joules(self) -> float:
        """Counted since this object was made, by the trapezoidal rule."""
        with self._lock:
            power, now = self._watts(), time.monotonic()
            if power is not None:
                self._joules += (power + self._power) / 2 * (now - self._at)
                self._power, self._at = power, now
                self.seen.add(power)
            return self._joules

    def close(self) -> None:
        """End the sampling."""
        self._stop.set()
        self._thread.join()


@dataclass(frozen=True)
class Energy:
    """What a call took, or why that is not known."""

    method: Method | Literal["unavailable"]
    joules_per_record: float | None = None
    """Everything the counter counted, over the records made meanwhile."""
    above_idle_joules_per_record: float | None = None
    """Less what the machine takes when it does nothing; None where nothing is left, so that it was not seen to rest."""
    idle_watts: float | None = None
    scope: str | None = None
    reason: str | None = None
    """Why there is none."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass
class EnergyBook:
    """A counter, what it showed of the idle machine, and what each contender took."""

    meter: Meter | None
    idle_watts: float | None = None
    reason: str | None = None
    _joules: dict[int, float] = field(default_factory=dict)
    _seconds: dict[int, float] = field(default_factory=dict)
    _records: dict[int, int] = field(default_factory=dict)

    def add(self, contender: int, joules: float, seconds: float, records: int) -> None:
        """Write down one block of a contender."""
        for book, amount in ((self._joules, joules), (self._seconds, seconds)):
            book[contender] = book.get(contender, 0.0) + amount
        self._records[contender] = self._records.get(contender, 0) + records

    def of(self, contender: int) -> Energy:
        """What a record of this contender took."""
        records = self._records.get(contender, 0)
        if self.meter is None or self.idle_watts is None or not records:
            return Energy("unavailable", reason=self.reason or "no block was measured")
        joules = self._joules[contender]
        if joules <= 0:
            return Energy("unavailable", reason=f"the {self.meter.method} counter did not move while it worked")
        above = joules - self.idle_watts * self._seconds[contender]
        return Energy(
            self.meter.method,
            joules / records,
            above / records if above > 0 else None,
            self.idle_watts,
            self.meter.scope,
            None if above > 0 else "the machine took no more than idle: something else ran while it was to rest",
        )


def find_meter(root: Path = _ROOT) -> Meter | str:
    """The best counter there is, or why there is none."""
    tried = []
    for name, find in (("RAPL", _rapl), ("INA3221", _ina3221), ("battery", _battery)):
        found = find(root)
        if not isinstance(found, str):
            return found
        tried.append(f"{name}: {found}")
    return "; ".join(tried)


def open_book(root: Path = _ROOT, *, trial_s: float = _TRIAL_S) -> EnergyBook:
    """Find a counter and put it to the test: it must move, and show more for a busy machine than a constant would.

    Args:
        root: Of the file system.
        trial_s: How long the machine idles, and works, for the test; in seconds.
    """
    meter = find_meter(root)
    if isinstance(meter, str):
        return EnergyBook(None, reason=meter)
    begun = meter.joules()
    time.sleep(trial_s)
    idle = meter.joules() - begun
    end = time.monotonic() + trial_s
    while time.monotonic() < end:
        sum(range(1000))
    busy = meter.joules() - begun - idle
    reason = None
    if idle <= 0 or busy <= 0:
        reason = f"the {meter.method} counter shows no energy ({idle:.3g} J idle, {busy:.3g} J at work): not believed"
    elif isinstance(meter, SampledMeter) and len(meter.seen) == 1:
        reason = f"the {meter.method} sensor shows a constant {meter.seen.pop():.3g} W, idle or at work: not believed"
    if reason:
        meter.close()
        return EnergyBook(None, reason=reason)
    return EnergyBook(meter, idle_watts=idle / trial_s)


def _rapl(root: Path) -> Meter | str:
    zones = [
        zone
        for zone in sorted((root / "sys/class/powercap").glob("intel-rapl:*"))
        if text_of(zone / "name").startswith("package")
    ]
    if not zones:
        return "no powercap package zone"
    if any(number_of(zone / "energy_uj") is None for zone in zones):
        return "energy_uj may be read by root only"
    return RaplMeter(zones)


def _ina3221(root: Path) -> Meter | str:
    for monitor in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        if text_of(monitor / "name") != "ina3221":
            continue
        for label in sorted(monitor.glob("in*_label")):
            if text_of(label) in BOARD_RAILS:
                number = label.name.removeprefix("in").removesuffix("_label")
                rail = (monitor / f"in{number}_input", monitor / f"curr{number}_input")
                return SampledMeter("ina3221", "module", functools.partial(_product, *rail, 1e-6))
    return "no rail of a Jetson's total power"


def _battery(root: Path) -> Meter | str:
    for supply in sorted((root / "sys/class/power_supply").glob("*")):
        if text_of(supply / "type") != "Battery" or text_of(supply / "scope") == "Device":
            continue
        if text_of(supply / "status") != "Discharging":
            return "the machine does not run on its battery"
        if number_of(supply / "power_now") is not None:
            return SampledMeter("battery", "whole machine", functools.partial(_scaled, supply / "power_now"))
        watts = functools.partial(_product, supply / "voltage_now", supply / "current_now", 1e-12)
        if watts() is not None:
            return SampledMeter("battery", "whole machine", watts)
        return "it does not tell its power"
    return "none"


def _scaled(file: Path) -> float | None:
    microwatts = number_of(file)
    return None if microwatts is None else abs(microwatts) * 1e-6


def _product(one: Path, other: Path, scale: float) -> float | None:
    left, right = number_of(one), number_of(other)
    return None if left is None or right is None else abs(left * right) * scale
