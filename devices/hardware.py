"""Read processor, caches and memory of a machine from the files below a root; tests bring trees of their own.

Nothing that names the owner or the one machine is read: no host name, no serial number.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from pathlib import Path

from .files import number_of, text_of
from .host import architecture_of, cpu_class, cpuinfo_field, features_of, vector_bits
from .jetson import Jetson, read_jetson

ROOT = Path("/")

_CPUS = "sys/devices/system/cpu"
_ARM_CORES = {
    "0xd03": "Cortex-A53",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1",
    "0xd41": "Cortex-A78",
    "0xd42": "Cortex-A78AE",
    "0xd83": "Neoverse-V3AE",
}
"""Numbers that ARM gives its cores, as Linux lists them in `arch/arm64/include/asm/cputype.h`."""

_X86_FEATURES = {"sse4_2", "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16"}
_X86_FEATURES |= {"avx512_fp16", "amx_int8", "amx_bf16"}
_ARM_FEATURES = {"asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2"}
_CHASSIS = {8: "laptop", 9: "laptop", 10: "laptop", 14: "laptop", 31: "laptop", 30: "tablet", 32: "tablet"}
"""As in DMI; `30` to `32` fold or come off their keyboard."""
_SIZE = re.compile(r"(\d+)([KM])")


@dataclass(frozen=True)
class Hardware:
    """One machine; None where the system does not tell."""

    name: str
    """Of the board, or where it has none of the processor."""
    form: str
    cpu: str
    architecture: str
    cpu_class: str
    features: tuple[str, ...]
    """Instruction sets that matter to networks, by the names of /proc/cpuinfo."""
    vector_bits: int
    """Judged, see `host.vector_bits`."""
    physical_cores: int | None
    logical_cores: int | None
    clock_mhz: float | None
    """Highest, as the driver of clock frequencies tells; what /proc/cpuinfo says is not asked, as it may be made up."""
    l1_cache_kib: int | None
    l2_cache_kib: int | None
    last_cache_kib: int | None
    memory_gib: float | None
    jetson: Jetson | None


def read_hardware(root: Path = ROOT) -> Hardware:
    """Describe the machine whose files lie below `root`."""
    cpuinfo = text_of(root / "proc/cpuinfo")
    features = features_of(cpuinfo)
    architecture = _architecture(features)
    kind = cpu_class(architecture, cpuinfo)
    physical, logical = _cores(root, cpuinfo)
    cpu = _cpu_name(cpuinfo, physical or logical)
    model = text_of(root / "proc/device-tree/model")
    jetson = read_jetson(root)
    first, second, last = _caches(root)
    return Hardware(
        name=model or re.sub(r" \(\d+\)$", "", cpu),
        form=_form(root, jetson, model),
        cpu=cpu,
        architecture=architecture,
        cpu_class=kind,
        features=tuple(sorted(features & (_X86_FEATURES | _ARM_FEATURES))),
        vector_bits=vector_bits(kind, cpu),
        physical_cores=physical,
        logical_cores=logical,
        clock_mhz=_clock_mhz(root),
        l1_cache_kib=first,
        l2_cache_kib=second,
        last_cache_kib=last,
        memory_gib=_memory_gib(root),
        jetson=jetson,
    )


def _architecture(features: set[str]) -> str:
    if "lm" in features:  # "long mode": 64 bits
        return "x86_64"
    if "asimd" in features:
        return "aarch64"
    return architecture_of(platform.machine())


def _cpu_name(cpuinfo: str, cores: int | None) -> str:
    """ARM's kernels tell numbers of cores instead of a name: `Cortex-A78AE (6)`, as profiles have it."""
    parts = re.findall(r"^CPU part\s*:\s*(0x[0-9a-f]+)", cpuinfo, re.MULTILINE)
    if cpuinfo_field(cpuinfo, ("CPU implementer",)) == "0x41" and parts:
        names = [_ARM_CORES.get(part, f"ARM core {part}") for part in parts]
        return ", ".join(f"{name} ({names.count(name)})" for name in dict.fromkeys(names))
    name = cpuinfo_field(cpuinfo, ("model name", "Model")) or platform.processor() or platform.machine()
    return f"{name} ({cores})" if cores else name


def _cores(root: Path, cpuinfo: str) -> tuple[int | None, int | None]:
    """Physical cores by who shares one, logical ones by count."""
    logical = len(re.findall(r"^processor\s*:", cpuinfo, re.MULTILINE)) or None
    siblings = {
        text_of(file) for file in (root / _CPUS).glob("cpu[0-9]*/topology/thread_siblings_list") if text_of(file)
    }
    return len(siblings) or None, logical


def _clock_mhz(root: Path) -> float | None:
    highest = [number_of(file) for file in (root / _CPUS).glob("cpu[0-9]*/cpufreq/cpuinfo_max_freq")]
    return max((khz / 1000 for khz in highest if khz), default=None)


def _caches(root: Path) -> tuple[int | None, int | None, int | None]:
    """KiB of the first level for data, the second, and the last, of the first core."""
    sizes: dict[int, int] = {}
    for cache in (root / _CPUS / "cpu0/cache").glob("index*"):
        level, size = number_of(cache / "level"), _SIZE.fullmatch(text_of(cache / "size"))
        if level and size and text_of(cache / "type") != "Instruction":
            sizes[level] = int(size[1]) * (1024 if size[2] == "M" else 1)
    return sizes.get(1), sizes.get(2), sizes[max(sizes)] if sizes else None


def _memory_gib(root: Path) -> float | None:
    """What the kernel may use, a little less than what is built in."""
    found = re.search(r"^MemTotal:\s+(\d+) kB", text_of(root / "proc/meminfo"), re.MULTILINE)
    return int(found[1]) / 2**20 if found else None


def _form(root: Path, jetson: Jetson | None, model: str) -> str:
    if jetson:
        return "module"
    if model:
        return "board"
    return _CHASSIS.get(number_of(root / "sys/class/dmi/id/chassis_type") or 0, "computer")
