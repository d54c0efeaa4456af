"""`edgeward evaluate`: a judgement on held-out patients, or a clear error before the judging."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from edgeward.benchmarks import quality
from edgeward.benchmarks.quality.fidelity import two_sample
from edgeward.runtime import Bundle
from edgeward.runtime.bundle import open_bundle
from edgeward.runtime.schema import ClassCondition
from edgeward.training.checkpoint import Checkpoint, save_checkpoint

Run = Callable[..., subprocess.CompletedProcess[str]]
Refused = Callable[[subprocess.CompletedProcess[str], int, str], None]

QUICK = ("--against", "simulated", "--quick", "--seeds", 2, "--steps", 5, "--per-class", 40, "--seed", 3)


# A few records: what is tested is what is told of them, and not how good they are.
LITTLE = dataclasses.replace(quality.QUICK, fidelity_records=150, attacked=30)
LITTLE_IN_A_PROCESS = """
import dataclasses
from edgeward.benchmarks import quality
from edgeward.benchmarks.quality.fidelity import two_sample
from edgeward.cli import main
quality.QUICK = dataclasses.replace(quality.QUICK, fidelity_records=150, attacked=30)
two_sample._FOLDS = 2
main()
"""


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--quick` looks at few records, by few trees."""
    monkeypatch.setattr(quality, "QUICK", LITTLE)
    monkeypatch.setattr(two_sample, "_FOLDS", 2)


@dataclasses.dataclass(frozen=True)
class Judged:
    """What one judgement left behind."""

    result: subprocess.CompletedProcess[str]
    report: Path
    bundle: Path


