"""The CPU class is read from what the kernel says about the processor."""

import json
import platform
from pathlib import Path

import pytest
from edgeward.devices import Host, this_host
from edgeward.devices.host import cpu_class

# Shortened from recorded /proc/cpuinfo texts; the lines that are read are whole in kind and order.
ICE_LAKE = """\
processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 106
model name\t: Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz
flags\t\t: fpu vme sse4_2 fma avx f16c avx2 bmi2 avx512f avx512dq avx512bw avx512vl avx512_vnni avx512_bitalg
bugs\t\t: spectre_v1 spectre_v2

processor\t: 1
model name\t: Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz
"""
SKYLAKE_SERVER = "model name\t: Intel(R) Xeon(R) Gold 6130\nflags\t\t: fpu avx2 avx512f avx512dq avx512bw avx512vl\n"
ALDER_LAKE = "model name\t: 12th Gen Intel(R) Core(TM) i5-1240P\nflags\t\t: fpu fma avx avx2 avx_vnni vaes\n"
HASWELL = "model name\t: Intel(R) Core(TM) i5-4590\nflags\t\t: fpu sse4_2 fma avx f16c avx2 bmi1 bmi2\n"
ATOM = "model name\t: Intel(R) Celeron(R) J4125\nflags\t\t: fpu sse sse2 ssse3 sse4_1 sse4_2\n"
RASPBERRY_PI_4 = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU part\t: 0xd08

Hardware\t: BCM2835
Model\t\t: Raspberry Pi 4 Model B Rev 1.4
"""
RASPBERRY_PI_5 = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU part\t: 0xd0b

Model\t\t: Raspberry Pi 5 Model B Rev 1.0
"""
GRAVITON_3 = "Features\t: fp asimd asimddp sve i8mm svei8mm bf16 dgh rng\n"


@pytest.mark.parametrize(
    ("architecture", "cpuinfo", "expected"),
    [
        ("x86_64", ICE_LAKE, "x86_64-avx512-vnni"),
        ("x86_64", SKYLAKE_SERVER, "x86_64-avx512"),
        ("x86_64", ALDER_LAKE, "x86_64-avx-vnni"),
        ("x86_64", HASWELL, "x86_64-avx2"),
        ("x86_64", ATOM, "x86_64"),
        ("aarch64", RASPBERRY_PI_4, "aarch64"),
        ("aarch64", RASPBERRY_PI_5, "aarch64-dotprod"),
        ("aarch64", GRAVITON_3, "aarch64-i8mm"),
        ("x86_64", "", "x86_64"),
        ("aarch64", "no colon\n: no name\nflags\n", "aarch64"),
        ("riscv64", "isa : rv64imafdcv\n", "riscv64"),
    ],
)
def test_the_class_is_the_architecture_with_its_strongest_int8_instructions(
    architecture: str, cpuinfo: str, expected: str
) -> None:
    assert cpu_class(architecture, cpuinfo) == expected


def described(monkeypatch: pytest.MonkeyPatch, machine: str, cpuinfo: str) -> Host:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr("edgeward.devices.host.text_of", lambda _: cpuinfo)
    return this_host.__wrapped__()


@pytest.mark.parametrize(
    ("machine", "cpuinfo", "cpu", "architecture", "bf16"),
    [
        ("x86_64", ICE_LAKE, "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "x86_64", False),
        ("aarch64", RASPBERRY_PI_5, "Raspberry Pi 5 Model B Rev 1.0", "aarch64", False),
        ("aarch64", GRAVITON_3, "aarch64", "aarch64", True),
        ("AMD64", "", "x86_64", "x86_64", False),  # Windows
        ("arm64", "", "aarch64", "aarch64", False),  # macOS
    ],
)
def test_a_machine_is_described_by_its_processor(
    monkeypatch: pytest.MonkeyPatch, machine: str, cpuinfo: str, cpu: str, architecture: str, bf16: bool
) -> None:
    host = described(monkeypatch, machine, cpuinfo)
    assert (host.cpu, host.architecture, host.native_bf16) == (cpu, architecture, bf16)


def test_this_machine_is_described_in_plain_json_without_naming_it() -> None:
    host = this_host()
    assert host.logical_cores >= 1
    assert host.memory_bytes is None or host.memory_bytes > 10**8
    assert host.python == platform.python_version()
    assert host.cpu_class.startswith(host.architecture)
    text = json.dumps(host.to_json())
    assert json.loads(text) == host.to_json()
    assert platform.node() not in host.to_json().values()
    assert str(Path.home()) not in text
