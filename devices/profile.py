"""Profiles of machines one may run on: what is known of each, of which kind every figure is, and where it was read.

What is not known is absent. Standard library only (and tomli on Python 3.10), as everything on this floor.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

from .toml import tomllib

SCHEMA = 1
_SHIPPED = resources.files(__package__).joinpath("profiles")

Kind = Literal["measured", "vendor", "derived", "estimate"]
"""How a figure came about. `measured`: on that machine or one with the same chip. `vendor`: told by who makes it.
`derived`: computed from such figures, the note says how. `estimate`: judged, the note says from what."""

FIGURES = {
    "cores": ("cores", ""),
    "threads": ("threads the cores run at once", ""),
    "clock_mhz": ("highest clock of a core", "MHz"),
    "fp32_gflops_core": ("float, one core", "GFLOPS"),
    "fp32_gflops": ("float, all cores", "GFLOPS"),
    "int8_gops_core": ("int8, one core", "GOPS"),
    "int8_gops": ("int8, all cores", "GOPS"),
    "memory_gib": ("memory", "GiB"),
    "memory_gb_s": ("memory bandwidth", "GB/s"),
    "l1_cache_kib": ("first cache, data, one core", "KiB"),
    "l2_cache_kib": ("second cache", "KiB"),
    "last_cache_kib": ("last cache", "KiB"),
    "gpu_sparse_int8_tops": ("GPU and accelerators, sparse int8", "TOPS"),
    "power_w": ("power", "W"),
    "throttles_c": ("slows down from", "°C"),
}
"""Title and unit of each figure a profile may hold. Multiply and add count as two operations."""


class ProfileError(ValueError):
    """A device is not known, or a profile makes no sense; the message says what to do."""


@dataclass(frozen=True)
class Source:
    """Where a figure was read."""

    id: str
    title: str
    url: str
    read: str
    """Date, as YYYY-MM-DD."""


@dataclass(frozen=True)
class DeviceFigure:
    """One number about a machine."""

    value: float
    kind: Kind
    source: str
    """Id of a `Source` of the profile."""
    note: str = ""


@dataclass(frozen=True)
class PowerMode:
    """One of the modes a machine can be put in, known by its name: numbers differ from system to system."""

    name: str
    cores: int
    source: str
    cpu_mhz: float | None = None
    """None: as fast as the chip goes."""
    gpu_mhz: float | None = None
    default: bool = False


Status = Literal["measured", "estimated", "unavailable"]


@dataclass(frozen=True)
class Capability:
    """Whether a machine tells something about itself, as its temperature or its power, and whether that is believed."""

    name: str
    status: Status
    """`measured`: it exists, can be read, changed under load and was plausible."""
    method: str = ""
    """How it is measured, or estimated."""
    reason: str = ""
    """Why it is unavailable."""


@dataclass(frozen=True)
class Emulation:
    """How qemu shows a machine's processor: it proves that results are right there, and nothing about their speed."""

    qemu_cpu: str
    """As `qemu-aarch64 -cpu help` lists them."""
    cpu_part: str
    """ARM's number of the core, as in /proc/cpuinfo, e.g. `0xd08`."""
    features: str
    """As in /proc/cpuinfo, and no more than qemu's processor knows."""
    fidelity: Literal["correctness-only"]
    source: str
    """Of the number of the core."""
    note: str = ""


@dataclass(frozen=True)
class DeviceProfile:
    """What is known of one machine."""

    id: str
    name: str
    form: str
    """`board`, `module`, `mini-PC`, `laptop` or `tablet`."""
    cpu: str
    cpu_class: str
    """As `Host.cpu_class`: architecture and strongest INT8 instruction set."""
    vector_bits: int
    """Width of the unit that multiplies and adds: 128 on ARM and on Intel's efficient cores, even where programs
    may ask for 256."""
    advice: str
    """Which engine and precision suit it, and why: a judgement, to be confirmed by measuring."""
    figures: Mapping[str, DeviceFigure]
    """By the names of `FIGURES`."""
    sources: tuple[Source, ...]
    power_modes: tuple[PowerMode, ...] = ()
    notes: tuple[str, ...] = ()
    emulate: Emulation | None = None
    """None: there is no emulated one."""
    features: tuple[str, ...] = ()
    """Instruction sets that matter to networks, by the names of /proc/cpuinfo; empty: not listed."""
    capabilities: tuple[Capability, ...] = ()
    """Of a machine that was probed."""
    software: Mapping[str, str] = field(default_factory=dict)
    """Name and version of what was installed when it was probed."""
    probed_under: Mapping[str, str] = field(default_factory=dict)
    """What decided how fast it ran when it was probed, e.g. `governor`, `nvpmodel`."""

    def value(self, figure: str) -> float | None:
        """A figure's number; None where it is not known."""
        known = self.figures.get(figure)
        return None if known is None else known.value

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def device_names() -> list[str]:
    """Ids of the profiles that come with Edgeward, in alphabetical order."""
    return sorted(file.name.removesuffix(".toml") for file in _SHIPPED.iterdir() if file.name.endswith(".toml"))


