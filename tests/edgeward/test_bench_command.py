"""`edgeward bench`: a table and a report of what was measured, or a clear error before the measuring."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from edgeward.runtime import Bundle

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_the_report_holds_every_variant_its_conditions_and_the_machine(
    run_edgeward: Run, bundle: Bundle, out: Path
) -> None:
    result = run_edgeward(
        *("bench", bundle.path, "--backend", "onnxruntime", "--calls", 100, "--json", "-o", out / "report.json")
    )
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report == json.loads((out / "report.json").read_text())
    assert os.listdir(out) == ["report.json"]
    assert report["bundle_sha256"] == bundle.digest
    assert report["host"]["cpu_class"]
    assert {(row["what"], row["precision"]) for row in report["rows"]} == {
        (what, precision) for what in ("generate(1)", "bare session.run") for precision in ("fp32", "int8")
    }
    for row in report["rows"]:
        assert row["n"] == 100
        assert 0 < row["min_us"] <= row["p50_us"] <= row["p90_us"]
        assert row["p99_us"] is None  # a hundred calls do not carry it


def test_the_table_names_the_machine(run_edgeward: Run, bundle: Bundle) -> None:
    result = run_edgeward("bench", bundle.path, "--calls", 11)
    assert result.returncode == 0, result.stderr
    for word in ("generate(1)", "bare session.run", "fp32", "int8", "p50 µs", "one thread"):
        assert word in result.stdout


@pytest.mark.parametrize(
    ("arguments", "exit_code", "told"),
    [
        (["--backend", "tensorflow"], 2, "no backend 'tensorflow'"),
        (["--calls", "5"], 2, "--calls"),
        (["-o", "absent/report.json"], 6, "is not a folder"),
        (["-o", "taken.json"], 6, "--overwrite to replace it"),
        (["--teacher", "absent.pt"], 8, "absent.pt"),
    ],
)
def test_a_wrong_request_is_refused_before_the_measuring(
    run_edgeward: Run, bundle: Bundle, out: Path, arguments: list[str], exit_code: int, told: str
) -> None:
    if "--teacher" in arguments:
        pytest.importorskip("torch")
    (out / "taken.json").write_text("precious")
    result = run_edgeward("bench", bundle.path, *arguments, cwd=out)
    assert result.returncode == exit_code, result.stderr
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert "Measuring" not in result.stderr
    assert os.listdir(out) == ["taken.json"]
    assert (out / "taken.json").read_text() == "precious"


def test_a_damaged_bundle_is_refused(
    run_edgeward: Run, copied: Path, damage: dict[str, Callable[[Path], object]], out: Path
) -> None:
    damage["flipped graph"](copied)
    result = run_edgeward("bench", copied, "-o", out / "report.json")
    assert result.returncode == 4, result.stderr
    assert "changed or damaged" in result.stderr
    assert os.listdir(out) == []


def test_a_full_disk_leaves_no_report(run_edgeward: Run, bundle: Bundle, out: Path) -> None:
    resource = pytest.importorskip("resource")
    result = run_edgeward(
        *("bench", bundle.path, "--backend", "onnxruntime", "--calls", 11, "-o", out / "report.json"),
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
    )
    assert result.returncode == 6, result.stderr
    assert "nothing was left behind" in result.stderr
    assert os.listdir(out) == []
