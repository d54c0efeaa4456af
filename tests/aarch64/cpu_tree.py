"""The files by which Linux tells its processor, of a machine as its profile describes it.

qemu shows an emulated program the host's own, unless they lie under the folder that it is given as the root.
onnxruntime 1.28 and later crash on an x86 processor's; OpenVINO decides by them how many threads there are. Caches are
left to the host: no result depends on them.
"""

from pathlib import Path

from edgeward.devices import DeviceProfile

_ARM = 0x41
_VARIANT, _REVISION = 0, 3  # of the core's design: any will do


def write_cpu_tree(profile: DeviceProfile, root: Path) -> None:
    """Write proc/cpuinfo and sys/devices/system/cpu below `root`.

    Raises:
        ValueError: The profile has no `[emulate]`, or does not say how many cores there are.
    """
    if profile.emulate is None:
        raise ValueError(f"{profile.id} has no [emulate]")
    cores = int(profile.value("cores") or 0)
    if cores < 1:
        raise ValueError(f"{profile.id} does not say how many cores it has")
    _write(root / "proc/cpuinfo", _cpuinfo(cores, profile.emulate.cpu_part, profile.emulate.features))
    system = root / "sys/devices/system/cpu"
    everyone = "0" if cores == 1 else f"0-{cores - 1}"
    for name in ("possible", "present", "online"):
        _write(system / name, everyone)
    part = int(profile.emulate.cpu_part, 16)
    midr = _ARM << 24 | _VARIANT << 20 | 0xF << 16 | part << 4 | _REVISION
    clock_khz = (profile.value("clock_mhz") or 1000) * 1000
    for core in range(cores):
        files = {
            "topology/physical_package_id": "0",
            "topology/core_id": str(core),
            "topology/thread_siblings_list": str(core),
            "topology/core_siblings_list": everyone,
            "topology/cluster_cpus_list": everyone,
            "topology/package_cpus_list": everyone,
            "cpufreq/cpuinfo_max_freq": f"{clock_khz:.0f}",
            "cpufreq/cpuinfo_min_freq": f"{clock_khz / 2:.0f}",
            "regs/identification/midr_el1": f"0x{midr:016x}",
        }
        for name, content in files.items():
            _write(system / f"cpu{core}" / name, content)


def _cpuinfo(cores: int, part: str, features: str) -> str:
    block = (
        "processor\t: {core}\nBogoMIPS\t: 108.00\n"
        f"Features\t: {features}\nCPU implementer\t: 0x{_ARM:x}\nCPU architecture: 8\n"
        f"CPU variant\t: 0x{_VARIANT:x}\nCPU part\t: {part}\nCPU revision\t: {_REVISION}\n"
    )
    return "\n".join(block.format(core=core) for core in range(cores))


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content + "\n")
