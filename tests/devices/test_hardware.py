"""What machines' files say of processor, caches, memory and board; by trees as boards, laptops and VMs have them."""

from pathlib import Path

import pytest
from edgeward.devices.hardware import read_hardware
from edgeward.devices.host import this_host, vector_bits
from edgeward.devices.jetson import JETPACKS, read_jetson
from edgeward.devices.software import read_software

from .machines import intel_laptop, jetson_orin_nano, lying_machine, put, raspberry_pi_5


def nothing_installed(package: str) -> str | None:
    return None


def test_a_jetson_is_known_by_its_module_and_its_release(tmp_path: Path) -> None:
    machine = read_hardware(jetson_orin_nano(tmp_path))
    assert (machine.cpu, machine.cpu_class, machine.form) == ("Cortex-A78AE (6)", "aarch64-dotprod", "module")
    assert machine.name == "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super"
    assert (machine.physical_cores, machine.logical_cores, machine.clock_mhz) == (6, 6, 1728.0)
    assert (machine.l1_cache_kib, machine.l2_cache_kib, machine.last_cache_kib) == (64, 256, 2048)
    assert machine.memory_gib == pytest.approx(7.44, abs=0.01)
    assert machine.features == ("asimd", "asimddp", "asimdhp")
    assert machine.jetson is not None
    assert (machine.jetson.module, machine.jetson.l4t) == ("p3767-0005", "36.4.3")
    assert machine.jetson.jetpack == JETPACKS["36.4.3"]
    assert machine.jetson.jetpack.version == "6.2"


@pytest.mark.parametrize(
    ("release", "l4t", "jetpack"),
    [
        ("# R36 (release), REVISION: 5.0, GCID: 1", "36.5.0", "6.2.2"),
        ("# R36 (release), REVISION: 5, GCID: 1", "36.5.0", "6.2.2"),
        ("# R39 (release), REVISION: 2.0, GCID: 1", "39.2.0", "7.2"),
        ("# R32 (release), REVISION: 7.2, GCID: 1", "32.7.2", "4.6.2"),
        ("# R36 (release), REVISION: 4.99, GCID: 1", "36.4.99", None),
        ("# R41 (release), REVISION: 1.0, GCID: 1", "41.1.0", None),
        ("something else", None, None),
    ],
)
def test_a_release_that_is_not_known_stays_unknown(
    tmp_path: Path, release: str, l4t: str | None, jetpack: str | None
) -> None:
    board = read_jetson(jetson_orin_nano(tmp_path, release))
    assert board is not None
    assert board.l4t == l4t
    assert (board.jetpack.version if board.jetpack else None) == jetpack
    told = read_software(tmp_path, board, nothing_installed)
    assert told.get("jetpack") == jetpack
    assert ("tensorrt of jetpack" in told) == bool(board.jetpack and board.jetpack.tensorrt)


def test_software_is_told_by_metadata_alone(tmp_path: Path) -> None:
    root = jetson_orin_nano(tmp_path)
    versions = {"onnxruntime": "1.23.2", "tensorrt": "10.3.0"}
    assert read_software(root, read_jetson(root), versions.get) == {
        "python onnxruntime": "1.23.2",
        "python tensorrt": "10.3.0",
        "debian libnvinfer10": "10.3.0.30-1+cuda12.5",
        "debian nvidia-jetpack": "6.2+b77",
        "cuda": "12.6.11",
        "l4t": "36.4.3",
        "jetpack": "6.2",
        "cuda of jetpack": "12.6",
        "tensorrt of jetpack": "10.3.0",
    }
    assert read_software(tmp_path / "absent", None, nothing_installed) == {}


def test_a_raspberry_pi_is_a_board_and_no_jetson(tmp_path: Path) -> None:
    machine = read_hardware(raspberry_pi_5(tmp_path))
    assert (machine.name, machine.form, machine.jetson) == ("Raspberry Pi 5 Model B Rev 1.0", "board", None)
    assert (machine.cpu, machine.vector_bits, machine.cpu_class) == ("Cortex-A76 (4)", 128, "aarch64-dotprod")


def test_a_laptop_has_more_threads_than_cores(tmp_path: Path) -> None:
    machine = read_hardware(intel_laptop(tmp_path))
    assert (machine.physical_cores, machine.logical_cores) == (2, 4)
    assert (machine.form, machine.cpu_class) == ("laptop", "x86_64-avx-vnni")
    assert (machine.last_cache_kib, machine.clock_mhz) == (12 * 1024, 4700.0)
    assert machine.cpu == "12th Gen Intel(R) Core(TM) i7-1255U (2)"


def test_a_clock_that_only_cpuinfo_tells_is_not_taken(tmp_path: Path) -> None:
    machine = read_hardware(lying_machine(tmp_path))
    assert machine.clock_mhz is None
    assert machine.cpu_class == "x86_64-avx512-vnni"


def test_what_is_absent_is_none(tmp_path: Path) -> None:
    machine = read_hardware(tmp_path)
    assert (machine.physical_cores, machine.l1_cache_kib, machine.memory_gib, machine.jetson) == (
        None,
        None,
        None,
        None,
    )


def test_damaged_files_are_as_good_as_absent(tmp_path: Path) -> None:
    put(tmp_path, {"sys/devices/system/cpu/cpu0/cache/index0/level": "one", "proc/meminfo": "MemTotal: many kB"})
    (tmp_path / "proc/cpuinfo").write_bytes(b"\xff\xfe\x00processor")
    assert read_hardware(tmp_path).last_cache_kib is None
    assert read_hardware(tmp_path).memory_gib is None


def test_this_machine_is_described_as_elsewhere() -> None:
    machine = read_hardware()
    assert (machine.architecture, machine.cpu_class) == (this_host().architecture, this_host().cpu_class)


@pytest.mark.parametrize(
    ("cpu_class", "cpu", "bits"),
    [
        ("aarch64-dotprod", "Cortex-A76 (4)", 128),
        ("x86_64-avx2", "Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz", 256),
        ("x86_64-avx-vnni", "Intel(R) N100", 128),
        ("x86_64-avx-vnni", "Intel(R) Core(TM) i3-N305", 128),
        ("x86_64-avx512-vnni", "11th Gen Intel(R) Core(TM) i3-1115G4 @ 3.00GHz", 256),
        ("x86_64-avx512-vnni", "Intel(R) Xeon(R) Processor", 512),
    ],
)
def test_the_width_of_vectors_is_judged_by_class_and_name(cpu_class: str, cpu: str, bits: int) -> None:
    assert vector_bits(cpu_class, cpu) == bits
