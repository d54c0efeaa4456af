"""Draft a profile of this machine: what its files tell, how fast it was measured to be, which sensors to believe."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from ...devices import this_host
from ...devices.hardware import ROOT, Hardware, read_hardware
from ...devices.profile import Capability, DeviceFigure, DeviceProfile, Source
from ...devices.software import Version, read_software
from ...devices.suggestion import suggestions
from ...runtime.installed_version import version_of
from ...runtime.provenance import edgeward_version
from .conditions import power_mode
from .machine_speed import Speed, copy_speed, product_speed
from .sensors import watch_sensors

_SOURCE = "probe"
_IDLE_S = 1.0
_HOW = (
    "Speeds are by processor time, so that other programs do not count; those of all cores are the sum over cores that "
    "work at once, each by itself. They are what the engine reaches with large matrices, a little less than the peaks "
    "that other profiles tell. Multiply and add count as two; int8 is unsigned by signed bytes."
)

Speeds = Mapping[str, Speed]
"""By the name of a profile's figure."""


def draft_profile(
    root: Path = ROOT,
    *,
    measure: Callable[[Hardware], Speeds] | None = None,
    version: Version = version_of,
    today: datetime.date | None = None,
    idle_s: float = _IDLE_S,
) -> DeviceProfile:
    """A profile of the machine whose files lie below `root`; takes some seconds, and no name of it or its owner.

    Args:
        root: Of the file system.
        measure: Its speeds; None: `measured_speeds`.
        version: Of an installed package.
        today: None: by the system's clock.
        idle_s: How long sensors are looked at before the work begins.
    """
    hardware = read_hardware(root)
    speeds, capabilities = watch_sensors(root, lambda: (measure or measured_speeds)(hardware), idle_s=idle_s)
    draft = DeviceProfile(
        id=_slug(hardware.name),
        name=hardware.name,
        form=hardware.form,
        cpu=hardware.cpu,
        cpu_class=hardware.cpu_class,
        vector_bits=hardware.vector_bits,
        advice="",
        figures=_figures(hardware, speeds),
        sources=(_source(version, today or datetime.date.today()),),
        notes=(_HOW, "A draft: give it a name, and add what its vendor tells."),
        features=hardware.features,
        capabilities=(
            *capabilities,
            Capability("vector width", "estimated", method="from class and name of the processor"),
        ),
        software=_software(root, hardware, version),
        probed_under=power_mode(root),
    )
    return replace(draft, advice=_advice(draft))


def measured_speeds(hardware: Hardware) -> dict[str, Speed]:
    """Of one core, of all at once, and of memory; some seconds of work."""
    cores = hardware.physical_cores or this_host().logical_cores
    cache = None if hardware.last_cache_kib is None else 1024 * hardware.last_cache_kib
    memory = None if hardware.memory_gib is None else int(hardware.memory_gib * 2**30)
    return {
        "fp32_gflops_core": product_speed(int8=False),
        "fp32_gflops": product_speed(int8=False, cores=cores),
        "int8_gops_core": product_speed(int8=True),
        "int8_gops": product_speed(int8=True, cores=cores),
        "memory_gb_s": copy_speed(cores, cache, memory),
    }


def _figures(hardware: Hardware, speeds: Speeds) -> dict[str, DeviceFigure]:
    told = {
        "cores": (hardware.physical_cores, "as the system tells them apart"),
        "threads": (hardware.logical_cores, "as the system lists"),
        "clock_mhz": (hardware.clock_mhz, "cpufreq's highest"),
        "memory_gib": (hardware.memory_gib and round(hardware.memory_gib, 2), "what the kernel may use"),
        "l1_cache_kib": (hardware.l1_cache_kib, "of the first core, as the system tells"),
        "l2_cache_kib": (hardware.l2_cache_kib, "of the first core, as the system tells"),
        "last_cache_kib": (hardware.last_cache_kib, "of the first core, as the system tells"),
    }
    figures = {
        name: DeviceFigure(value, "measured", _SOURCE, note)
        for name, (value, note) in told.items()
        if value is not None
    }
    for name, speed in speeds.items():
        note = f"{speed.method}; median {_rounded(speed.median):g}"
        figures[name] = DeviceFigure(_rounded(speed.best), "measured", _SOURCE, note)
    return figures


def _rounded(value: float) -> float:
    """Four digits: more were noise."""
    return float(f"{value:.4g}")


def _source(version: Version, today: datetime.date) -> Source:
    libraries = ", ".join(f"{name} {version(name) or 'of unknown version'}" for name in ("onnxruntime", "numpy"))
    return Source(
        _SOURCE, f"edgeward devices probe, edgeward {edgeward_version()}, {libraries}", "this machine", str(today)
    )


def _software(root: Path, hardware: Hardware, version: Version) -> dict[str, str]:
    found = read_software(root, hardware.jetson, version)
    if hardware.jetson and hardware.jetson.module:
        found["jetson module"] = hardware.jetson.module
    return found


def _advice(profile: DeviceProfile) -> str:
    first = suggestions(profile)[0]
    return f"{' or '.join(first.engines)}, {' or '.join(first.precisions)}, by the figures measured here."


def _slug(name: str) -> str:
    return re.sub("[^a-z0-9]+", "-", re.sub(r"\((?:R|TM|\d+)\)", "", name).lower()).strip("-") or "this-machine"
