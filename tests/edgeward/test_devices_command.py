"""`edgeward devices`: what is known of machines, with kind and source of every figure."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_the_list_names_every_device_with_its_speed(edgeward_here: Run) -> None:
    result = edgeward_here("devices", "list")
    assert result.returncode == 0, result.stderr
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("raspberry-pi-5"))
    assert "aarch64-dotprod" in line
    assert line.split()[-2:] == ["38.369", "153.48"]
    assert len(json.loads(edgeward_here("devices", "list", "--json").stdout)["devices"]) >= 12


def test_a_device_is_shown_with_kind_and_source_of_each_figure(edgeward_here: Run) -> None:
    result = edgeward_here("devices", "show", "jetson-orin-nano-8gb")
    assert result.returncode == 0, result.stderr
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("float, one core"))
    assert "24" in line
    assert "derived" in line
    number = line.split("derived")[1].split()[0]
    assert f"[{number}] cpufp on a BCM2712" in result.stdout
    assert "25W" in result.stdout
    assert "default" in result.stdout


def test_json_of_a_device_is_its_profile(edgeward_here: Run) -> None:
    told = json.loads(edgeward_here("devices", "show", "n100", "--json").stdout)
    assert (told["id"], told["figures"]["fp32_gflops_core"]["kind"]) == ("n100", "measured")


@pytest.mark.parametrize("name", ["raspberry", "absent.toml"])
def test_an_unknown_device_is_refused(name: str, edgeward_here: Run, tmp_path: Path) -> None:
    result = edgeward_here("devices", "show", name)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    if name == "raspberry":
        assert "did you mean raspberry-pi-5, raspberry-pi-4?" in result.stderr
