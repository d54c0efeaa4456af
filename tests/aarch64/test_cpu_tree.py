"""The processor that an emulated machine is shown is the one of its profile."""

import dataclasses
from pathlib import Path

import pytest
from edgeward.devices import device_names, device_profile
from edgeward.devices.host import cpu_class

from .cpu_tree import write_cpu_tree

EMULATED = [name for name in device_names() if device_profile(name).emulate]


@pytest.mark.parametrize("name", EMULATED)
def test_the_processor_is_told_as_its_profile_describes_it(name: str, tmp_path: Path) -> None:
    profile = device_profile(name)
    write_cpu_tree(profile, tmp_path)
    text = (tmp_path / "proc/cpuinfo").read_text()
    assert cpu_class("aarch64", text) == profile.cpu_class
    blocks = [dict(line.split(":", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")]
    assert [int(block["processor\t"]) for block in blocks] == list(range(int(profile.value("cores") or 0)))
    assert {block["CPU part\t"].strip() for block in blocks} == {profile.emulate.cpu_part}  # type: ignore[union-attr]


def test_cores_and_their_number_are_those_a_raspberry_pi_4_was_seen_with(tmp_path: Path) -> None:
    write_cpu_tree(device_profile("raspberry-pi-4"), tmp_path)
    system = tmp_path / "sys/devices/system/cpu"
    assert {(system / name).read_text() for name in ("possible", "present", "online")} == {"0-3\n"}
    assert sorted(path.name for path in system.glob("cpu*")) == ["cpu0", "cpu1", "cpu2", "cpu3"]
    assert (system / "cpu2/regs/identification/midr_el1").read_text() == "0x00000000410fd083\n"
    assert (system / "cpu3/cpufreq/cpuinfo_max_freq").read_text() == "1500000\n"
    assert (system / "cpu1/topology/core_siblings_list").read_text() == "0-3\n"


def test_a_machine_that_cannot_be_shown_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"n100 has no \[emulate\]"):
        write_cpu_tree(device_profile("n100"), tmp_path)
    unknown = dataclasses.replace(device_profile("raspberry-pi-4"), figures={})
    with pytest.raises(ValueError, match="does not say how many cores"):
        write_cpu_tree(unknown, tmp_path)
