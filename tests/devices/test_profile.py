"""Profiles: every figure has a kind and a source, and what makes no sense is refused by name."""

import copy
import datetime
from pathlib import Path
from typing import Any

import pytest
from edgeward.devices import DeviceProfile, ProfileError, device_names, device_profile
from edgeward.devices.host import cpu_class
from edgeward.devices.profile import FIGURES, profile_from_mapping
from edgeward.devices.toml import tomllib

PROFILES = {name: device_profile(name) for name in device_names()}
EXAMPLE = """
schema = 1
id = "toy"
name = "Toy"
form = "board"
cpu = "1 x Toy"
cpu_class = "aarch64"
vector_bits = 128
advice = "None."

[figures]
cores = { value = 1, kind = "vendor", source = "a" }
fp32_gflops_core = { value = 2.0, kind = "derived", source = "a", note = "from its clock" }

[[source]]
id = "a"
title = "A page"
url = "https://example.org/a"
read = "2026-11-24"
"""


def example(**figure: object) -> dict[str, Any]:
    """The example's values, with changes to its figure of cores."""
    values = copy.deepcopy(tomllib.loads(EXAMPLE))
    values["figures"]["cores"].update(figure)
    return values


def test_at_least_twelve_machines_are_known_and_those_that_were_promised_are_among_them() -> None:
    assert len(PROFILES) >= 12
    assert {
        "jetson-nano",
        "jetson-orin-nano-8gb",
        "jetson-orin-nx-16gb",
        "jetson-agx-orin-64gb",
        "raspberry-pi-4",
        "raspberry-pi-5",
        "n100",
        "i5-8250u",
        "i3-1115g4",
        "i7-1255u",
    } <= set(PROFILES)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_every_figure_says_where_it_was_read_and_what_is_not_measured_says_from_what(profile: DeviceProfile) -> None:
    sources = {source.id: source for source in profile.sources}
    for figure in profile.figures.values():
        source = sources[figure.source]
        assert source.url.startswith("https://")
        assert datetime.date.fromisoformat(source.read) >= datetime.date(2026, 1, 1)
        assert source.title
        assert figure.note or figure.kind in ("measured", "vendor")


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_named_after_its_file(name: str) -> None:
    assert PROFILES[name].id == name


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_figures_of_a_profile_agree_with_each_other(profile: DeviceProfile) -> None:
    value = profile.value
    assert value("cores") is not None
    core, all_cores, clock = value("fp32_gflops_core"), value("fp32_gflops"), value("clock_mhz")
    assert core is not None, "without it no latency can be told"
    if all_cores is not None:
        assert core < all_cores <= 1.05 * core * (value("cores") or 0)
    if clock is not None:  # whole instructions of two operations a lane, 1 or 2 a cycle; clocks differ a little
        lanes = profile.vector_bits / 32
        assert min(abs(core * 1000 / (clock * lanes * 2) - a_cycle) for a_cycle in (1, 2)) < 0.12
    if (int8 := value("int8_gops_core")) is not None:
        assert profile.cpu_class.endswith(("dotprod", "vnni"))
        assert 1.9 * core < int8 < 4.1 * core


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_what_is_emulated_is_the_class_of_processor_that_the_profile_names(profile: DeviceProfile) -> None:
    if profile.emulate is not None:
        assert cpu_class("aarch64", f"Features : {profile.emulate.features}\n") == profile.cpu_class


def test_boards_of_three_generations_are_emulated() -> None:
    cores = {profile.emulate.cpu_part for profile in PROFILES.values() if profile.emulate}
    assert cores >= {"0xd07", "0xd08", "0xd0b", "0xd42"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"fidelity": "exact"}, "emulation is correctness-only"),
        ({"cpu_part": "3336"}, "must be like 0xd08, not '3336'"),
        ({"features": "fp,asimd"}, "names with a blank between"),
        ({"speed": 2}, "unexpected keyword argument 'speed'"),
        ({"source": "b"}, r"sources \['b'\] are not listed"),
    ],
)
def test_an_emulation_that_makes_no_sense_is_refused(change: dict[str, object], told: str) -> None:
    emulate = {
        "qemu_cpu": "cortex-a72",
        "cpu_part": "0xd08",
        "features": "fp asimd",
        "fidelity": "correctness-only",
        "source": "a",
    }
    assert profile_from_mapping({**example(), "emulate": emulate}, "toy").emulate
    with pytest.raises(ProfileError, match=told):
        profile_from_mapping({**example(), "emulate": {**emulate, **change}}, "toy")


def test_json_holds_what_the_profile_holds() -> None:
    plain = PROFILES["raspberry-pi-5"].to_json()
    assert plain["figures"]["int8_gops_core"]["value"] == 153.48
    assert plain["figures"]["int8_gops_core"]["kind"] == "measured"


def test_what_is_not_known_is_none() -> None:
    assert PROFILES["raspberry-pi-4"].value("int8_gops_core") is None


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ("raspbery-pi-5", "did you mean raspberry-pi-5"),
        ("Raspberry Pi 5", "did you mean raspberry-pi-5"),
        ("pi", "raspberry-pi-4"),
        ("orin", "jetson-orin-nano-8gb"),
        ("qqqq", "it is one of"),
        ("", "it is one of"),
        ("../n100", "no device is called"),
    ],
)
def test_an_unknown_device_is_told_the_nearest_names(asked: str, offered: str) -> None:
    with pytest.raises(ProfileError, match=offered):
        device_profile(asked)


def test_a_profile_of_ones_own_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "toy.toml"
    file.write_text(EXAMPLE)
    profile = device_profile(file)
    assert (profile.id, profile.value("fp32_gflops_core")) == ("toy", 2.0)


@pytest.mark.parametrize(("content", "told"), [(b"schema = ", "not valid TOML"), (b"\xff", "not valid TOML")])
def test_a_file_that_is_no_profile_is_refused(content: bytes, told: str, tmp_path: Path) -> None:
    file = tmp_path / "toy.toml"
    file.write_bytes(content)
    with pytest.raises(ProfileError, match=told):
        device_profile(file)
    with pytest.raises(ProfileError, match="cannot be read"):
        device_profile(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("figure", "told"),
    [
        ({"kind": "guess"}, "cores: kind must be one of measured, vendor, derived, estimate"),
        ({"kind": "estimate"}, "its note must say from what"),
        ({"source": "b"}, r"sources \['b'\] are not listed"),
        ({"value": -1}, "makes no sense"),
        ({"value": float("nan")}, "makes no sense"),
        ({"value": True}, "must be a number"),
        ({"value": "4"}, "must be a number"),
        ({"unit": "Hz"}, "unexpected keyword argument 'unit'"),
    ],
)
def test_a_figure_without_kind_or_source_is_refused(figure: dict[str, object], told: str) -> None:
    with pytest.raises(ProfileError, match=told):
        profile_from_mapping(example(**figure), "toy")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schema": 2}, "schema is 2"),
        ({"colour": "red"}, "unexpected keyword argument 'colour'"),
        ({"vector_bits": 64}, "vector_bits"),
        ({"figures": {}}, "are listed, and no figure is from them"),
        ({"figures": {"speed": {"value": 1, "kind": "vendor", "source": "a"}}}, "figure speed is not known"),
        ({"figures": None}, "toy"),
        ({"source": 2 * tomllib.loads(EXAMPLE)["source"]}, "same id"),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused(change: dict[str, object], told: str) -> None:
    with pytest.raises(ProfileError, match=told):
        profile_from_mapping({**example(), **change}, "toy")


def test_every_figure_has_a_title_for_people() -> None:
    assert all(title for title, _ in FIGURES.values())
