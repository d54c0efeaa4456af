"""Describe the machine we run on: processor, instruction sets that decide INT8 speed, cores, memory."""

from __future__ import annotations

import functools
import os
import platform
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from .files import text_of

# Instruction sets that change how INT8 is computed, strongest first; names as in /proc/cpuinfo.
_INT8_FEATURES = {
    "x86_64": (
        ("avx512_vnni", "avx512-vnni"),
        ("avx_vnni", "avx-vnni"),
        ("avx512f", "avx512"),
        ("avx2", "avx2"),
    ),
    "aarch64": (("i8mm", "i8mm"), ("asimddp", "dotprod")),
}
_BF16_FEATURES = {"avx512_bf16", "amx_bf16", "bf16"}
_ARCHITECTURES = {"amd64": "x86_64", "x86-64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True)
class Host:
    """One machine, without anything that names its owner or its place."""

    cpu: str
    """Model name as the system gives it."""
    architecture: str
    """`x86_64`, `aarch64`, …"""
    cpu_class: str
    """Architecture and its strongest INT8 instruction set, e.g. `x86_64-avx512-vnni`. Results of INT8 models
    are expected to agree closely within a class."""
    logical_cores: int
    """Cores this process may use."""
    memory_bytes: int | None
    """Physical memory; None where the system does not tell."""
    system: str
    """Operating system and release."""
    python: str
    native_bf16: bool
    """Whether the processor multiplies bfloat16 itself; where it does not, bfloat16 is slower than float32."""

    def to_json(self) -> dict[str, str | int | bool | None]:
        """Plain JSON values."""
        return asdict(self)


@functools.cache
def this_host() -> Host:
    """Describe this machine (read once a process)."""
    architecture = architecture_of(platform.machine())
    cpuinfo = text_of(Path("/proc/cpuinfo"))
    return Host(
        cpu=cpuinfo_field(cpuinfo, ("model name", "Model")) or platform.processor() or architecture,
        architecture=architecture,
        cpu_class=cpu_class(architecture, cpuinfo),
        logical_cores=_usable_cores(),
        memory_bytes=_memory_bytes(),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        native_bf16=not _BF16_FEATURES.isdisjoint(features_of(cpuinfo)),
    )


def architecture_of(machine: str) -> str:
    """One name for each of what systems call by several."""
    return _ARCHITECTURES.get(machine.lower(), machine.lower())


def cpu_class(architecture: str, cpuinfo: str) -> str:
    """Name the CPU class from the text of /proc/cpuinfo (empty where there is none)."""
    features = features_of(cpuinfo)
    for feature, label in _INT8_FEATURES.get(architecture, ()):
        if feature in features:
            return f"{architecture}-{label}"
    return architecture


def vector_bits(cpu_class: str, cpu: str) -> int:
    """Width of the unit that multiplies and adds, judged from the class and the name of a processor.

    AMD's Zen 4 and Intel's laptop chips compute 512 bits in two halves, or with one unit where servers have two;
    Intel's small cores compute 256 bits in two halves.
    """
    if not cpu_class.startswith("x86_64") or _SMALL_CORES.search(cpu):
        return 128
    return 512 if "avx512" in cpu_class and "Xeon" in cpu else 256


_SMALL_CORES = re.compile(r"\bN\d{2,3}\b")  # N97, N100, i3-N305


def features_of(cpuinfo: str) -> set[str]:
    """Instruction sets, by the names of /proc/cpuinfo."""
    return set(cpuinfo_field(cpuinfo, ("flags", "Features")).split())


def cpuinfo_field(cpuinfo: str, names: tuple[str, ...]) -> str:
    """The first field of one of these names, of the first core; empty where there is none."""
    for line in cpuinfo.splitlines():
        name, separator, value = line.partition(":")
        if separator and name.strip() in names:
            return value.strip()
    return ""


def _usable_cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_bytes() -> int | None:
    if sys.platform == "win32":
        return None
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
