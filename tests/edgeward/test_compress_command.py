"""`edgeward compress`: the bundle asked for, or a clear error with its exit code and nothing half-written."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from edgeward.compression.steps import STEPS
from edgeward.runtime import Bundle, open_bundle
from edgeward.training.checkpoint import Checkpoint, save_checkpoint

Run = Callable[..., subprocess.CompletedProcess[str]]
Refused = Callable[..., None]
Bundled = tuple[Path, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def compressed_here(
    run_edgeward: Run, teacher_path: Path, compression_recipe_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Bundled:
    """A bundle in a folder of its own, and what the command said."""
    path = tmp_path_factory.mktemp("compressed") / "x.edgeward"
    return path, run_edgeward("compress", teacher_path, "--recipe", compression_recipe_path, "-o", path, "--json")


def graphs(folder: Path) -> set[str]:
    """Files of the variants; each is named after the hash of its content."""
    return set(os.listdir(folder / "variants"))


def state(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_json_tells_what_the_bundle_holds(compressed_here: Bundled, teacher: Checkpoint) -> None:
    path, result = compressed_here
    assert result.returncode == 0, result.stderr
    told, bundle = json.loads(result.stdout), open_bundle(path)
    assert (told["bundle"], told["sha256"]) == (str(path), bundle.digest)
    assert [step["do"] for step in told["steps"]] == ["prune", "distil", "export", "quantise"]
    assert told["teacher"]["parameters"] == sum(p.numel() for p in teacher.generator().parameters())
    assert told["steps"][-1]["cost"]["parameters"] < told["teacher"]["parameters"]
    assert told["student_relative_l2"] > 0
    variants = {variant.precision for variant in bundle.manifest.variants}
    assert {speed["variant"] for speed in told["speed"] if speed["engine"] == "onnxruntime"} == variants
    assert bundle.manifest.lineage["compression"]["speed"] == told["speed"]
    assert (bundle.manifest.name, bundle.manifest.version) == (teacher.schema.name, "0.1.0")


def test_nothing_is_left_beside_the_bundle(compressed_here: Bundled) -> None:
    path, _ = compressed_here
    assert os.listdir(path.parent) == [path.name]


def test_without_a_seed_the_teachers_is_used_and_gives_the_same_graphs_again(
    compressed_here: Bundled, teacher: Checkpoint, bundle: Bundle
) -> None:
    path, result = compressed_here
    assert json.loads(result.stdout)["seed"] == teacher.seed == 1
    assert graphs(path) == graphs(bundle.path)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "told"),
    [
        (["absent.pt"], 8, "absent.pt does not exist; make it with: edgeward train"),
        (["folder"], 8, "folder does not exist; make it with: edgeward train"),
        (["text.pt"], 8, "text.pt is damaged, or is no checkpoint"),
        (["empty.pt"], 8, "empty.pt is damaged, or is no checkpoint"),
        (["truncated.pt"], 8, "truncated.pt is damaged, or is no checkpoint"),
        (["unfinished.pt"], 8, "not trained to its end; finish it with: edgeward train --resume"),
        (["teacher.pt", "--recipe", "no-such"], 8, ", ecg-beats,"),
        (["teacher.pt", "--recipe", "broken.toml"], 8, "broken.toml is not valid TOML"),
        (["teacher.pt", "--recipe", "ecg-beats-vae"], 8, "there is no recipe 'ecg-beats-vae'"),
        (["teacher.pt", "--recipe", "empty.pt"], 8, "it needs a name, [[step]]s and an [allowance]"),
        (["teacher.pt", "--seeds", "5"], 2, "--seeds needs real records: say which with --against DATA"),
        (["teacher.pt", "--evaluate", "quick"], 2, "--evaluate needs real records: say which with --against DATA"),
        (["teacher.pt", "--against", "simulated", "--seeds", "4"], 2, "4 is not in the range x>=5"),
        (["teacher.pt", "--against", "absent"], 3, "absent"),
        (["no-schema.pt"], 8, "no-schema.pt holds no schema"),
        (["teacher.pt", "--seed", "-1"], 2, "seed must be from 0"),
        (["teacher.pt", "--seed", str(2**64)], 2, "seed must be from 0"),
        ([], 2, "Missing argument 'TEACHER'"),
    ],
)
def test_a_wrong_request_is_refused(
    edgeward_here: Run,
    refused: Refused,
    teacher: Checkpoint,
    teacher_path: Path,
    tmp_path: Path,
    out: Path,
    arguments: list[str],
    exit_code: int,
    told: str,
) -> None:
    content = teacher_path.read_bytes()
    (tmp_path / "teacher.pt").write_bytes(content)
    (tmp_path / "truncated.pt").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.pt").write_text("hello")
    (tmp_path / "empty.pt").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken.toml").write_text("name = ")
    save_checkpoint(dataclasses.replace(teacher, progress={}), tmp_path / "unfinished.pt")
    schemaless = torch.load(teacher_path, weights_only=True)
    del schemaless["schema"]
    torch.save(schemaless, tmp_path / "no-schema.pt")
    refused(edgeward_here("compress", *arguments, "-o", out / "x.edgeward", cwd=tmp_path), exit_code, told)
    assert os.listdir(out) == []


def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    edgeward_here: Run, refused: Refused, teacher_path: Path, compression_recipe_path: Path, bundle: Bundle, out: Path
) -> None:
    shutil.copytree(bundle.path, out / "taken")
    (out / "file").write_text("precious")
    (out / "busy.work").write_text("precious")
    (out / "thesis").mkdir()
    (out / "thesis" / "chapter").write_text("precious")
    before = state(out)
    for path, more, told in (
        ("taken", [], "--overwrite to replace it"),
        ("file", ["--overwrite"], "is no folder"),
        ("thesis", ["--overwrite"], "is a folder, but no bundle, and is not replaced"),
        ("busy", [], "busy.work is no folder"),
        ("absent/x", [], "is not a folder"),
        ("x" * 300, [], "File name too long"),
    ):
        result = edgeward_here("compress", teacher_path, "--recipe", compression_recipe_path, "-o", out / path, *more)
        refused(result, 6, told)
        assert "Distil" not in result.stderr
    assert state(out) == before


def test_a_folder_that_is_read_only_is_refused(
    edgeward_here: Run, refused: Refused, teacher_path: Path, compression_recipe_path: Path, read_only: Path
) -> None:
    result = edgeward_here("compress", teacher_path, "--recipe", compression_recipe_path, "-o", read_only / "x")
    refused(result, 6, str(read_only))
    assert not (read_only / "x").exists()


def test_a_result_outside_the_allowance_is_not_written_and_the_next_run_goes_on_from_its_steps(
    edgeward_here: Run,
    refused: Refused,
    teacher_path: Path,
    compression_recipe_path: Path,
    bundle: Bundle,
    finished_work: Path,
    out: Path,
) -> None:
    loose = compression_recipe_path.read_text()
    old, new = "student_relative_l2 = 5.0", "int8_relative_l2 = 1.0"
    assert old in loose
    assert new in loose
    path = Path(shutil.copytree(bundle.path, out / "x.edgeward"))
    shutil.copytree(finished_work, out / "x.edgeward.work")  # the steps of an earlier run
    before = state(path)

    def run(recipe: str) -> subprocess.CompletedProcess[str]:
        (out.parent / "recipe.toml").write_text(recipe)
        return edgeward_here(
            *("compress", teacher_path, "--recipe", out.parent / "recipe.toml", "-o", path, "--overwrite"),
            *("--name", "again", "--bundle-version", "2.0.0"),
        )

    for tight, told in (
        (
            loose.replace(old, "student_relative_l2 = 0.0"),
            "allows 0; no bundle was written. Most came with step 1",
        ),
        (loose.replace(new, "int8_relative_l2 = 1e-9"), "allows 1e-09; no bundle was written. It came with step 4, qu"),
    ):
        refused(run(tight), 7, told, after_rows=True)
        assert sorted(os.listdir(out)) == ["x.edgeward", "x.edgeward.work"]
        assert state(path) == before
    result = run(loose)
    assert result.returncode == 0, result.stderr
    assert "Distil" not in result.stderr  # that was kept
    assert "Next:  edgeward generate" in result.stdout
    assert os.listdir(out) == ["x.edgeward"]
    replaced = open_bundle(path)
    assert (replaced.manifest.name, replaced.manifest.version) == ("again", "2.0.0")
    assert graphs(path) == graphs(bundle.path)


def test_an_interrupted_run_leaves_no_bundle_and_goes_on_to_the_same_graphs(
    edgeward_here: Run,
    refused: Refused,
    teacher_path: Path,
    compression_recipe_path: Path,
    bundle: Bundle,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = ("compress", teacher_path, "--recipe", compression_recipe_path, "-o", out / "x.edgeward")
    with monkeypatch.context() as patch:
        stopped = dataclasses.replace(STEPS["export"], run=lambda *_, **__: signal.raise_signal(signal.SIGINT))
        patch.setitem(STEPS, "export", stopped)
        told = "interrupted; nothing half-written was left behind"
        refused(edgeward_here(*arguments), 130, told, after_rows=True)
    assert os.listdir(out) == ["x.edgeward.work"]
    assert not list(out.rglob("*.partial"))
    again = edgeward_here(*arguments)
    assert again.returncode == 0, again.stderr
    assert "Distil" not in again.stderr
    assert os.listdir(out) == ["x.edgeward"]
    assert graphs(out / "x.edgeward") == graphs(bundle.path)


@pytest.mark.parametrize(("library", "extra"), [("torch", "train"), ("onnx", "compress")])
def test_an_absent_library_is_an_error_with_the_command_that_installs_it(
    refused: Refused, teacher_path: Path, out: Path, library: str, extra: str
) -> None:
    program = f"import sys; sys.modules[{library!r}] = None; from edgeward.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, "compress", teacher_path, "-o", out / "x.edgeward"],
        capture_output=True,
        text=True,
        check=False,
    )
    refused(
        result,
        5,
        f"needs {library}, which the thin install leaves out; install it with: pip install 'edgeward[{extra}]'",
    )
    assert os.listdir(out) == []
