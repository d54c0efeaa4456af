"""Is this machine fit to generate on? Software, processor, memory, disk, clock, cache folder."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy

from ..devices import Host, this_host
from .finding import Finding
from .installed_version import is_within, python_is_tested, wanted
from .places import CACHE_VARIABLE, cache_folder
from .provenance import edgeward_version

SATURATING = ("x86_64", "x86_64-avx2", "x86_64-avx512")
"""CPU classes whose products of unsigned and signed bytes are added up in 16 bits, and may not fit."""

_LITTLE_MEMORY = 256 * 2**20
_LITTLE_DISK = 64 * 2**20
_COARSE_CLOCK_S = 1e-4
_OLDEST_YEAR = 2026
_MEMINFO = Path("/proc/meminfo")


def check_machine() -> Iterator[Finding]:
    """Everything but the engines, in the order in which it matters."""
    yield check_python()
    yield check_numpy(numpy.__version__)
    yield check_processor(this_host())
    yield check_memory(available_memory(), this_host().memory_bytes)
    yield check_disk(Path.cwd())
    yield check_clock(time.time(), time.get_clock_info("perf_counter").resolution)
    yield check_cache(cache_folder())


def check_python() -> Finding:
    """Whether this Python is one that Edgeward is tested on."""
    told = f"edgeward {edgeward_version()} on Python {this_host().python}, {this_host().system}"
    if python_is_tested():
        return _ok("software", told)
    return _warn("software", f"{told}, which it is not tested on", "use a Python from 3.10 to 3.13")


def check_numpy(version: str) -> Finding:
    """Whether numpy is a version that is supported."""
    bounds = wanted("numpy")
    if is_within(version, bounds):
        return _ok("numpy", version)
    return Finding("machine", "numpy", "problem", f"{version}, not {bounds}", f"pip install 'numpy{bounds}'")


def check_processor(host: Host) -> Finding:
    """Which instruction sets there are, and what that means for int8."""
    told = f"{host.cpu}, {host.cpu_class}, {host.logical_cores} {'core' if host.logical_cores == 1 else 'cores'}"
    if host.cpu_class not in SATURATING:
        return _ok("processor", told)
    return _warn(
        "processor",
        f"{told}: it has no VNNI, so that int8 variants made for it can compute something else here",
        "check each bundle with: edgeward doctor BUNDLE; 'auto' takes none that is wrong here",
    )


def available_memory() -> int | None:
    """Bytes that programs can still have; None where the system does not tell."""
    try:
        lines = _MEMINFO.read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def check_memory(available: int | None, total: int | None) -> Finding:
    """Whether there is room for an engine."""
    told = " of ".join(f"{size / 2**30:.1f} GiB" for size in (available, total) if size is not None)
    if not told:
        return _ok("memory", "this system does not tell")
    if available is None:
        return _ok("memory", told)
    if available >= _LITTLE_MEMORY:
        return _ok("memory", f"{told} free")
    return _warn("memory", f"{told} free, which is little for an engine", "close other programs")


def check_disk(folder: Path) -> Finding:
    """Whether something can be written where the command was called."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("machine", "disk", "problem", f"{folder} cannot be looked at: {error.strerror}", "cd elsewhere")
    told = f"{free / 2**30:.1f} GiB free in {folder}"
    return _ok("disk", told) if free >= _LITTLE_DISK else _warn("disk", told, "make room, or write to another disk")


def check_clock(now_s: float, resolution_s: float) -> Finding:
    """Whether the time is plausible, and the clock fine enough for paced feeds.

    Args:
        now_s: Seconds since 1970, as the system tells.
        resolution_s: Of the clock that deadlines are taken from.
    """
    told = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now_s)) + f", steps of {resolution_s * 1e9:,.0f} ns"
    if time.gmtime(now_s).tm_year < _OLDEST_YEAR:
        return _warn(
            "clock", f"{told}: that is before Edgeward was written", "set it: sudo date --set '2026-12-31 12:00'"
        )
    if resolution_s > _COARSE_CLOCK_S:
        return _warn("clock", f"{told}: too coarse for paced feeds", "")
    return _ok("clock", told)


def check_cache(folder: Path | None) -> Finding:
    """Whether what `auto` measures can be remembered."""
    if folder is None:
        return _warn("cache", "this user has no home folder to remember in", f"export {CACHE_VARIABLE}=/some/folder")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        told = f"{folder} cannot be written to ({error.strerror}), so 'auto' measures at every start"
        return _warn("cache", told, f"export {CACHE_VARIABLE}=/some/folder that can be")
    return _ok("cache", str(folder))


def _ok(about: str, told: str) -> Finding:
    return Finding("machine", about, "ok", told)


def _warn(about: str, told: str, advice: str) -> Finding:
    return Finding("machine", about, "warning", told, advice)
