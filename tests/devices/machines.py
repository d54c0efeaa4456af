"""Trees of the files in which machines tell about themselves, as far as they are read."""

from collections.abc import Mapping
from pathlib import Path

ORIN_NANO_FEATURES = (
    "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
)
NVPMODEL = """
# FAN_DEFAULT
< POWER_MODEL ID=0 NAME=15W >
CPU_ONLINE CORE_0 1
< POWER_MODEL ID=1 NAME=25W >
< POWER_MODEL ID=2 NAME=MAXN_SUPER >
< PM_CONFIG DEFAULT=1 >
"""
DPKG = """Package: libnvinfer10
Status: install ok installed
Version: 10.3.0.30-1+cuda12.5

Package: libnvinfer8
Status: deinstall ok config-files
Version: 8.6.2.3-1+cuda12.2

Package: nvidia-jetpack
Status: install ok installed
Architecture: arm64
Version: 6.2+b77
"""


def put(root: Path, files: Mapping[str, object]) -> Path:
    """Write files below a root; what a reader meanwhile sees is never half a file."""
    for name, content in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".{file.name}")
        partial.write_text(content if isinstance(content, str) else f"{content}\n", encoding="utf-8")
        partial.replace(file)
    return root


def cores(count: int, threads: int, khz: int | None, caches: Mapping[str, str]) -> dict[str, object]:
    """The part of sysfs about processors; `caches` are sizes by level and letter of type, e.g. `1D`."""
    cpus = "sys/devices/system/cpu"
    files: dict[str, object] = {}
    for number in range(count * threads):
        members = [str(number % count + count * thread) for thread in range(threads)]
        files[f"{cpus}/cpu{number}/topology/thread_siblings_list"] = ",".join(members)
        if khz:
            files[f"{cpus}/cpu{number}/cpufreq/cpuinfo_max_freq"] = khz
    kinds = {"D": "Data", "I": "Instruction", "U": "Unified"}
    for index, (name, size) in enumerate(caches.items()):
        folder = f"{cpus}/cpu0/cache/index{index}"
        files |= {f"{folder}/level": name[0], f"{folder}/type": kinds[name[1]], f"{folder}/size": size}
    if khz:
        files[f"{cpus}/cpufreq/policy0/scaling_cur_freq"] = khz // 2
        files[f"{cpus}/cpu0/cpufreq/scaling_governor"] = "schedutil"
    return files


def arm_cpuinfo(part: str, features: str, count: int, tail: str = "") -> str:
    block = "BogoMIPS\t: 62.50\nFeatures\t: {}\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: {}\n\n"
    return "".join(f"processor\t: {n}\n" + block.format(features, part) for n in range(count)) + tail


def jetson_orin_nano(
    root: Path, release: str = "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic"
) -> Path:
    ina = "sys/class/hwmon/hwmon1"
    return put(
        root,
        {
            "proc/cpuinfo": arm_cpuinfo("0xd42", ORIN_NANO_FEATURES, 6),
            "proc/meminfo": "MemTotal:        7802152 kB\nMemFree:  100 kB\n",
            "proc/device-tree/model": "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super\0",
            "proc/device-tree/compatible": "nvidia,p3768-0000+p3767-0005-super\0nvidia,p3767-0005\0nvidia,tegra234\0",
            "proc/device-tree/serial-number": "1421000000001\0",
            "etc/nv_tegra_release": release + "\n",
            "etc/hostname": "ward-3-orin",
            "etc/nvpmodel.conf": NVPMODEL,
            "var/lib/nvpmodel/status": "pmode:0001",
            "var/lib/dpkg/status": DPKG,
            "usr/local/cuda/version.json": '{"cuda" : {"name" : "CUDA SDK", "version" : "12.6.11"}}',
            "sys/class/thermal/thermal_zone0/type": "cpu-thermal",
            "sys/class/thermal/thermal_zone0/temp": 51_000,
            "sys/class/thermal/thermal_zone1/type": "cv0-thermal",
            "sys/class/thermal/thermal_zone1/temp": -256_000,
            f"{ina}/name": "ina3221",
            f"{ina}/in1_label": "VDD_IN",
            f"{ina}/in1_input": 5_000,
            f"{ina}/curr1_input": 1_000,
            **cores(6, 1, 1_728_000, {"1D": "64K", "1I": "64K", "2U": "256K", "3U": "2048K"}),
        },
    )


def raspberry_pi_5(root: Path) -> Path:
    tail = "Revision\t: d04170\nSerial\t\t: 10000000abcdef01\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n"
    features = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
    return put(
        root,
        {
            "proc/cpuinfo": arm_cpuinfo("0xd0b", features, 4, tail),
            "proc/meminfo": "MemTotal:        8254656 kB\n",
            "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
            "proc/device-tree/compatible": "raspberrypi,5-model-b\0brcm,bcm2712\0",
            "sys/class/thermal/thermal_zone0/type": "cpu-thermal",
            "sys/class/thermal/thermal_zone0/temp": 49_000,
            **cores(4, 1, 2_400_000, {"1D": "64K", "1I": "64K", "2U": "512K", "3U": "2048K"}),
        },
    )


def intel_laptop(root: Path) -> Path:
    flags = "fpu lm sse4_2 avx avx2 fma f16c avx_vnni"
    block = "processor\t: {}\nmodel name\t: 12th Gen Intel(R) Core(TM) i7-1255U\ncpu MHz\t\t: {}\nflags\t\t: {}\n\n"
    zone = "sys/class/powercap/intel-rapl:0"
    return put(
        root,
        {
            "proc/cpuinfo": "".join(block.format(number, 1700 + number, flags) for number in range(4)),
            "proc/meminfo": "MemTotal:       16134288 kB\n",
            "sys/class/dmi/id/chassis_type": 10,
            "sys/class/thermal/thermal_zone0/type": "x86_pkg_temp",
            "sys/class/thermal/thermal_zone0/temp": 42_000,
            f"{zone}/name": "package-0",
            f"{zone}/energy_uj": 1_000_000,
            f"{zone}/max_energy_range_uj": 262_143_328_850,
            **cores(2, 2, 4_700_000, {"1D": "48K", "1I": "32K", "2U": "1280K", "3U": "12M"}),
        },
    )


def lying_machine(root: Path) -> Path:
    """A virtual machine whose counters are there, and never move."""
    block = "processor\t: {}\nmodel name\t: Intel(R) Xeon(R) Processor\ncpu MHz\t\t: 2299.998\n"
    block += "flags\t\t: lm avx512_vnni\n\n"
    return put(
        root,
        {
            "proc/cpuinfo": "".join(block.format(number) for number in range(2)),
            "proc/meminfo": "MemTotal:       24684288 kB\n",
            "sys/class/thermal/thermal_zone0/type": "acpitz",
            "sys/class/thermal/thermal_zone0/temp": 27_800,
            "sys/class/powercap/intel-rapl:0/name": "package-0",
            "sys/class/powercap/intel-rapl:0/energy_uj": 0,
            "sys/class/powercap/intel-rapl:0/max_energy_range_uj": 1_000_000,
            **cores(2, 1, None, {"1D": "48K", "2U": "2048K", "3U": "266240K"}),
        },
    )
