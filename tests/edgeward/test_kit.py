"""A kit measures its bundles where nothing of Edgeward is installed, and tells nobody whose machine it was."""

import ast
import getpass
import io
import json
import os
import platform
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from edgeward.devices import device_profile
from edgeward.devices.toml import tomllib
from edgeward.runtime import Bundle

from edgeward import kit_main
from edgeward.commands import bench_kit
from edgeward.kit import write_kit

ROOT = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def kit(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kit") / "kit.pyz"
    with path.open("wb") as file:
        write_kit(file, [bundle])
    return path


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is installed here, but for Edgeward and all that a thin install leaves out."""
    folder = tmp_path_factory.mktemp("libraries")
    absent = ("edgeward", "_edgeward", "__editable__", "openvino", "torch", "onnx-", "scipy")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(absent) and entry.name != "onnx" and entry.suffix != ".pth":
            (folder / entry.name).symlink_to(entry)
    return folder


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's, without anything in it."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def elsewhere(kit: Path, libraries: Path, home: Path, tmp_path: Path) -> Run:
    """Run the kit in an interpreter that finds these libraries only."""

    def run(*arguments: str, path: Path | None = libraries) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        environment.pop("ORT_DISABLE_TELEMETRY", None)
        environment["HOME"] = str(home)
        if path:
            environment["PYTHONPATH"] = str(path)
        return subprocess.run(
            [sys.executable, "-S", kit, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=environment,
            timeout=250,
        )

    return run


def test_a_kit_holds_the_thin_floors_and_the_bundle_and_nothing_that_trains(kit: Path, bundle: Bundle) -> None:
    with zipfile.ZipFile(kit) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
    packages = {name.split("/")[1] for name in names if name.startswith("edgeward/") and name.count("/") > 1}
    assert packages == {"commands", "devices", "runtime", "benchmarks"}
    assert "edgeward/devices/profiles/n100.toml" in names
    assert "edgeward/benchmarks/latency/worker.py" in names
    assert not any(name.startswith(("edgeward/benchmarks/quality", "edgeward/benchmarks/report")) for name in names)
    assert {name for name in names if name.startswith("bundles/")} == {
        f"bundles/tiny.edgeward/{name}" for name in ("manifest.json", *bundle.manifest.files)
    }
    assert kit.read_bytes().startswith(b"#!/usr/bin/env python3\n")


def test_a_bundle_that_is_one_file_goes_in_as_it_is(bundle: Bundle, tmp_path: Path, edgeward_here: Run) -> None:
    packed = tmp_path / "one.edgeward"
    assert edgeward_here("bundle", "pack", bundle.path, "-o", packed).returncode == 0
    assert edgeward_here("bench", "kit", packed, "-o", tmp_path / "kit.pyz").returncode == 0
    with zipfile.ZipFile(tmp_path / "kit.pyz") as archive:
        assert archive.read("bundles/one.edgeward") == packed.read_bytes()


def test_the_same_kit_has_the_same_bytes(bundle: Bundle, kit: Path) -> None:
    again = io.BytesIO()
    write_kit(again, [bundle])
    assert again.getvalue() == kit.read_bytes()


def test_a_kit_asks_pip_for_what_the_thin_install_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {*kit_main.REQUIRED.values(), *kit_main.REQUIRED_BEFORE_311.values()}
    assert wanted == {one.partition(";")[0].strip() for one in project["dependencies"]}
    assert project["requires-python"] == f">={'.'.join(map(str, kit_main.PYTHON))}"


def test_an_old_python_can_read_the_first_file_and_is_told_that_it_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(kit_main.__file__).read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 6))
    newer = {"annotations", "removeprefix", "removesuffix"}
    assert not newer & {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert "from __future__" not in source  # `annotations` came with 3.7
    monkeypatch.setattr(kit_main.sys, "version_info", (3, 6, 9))
    monkeypatch.setattr(kit_main.sys, "version", "3.6.9 (default)")
    with pytest.raises(SystemExit, match=r"this is Python 3\.6\.9, and it takes 3\.10 or newer"):
        kit_main.main()


def test_what_is_missing_is_told_with_the_command_that_installs_it(elsewhere: Run) -> None:
    result = elsewhere(path=None)
    assert result.returncode == 1
    assert f"{sys.executable} -m pip install 'click>=8.1' 'numpy>=1.26' 'onnxruntime>=1.20,<2'" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_kit_starts_without_edgeward_and_leaves_nothing_behind(elsewhere: Run, tmp_path: Path) -> None:
    result = elsewhere("--help")
    assert result.returncode == 0, result.stderr
    assert "Probe this machine, measure BUNDLE on it" in result.stdout
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_a_kit_measures_and_its_report_is_one_that_compare_reads(
    elsewhere: Run, run_edgeward: Run, tmp_path: Path, home: Path, bundle: Bundle
) -> None:
    result = elsewhere("-o", "board.json", "--max-time", "5")
    assert result.returncode == 0, result.stderr
    assert os.listdir(tmp_path) == ["board.json"]
    assert os.listdir(home) == []  # an engine that sends telemetry leaves its identifier there
    text = (tmp_path / "board.json").read_text(encoding="utf-8")
    report = json.loads(text)
    assert report["kind"] == "edgeward-bench"
    assert report["bundles"][0]["sha256"] == bundle.digest
    assert {row["backend"] for row in report["rows"]} == {"onnxruntime"}
    assert report["device"]["figures"]["fp32_gflops_core"]["kind"] == "measured"
    for secret in (platform.node(), str(home), str(Path.home()), str(tmp_path), getpass.getuser() + "@"):
        assert len(secret) < 3 or secret not in text
    compared = run_edgeward("bench", "compare", tmp_path / "board.json", tmp_path / "board.json", "--json")
    assert compared.returncode == 0, compared.stderr
    assert len(json.loads(compared.stdout)["rows"]) == len(report["rows"])


def test_contribute_puts_the_profile_into_the_report(
    edgeward_here: Run, bundle: Bundle, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeward.benchmarks.latency.device_draft.draft_profile", lambda: device_profile("n100"))
    result = edgeward_here("bench", "contribute", bundle.path, "--max-time", "1", cwd=out)
    assert result.returncode == 0, result.stderr
    assert os.listdir(out) == ["edgeward-n100.json"]
    report = json.loads((out / "edgeward-n100.json").read_text(encoding="utf-8"))
    assert report["device"]["id"] == "n100"
    assert {one["about"] for one in report["doctor"]} >= {"software", "processor"}
    assert not {one["about"] for one in report["doctor"]} & {"disk", "cache"}
    assert report["device"]["suggestions"][0]["basis"] == "judgement until measured"
    assert {row["precision"] for row in report["rows"]} == {"fp32", "int8"}
    again = edgeward_here("bench", "contribute", bundle.path, "--max-time", "1", cwd=out)
    assert again.returncode == 6
    assert "--overwrite to replace it" in again.stderr


@pytest.mark.slow
def test_outputs_that_are_wrong_are_reported_and_end_with_a_code_of_their_own(
    edgeward_here: Run, reweighted: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeward.benchmarks.latency.device_draft.draft_profile", lambda: device_profile("n100"))
    result = edgeward_here("bench", "contribute", reweighted, "--max-time", "1", "-o", out / "board.json")
    assert result.returncode == 7
    assert "Written to" in result.stdout
    assert any(not row["right"] for row in json.loads((out / "board.json").read_text(encoding="utf-8"))["rows"])


@pytest.mark.parametrize(
    ("home", "told"), [("/home/anna", "no ~/x.onnx"), ("/", "no /home/anna/x.onnx"), ("/root", "no /home/anna/x.onnx")]
)
def test_a_path_does_not_tell_a_user_s_name(home: str, told: str) -> None:
    report = json.dumps({"reason": "no /home/anna/x.onnx"})
    assert json.loads(bench_kit._without_home(report, home))["reason"] == told


def test_two_bundles_of_one_name_are_refused(edgeward_here: Run, bundle: Bundle, copied: Path, out: Path) -> None:
    namesake = copied.parent / "other" / bundle.path.name
    namesake.parent.mkdir()
    copied.rename(namesake)
    result = edgeward_here("bench", "kit", bundle.path, namesake, "-o", out / "kit.pyz")
    assert result.returncode == 2
    assert f"two bundles are called {bundle.path.name}" in result.stderr
    assert os.listdir(out) == []
    assert edgeward_here("bench", "kit", bundle.path, "-o", out / "kit.pyz").returncode == 0
    assert zipfile.is_zipfile(out / "kit.pyz")


def test_a_bundle_that_is_none_is_refused_before_anything_is_measured(
    edgeward_here: Run, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeward.benchmarks.latency.device_draft.draft_profile", lambda: pytest.fail("probed"))
    for command in ("contribute", "kit"):
        result = edgeward_here("bench", command, out / "absent.edgeward", "-o", out / "x.pyz")
        assert result.returncode == 4
    assert os.listdir(out) == []
