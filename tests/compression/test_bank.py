"""The bank asks its teacher once, gives what it said, and goes on where it was stopped."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from edgeward.compression import bank as module
from edgeward.compression.bank import Bank, answers
from edgeward.runtime.errors import OutputError
from edgeward.runtime.feed import Feed
from edgeward.training.checkpoint import Checkpoint
from edgeward.training.families.ode import times_between

from .gaussian import SCHEMA, carried, teacher

PORTION = module._PORTION


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return Bank(teacher(), SCHEMA, tmp_path / "work", "toy", seed=5)


def asked_of(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many answers its teacher was asked for, portion by portion."""
    counts: list[int] = []
    ask = answers

    def counted(teacher: object, noise: torch.Tensor, *rest: object) -> object:
        counts.append(len(noise))
        return ask(teacher, noise, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "answers", counted)
    return counts


def contents(bank: Bank) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in bank.folder.iterdir()}


def test_it_gives_the_teacher_s_samples_of_the_seed_s_noise(bank: Bank) -> None:
    taken = bank.take(200)
    inputs = Feed(5, bank.teacher.noise_shape, SCHEMA.conditions, {}).take(0, 200)
    np.testing.assert_array_equal(taken.noise.numpy(), inputs.noise)
    with torch.no_grad():
        wanted = bank.teacher.encoded(taken.noise, taken.condition)
    torch.testing.assert_close(taken.states[-1], wanted, rtol=1e-2, atol=1e-2)  # asked in half precision


def test_states_on_the_way_are_where_the_path_is_then(bank: Bank) -> None:
    marks = times_between(12)[3::3]
    taken = bank.take(300, marks)
    for mark, state in zip(marks, taken.states, strict=True):
        ones = torch.ones(300)
        exact = carried(taken.noise, ones, mark * ones)
        # Twelve steps of Heun's method, not the exact solution.
        assert (state - exact).square().mean().sqrt() < 0.02, mark


def test_the_teacher_of_another_family_is_asked_for_samples(teacher: Checkpoint, tmp_path: Path) -> None:
    generator = teacher.generator()
    taken = Bank(generator, teacher.schema, tmp_path, "vae", 1).take(10)
    assert taken.states[0].shape == (10, *generator.codec.shape)


def test_what_is_there_is_not_asked_for_again(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = asked_of(bank, monkeypatch)
    first = bank.take(PORTION + 1)
    assert counts == [PORTION] * 2
    again, more = bank.take(2 * PORTION), bank.take(2 * PORTION + 1)
    assert counts == [PORTION] * 3
    for taken in (again, more):
        assert torch.equal(taken.states[0][: PORTION + 1], first.states[0])


def test_samples_are_shared_by_those_who_want_the_way_and_those_who_do_not(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = asked_of(bank, monkeypatch)
    whole = bank.take(PORTION, [times_between(12)[6], 0.0])
    assert torch.equal(bank.take(PORTION).states[0], whole.states[1])
    assert counts == [PORTION]


@pytest.mark.parametrize("cut", [1, 4 * 3, 4 * 3 * 70, 4 * 3 * PORTION])
def test_an_interrupted_bank_goes_on_to_the_bytes_of_an_uninterrupted_one(
    cut: int, bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`cut`: bytes that the system had not written yet of one of the files."""
    marks = [times_between(12)[6], 0.0]
    whole = dataclasses.replace(bank, folder=tmp_path / "whole")
    whole.take(3 * PORTION, marks)

    def stop(done: int, of: int) -> None:
        if done == 2 * PORTION:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bank.take(3 * PORTION, marks, stop)
    path = sorted(bank.folder.iterdir())[0]
    path.write_bytes(path.read_bytes()[:-cut])
    counts = asked_of(bank, monkeypatch)
    bank.take(3 * PORTION, marks)
    assert contents(bank) == contents(whole)
    assert counts == [PORTION] * 2, "what was cut, and what was not there yet"


@pytest.mark.parametrize("change", [{"key": "other"}, {"seed": 6}])
def test_another_teacher_or_seed_has_files_of_its_own(change: dict[str, object], bank: Bank) -> None:
    bank.take(1)
    before = contents(bank)
    dataclasses.replace(bank, **change).take(1)  # type: ignore[arg-type]
    after = contents(bank)
    assert len(after) == 2
    assert before.items() <= after.items()


def test_writing_to_what_was_taken_leaves_the_file_as_it_is(bank: Bank) -> None:
    bank.take(5).states[0].zero_()
    assert bank.take(5).states[0].any()


def test_progress_ends_with_all_that_was_wanted(bank: Bank) -> None:
    shown: list[tuple[int, int]] = []
    bank.take(PORTION + 3, on_progress=lambda done, of: shown.append((done, of)))
    assert shown == [(PORTION, PORTION + 3), (PORTION + 3, PORTION + 3)]


def test_a_system_that_refuses_is_reported_with_what_to_do(bank: Bank) -> None:
    bank.folder.write_text("a file in the folder's place")
    with pytest.raises(OutputError, match="the teacher's answers cannot be kept in .*make room, or ask for fewer"):
        bank.take(1)
