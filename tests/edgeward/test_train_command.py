"""`edgeward train`: the checkpoint asked for, or a clear error with its exit code and nothing half-written."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from edgeward.training import loop
from edgeward.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

Run = Callable[..., subprocess.CompletedProcess[str]]
Refused = Callable[[subprocess.CompletedProcess[str], int, str], None]

RECIPE = """
name = "smallest"
data = "ecg-beats"
family = "vae"
steps = 12
batch_size = 16
learning_rate = 5e-3
weight_decay = 0.0
ema_decay = 0.8
class_balance = 1.0
evaluations = 0
[vae]
noise_size = 4
widths = [8, 8, 8]
prior_couplings = 2
prior_hidden = 8
"""


def written(folder: Path, name: str, old: str = "", new: str = "") -> Path:
    """The recipe above as a file, with something changed."""
    assert old in RECIPE
    path = folder / name
    path.write_text(RECIPE.replace(old, new) if old else RECIPE)
    return path


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("recipe"), "smallest.toml")


@pytest.fixture(scope="module")
def trained(
    run_edgeward: Run, recipe: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A checkpoint in a folder of its own, and what the command said."""
    path = tmp_path_factory.mktemp("trained") / "teacher.pt"
    return path, run_edgeward("train", "--recipe", recipe, "-o", path, "--seed", 1, "--json")


def same_weights(one: Checkpoint, other: Checkpoint) -> bool:
    assert one.weights.keys() == other.weights.keys()
    return all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)


def test_json_tells_what_the_checkpoint_holds(
    trained: tuple[Path, subprocess.CompletedProcess[str]], recipe: Path
) -> None:
    path, result = trained
    assert result.returncode == 0, result.stderr
    told, checkpoint = json.loads(result.stdout), load_checkpoint(path)
    assert checkpoint.complete
    assert (told["file"], told["seed"], checkpoint.seed) == (str(path), 1, 1)
    assert told["recipe"] == checkpoint.recipe.to_json()
    assert told["recipe"]["name"] == "smallest"
    assert told["generator_parameters"] == sum(p.numel() for p in checkpoint.generator().parameters())
    assert told["losses"]["step"] == 10
    assert os.listdir(path.parent) == [path.name]


def test_people_are_told_that_the_data_are_simulated_and_what_comes_next(
    edgeward_here: Run, recipe: Path, out: Path
) -> None:
    result = edgeward_here("train", "--recipe", recipe, "-o", out / "x.pt", "--seed", 1)
    assert result.returncode == 0, result.stderr
    assert "note: Simulated: no patient stands behind these data" in result.stderr
    assert "seed 1" in result.stdout
    assert f"Next:  edgeward compress {out / 'x.pt'} -o ecg-beats.edgeward" in result.stdout


def test_the_seed_reported_trains_the_same_weights_again(edgeward_here: Run, recipe: Path, out: Path) -> None:
    first = edgeward_here("train", "--recipe", recipe, "-o", out / "a.pt", "--json")
    seed = json.loads(first.stdout)["seed"]
    edgeward_here("train", "--recipe", recipe, "-o", out / "b.pt", "--seed", seed)
    assert same_weights(load_checkpoint(out / "a.pt"), load_checkpoint(out / "b.pt"))


