"""What else the machine did while it was measured: who took the processor, what slowed it down. Linux tells.

A counter that is absent is None, and the report says so: nothing here is guessed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...devices.files import number_of, text_of

_ROOT = Path("/")
_QUOTA = "cpu.cfs_quota_us"


@dataclass(frozen=True)
class Reading:
    """Counters of the machine and of this process at one moment; None where the system has none."""

    steal_ticks: int | None
    """Time that the hypervisor gave to others, and all time of all cores, in the system's ticks."""
    all_ticks: int | None
    throttled_ns: int | None
    """Time that this control group was stopped for having used up its share."""
    heat_events: int | None
    """How often the processor has slowed itself down for heat or power; a count that only grows."""
    held_back: bool | None
    """Whether something holds the processor back now, for heat or power: a cooling device, or the firmware."""
    khz: int | None
    """Clock of the fastest core, as the driver of clock frequencies tells it."""
    celsius: float | None
    """The hottest sensor."""
    voluntary_switches: int | None
    involuntary_switches: int | None


@dataclass(frozen=True)
class Disturbance:
    """What happened between readings, summed over the blocks of one contender."""

    steal_share: float | None
    throttled_ms: float | None
    heat_events: int | None
    """Slowings for heat or power that were counted, and readings at which the processor was held back for it."""
    khz_low: int | None
    khz_high: int | None
    celsius_first: float | None
    celsius_last: float | None
    voluntary_switches: int | None
    involuntary_switches: int | None

    @property
    def frequency_change(self) -> float | None:
        """By which share the clock fell below its highest."""
        if not self.khz_high or self.khz_low is None:
            return None
        return 1 - self.khz_low / self.khz_high


def read_conditions(root: Path = _ROOT) -> Reading:
    """Read all counters now; some tenths of a millisecond."""
    steal, ticks = _steal(root)
    voluntary, involuntary = _switches()
    return Reading(
        steal_ticks=steal,
        all_ticks=ticks,
        throttled_ns=_throttled_ns(root),
        heat_events=_heat_events(root),
        held_back=_held_back(root),
        khz=_khz(root),
        celsius=_celsius(root),
        voluntary_switches=voluntary,
        involuntary_switches=involuntary,
    )


def disturbance(pairs: list[tuple[Reading, Reading]]) -> Disturbance:
    """Sum up what happened between each first and second reading."""
    events = _grown(pairs, "heat_events")
    # Who is held back before and after a block saw no change, and was slow all the time.
    held = [reading.held_back for pair in pairs for reading in pair if reading.held_back is not None]
    steal = _grown(pairs, "steal_ticks")
    ticks = _grown(pairs, "all_ticks")
    throttled = _grown(pairs, "throttled_ns")
    clocks = [r.khz for pair in pairs for r in pair if r.khz is not None]
    heat = [r.celsius for pair in pairs for r in pair if r.celsius is not None]
    return Disturbance(
        steal_share=None if steal is None or not ticks else steal / ticks,
        throttled_ms=None if throttled is None else throttled / 1e6,
        heat_events=None if events is None and not held else (events or 0) + sum(held),
        khz_low=min(clocks, default=None),
        khz_high=max(clocks, default=None),
        celsius_first=heat[0] if heat else None,
        celsius_last=heat[-1] if heat else None,
        voluntary_switches=_grown(pairs, "voluntary_switches"),
        involuntary_switches=_grown(pairs, "involuntary_switches"),
    )


def _grown(pairs: list[tuple[Reading, Reading]], name: str) -> int | None:
    total = 0
    for before, after in pairs:
        first, last = getattr(before, name), getattr(after, name)
        if first is None or last is None:
            return None
        total += last - first
    return total


def _steal(root: Path) -> tuple[int | None, int | None]:
    """From /proc/stat: `cpu user nice system idle iowait irq softirq steal guest …`; guest time is in user time."""
    numbers = text_of(root / "proc/stat").partition("\n")[0].split()[1:9]
    if len(numbers) < 8:
        return None, None
    ticks = [int(number) for number in numbers]
    return ticks[7], sum(ticks)


def _throttled_ns(root: Path) -> int | None:
    """Summed over the control group and those above it: each counts what its own quota did, and all stop us."""
    told = [re.search(r"^throttled_(time|usec) (\d+)$", text_of(g / "cpu.stat"), re.M) for g in _control_groups(root)]
    stopped = [int(found[2]) * (1 if found[1] == "time" else 1000) for found in told if found]
    return sum(stopped) if stopped else None


def _control_groups(root: Path) -> list[Path]:
    """Folders of the control group that rules this process's processor time, and of those above it."""
    for line in (text_of(root / "proc/self/cgroup") or "0::/\n1:cpu,cpuacct:/").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        # Of version 1 two names of the same folder are usual, of which a container may have either.
        for top in (root / "sys/fs/cgroup" / name for name in ((controllers, "cpu") if controllers else ("",))):
            group = top / path.lstrip("/")  # a container may not see its own path, and then has that of the top alone
            groups = [folder for folder in (group, *group.parents) if folder.is_relative_to(top) and folder.is_dir()]
            if any((folder / name).exists() for folder in groups for name in ("cpu.max", "cpu.stat", _QUOTA)):
                return groups
    return []


