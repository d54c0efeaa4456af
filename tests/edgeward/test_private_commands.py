"""`--dp` through the commands: trained, told, judged; and refused by name where the promise would be void."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from edgeward.benchmarks.quality.fidelity import two_sample

Run = Callable[..., subprocess.CompletedProcess[str]]
Refused = Callable[[subprocess.CompletedProcess[str], int, str], None]

RECIPE = """
name = "smallest"
data = "table"
family = "vae"
steps = 12
batch_size = 32
learning_rate = 5e-3
weight_decay = 0.0
ema_decay = 0.8
class_balance = 0
evaluations = 0
[vae]
noise_size = 4
widths = [8]
prior_couplings = 2
prior_hidden = 8
norm = "group"
spread = "learnt"
"""


def written(folder: Path, old: str = "", new: str = "") -> Path:
    assert old in RECIPE
    path = folder / "smallest.toml"
    path.write_text(RECIPE.replace(old, new) if old else RECIPE)
    return path


def test_a_private_generator_is_trained_and_its_promise_told_and_judged_beside_it(
    edgeward_here: Run, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(two_sample, "_FOLDS", 2)
    trained = edgeward_here("train", "--recipe", written(tmp_path), "--dp", "epsilon=3", "-o", out / "x.pt", "--json")
    assert trained.returncode == 0, trained.stderr
    told = json.loads(trained.stdout)
    promise = told["differential_privacy"]
    assert told["losses"] == {}
    assert 2.8 < promise["epsilon"] <= 3.0
    assert (promise["unit"], promise["steps"], promise["entered"]) == ("record", 12, [])
    quick = ("--quick", "--seeds", 1, "--steps", 2, "--per-class", 20, "--seed", 3)
    judged = edgeward_here("evaluate", out / "x.pt", "--against", "simulated", *quick, "--json")
    assert judged.returncode == 0, judged.stderr
    assert json.loads(judged.stdout)["differential_privacy"] == {**promise, "kept": True}


def test_people_are_told_the_epsilon(edgeward_here: Run, tmp_path: Path, out: Path) -> None:
    result = edgeward_here("train", "--recipe", written(tmp_path), "--dp", "epsilon=1,delta=1e-4", "-o", out / "x.pt")
    assert result.returncode == 0, result.stderr
    assert "δ = 0.0001)-differential privacy of each record: noise multiplier" in result.stdout


@pytest.mark.parametrize(
    ("old", "new", "arguments", "exit_code", "told"),
    [
        ("class_balance = 0", "class_balance = 0.5", [], 8, "set class_balance = 0"),
        ("evaluations = 0", "evaluations = 3", [], 8, "set evaluations = 0"),
        ('norm = "group"', 'norm = "batch"', [], 8, 'set norm = "group"'),
        ('spread = "learnt"', "", [], 8, 'set spread = "learnt" in [vae]'),
        ('spread = "learnt"', 'spread = "mine"', [], 8, "spread must be batch or learnt, not 'mine'"),
        ("", "", ["--log", "log"], 2, "losses of real records, which have no noise"),
        ("", "", ["--dp", "epsilon=none"], 2, "epsilon must be a number, not 'none'"),
    ],
)
def test_what_would_void_the_promise_is_refused(
    edgeward_here: Run,
    refused: Refused,
    tmp_path: Path,
    out: Path,
    old: str,
    new: str,
    arguments: list[str],
    exit_code: int,
    told: str,
) -> None:
    promise = [] if "--dp" in arguments else ["--dp", "epsilon=3"]
    refused(
        edgeward_here("train", "--recipe", written(tmp_path, old, new), *promise, *arguments, "-o", out / "x.pt"),
        exit_code,
        told,
    )
    assert os.listdir(out) == []


def test_a_recipe_that_was_not_made_for_it_is_refused_before_the_data_are_read(
    edgeward_here: Run, refused: Refused, out: Path
) -> None:
    result = edgeward_here("train", "--recipe", "table-vae", "--dp", "epsilon=3", "-o", out / "x.pt")
    refused(result, 8, "recipe 'table-vae' cannot be trained privately")
    assert "Reading data" not in result.stderr