def test_only_the_classes_asked_for_are_learnt(edgeward_here: Run, recipe: Path, out: Path) -> None:
    result = edgeward_here("train", "--recipe", recipe, "-o", out / "x.pt", "--classes", "V, N")
    assert result.returncode == 0, result.stderr
    (condition,) = load_checkpoint(out / "x.pt").schema.conditions
    assert getattr(condition, "values", None) == ("N", "V")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "told"),
    [
        (["--data", "absent"], 3, "there is no folder absent"),
        (["--data", "recipe.toml"], 3, "recipe.toml is a file, and what is wanted is the folder of MIT-BIH records"),
        (["--data", "empty"], 3, "empty holds no WFDB header"),
        (["--data", "half"], 3, "half lacks the headers of 43 of 44 records"),
        (["--recipe", "ecg-strips-vae", "--data", "empty"], 3, "empty holds no WFDB header"),
        (["--recipe", "bedside-windows-vae", "--data", "half"], 3, "half holds other WFDB records, so no BIDMC"),
        (["--recipe", "icu-stays-vae", "--data", "half"], 3, "half holds no set of the Challenge 2012"),
        (["--recipe", "images-vae", "--data", "recipe.toml"], 3, "recipe.toml is no npz file"),
        (["--recipe", "table-vae", "--data", "empty"], 3, "empty is a folder; name a table"),
        (["--classes", "N,X"], 2, "no beat class 'X'; give some of N,S,V,F,Q"),
        (["--classes", ","], 2, "no beat class ''"),
        (["--recipe", "no-such"], 8, "one of: bedside-windows-diffusion, bedside-"),
        (["--recipe", "broken.toml"], 8, "broken.toml is not valid TOML"),
        (["--recipe", "stepless.toml"], 8, "stepless.toml: missing ['steps']"),
        (["--recipe", "huge.toml"], 3, "fewer than one batch of 1000000"),
        (["--seed", "-1"], 2, "seed must be from 0"),
        (["--seed", str(2**64)], 2, "seed must be from 0"),
        (["--seed", "one"], 2, "'one' is not a valid integer"),
    ],
)
def test_a_wrong_request_is_refused(
    edgeward_here: Run, refused: Refused, tmp_path: Path, out: Path, arguments: list[str], exit_code: int, told: str
) -> None:
    written(tmp_path, "recipe.toml")
    written(tmp_path, "broken.toml", "steps = 12", "steps = ")
    written(tmp_path, "stepless.toml", "steps = 12", "")
    written(tmp_path, "huge.toml", "batch_size = 16", "batch_size = 1000000")
    (tmp_path / "empty").mkdir()
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "100.hea").touch()
    recipe = [] if "--recipe" in arguments else ["--recipe", "recipe.toml"]
    refused(edgeward_here("train", *recipe, *arguments, "-o", out / "x.pt", cwd=tmp_path), exit_code, told)
    assert os.listdir(out) == []


def test_an_output_must_be_named(edgeward_here: Run, refused: Refused, recipe: Path, out: Path) -> None:
    refused(edgeward_here("train", "--recipe", recipe, cwd=out), 2, "Missing option '-o'")
    assert os.listdir(out) == []


def test_a_place_that_cannot_be_written_is_refused_before_the_data_are_read(
    edgeward_here: Run, refused: Refused, recipe: Path, out: Path
) -> None:
    (out / "taken.pt").write_text("precious")
    (out / "folder.pt").mkdir()
    for path, more, told in (
        ("taken.pt", [], "--overwrite to replace it"),
        ("folder.pt", ["--overwrite"], "is no ordinary file"),
        ("folder.pt", ["--resume"], "is no ordinary file"),
        ("absent/x.pt", [], "is not a folder"),
        ("x" * 300 + ".pt", [], "File name too long"),
    ):
        result = edgeward_here("train", "--recipe", recipe, "-o", out / path, *more)
        refused(result, 6, told)
        assert "Reading data" not in result.stderr
    assert sorted(os.listdir(out)) == ["folder.pt", "taken.pt"]
    assert (out / "taken.pt").read_text() == "precious"


def test_a_folder_that_is_read_only_is_refused(
    edgeward_here: Run, refused: Refused, recipe: Path, read_only: Path
) -> None:
    refused(edgeward_here("train", "--recipe", recipe, "-o", read_only / "x.pt"), 6, str(read_only))
    assert not (read_only / "x.pt").exists()


def test_overwrite_replaces_the_checkpoint(edgeward_here: Run, recipe: Path, out: Path) -> None:
    (out / "x.pt").write_text("old")
    assert edgeward_here("train", "--recipe", recipe, "-o", out / "x.pt", "--overwrite").returncode == 0
    assert load_checkpoint(out / "x.pt").complete


