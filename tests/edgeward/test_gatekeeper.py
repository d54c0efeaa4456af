"""The judge of the gate: validation records only, the teacher's noise, and the same answer whenever it is asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from edgeward.benchmarks.quality.fidelity import two_sample
from edgeward.compression import Compressed
from edgeward.runtime.errors import RequestError
from edgeward.training.checkpoint import Checkpoint
from edgeward.training.datasets.beats.simulator import simulate_beats
from edgeward.training.datasets.dataset import Dataset

from edgeward.gatekeeper import GATE, GLANCE_SEEDS, ValidationJudge

# A few records and steps: what is tested is what is compared with what, and not how good it is.
SMALL = dataclasses.replace(GATE, steps=10, per_class=30, test_records=100, fidelity_records=40, attacked=12)


@pytest.fixture(scope="module", autouse=True)
def fewer_trees() -> Iterator[None]:
    """The two-sample test is most of a judgement's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(two_sample, "_FOLDS", 2)
        yield


@pytest.fixture(scope="module")
def records() -> Dataset:
    """Enough patients for a class to be scored on validation."""
    return simulate_beats(patients=(6, 5, 3), beats_per_patient=60, seed=1)


@pytest.fixture(scope="module")
def judge(teacher: Checkpoint, records: Dataset) -> ValidationJudge:
    return ValidationJudge(teacher, records, seed=3, effort=SMALL)


def test_a_teacher_has_lost_nothing_against_itself(teacher: Checkpoint, judge: ValidationJudge) -> None:
    quality = judge(teacher.generator(), decide=True)
    assert {figure.measure for figure in quality.figures} == judge.measures
    for figure in quality.figures:
        assert figure.mine == figure.teacher, figure.measure
        assert figure.bound == figure.change


def test_a_graph_is_judged_like_the_model_it_was_exported_from_and_a_damaged_one_is_not(
    teacher: Checkpoint, judge: ValidationJudge, compressed: Compressed
) -> None:
    shipped = judge(compressed.graphs["int8"], decide=False).figure("coverage")
    wrecked = teacher.generator()
    with torch.no_grad():
        for parameter in wrecked.parameters():
            parameter.mul_(0.0)
    lost = judge(wrecked, decide=False).figure("coverage")
    assert shipped is not None
    assert lost is not None
    assert shipped.teacher == lost.teacher
    assert shipped.mine is not None
    assert lost.mine is not None
    assert lost.mine < 0.5 * shipped.mine


def test_a_glance_is_of_fewer_draws_and_attacks_no_weights(teacher: Checkpoint, judge: ValidationJudge) -> None:
    told: list[tuple[int, int]] = []
    quality = judge(teacher.generator(), decide=False, say=lambda done, of, _: told.append((done, of)))
    assert quality.figure("loss_auc") is None
    assert {figure.seeds for figure in quality.figures} == {GLANCE_SEEDS}
    assert told[-1][0] == told[-1][1]
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_test_records_decide_nothing(teacher: Checkpoint, records: Dataset, judge: ValidationJudge) -> None:
    poisoned = dataclasses.replace(
        records, test=dataclasses.replace(records.test, samples=np.full_like(records.test.samples, np.nan))
    )
    other = ValidationJudge(teacher, poisoned, seed=3, effort=SMALL)
    assert other(teacher.generator(), decide=False) == judge(teacher.generator(), decide=False)
    assert judge.about.split == "validation"
    assert judge.about.records == len(records.validation)


def test_the_key_tells_judges_apart_that_may_answer_differently(
    teacher: Checkpoint, records: Dataset, judge: ValidationJudge
) -> None:
    more = dataclasses.replace(SMALL, seeds=6)
    keys = {
        judge.key,
        ValidationJudge(teacher, records, seed=4, effort=SMALL).key,
        ValidationJudge(teacher, records, seed=3, effort=more).key,
    }
    assert len(keys) == 3
    assert ValidationJudge(teacher, records, seed=3, effort=SMALL).key == judge.key


def test_fewer_than_five_seeds_decide_nothing(teacher: Checkpoint, records: Dataset) -> None:
    with pytest.raises(RequestError, match="a gate needs 5 seeds or more, not 4"):
        ValidationJudge(teacher, records, seed=1, effort=dataclasses.replace(SMALL, seeds=4))


def test_too_few_patients_leave_out_what_classifiers_tell_and_say_so(teacher: Checkpoint, dataset: Dataset) -> None:
    judge = ValidationJudge(teacher, dataset, seed=1, effort=SMALL)
    assert "tstr" not in judge.measures
    assert "coverage" in judge.measures
    assert any("fewer than two classes have enough records" in note for note in judge.about.notes)


def test_records_that_the_teacher_did_not_learn_from_are_named(
    teacher: Checkpoint, records: Dataset, dataset: Dataset
) -> None:
    told = "These are not the records the teacher learnt from"
    other = ValidationJudge(teacher, records, seed=1, effort=SMALL)
    assert any(told in note for note in other.about.notes)
    assert not any(told in note for note in ValidationJudge(teacher, dataset, seed=1, effort=SMALL).about.notes)


def test_the_feature_network_is_kept_where_it_is_told_to(teacher: Checkpoint, records: Dataset, tmp_path: Path) -> None:
    judge = ValidationJudge(teacher, records, seed=1, effort=SMALL, cache=tmp_path)
    assert judge.about.feature_space
    assert [file.suffix for file in tmp_path.iterdir()] == [".npz"]