def device_profile(device: str | Path) -> DeviceProfile:
    """Read a profile by its id, or from a TOML file of one's own.

    Raises:
        ProfileError: There is none of that name, or it makes no sense.
    """
    names = device_names()
    file = _SHIPPED.joinpath(f"{device}.toml") if str(device) in names else Path(device)
    if str(device) not in names and Path(device).suffix != ".toml":
        raise ProfileError(f"no device is called {str(device)!r}; {_hint(str(device), names)}")
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(f"profile {device} cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"profile {device} is not valid TOML: {error}") from error
    return profile_from_mapping(values, str(device))


def profile_from_mapping(values: Mapping[str, Any], where: str) -> DeviceProfile:
    """Check the values of a profile.

    Raises:
        ProfileError: A field is missing, unknown, or makes no sense; a figure has no kind or no source that is listed.
    """
    if values.get("schema") != SCHEMA:
        raise ProfileError(f"profile {where}: schema is {values.get('schema')!r}, and this release reads {SCHEMA}")
    plain = {
        name: value for name, value in values.items() if name not in ("schema", "source", "power_mode", "capability")
    }
    try:
        profile = DeviceProfile(
            **{
                **plain,
                "figures": {name: DeviceFigure(**figure) for name, figure in values["figures"].items()},
                "sources": tuple(Source(**source) for source in values["source"]),
                "power_modes": tuple(PowerMode(**mode) for mode in values.get("power_mode", ())),
                "notes": tuple(values.get("notes", ())),
                "emulate": Emulation(**values["emulate"]) if "emulate" in values else None,
                "features": tuple(values.get("features", ())),
                "capabilities": tuple(Capability(**one) for one in values.get("capability", ())),
            }
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ProfileError(f"profile {where}: {error}") from error
    try:
        _check(profile)
    except ProfileError as error:
        raise ProfileError(f"profile {where}: {error}") from error
    return profile


def _check(profile: DeviceProfile) -> None:
    listed = [source.id for source in profile.sources]
    if len(set(listed)) != len(listed):
        raise ProfileError("two sources have the same id")
    for name, figure in profile.figures.items():
        if name not in FIGURES:
            raise ProfileError(f"figure {name} is not known; it is one of {', '.join(FIGURES)}")
        if isinstance(figure.value, bool) or not isinstance(figure.value, int | float):
            raise ProfileError(f"{name} must be a number, not {figure.value!r}")
        if not 0 < figure.value < math.inf:
            raise ProfileError(f"{name} = {figure.value} makes no sense")
        if figure.kind not in get_args(Kind):
            raise ProfileError(f"{name}: kind must be one of {', '.join(get_args(Kind))}, not {figure.kind!r}")
        if figure.kind in ("derived", "estimate") and not figure.note:
            raise ProfileError(f"{name} is {figure.kind}, and its note must say from what")
    for one in profile.capabilities:
        _check_capability(one)
    used = {figure.source for figure in profile.figures.values()} | {mode.source for mode in profile.power_modes}
    if profile.emulate:
        used.add(profile.emulate.source)
        _check_emulation(profile.emulate)
    if unknown := used - set(listed):
        raise ProfileError(f"sources {sorted(unknown)} are not listed")
    if unused := set(listed) - used:
        raise ProfileError(f"sources {sorted(unused)} are listed, and no figure is from them")
    if profile.vector_bits not in (128, 256, 512):
        raise ProfileError(f"vector_bits must be 128, 256 or 512, not {profile.vector_bits!r}")


def _check_emulation(emulation: Emulation) -> None:
    if emulation.fidelity != "correctness-only":
        raise ProfileError(f"emulate.fidelity is {emulation.fidelity!r}; emulation is correctness-only")
    if not re.fullmatch("0x[0-9a-f]{3}", emulation.cpu_part):
        raise ProfileError(f"emulate.cpu_part must be like 0xd08, not {emulation.cpu_part!r}")
    if not re.fullmatch(r"[a-z0-9]+( [a-z0-9]+)*", emulation.features):
        raise ProfileError(f"emulate.features must be names with a blank between, not {emulation.features!r}")


def _check_capability(one: Capability) -> None:
    if one.status not in get_args(Status):
        raise ProfileError(f"{one.name}: status must be one of {', '.join(get_args(Status))}, not {one.status!r}")
    if not (one.reason if one.status == "unavailable" else one.method):
        missing = "reason" if one.status == "unavailable" else "method"
        raise ProfileError(f"{one.name} is {one.status}, and has no {missing}")


def _hint(device: str, names: list[str]) -> str:
    near = difflib.get_close_matches(device.lower().replace(" ", "-").replace("_", "-"), names, n=3, cutoff=0.4)
    near += [name for name in names if device and device.lower() in name and name not in near]
    if near:
        return f"did you mean {', '.join(near[:4])}? All: edgeward devices list"
    return f"it is one of {', '.join(names)}, or a TOML file"
