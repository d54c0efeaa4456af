"""Checkpoints come back as they went, and a damaged, foreign or hostile file is refused without running it."""

import dataclasses
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from edgeward.runtime.errors import OutputError, TrainingError
from edgeward.runtime.schema import Schema
from edgeward.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from edgeward.training.recipe import load_training_recipe

from .toy_schemas import TABLE, signal

FIELDS = [
    "edgeward_checkpoint",
    "recipe",
    "schema",
    "provenance",
    "seed",
    "step",
    "weights",
    "progress",
    "history",
]


@pytest.fixture
def content(teacher_path: Path) -> dict[str, Any]:
    """What a good checkpoint holds, to be spoilt."""
    loaded: dict[str, Any] = torch.load(teacher_path, weights_only=True)
    return loaded


def written(content: object, folder: Path) -> Path:
    path = folder / "spoilt.pt"
    torch.save(content, path)
    return path


class Hostile:
    """Unpickling it creates a file."""

    def __init__(self, trap: Path) -> None:
        self.trap = trap

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trap,)


def test_a_checkpoint_comes_back_as_it_was_saved(teacher: Checkpoint, tmp_path: Path) -> None:
    save_checkpoint(teacher, tmp_path / "again.pt")
    again = load_checkpoint(tmp_path / "again.pt")
    for field in ("recipe", "schema", "provenance", "seed", "step", "progress", "history"):
        assert getattr(again, field) == getattr(teacher, field), field
    assert again.weights.keys() == teacher.weights.keys()
    assert all(torch.equal(again.weights[name], teacher.weights[name]) for name in teacher.weights)


def test_the_generator_is_in_evaluation_mode_and_its_samples_have_the_schema_s_shape(teacher: Checkpoint) -> None:
    generator = teacher.generator()
    assert not any(module.training for module in generator.modules())
    samples = generator(torch.zeros(3, *generator.noise_shape), torch.zeros(3, generator.condition_size))
    assert samples.shape == (3, *teacher.schema.shape)


def test_only_a_checkpoint_without_progress_is_complete(teacher: Checkpoint) -> None:
    assert teacher.complete
    assert not dataclasses.replace(teacher, progress={}).complete


def test_weights_that_do_not_fit_the_recipe_are_refused(teacher: Checkpoint) -> None:
    fewer = {name: tensor for name, tensor in teacher.weights.items() if not name.startswith("decoder.last")}
    with pytest.raises(TrainingError, match="do not fit its recipe"):
        dataclasses.replace(teacher, weights=fewer).family()


def test_an_absent_file_is_answered_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="edgeward train -o"):
        load_checkpoint(tmp_path / "absent.pt")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.7, 0.99, 0.9999])
def test_a_truncated_file_is_refused(share: float, teacher_path: Path, tmp_path: Path) -> None:
    whole = teacher_path.read_bytes()
    part = tmp_path / "part.pt"
    part.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(TrainingError, match=r"part\.pt is damaged, or is no checkpoint"):
        load_checkpoint(part)


@pytest.mark.parametrize("foreign", [b"hello", b"\x80", b"PK\x03\x04", bytes(1000), b"\x89PNG\r\n\x1a\n" * 9])
def test_a_foreign_file_is_refused(foreign: bytes, tmp_path: Path) -> None:
    path = tmp_path / "foreign.pt"
    path.write_bytes(foreign)
    with pytest.raises(TrainingError, match=r"foreign\.pt"):
        load_checkpoint(path)


def test_a_foreign_zip_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(TrainingError):
        load_checkpoint(tmp_path / "a.zip")


@pytest.mark.parametrize("foreign", [{}, {"weights": {}}, [1, 2], torch.zeros(2), 3])
def test_a_file_of_torch_that_is_no_checkpoint_of_ours_is_refused(foreign: object, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no checkpoint of Edgeward"):
        load_checkpoint(written(foreign, tmp_path))


def test_a_hostile_pickle_does_not_run(content: dict[str, Any], tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    path = written({**content, "seed": Hostile(trap)}, tmp_path)
    with pytest.raises(TrainingError, match="is damaged, or is no checkpoint"):
        load_checkpoint(path)
    assert not trap.exists()
    torch.load(path, weights_only=False)
    assert trap.exists(), "the trap itself must work, or this test shows nothing"


def test_a_bare_hostile_pickle_does_not_run(tmp_path: Path) -> None:
    trap, path = tmp_path / "trap", tmp_path / "bare.pt"
    path.write_bytes(pickle.dumps(Hostile(trap)))
    with pytest.raises(TrainingError):
        load_checkpoint(path)
    assert not trap.exists()


def test_a_newer_format_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="another version of Edgeward"):
        load_checkpoint(written({**content, "edgeward_checkpoint": 3}, tmp_path))


@pytest.mark.parametrize("field", FIELDS)
def test_a_missing_field_is_refused(field: str, content: dict[str, Any], tmp_path: Path) -> None:
    del content[field]
    with pytest.raises(TrainingError, match=r"spoilt\.pt"):
        load_checkpoint(written(content, tmp_path))


@pytest.mark.parametrize(
    ("field", "value"),
    [("recipe", {}), ("recipe", 3), ("schema", {}), ("schema", None), ("provenance", {}), ("provenance", 3)],
)
def test_a_field_that_makes_no_sense_is_refused(
    field: str, value: object, content: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"spoilt\.pt"):
        load_checkpoint(written({**content, field: value}, tmp_path))


def test_a_place_that_cannot_be_written_is_an_output_error(teacher: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        save_checkpoint(teacher, tmp_path / "no such folder" / "teacher.pt")


def test_a_failure_while_saving_keeps_the_older_file_and_leaves_nothing(
    teacher: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "teacher.pt"
    path.write_bytes(b"older")

    def fail(_: object, file: Any) -> None:
        file.write(b"half")
        raise RuntimeError("the power went")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(RuntimeError, match="the power went"):
        save_checkpoint(teacher, path)
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("schema", "read"), [(signal(1, 16), True), (TABLE, False), (signal(2, 16, gappy=1), False)])
def test_diffusion_of_an_older_format_is_read_only_where_its_weights_mean_the_same(
    schema: Schema, read: bool, content: dict[str, Any], tmp_path: Path
) -> None:
    recipe = load_training_recipe("table-diffusion")
    older = {**content, "edgeward_checkpoint": 1, "schema": schema.to_json(), "recipe": recipe.to_json()}
    if read:
        assert load_checkpoint(written(older, tmp_path)).recipe == recipe
    else:
        with pytest.raises(TrainingError, match="another version of Edgeward; train it again"):
            load_checkpoint(written(older, tmp_path))