@pytest.fixture(scope="module")
def judged(bundle: Bundle, teacher_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    folder = tmp_path_factory.mktemp("judged")
    copy = Path(shutil.copytree(bundle.path, folder / "tiny.edgeward"))
    arguments = ("evaluate", copy, *QUICK, "--teacher", teacher_path, "--json", "-o", folder / "report", "--attach")
    result = subprocess.run(
        [sys.executable, "-c", LITTLE_IN_A_PROCESS, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return Judged(result, folder / "report", copy)


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


def test_json_tells_figures_for_the_references_the_teacher_and_the_default_variant(
    judged: Judged, bundle: Bundle
) -> None:
    assert judged.result.returncode == 0, judged.result.stderr
    told = json.loads(judged.result.stdout)
    default = bundle.manifest.variant(None)
    assert list(told["judged"]) == ["teacher", default.precision]
    assert told["judged"][default.precision] == bundle.manifest.files[default.file].sha256
    assert (told["data"]["seed"], told["data"]["simulated"]) == (3, True)
    assert told["data"]["test"]["patients"] == 20
    seen = {(finding["measure"], finding["source"]) for finding in told["findings"]}
    for source in ("real", "copies", "noise", "teacher", default.precision):
        assert {("coverage", source), ("dcr_share", source)} <= seen
    assert {("tstr", "real"), ("tstr", "noise"), ("loss_auc", default.precision)} <= seen
    for finding in told["findings"]:
        if finding["low"] is not None:
            assert finding["low"] <= finding["high"]


def test_the_report_folder_holds_the_same_evidence_and_a_page_that_asks_nothing_of_a_network(judged: Judged) -> None:
    assert sorted(os.listdir(judged.report)) == ["evidence.json", "index.html"]
    assert json.loads((judged.report / "evidence.json").read_text()) == json.loads(judged.result.stdout)
    page = (judged.report / "index.html").read_text()
    assert "SYNTHETIC DATA" in page
    assert not re.search(r"(src|href)=.https?:", page)


def test_the_bundle_carries_the_evidence_and_still_opens(judged: Judged) -> None:
    opened = open_bundle(judged.bundle)
    assert opened.read("evidence.json") == (judged.report / "evidence.json").read_bytes()
    card = opened.read("CARD.md").decode()
    assert card.count("## Evidence and limits") == 1
    assert "The test patients were simulated: this says nothing about real patients." in card
    assert "have not been judged" not in card


def test_people_are_told_that_simulated_patients_prove_nothing(
    little: None, edgeward_here: Run, renamed: Callable[[str], Path]
) -> None:
    result = edgeward_here("evaluate", renamed("NAVFQ"), *QUICK)
    assert result.returncode == 0, result.stderr
    assert "The test patients are simulated: this says nothing about real patients." in result.stdout
    for word in ("Coverage", "Train on it, test on real", "real", "copies", "noise", "privacy", "fairness"):
        assert word in result.stdout
    assert "teacher" not in result.stdout


@pytest.mark.parametrize(("letters", "shared"), [("ABCDE", "none"), ("NABCD", "N")])
def test_a_bundle_of_other_classes_than_the_data_is_refused_before_the_judging(
    edgeward_here: Run, refused: Refused, renamed: Callable[[str], Path], letters: str, shared: str
) -> None:
    result = edgeward_here("evaluate", renamed(letters), *QUICK)
    refused(result, 3, f"in common, and they have {shared};")
    assert "Judging" not in result.stderr


@pytest.mark.parametrize("lineage", [{}, {"data": "heart beats"}, {"data": {}}, {"data": {"kind": 7}}])
def test_a_bundle_that_does_not_say_what_it_learnt_from_is_refused_before_the_data_are_read(
    edgeward_here: Run, refused: Refused, copied: Path, lineage: dict[str, object]
) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    (copied / "manifest.json").write_text(json.dumps({**manifest, "lineage": lineage}))
    result = edgeward_here("evaluate", copied, *QUICK)
    refused(result, 4, "does not say which kind of data it learnt from")
    assert "Reading" not in result.stderr


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
    assert "Judging" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "exit_code", "told"),
    [
        ([], 2, "Missing option '--against'"),
        (["--against", "absent"], 3, "there is no folder absent"),
        (["--against", "empty"], 3, "empty holds no WFDB header"),
        (["--against", "text.pt"], 3, "text.pt is a file, and what is wanted is the folder"),
        (["--against", "simulated", "--teacher", "absent.pt"], 8, "absent.pt does not exist"),
        (["--against", "simulated", "--teacher", "text.pt"], 8, "text.pt is damaged, or is no checkpoint"),
        (["--against", "simulated", "--teacher", "truncated.pt"], 8, "truncated.pt is damaged, or is no checkpoint"),
        (["--against", "simulated", "--seeds", "0"], 2, "--seeds"),
        (["--against", "simulated", "--shadows", "3"], 2, "an even number, not 3"),
        (["--against", "simulated", "--shadows", "2"], 2, "give --teacher or --shadow-recipe"),
        (["--against", "simulated", "-o", "empty"], 6, "--overwrite to replace it"),
        (["--against", "simulated", "-o", "absent/report"], 6, "is not a folder"),
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
    assert "Judging" not in result.stderr


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


def test_a_report_that_cannot_be_drawn_is_missed_before_the_judging(
    edgeward_here: Run, refused: Refused, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    result = edgeward_here("evaluate", bundle.path, *QUICK, "-o", tmp_path / "report")
    refused(
        result, 5, "needs jinja2, which the thin install leaves out; install it with: pip install 'edgeward[report]'"
    )
    assert "Judging" not in result.stderr


def test_nothing_that_draws_a_report_is_loaded_before_there_is_one_to_draw(bundle: Bundle) -> None:
    program = """
import sys
for name in ("jinja2", "edgeward.benchmarks.report.evidence_page", "edgeward.evidence_page", "onnxslim"):
    sys.modules[name] = None  # importing it fails
from edgeward import judgement
from edgeward.cli import main
judgement.judge_prepared = lambda *_, **__: sys.exit("it was about to judge")
main()
"""
    result = subprocess.run(
        [sys.executable, "-c", program, "evaluate", bundle.path, *map(str, QUICK)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stderr.splitlines()[-1] == "it was about to judge", result.stderr


def test_an_absent_library_is_an_error_with_the_command_that_installs_it(refused: Refused, bundle: Bundle) -> None:
    program = "import sys; sys.modules['torch'] = None; from edgeward.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, "evaluate", bundle.path, "--against", "simulated"],
        capture_output=True,
        text=True,
        check=False,
    )
    refused(result, 5, "needs torch, which the thin install leaves out; install it with: pip install 'edgeward[train]'")


def test_a_checkpoint_is_judged_alone(little: None, edgeward_here: Run, teacher_path: Path, tmp_path: Path) -> None:
    result = edgeward_here("evaluate", teacher_path, *QUICK, "--json", "-o", tmp_path / "report")
    assert result.returncode == 0, result.stderr
    evidence = json.loads(result.stdout)
    assert list(evidence["judged"]) == ["teacher"]
    assert not [v for v in evidence["verdicts"] if v["axis"] == "compression"]
    assert "What tiny is worth" in (tmp_path / "report" / "index.html").read_text()


@pytest.mark.parametrize("more", [("--attach",), ("--teacher", "other.pt")])
def test_nothing_is_attached_to_a_checkpoint_nor_is_it_compared_with_another(
    edgeward_here: Run, refused: Refused, teacher_path: Path, more: tuple[str, ...]
) -> None:
    refused(edgeward_here("evaluate", teacher_path, *QUICK, *more), 2, "is a checkpoint: it is judged alone")


def test_an_unfinished_checkpoint_is_not_judged(
    edgeward_here: Run, refused: Refused, teacher: Checkpoint, tmp_path: Path
) -> None:
    save_checkpoint(dataclasses.replace(teacher, progress={}), tmp_path / "begun.pt")
    refused(edgeward_here("evaluate", tmp_path / "begun.pt", *QUICK), 8, "is not trained to its end")
