"""`edgeward doctor` tells people and programs how it stands, `generate --why` what was taken and why."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from edgeward.runtime import Bundle
from edgeward.runtime.choice import Choice, Trial
from edgeward.runtime.golden import GoldenResult

from edgeward.commands.choice_table import print_choice

LONG = "it cannot compile the node 'QuantizeLinear' of /decoder/blocks.2/conv1/weight_quantized, " * 4 + "as it says"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def nothing_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEWARD_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def small_choice(bundle: Bundle) -> Choice:
    """Of two trials, one of which an engine refused with many words."""
    variants = {variant.name: variant for variant in bundle.manifest.variants}
    right = GoldenResult("fp32", "fp32", "onnxruntime", 1e-6, 1e-4)
    refusal = GoldenResult("int8", "int8", "openvino", float("nan"), 1e-4, LONG)
    return Choice(
        *("onnxruntime", variants["fp32"], "measured"),
        asked={"backend": "auto", "precision": "auto"},
        trials=(Trial(right), Trial(refusal)),
        absent={"tensorrt": LONG},
    )


def test_without_a_bundle_the_machine_and_the_engines_are_checked(run_edgeward: Run) -> None:
    result = run_edgeward("doctor")
    assert result.returncode == 0, result.stderr
    for word in ("This machine", "Engines", "onnxruntime", "clock", "telemetry", "No problem found"):
        assert word in result.stdout
    assert "Bundle" not in result.stdout
    assert "\x1b" not in result.stdout  # no colours where nobody sees them


def test_a_good_bundle_ends_with_0_and_what_auto_takes(edgeward_here: Run, bundle: Bundle) -> None:
    result = edgeward_here("doctor", bundle.path)
    assert result.returncode == 0, result.stderr
    assert "What auto takes" in result.stdout
    assert "taken" in result.stdout
    assert all(len(line) <= 120 for line in result.stdout.splitlines() if "->" not in line)


def test_json_says_the_same_to_programs(edgeward_here: Run, bundle: Bundle) -> None:
    told = json.loads(edgeward_here("doctor", bundle.path, "--json").stdout)
    assert told["ok"] is True
    assert {finding["group"] for finding in told["findings"]} == {"machine", "engines", "bundle"}
    assert {finding["status"] for finding in told["findings"]} <= {"ok", "warning"}
    assert told["choice"]["variant"] in ("fp32", "int8")


def test_a_wrong_variant_ends_with_7_and_what_to_do(edgeward_here: Run, reweighted: Path) -> None:
    result = edgeward_here("doctor", reweighted)
    assert result.returncode == 7
    assert "problem" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert "computes something else" in result.stdout
    assert "--precision int8" in result.stdout
    as_json = edgeward_here("doctor", reweighted, "--json")
    assert as_json.returncode == 7
    assert json.loads(as_json.stdout)["ok"] is False


def test_a_damaged_bundle_is_told_by_name(
    edgeward_here: Run, copied: Path, damage: dict[str, Callable[[Path], object]]
) -> None:
    damage["flipped graph"](copied)
    result = edgeward_here("doctor", copied)
    assert result.returncode == 7
    assert "changed or damaged" in result.stdout


def test_generate_explains_its_choice_and_leaves_a_wrong_variant_alone(
    edgeward_here: Run, reweighted: Path, out: Path
) -> None:
    result = edgeward_here("generate", reweighted, "-n", 2, "--seed", 1, "-o", out / "x.npz", "--why")
    assert result.returncode == 0, result.stderr
    assert "WRONG on this machine" in result.stdout
    assert "runs int8, measured on this machine" in result.stdout
    again = edgeward_here("generate", reweighted, "-n", 2, "--seed", 1, "-o", out / "y.npz", "--why", "--json")
    told = json.loads(again.stdout)
    assert (told["precision"], told["choice"]["how"]) == ("int8", "remembered")
    with np.load(out / "x.npz") as one, np.load(out / "y.npz") as two:
        np.testing.assert_array_equal(one["samples"], two["samples"])


def test_long_reasons_stay_in_the_terminal_and_out_of_the_table(
    small_choice: Choice, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_choice(small_choice)
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80
    in_one_line = " ".join(told.split())
    assert f"openvino refused int8: {LONG}" in in_one_line
    assert f"tensorrt was left out: {LONG}" in in_one_line
    assert [line.split()[-1] for line in told.splitlines() if line.startswith("openvino  ")] == ["refused"]


def test_what_is_named_is_used_even_where_it_is_wrong(edgeward_here: Run, reweighted: Path, out: Path) -> None:
    asked = ("--backend", "onnxruntime", "--precision", "fp32")
    result = edgeward_here("generate", reweighted, "-n", 1, "-o", out / "x.npz", "--why", *asked)
    assert result.returncode == 0, result.stderr
    assert "onnxruntime runs fp32, as asked for" in result.stdout


def test_where_nothing_is_right_nothing_is_written(edgeward_here: Run, reweighted: Path, out: Path) -> None:
    result = edgeward_here("generate", reweighted, "-n", 1, "-o", out / "x.npz", "--precision", "fp32")
    assert result.returncode == 7
    assert "edgeward doctor" in result.stderr
    assert list(out.iterdir()) == []
