"""`edgeward devices`: what is known of machines, with kind and source of every figure."""

import json
import platform
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from edgeward.benchmarks.latency import calibration
from edgeward.devices import device_profile, this_host
from edgeward.devices.profile_text import profile_text
from edgeward.runtime import Bundle

from ..benchmarks.latency.toy_calibration import CALIBRATION

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


def test_a_device_is_shown_with_what_suits_it_and_why(edgeward_here: Run) -> None:
    shown = edgeward_here("devices", "show", "jetson-orin-nano-8gb").stdout
    assert "What suits it (judgement until measured)" in shown
    (small,) = (line for line in shown.splitlines() if line.startswith("small  "))
    assert small.split() == ["small", "onnxruntime", "int8", "1"]
    assert "4.0 times as fast as float" in shown
    told = json.loads(edgeward_here("devices", "show", "n100", "--json").stdout)
    assert told["suggestions"][0]["precisions"] == ["int8", "fp32"]
    assert told["predicted"] is None


def test_a_bundle_s_latency_is_predicted_on_a_device_with_its_range(
    edgeward_here: Run, bundle: Bundle, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "calibrate", lambda **_: CALIBRATION)
    kept = out / "calibration.json"
    asked = ("devices", "show", "raspberry-pi-5", "--bundle", bundle.path, "--calibration", kept)
    result = edgeward_here(*asked)
    assert result.returncode == 0, result.stderr
    assert "tiny: milliseconds a record, by a model; not measured there" in result.stdout
    assert "carried over to raspberry-pi-5" in " ".join(result.stdout.split())
    assert kept.exists()
    told = json.loads(edgeward_here(*asked, "--json").stdout)["predicted"]
    assert [one["variant"] for one in told["variants"]] == ["fp32", "int8"]
    assert all(0 < one["low_ms"] < one["ms"] < one["high_ms"] for one in told["variants"])


def test_a_profile_without_speed_predicts_nothing(edgeward_here: Run, bundle: Bundle, out: Path) -> None:
    text = profile_text(device_profile("n100"))
    (out / "mine.toml").write_text("\n".join(line for line in text.splitlines() if "fp32_gflops_core" not in line))
    result = edgeward_here("devices", "show", out / "mine.toml", "--bundle", bundle.path)
    assert result.returncode == 2
    assert "edgeward devices probe -o mine.toml" in result.stderr


def test_this_machine_is_probed_and_its_profile_is_one_that_show_takes(edgeward_here: Run, out: Path) -> None:
    result = edgeward_here("devices", "probe", "-o", out / "mine.toml", "--json")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["figures"]["fp32_gflops_core"]["kind"] == "measured"
    assert {"clock", "power"} <= {one["name"] for one in told["capabilities"]}
    assert told["cpu_class"] == this_host().cpu_class
    assert platform.node() not in (out / "mine.toml").read_text(encoding="utf-8")
    shown = edgeward_here("devices", "show", out / "mine.toml")
    assert shown.returncode == 0, shown.stderr
    for word in ("it tells", "Installed: ", "float, one core", "What suits it", "edgeward devices probe"):
        assert word in shown.stdout


@pytest.mark.parametrize(
    ("name", "code", "told"), [("mine.json", 2, "must end in .toml"), ("taken.toml", 6, "--overwrite")]
)
def test_a_place_that_will_not_do_is_refused_before_probing(
    edgeward_here: Run, out: Path, name: str, code: int, told: str
) -> None:
    (out / "taken.toml").write_text("precious")
    result = edgeward_here("devices", "probe", "-o", out / name)
    assert result.returncode == code
    assert told in result.stderr
    assert (out / "taken.toml").read_text() == "precious"
