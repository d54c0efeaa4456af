"""Distillation brings a pruned student back towards its teacher, and changes nobody else."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from edgeward.compression import learning
from edgeward.compression.bank import Bank
from edgeward.compression.error import probe_inputs, relative_l2, run_torch
from edgeward.compression.steps.distil import distil
from edgeward.compression.steps.prune import prune
from edgeward.runtime.errors import TrainingError
from edgeward.training.checkpoint import Checkpoint
from edgeward.training.families import Generative
from torch import nn


@pytest.fixture(scope="module")
def student(teacher: Checkpoint) -> Generative:
    """The teacher without two fifths of its channels, not healed. Shared: no test may change it."""
    return prune(teacher.generator(), teacher.schema, ratio=0.4, round_to=8, seed=3)[0]


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return copy.deepcopy(model.state_dict())


def assert_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


def test_the_student_comes_closer_to_its_teacher_on_samples_it_was_not_taught(
    teacher: Checkpoint, student: Generative
) -> None:
    full, inputs = teacher.generator(), probe_inputs((6,), teacher.schema)
    wanted = run_torch(full, inputs)
    taught = distil(student, full, teacher.schema, steps=40, batch_size=32, learning_rate=5e-3, seed=1)
    before, after = (relative_l2(run_torch(model, inputs), wanted) for model in (student, taught))
    assert after < 0.6 * before


def test_both_models_given_are_left_as_they_were(teacher: Checkpoint, student: Generative) -> None:
    full = teacher.generator()
    before = weights(full), weights(student)
    taught = distil(student, full, teacher.schema, steps=3, batch_size=8, learning_rate=5e-3, seed=1)
    assert_same(weights(full), before[0])
    assert_same(weights(student), before[1])
    assert not full.training
    assert not student.training
    assert not taught.training, "its batch norms would still follow the batch"
    assert all(parameter.grad is None for model in (full, student) for parameter in model.parameters())


def test_every_trainable_weight_is_taught(teacher: Checkpoint, student: Generative) -> None:
    taught = distil(student, teacher.generator(), teacher.schema, steps=3, batch_size=8, learning_rate=5e-3, seed=1)
    for (name, before), after in zip(student.named_parameters(), taught.parameters(), strict=True):
        assert not torch.equal(before, after), name


def test_the_same_seed_gives_the_same_student_whatever_was_drawn_in_between(
    teacher: Checkpoint, student: Generative
) -> None:
    def taught(seed: int) -> dict[str, torch.Tensor]:
        return weights(
            distil(student, teacher.generator(), teacher.schema, steps=5, batch_size=8, learning_rate=5e-3, seed=seed)
        )

    one = taught(1)
    torch.rand(3)
    assert_same(taught(1), one)
    other = taught(2)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_each_step_sees_fresh_samples(
    teacher: Checkpoint, student: Generative, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = teacher.generator()
    seen: list[np.ndarray] = []
    encoded = full.encoded

    def watched(noise: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        seen.append(noise.numpy().copy())
        return encoded(noise, condition)

    monkeypatch.setattr(full, "encoded", watched)
    distil(student, full, teacher.schema, steps=4, batch_size=8, learning_rate=5e-3, seed=1)
    rows = np.concatenate(seen)
    assert rows.shape == (32, 6)
    assert len(np.unique(rows, axis=0)) == 32


def test_answers_given_beforehand_are_learnt_from_and_the_teacher_is_not_asked(
    teacher: Checkpoint, student: Generative, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, inputs = teacher.generator(), probe_inputs((6,), teacher.schema)
    wanted = run_torch(full, inputs)
    kept = Bank(full, teacher.schema, tmp_path, "toy", seed=2).take(512)
    monkeypatch.setattr(full, "encoded", None)
    taught = distil(student, full, teacher.schema, steps=40, batch_size=32, learning_rate=5e-3, seed=1, answers=kept)
    before, after = (relative_l2(run_torch(model, inputs), wanted) for model in (student, taught))
    assert after < 0.6 * before


@pytest.mark.parametrize("steps", [1, 2, 8, 9, 10])
def test_any_number_of_steps_will_do(steps: int, teacher: Checkpoint, student: Generative) -> None:
    shown: list[tuple[int, int]] = []
    distil(
        student,
        teacher.generator(),
        teacher.schema,
        steps=steps,
        batch_size=4,
        learning_rate=5e-3,
        seed=1,
        on_progress=lambda done, of: shown.append((done, of)),
    )
    assert shown[-1] == (steps, steps)


def test_progress_counts_up_to_the_last_step(
    teacher: Checkpoint, student: Generative, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "_SHOW_EVERY_S", -1.0)  # whatever the clock says
    shown: list[tuple[int, int]] = []
    distil(
        student,
        teacher.generator(),
        teacher.schema,
        steps=4,
        batch_size=4,
        learning_rate=5e-3,
        seed=1,
        on_progress=lambda done, of: shown.append((done, of)),
    )
    assert shown == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_divergence_stops_with_the_step_and_the_remedy(teacher: Checkpoint, student: Generative) -> None:
    with pytest.raises(TrainingError, match=r"diverged at step \d+; lower its learning_rate"):
        distil(student, teacher.generator(), teacher.schema, steps=15, batch_size=4, learning_rate=1e30, seed=1)