def test_a_full_disk_keeps_the_checkpoint_that_was_to_be_replaced(
    run_edgeward: Run, refused: Refused, recipe: Path, out: Path
) -> None:
    resource = pytest.importorskip("resource")
    (out / "x.pt").write_text("precious")
    result = run_edgeward(
        *("train", "--recipe", recipe, "-o", out / "x.pt", "--overwrite"),
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    )
    refused(result, 6, "nothing was left behind")
    assert os.listdir(out) == ["x.pt"]
    assert (out / "x.pt").read_text() == "precious"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--seed", "2"], "begun with another seed (1 then, 2 now)"),
        (["--classes", "N,V"], "begun with another data"),
        (["--recipe", "other.toml"], "begun with another recipe"),
    ],
)
def test_another_run_is_not_resumed(
    edgeward_here: Run,
    refused: Refused,
    trained: tuple[Path, subprocess.CompletedProcess[str]],
    recipe: Path,
    tmp_path: Path,
    arguments: list[str],
    told: str,
) -> None:
    path, _ = trained
    before = path.read_bytes()
    written(tmp_path, "other.toml", "steps = 12", "steps = 13")
    default = [] if "--recipe" in arguments else ["--recipe", recipe]
    refused(edgeward_here("train", *default, *arguments, "-o", path, "--resume", cwd=tmp_path), 8, told)
    assert path.read_bytes() == before


def test_a_file_that_is_no_checkpoint_is_not_resumed(
    edgeward_here: Run, refused: Refused, recipe: Path, out: Path
) -> None:
    (out / "x.pt").write_text("precious")
    refused(edgeward_here("train", "--recipe", recipe, "-o", out / "x.pt", "--resume"), 8, "x.pt is damaged, or is no")
    assert (out / "x.pt").read_text() == "precious"


def test_an_interrupted_run_is_resumed_to_the_same_weights(
    edgeward_here: Run,
    refused: Refused,
    trained: tuple[Path, subprocess.CompletedProcess[str]],
    recipe: Path,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def save_and_interrupt(checkpoint: Checkpoint, path: Path) -> None:
        save_checkpoint(checkpoint, path)
        if checkpoint.step == 5:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(loop, "save_checkpoint", save_and_interrupt)
    monkeypatch.setattr(loop, "_SAVE_EVERY_S", -1.0)
    first = edgeward_here("train", "--recipe", recipe, "-o", out / "x.pt", "--seed", 1)
    refused(first, 130, "interrupted; nothing half-written was left behind")
    assert os.listdir(out) == ["x.pt"]
    assert (load_checkpoint(out / "x.pt").step, load_checkpoint(out / "x.pt").complete) == (5, False)
    # Without --seed it goes on with the one it was begun with.
    again = edgeward_here("train", "--recipe", recipe, "-o", out / "x.pt", "--resume")
    assert again.returncode == 0, again.stderr
    assert same_weights(load_checkpoint(out / "x.pt"), load_checkpoint(trained[0]))


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals on Windows")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_before_the_first_checkpoint_leaves_nothing(tmp_path: Path, out: Path, name: str) -> None:
    endless = written(tmp_path, "endless.toml", "steps = 12", "steps = 1000000")
    process = subprocess.Popen(
        [sys.executable, "-m", "edgeward", "train", "--recipe", endless, "-o", out / "x.pt"],
        stderr=subprocess.PIPE,
        text=True,
        # A shell may have started the tests with SIGINT ignored, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    with contextlib.ExitStack() as stack:
        stack.callback(process.kill)
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("note:"):  # the data are read; training begins
                break
        process.send_signal(signal.Signals[name])
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; nothing half-written was left behind" in told
    assert "Traceback" not in told
    assert os.listdir(out) == []


@pytest.mark.parametrize("library", ["torch", "scipy"])
def test_an_absent_library_is_an_error_with_the_command_that_installs_it(
    refused: Refused, recipe: Path, out: Path, library: str
) -> None:
    program = f"import sys; sys.modules[{library!r}] = None; from edgeward.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, "train", "--recipe", recipe, "-o", out / "x.pt"],
        capture_output=True,
        text=True,
        check=False,
    )
    refused(
        result, 5, f"needs {library}, which the thin install leaves out; install it with: pip install 'edgeward[train]'"
    )
    assert os.listdir(out) == []