def _heat_events(root: Path) -> int | None:
    cpus = (root / "sys/devices/system/cpu").glob("cpu[0-9]*/thermal_throttle/*_throttle_count")
    counts = [count for count in map(number_of, cpus) if count is not None]
    return sum(counts) if counts else None


def _held_back(root: Path) -> bool | None:
    coolers = (root / "sys/class/thermal").glob("cooling_device*")
    states = [number_of(c / "cur_state") for c in coolers if "cpu" in text_of(c / "type").lower()]
    # Raspberry Pi: a mask, of which the lowest four bits tell of now, and others of what was since it was started.
    firmware = text_of(root / "sys/devices/platform/soc/soc:firmware/get_throttled")
    if firmware:
        with contextlib.suppress(ValueError):
            states.append(int(firmware, 16) & 0xF)
    known = [state > 0 for state in states if state is not None]
    return any(known) if known else None


def _khz(root: Path) -> int | None:
    files = (root / "sys/devices/system/cpu/cpufreq").glob("policy*/scaling_cur_freq")
    return max((khz for khz in map(number_of, files) if khz), default=None)


def _celsius(root: Path) -> float | None:
    millis = [number_of(file) for file in (root / "sys/class/thermal").glob("thermal_zone*/temp")]
    plausible = [value / 1000 for value in millis if value is not None and 1_000 <= value <= 130_000]
    return max(plausible, default=None)


def _switches() -> tuple[int | None, int | None]:
    if sys.platform == "win32":
        return None, None
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_nvcsw, usage.ru_nivcsw


def peak_memory_bytes() -> int | None:
    """The most memory this process has held so far (resident set); None where the system does not tell."""
    # What Linux gives as `ru_maxrss` may be that of the process that started this one.
    found = re.search(r"^VmHWM:\s+(\d+) kB", text_of(_ROOT / "proc/self/status"), re.MULTILINE)
    if found:
        return int(found[1]) * 1024
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def power_mode(root: Path = _ROOT) -> dict[str, str]:
    """What decides how fast the machine may run, by name; empty where the system tells nothing.

    Numbers may only be compared between machines in the same mode.
    """
    cpufreq = root / "sys/devices/system/cpu/cpu0/cpufreq"
    found = {
        "nvpmodel": _nvpmodel(root),
        "platform_profile": text_of(root / "sys/firmware/acpi/platform_profile"),
        "governor": text_of(cpufreq / "scaling_governor"),
        "energy_preference": text_of(cpufreq / "energy_performance_preference"),
        "supply": _supply(root),
    }
    return {name: value for name, value in found.items() if value}


def _nvpmodel(root: Path) -> str:
    """The mode's name of a Jetson: its number means another mode on another board."""
    status = re.search(r"(\d+)", text_of(root / "var/lib/nvpmodel/status"))
    if not status:
        return ""
    names = re.findall(r"<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+?)\s*>", text_of(root / "etc/nvpmodel.conf"))
    return next((name for number, name in names if int(number) == int(status[1])), "")


def _supply(root: Path) -> str:
    supplies = list((root / "sys/class/power_supply").glob("*"))
    mains = [s for s in supplies if text_of(s / "type") in ("Mains", "USB") and number_of(s / "online") == 1]
    # A wireless mouse has a battery, too.
    batteries = [s for s in supplies if text_of(s / "type") == "Battery" and text_of(s / "scope") != "Device"]
    if mains:
        return "mains"
    return "battery" if any(text_of(s / "status") == "Discharging" for s in batteries) else ""


def cpu_quota(root: Path = _ROOT) -> float | None:
    """Cores that the control group, and all above it, may use at most; None where it is not limited."""
    return min((quota for quota in map(_quota, _control_groups(root)) if quota is not None), default=None)


def _quota(group: Path) -> float | None:
    maximum = text_of(group / "cpu.max").split()
    if len(maximum) == 2 and maximum[0] != "max":
        return int(maximum[0]) / int(maximum[1])
    quota, period = number_of(group / _QUOTA), number_of(group / "cpu.cfs_period_us")
    return quota / period if quota and period and quota > 0 else None


def surroundings(root: Path = _ROOT) -> dict[str, Any]:
    """What the run was made under, for the report; plain JSON values, null where the system does not tell."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "power_mode": power_mode(root),
        "load_average_1min": load,
        "cpu_quota_cores": cpu_quota(root),
        "affinity": sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else None,
        "autogroup": text_of(root / "proc/sys/kernel/sched_autogroup_enabled") == "1" or None,
        "garbage_collection": gc.isenabled(),
    }


def take_priority(root: Path = _ROOT) -> str:
    """Ask the system to prefer this process's session to others; returns what came of it, in words."""
    if sys.platform != "linux":
        return "not asked for: this system has no autogroups"
    # Under autogroups a process's own nice value counts only within its session.
    try:
        (root / "proc/self/autogroup").write_text("-20", encoding="ascii")
        os.setpriority(os.PRIO_PROCESS, 0, -20)
    except OSError as error:
        return f"not given: {error.strerror}"
    return "nice -20, of the session and of the process"
