"""Which sensors of this machine may be believed: they exist, can be read, change under load, and are plausible."""

from __future__ import annotations

import contextlib
import functools
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from ...devices.files import number_of, text_of
from ...devices.profile import Capability
from .energy import open_book

_EVERY_S = 0.1
_COLDEST_C, _HOTTEST_C = 1.0, 130.0
_SLOWEST_MHZ, _FASTEST_MHZ = 50.0, 10_000.0
_LEAST_W, _MOST_W = 0.05, 2_000.0

Read = Callable[[], "float | None"]
Result = TypeVar("Result")


class _Sensor:
    """One thing that is read again and again."""

    def __init__(self, name: str, unit: str, method: str, bounds: tuple[float, float], read: Read) -> None:
        self.name, self.unit, self.method, self.bounds = name, unit, method, bounds
        self._read = read
        self._seen: list[float | None] = []

    def look(self) -> None:
        self._seen.append(self._read())

    def judge(self) -> Capability:
        """What all readings, of the idle machine and under load, say about the sensor."""
        values = [value for value in self._seen if value is not None]
        low, high = self.bounds
        if not values or len(values) < len(self._seen):
            return self._unavailable("it cannot be read" if not values else "it could not always be read")
        if not all(low <= value <= high for value in values):
            wrong = next(value for value in values if not low <= value <= high)
            return self._unavailable(f"{wrong:g} {self.unit} is not plausible")
        if len(set(values)) == 1:
            return self._unavailable(f"a constant {values[0]:g} {self.unit}, idle and at work: not believed")
        told = f"{self.method}; {min(values):g} to {max(values):g} {self.unit} while probed"
        return Capability(self.name, "measured", method=told)

    def _unavailable(self, reason: str) -> Capability:
        return Capability(self.name, "unavailable", reason=f"{self.method}: {reason}")


def watch_sensors(root: Path, load: Callable[[], Result], *, idle_s: float) -> tuple[Result, tuple[Capability, ...]]:
    """Read temperatures and the clock while the machine idles and while it works; then put its power to the test.

    Args:
        root: Of the file system.
        load: Work that keeps the processor busy for some seconds.
        idle_s: How long to look before.

    Returns:
        What the work gave, and what is believed of which sensor.
    """
    sensors = [*_temperatures(root), *_clocks(root)]
    with _looked_at(sensors):
        threading.Event().wait(idle_s)
        result = load()
    found = [sensor.judge() for sensor in sensors]
    for name, reason in (("temperature", "no thermal zone"), ("clock", "neither cpufreq nor /proc/cpuinfo tells it")):
        if not any(capability.name.startswith(name) for capability in found):
            found.append(Capability(name, "unavailable", reason=reason))
    return result, (*found, power_capability(root))


def power_capability(root: Path) -> Capability:
    """Of the best counter of energy, by `energy`'s own test: idle and at work."""
    book = open_book(root)
    if book.meter is None or book.idle_watts is None:
        return Capability("power", "unavailable", reason=book.reason or "no counter")
    with contextlib.closing(book.meter) as meter:
        if not _LEAST_W <= book.idle_watts <= _MOST_W:
            return Capability(
                "power", "unavailable", reason=f"{meter.method}: {book.idle_watts:.3g} W idle is not plausible"
            )
        return Capability("power", "measured", method=f"{meter.method}, {meter.scope}; {book.idle_watts:.3g} W idle")


@contextlib.contextmanager
def _looked_at(sensors: list[_Sensor]) -> Iterator[None]:
    """All of them are read before the block begins, ten times a second while it lasts, and when it has ended."""
    over = threading.Event()

    def look() -> None:
        for sensor in sensors:
            sensor.look()

    def keep_looking() -> None:
        while not over.wait(_EVERY_S):
            look()

    look()
    watcher = threading.Thread(target=keep_looking, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        look()


def _temperatures(root: Path) -> Iterator[_Sensor]:
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        name = f"temperature {text_of(zone / 'type') or zone.name}"
        yield _Sensor(name, "°C", zone.name, (_COLDEST_C, _HOTTEST_C), functools.partial(_milli, zone / "temp"))


def _clocks(root: Path) -> Iterator[_Sensor]:
    policies = sorted((root / "sys/devices/system/cpu/cpufreq").glob("policy*/scaling_cur_freq"))
    bounds = (_SLOWEST_MHZ, _FASTEST_MHZ)
    if policies:
        yield _Sensor("clock", "MHz", "cpufreq, the fastest core", bounds, lambda: _fastest(policies))
    elif _cpuinfo_mhz(root) is not None:
        yield _Sensor("clock", "MHz", "/proc/cpuinfo, the fastest core", bounds, lambda: _cpuinfo_mhz(root))


def _milli(file: Path) -> float | None:
    value = number_of(file)
    return None if value is None else value / 1000


def _fastest(files: list[Path]) -> float | None:
    return max((mhz for mhz in map(_milli, files) if mhz is not None), default=None)


def _cpuinfo_mhz(root: Path) -> float | None:
    told = re.findall(r"^cpu MHz\s*:\s*([\d.]+)", text_of(root / "proc/cpuinfo"), re.MULTILINE)
    return max(map(float, told), default=None)
