"""`edgeward bench`: tables and a report of what was measured, or a clear error before the measuring."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from edgeward.benchmarks.latency import calibration
from edgeward.benchmarks.latency.processes import RefusedError
from edgeward.runtime import Bundle

from edgeward.commands import bench

from ..benchmarks.latency.toy_calibration import CALIBRATION

Run = Callable[..., subprocess.CompletedProcess[str]]

# A moment on one engine: one process a subject, which a verdict does not believe, and few modes.
MOMENT = ("--backend", "onnxruntime", "--processes", "1", "--calls", "1", "--batch", "1", "--max-time", "1")
MOMENT = (*MOMENT, "--pause", "1", "--rate", "100", "--no-priority")


def test_the_report_holds_every_variant_its_conditions_and_the_machine(
    run_edgeward: Run, bundle: Bundle, out: Path
) -> None:
    result = run_edgeward(
        *("bench", bundle.path, *MOMENT, "--json", "-o", out / "report.json"),
        *("--raw", out / "raw", "--history", out / "history.jsonl"),
    )
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report == json.loads((out / "report.json").read_text())
    assert sorted(os.listdir(out)) == ["history.jsonl", "raw", "report.json"]
    assert (report["kind"], report["schema"]) == ("edgeward-bench", 2)
    assert report["bundles"][0]["sha256"] == bundle.digest
    assert report["machine"]["cpu_class"]
    assert {(row["what"], row["precision"]) for row in report["rows"]} == {
        (what, precision) for what in ("generate", "bare engine") for precision in ("fp32", "int8")
    }
    for row in report["rows"]:
        assert row["right"]
        assert row["verdict"] == "INVALID"
        assert any("only 1 fresh processes" in reason for reason in row["reasons"])
        assert 0 < row["closed"]["min_us"] <= row["closed"]["mean_us"]
        assert row["read_back"]["precision"] == "f32"
    raw = np.load(out / "raw" / f"tiny-{bundle.digest[:8]}-generate-int8-onnxruntime-closed.npy")
    assert len(raw) == next(
        row["closed"]["n"] for row in report["rows"] if row["id"].endswith("generate int8 onnxruntime")
    )
    assert len((out / "history.jsonl").read_text().splitlines()) == 4


def test_the_tables_name_the_machine_and_why_nothing_is_valid(run_edgeward: Run, bundle: Bundle) -> None:
    result = run_edgeward("bench", "run", bundle.path, *MOMENT, "--precision", "int8")
    assert result.returncode == 0, result.stderr
    for word in ("generate", "bare engine", "int8", "p50", "INVALID", "only 1 fresh processes", "Stages", "Energy"):
        assert word in result.stdout
    assert "fp32" not in result.stdout


def test_strict_ends_with_a_code_of_its_own(run_edgeward: Run, bundle: Bundle) -> None:
    result = run_edgeward("bench", bundle.path, *MOMENT, "--precision", "int8", "--strict")
    assert result.returncode == 7, result.stderr
    assert "is INVALID: " in result.stderr
    assert "p50" in result.stdout  # the tables come first


@pytest.mark.parametrize(
    ("arguments", "exit_code", "told"),
    [
        (["--backend", "tensorflow"], 2, "no backend 'tensorflow'"),
        (["--device", "npu"], 2, "no backend has a device 'npu': onnxruntime has cpu, "),
        (["--backend", "openvino", "--device", "cuda"], 2, "openvino has no device 'cuda'; it has cpu, gpu, gpu.N"),
        (["--precision", "int4"], 2, "no 'int4' variant; it has fp32, int8"),
        (["--calls", "0"], 2, "--calls"),
        (["--threads", "4096"], 2, "this process may use"),
        (["-o", "absent/report.json"], 6, "is not a folder"),
        (["--history", "absent/history.jsonl"], 6, "is not a folder"),
        (["-o", "taken.json"], 6, "--overwrite to replace it"),
        (["--teacher", "absent.pt"], 8, "absent.pt"),
    ],
)
def test_a_wrong_request_is_refused_before_the_measuring(
    edgeward_here: Run, bundle: Bundle, out: Path, arguments: list[str], exit_code: int, told: str
) -> None:
    if "--teacher" in arguments:
        pytest.importorskip("torch")
    (out / "taken.json").write_text("precious")
    result = edgeward_here("bench", bundle.path, *arguments, cwd=out)
    assert result.returncode == exit_code, result.stderr
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert "Measuring" not in result.stderr
    assert os.listdir(out) == ["taken.json"]
    assert (out / "taken.json").read_text() == "precious"


def test_a_device_is_in_the_name_of_its_rows(run_edgeward: Run, bundle: Bundle) -> None:
    result = run_edgeward("bench", bundle.path, *MOMENT, "--precision", "int8", "--device", "cpu", "--json")
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)["rows"]
    assert {row["id"] for row in rows} == {f"tiny {what} int8 onnxruntime cpu" for what in ("generate", "bare engine")}
    assert {(row["device"], row["read_back"]["device"]) for row in rows} == {("cpu", "CPU")}


def test_a_device_that_this_machine_lacks_is_an_error(run_edgeward: Run, bundle: Bundle) -> None:
    import onnxruntime

    if "CoreMLExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has it")
    result = run_edgeward("bench", bundle.path, *MOMENT, "--device", "coreml")
    assert result.returncode == 5, result.stderr
    assert "has no CoreMLExecutionProvider for device 'coreml'" in result.stderr
    assert result.stdout == ""


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
        *("bench", bundle.path, *MOMENT, "--precision", "int8", "-o", out / "report.json"),
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
    )
    assert result.returncode == 6, result.stderr
    assert "nothing was left behind" in result.stderr
    assert os.listdir(out) == []


@pytest.fixture(scope="module")
def measured(run_edgeward: Run, bundle: Bundle) -> str:
    """A report of one variant, as JSON."""
    return run_edgeward("bench", bundle.path, *MOMENT, "--precision", "int8", "--json").stdout


@pytest.fixture
def reports(measured: str, out: Path) -> Path:
    """`same.json`, measured; `slow.json`, the same but made half as fast; both as if of six processes without noise."""
    report = json.loads(measured)
    for name, times in (("same", 1.0), ("slow", 2.0)):
        for row in report["rows"]:
            row |= {"verdict": "VALID", "reasons": [], "process_p50_us": [times * (100 + n / 10) for n in range(6)]}
        (out / f"{name}.json").write_text(json.dumps(report))
    return out


def test_compare_tells_a_regression_by_its_exit_code(edgeward_here: Run, reports: Path) -> None:
    same = edgeward_here("bench", "compare", reports / "same.json", reports / "same.json", "--json")
    assert same.returncode == 0, same.stderr
    assert json.loads(same.stdout)["regressions"] == []
    slow = edgeward_here("bench", "compare", reports / "same.json", reports / "slow.json", "--markdown")
    assert slow.returncode == 7
    assert "2.00 times slower" in slow.stderr
    head, rule, *rows = slow.stdout.splitlines()
    assert head.startswith("| row | before µs |")
    assert set(rule) == set("|- ")
    assert all(row.count("|") == 8 for row in rows)
    table = edgeward_here("bench", "compare", reports / "slow.json", reports / "same.json")
    assert table.returncode == 0
    assert "faster" in table.stdout


def test_compare_tells_what_became_wrong_by_its_exit_code(edgeward_here: Run, reports: Path) -> None:
    wrong = json.loads((reports / "same.json").read_text())
    for row in wrong["rows"]:
        row |= {"verdict": "INVALID", "right": False, "reasons": ["computes something else"], "process_p50_us": []}
    (reports / "wrong.json").write_text(json.dumps(wrong))
    result = edgeward_here("bench", "compare", reports / "same.json", reports / "wrong.json")
    assert result.returncode == 7
    assert "was right and is now wrong: after: computes something else" in result.stderr
    assert "WRONG" in result.stdout
    assert "No row could be judged" in result.stdout


def test_a_report_without_a_row_is_an_error(
    edgeward_here: Run, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RefusedError("the engine fell over")

    monkeypatch.setattr(bench, "WorkerProcess", refuse)
    result = edgeward_here("bench", bundle.path, *MOMENT)
    assert result.returncode == 5
    assert "nothing could be measured: generate fp32 onnxruntime: the engine fell over" in result.stderr


def test_compare_refuses_another_machine(edgeward_here: Run, reports: Path) -> None:
    other = json.loads((reports / "same.json").read_text())
    other["machine"]["cpu"] = "another"
    (reports / "other.json").write_text(json.dumps(other))
    result = edgeward_here("bench", "compare", reports / "same.json", reports / "other.json")
    assert result.returncode == 2
    assert "differ in the processor" in result.stderr


def test_report_draws_a_page_and_replaces_nothing_unasked(run_edgeward: Run, reports: Path) -> None:
    for library in ("jinja2", "matplotlib"):
        pytest.importorskip(library)
    arguments = ("bench", "report", reports / "same.json", reports / "slow.json", "-o", reports / "page.html")
    result = run_edgeward(*arguments)
    assert result.returncode == 0, result.stderr
    assert "Look at it:  file://" in result.stdout
    page = (reports / "page.html").read_text()
    assert "Side by side" in page
    assert "generate int8 onnxruntime" in page
    assert run_edgeward(*arguments).returncode == 6
    assert run_edgeward("bench", "report", reports / "page.html", "-o", reports / "other.html").returncode == 3
    assert not (reports / "other.html").exists()


def test_without_arguments_the_commands_are_shown(run_edgeward: Run) -> None:
    result = run_edgeward("bench", "--help")
    assert result.returncode == 0
    for word in ("run", "compare", "may be left out"):
        assert word in result.stdout


@pytest.mark.slow
def test_quick_takes_less_than_a_minute_with_every_engine(run_edgeward: Run, bundle: Bundle) -> None:
    result = run_edgeward("bench", bundle.path, "--quick", "--json", timeout=60)
    assert result.returncode == 0, result.stderr
    assert all(row["processes"] == 5 for row in json.loads(result.stdout)["rows"])


@pytest.mark.slow
def test_a_teacher_stands_beside_the_bundle_eager_and_compiled(
    run_edgeward: Run, bundle: Bundle, teacher_path: Path
) -> None:
    result = run_edgeward("bench", bundle.path, *MOMENT, "--max-time", "60", "--teacher", teacher_path, "--json")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    measured = {row["what"] for row in report["rows"]} | {one["what"] for one in report["unavailable"]}
    assert "teacher" in {row["what"] for row in report["rows"]}
    assert any("compiled teacher" in what for what in measured)  # measured, or told why not
    assert {"tiny teacher fp32 torch"} <= {ratio["baseline"] for ratio in report["ratios"]}


def test_predictions_stand_beside_what_was_measured(
    edgeward_here: Run, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "calibrate", lambda **_: CALIBRATION)
    asked = ("bench", bundle.path, *MOMENT, "--precision", "int8", "--predict")
    result = edgeward_here(*asked)
    assert result.returncode == 0, result.stderr
    assert "measured/predicted" in result.stdout
    assert "calibrated on 29 graphs" in result.stdout
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    refused = edgeward_here(*asked)
    assert refused.returncode == 5
    assert "--predict needs onnx and scipy; install with: pip install 'edgeward[compress]'" in refused.stderr
