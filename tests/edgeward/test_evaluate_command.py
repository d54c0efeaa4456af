"""`edgeward evaluate`: a judgement on held-out patients, or a clear error before the judging."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from edgeward.runtime import Bundle
from edgeward.runtime.schema import ClassCondition
from edgeward.training.checkpoint import Checkpoint, save_checkpoint

Run = Callable[..., subprocess.CompletedProcess[str]]
Refused = Callable[[subprocess.CompletedProcess[str], int, str], None]

QUICK = ("--against", "simulated", "--seeds", 1, "--steps", 5, "--per-class", 8, "--seed", 3)


@pytest.fixture(scope="module")
def judged(run_edgeward: Run, bundle: Bundle, teacher_path: Path) -> subprocess.CompletedProcess[str]:
    return run_edgeward("evaluate", bundle.path, *QUICK, "--teacher", teacher_path, "--json")


@pytest.fixture
def renamed(copied: Path) -> Callable[[str], Path]:
    """The tiny bundle with other letters for its classes N, S, V, F, Q."""

    def rename(letters: str) -> Path:
        manifest = json.loads((copied / "manifest.json").read_text())
        (condition,) = manifest["data"]["conditions"]
        condition["values"] = list(letters)
        (copied / "manifest.json").write_text(json.dumps(manifest))
        return copied

    return rename


def test_json_tells_a_score_for_the_data_the_teacher_and_every_variant(
    judged: subprocess.CompletedProcess[str], bundle: Bundle
) -> None:
    assert judged.returncode == 0, judged.stderr
    told = json.loads(judged.stdout)
    assert (told["bundle_sha256"], told["seed"], told["data_simulated"]) == (bundle.digest, 3, True)
    assert list(told["scores"]) == ["real", "teacher", "fp32", "int8"]
    for name, score in told["scores"].items():
        assert 0 <= score["low"] <= score["macro_f1"] <= score["high"] <= 1
        assert set(score["per_class_f1"]) == {"N", "S", "V"}
        assert score["test_patients"] == 20
        assert name == "real" or score["train_n"] == 3 * 8


def test_the_same_seed_gives_the_same_judgement(
    edgeward_here: Run, judged: subprocess.CompletedProcess[str], bundle: Bundle, teacher_path: Path
) -> None:
    again = edgeward_here("evaluate", bundle.path, *QUICK, "--teacher", teacher_path, "--json")
    assert json.loads(again.stdout) == json.loads(judged.stdout)


def test_people_are_told_that_simulated_patients_prove_nothing(edgeward_here: Run, bundle: Bundle) -> None:
    result = edgeward_here("evaluate", bundle.path, *QUICK)
    assert result.returncode == 0, result.stderr
    assert "The test patients are simulated: this says nothing about real patients." in result.stdout
    for word in ("trained on", "macro-F1", "95 % interval", "fp32", "int8", "20 held-out patients"):
        assert word in result.stdout
    assert "teacher" not in result.stdout


def test_only_classes_that_data_and_bundle_share_are_scored(edgeward_here: Run, renamed: Callable[[str], Path]) -> None:
    result = edgeward_here("evaluate", renamed("NAVFQ"), *QUICK, "--json")
    assert result.returncode == 0, result.stderr
    scores = json.loads(result.stdout)["scores"]
    assert {tuple(score["per_class_f1"]) for score in scores.values()} == {("N", "V")}


@pytest.mark.parametrize(("letters", "shared"), [("ABCDE", "none"), ("NABCD", "N")])
def test_a_bundle_of_other_classes_than_the_data_is_refused_before_the_judging(
    edgeward_here: Run, refused: Refused, renamed: Callable[[str], Path], letters: str, shared: str
) -> None:
    result = edgeward_here("evaluate", renamed(letters), *QUICK)
    refused(result, 3, f"in common, and they have {shared};")
    assert "Training classifiers" not in result.stderr


def test_a_teacher_of_other_classes_is_refused_before_the_judging(
    edgeward_here: Run, refused: Refused, bundle: Bundle, teacher: Checkpoint, tmp_path: Path
) -> None:
    (condition,) = teacher.schema.conditions
    assert isinstance(condition, ClassCondition)
    other = dataclasses.replace(condition, values=tuple("ABCDE"))
    schema = dataclasses.replace(teacher.schema, conditions=(other,))
    save_checkpoint(dataclasses.replace(teacher, schema=schema), tmp_path / "other.pt")
    result = edgeward_here("evaluate", bundle.path, *QUICK, "--teacher", tmp_path / "other.pt")
    refused(result, 3, "in common, and they have none")
    assert "Training classifiers" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "exit_code", "told"),
    [
        ([], 2, "Missing option '--against'"),
        (["--against", "absent"], 3, "there is no folder absent"),
        (["--against", "empty"], 3, "empty holds no WFDB header"),
        (["--against", "text.pt"], 3, "there is no folder text.pt"),
        (["--against", "simulated", "--teacher", "absent.pt"], 8, "absent.pt does not exist"),
        (["--against", "simulated", "--teacher", "text.pt"], 8, "text.pt is damaged, or is no checkpoint"),
        (["--against", "simulated", "--teacher", "truncated.pt"], 8, "truncated.pt is damaged, or is no checkpoint"),
        (["--against", "simulated", "--seeds", "0"], 2, "--seeds"),
        (["--against", "simulated", "--steps", "0"], 2, "--steps"),
        (["--against", "simulated", "--per-class", "0"], 2, "--per-class"),
        (["--against", "simulated", "--seed", "-1"], 2, "seed must be from 0"),
        (["--against", "simulated", "--seed", str(2**64)], 2, "seed must be from 0"),
    ],
)
def test_a_wrong_request_is_refused_before_the_judging(
    edgeward_here: Run,
    refused: Refused,
    bundle: Bundle,
    teacher_path: Path,
    tmp_path: Path,
    arguments: list[str],
    exit_code: int,
    told: str,
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.pt").write_text("hello")
    (tmp_path / "truncated.pt").write_bytes(teacher_path.read_bytes()[:-1000])
    result = edgeward_here("evaluate", bundle.path, *arguments, cwd=tmp_path)
    refused(result, exit_code, told)
    assert "Training classifiers" not in result.stderr


def test_a_bundle_that_is_not_there_is_refused(edgeward_here: Run, refused: Refused, tmp_path: Path) -> None:
    refused(edgeward_here("evaluate", tmp_path / "absent", *QUICK), 4, "absent does not exist")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("flipped graph", "changed or damaged"),
        ("missing file", "CARD.md is missing"),
        ("no manifest", "no manifest.json"),
        ("newer schema", "pip install --upgrade edgeward"),
    ],
)
def test_a_damaged_bundle_is_refused_before_the_data_are_read(
    edgeward_here: Run,
    refused: Refused,
    copied: Path,
    damage: dict[str, Callable[[Path], object]],
    name: str,
    told: str,
) -> None:
    damage[name](copied)
    result = edgeward_here("evaluate", copied, *QUICK)
    refused(result, 4, told)
    assert "Reading data" not in result.stderr


def test_an_absent_library_is_an_error_with_the_command_that_installs_it(refused: Refused, bundle: Bundle) -> None:
    program = "import sys; sys.modules['torch'] = None; from edgeward.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, "evaluate", bundle.path, "--against", "simulated"],
        capture_output=True,
        text=True,
        check=False,
    )
    refused(result, 5, "needs torch, which the thin install leaves out; install it with: pip install 'edgeward[train]'")
