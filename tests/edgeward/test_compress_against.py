"""`edgeward compress --against`: held to the recipe on validation patients, told on terminal, in bundle and report."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from edgeward.benchmarks.quality.fidelity import two_sample
from edgeward.compression import Compressed
from edgeward.runtime import open_bundle
from edgeward.runtime.manifest import CARD_NAME
from edgeward.training.datasets.beats.simulator import simulate_beats
from edgeward.training.datasets.dataset import Dataset

from edgeward import gatekeeper
from edgeward.commands import compress as command

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def records() -> Dataset:
    """Enough patients for a class to be scored on validation."""
    return simulate_beats(patients=(6, 5, 3), beats_per_patient=60, seed=1)


@pytest.fixture(autouse=True)
def quick(records: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge of few records, and no time spent on reading them."""
    effort = dataclasses.replace(
        gatekeeper.GATE, steps=10, per_class=30, test_records=100, fidelity_records=40, attacked=12
    )
    monkeypatch.setattr(gatekeeper, "GATE", effort)
    monkeypatch.setattr(two_sample, "_FOLDS", 2)
    monkeypatch.setattr(command, "load_data", lambda *_: records)


@pytest.fixture
def work(compressed: Compressed, finished_work: Path, out: Path) -> Path:
    """What an earlier run left beside the bundle: its steps are done."""
    return Path(shutil.copytree(finished_work, out / "x.edgeward.work"))


def recipe(folder: Path, source: Path, allowed: str) -> Path:
    file = folder / "recipe.toml"
    file.write_text(f"{source.read_text()}{allowed}\n")
    return file


def test_a_result_inside_its_allowances_is_written_with_what_was_found(
    edgeward_here: Run, teacher_path: Path, compression_recipe_path: Path, work: Path, out: Path, tmp_path: Path
) -> None:
    loose = recipe(tmp_path, compression_recipe_path, "coverage_drop = 0.9\nviolations_rise = 1.0")
    arguments = ("compress", teacher_path, "--recipe", loose, "-o", out / "x.edgeward", "--against", "simulated")
    result = edgeward_here(*arguments, "--report", out / "page.html")
    assert result.returncode == 0, result.stderr
    assert sorted(os.listdir(out)) == ["page.html", "x.edgeward"]
    lines = result.stdout.splitlines()
    assert lines[0].split()[:8] == ["step", "params", "mult-adds", "size", "ms", "change", "coverage", "violat."]
    assert "Held to the recipe on 300 validation records of 5 patients, simulated, 5 draws of noise:" in lines
    assert sum(line.startswith("✓") and "coverage_drop" in line for line in lines) == 2
    assert "edgeward evaluate" in lines[-1]
    assert "--against simulated" in lines[-1]
    assert "not the records the teacher learnt from" in result.stderr
    page = (out / "page.html").read_text()
    assert "No patient is behind this page." in page
    assert "What it cost" in page

    lineage = open_bundle(out / "x.edgeward").manifest.lineage["compression"]
    assert lineage["quality"]["on"]["split"] == "validation"
    assert {one["allowance"]: one["passed"] for one in lineage["quality"]["held"]}["coverage_drop"]
    for step in lineage["steps"]:
        assert {figure["measure"] for figure in step["quality"]} >= {"tstr", "coverage", "frechet_distance"}
    attacked = [step["variant"] for step in lineage["steps"] if "loss_auc" in str(step["quality"])]
    assert attacked == ["fp32", "int8"]
    assert "**The records were simulated" in (out / "x.edgeward" / CARD_NAME).read_text()


def test_a_result_outside_is_not_written_but_its_report_is_and_json_tells_nothing(
    edgeward_here: Run,
    refused: Callable[..., None],
    teacher_path: Path,
    compression_recipe_path: Path,
    work: Path,
    out: Path,
    tmp_path: Path,
) -> None:
    tight = recipe(tmp_path, compression_recipe_path, "rare_share_change = 0.0")
    arguments = ("compress", teacher_path, "--recipe", tight, "-o", out / "x.edgeward", "--against", "simulated")
    result = edgeward_here(*arguments, "--json", "--report", out / "page.html")
    refused(result, 7, "no bundle was written")
    assert "rare_share_change" in result.stderr
    assert sorted(os.listdir(out)) == ["page.html", "x.edgeward.work"]
    assert "refused:" in (out / "page.html").read_text()


def test_json_tells_what_was_held(
    edgeward_here: Run, teacher_path: Path, compression_recipe_path: Path, work: Path, out: Path
) -> None:
    result = edgeward_here(
        *("compress", teacher_path, "--recipe", compression_recipe_path, "-o", out / "x.edgeward", "--json")
    )
    told = json.loads(result.stdout)
    assert told["judged_on"] is None
    assert [one["allowance"] for one in told["held"]] == ["student_relative_l2", "int8_relative_l2"]
    assert all(step["before"]["weights"] for step in told["steps"])


def test_a_judgement_that_is_interrupted_leaves_no_bundle_and_goes_on(
    edgeward_here: Run,
    refused: Callable[..., None],
    teacher_path: Path,
    compression_recipe_path: Path,
    work: Path,
    out: Path,
) -> None:
    arguments = ("compress", teacher_path, "--recipe", compression_recipe_path, "-o", out / "x.edgeward")

    def stop(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gatekeeper.ValidationJudge, "__call__", stop)
        told = "interrupted; nothing half-written was left behind"
        refused(edgeward_here(*arguments, "--against", "simulated"), 130, told, after_rows=True)
    assert os.listdir(out) == ["x.edgeward.work"]
    assert not [file for file in out.rglob("*") if ".partial" in file.name]
    assert edgeward_here(*arguments).returncode == 0
    assert os.listdir(out) == ["x.edgeward"]
