"""A private run from its first step to its checkpoint: what it spends, keeps, forgets, and what is refused."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from edgeward.runtime.errors import DataError, TrainingError
from edgeward.runtime.schema import ClassCondition, NumberCondition
from edgeward.training import loop
from edgeward.training.checkpoint import Checkpoint, load_checkpoint
from edgeward.training.datasets.dataset import Dataset
from edgeward.training.loop import TrainingProgress, train
from edgeward.training.private.plan import PrivacyPlan
from edgeward.training.private.steps import PrivateRun
from edgeward.training.recipe import TrainingRecipe
from opacus.accountants import PRVAccountant

from .private_runs import private_recipe, small_table

PLAN = PrivacyPlan(3.0)


@pytest.fixture(scope="module")
def table() -> Dataset:
    return small_table()


@pytest.fixture(scope="module")
def private(table: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Checkpoint]:
    path = tmp_path_factory.mktemp("private") / "private.pt"
    return path, train(table, private_recipe(), path, seed=1, dp=PLAN)


def same_weights(one: Checkpoint, other: Checkpoint) -> bool:
    assert one.weights.keys() == other.weights.keys()
    return all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)


def interrupt_at(step: int) -> Callable[[TrainingProgress], None]:
    """A progress callback that presses Ctrl-C, one step after the one that is saved last."""

    def on_progress(progress: TrainingProgress) -> None:
        if progress.step > step:
            raise KeyboardInterrupt

    return on_progress


def test_the_checkpoint_tells_the_epsilon_that_opacus_finds_for_the_same_run(
    private: tuple[Path, Checkpoint], table: Dataset
) -> None:
    privacy = private[1].privacy
    assert privacy
    record = privacy.record
    assert privacy.asked == PLAN
    assert (record.steps, record.clip, record.unit, record.accountant) == (6, 0.2, "record", "prv")
    assert record.sampling_rate == 16 / len(table.train)
    assert record.delta == pytest.approx(0.1 / len(table.train))
    theirs = PRVAccountant()
    if record.counts_noise_multiplier:
        theirs.history.append((record.counts_noise_multiplier, 1.0, 1))
    theirs.history.append((record.noise_multiplier, record.sampling_rate, 6))
    with np.errstate(all="ignore"):
        assert record.epsilon == pytest.approx(theirs.get_epsilon(record.delta), abs=0.02)
    assert 2.8 < record.epsilon <= 3.0


def test_the_checkpoint_reads_back_what_was_promised(private: tuple[Path, Checkpoint]) -> None:
    path, checkpoint = private
    assert load_checkpoint(path).privacy == checkpoint.privacy


def test_a_complete_checkpoint_holds_neither_the_key_of_its_noise_nor_a_loss_of_a_record(
    private: tuple[Path, Checkpoint],
) -> None:
    checkpoint = load_checkpoint(private[0])
    assert (checkpoint.progress, checkpoint.history) == (None, [])


@pytest.mark.parametrize("name", ["there", "back"])
def test_the_constants_of_the_graph_are_those_of_the_declared_ranges(
    private: tuple[Path, Checkpoint], table: Dataset, name: str
) -> None:
    family = private[1].family()
    before = {key: tensor.clone() for key, tensor in family.codec.state_dict().items()}
    family.codec.fit_public()
    for key, tensor in family.codec.state_dict().items():
        assert torch.equal(tensor, before[key])
    family.codec.fit(table.train.samples)
    assert not torch.equal(family.codec.state_dict()[f"scores.{name}"], before[f"scores.{name}"])


def test_two_runs_of_one_seed_differ_as_their_noise_is_the_system_s(
    private: tuple[Path, Checkpoint], table: Dataset, tmp_path: Path
) -> None:
    assert not same_weights(train(table, private_recipe(), tmp_path / "x.pt", seed=1, dp=PLAN), private[1])


def test_a_run_resumed_is_the_run_never_interrupted_bit_for_bit(
    table: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_SAVE_EVERY_S", -1.0)
    monkeypatch.setattr(loop, "_SHOW_EVERY_S", -1.0)
    recipe, path = private_recipe(), tmp_path / "x.pt"
    with pytest.raises(KeyboardInterrupt):
        train(table, recipe, path, seed=1, dp=PLAN, on_progress=interrupt_at(3))
    saved = load_checkpoint(path)
    assert saved.progress
    assert saved.privacy
    assert (saved.step, saved.privacy.record.steps) == (3, 3)
    resumed = train(table, recipe, path, seed=1, resume=True, dp=PLAN)
    monkeypatch.setattr(
        "edgeward.training.private.secret.secrets.randbits", lambda _: int(saved.progress["secret"], 16)
    )
    whole = train(table, recipe, tmp_path / "whole.pt", seed=1, dp=PLAN)
    assert same_weights(resumed, whole)
    assert resumed.privacy == whole.privacy


@pytest.mark.parametrize("dp", [None, PrivacyPlan(8.0)])
def test_a_private_run_is_not_taken_up_with_another_promise(
    private: tuple[Path, Checkpoint], table: Dataset, dp: PrivacyPlan | None
) -> None:
    with pytest.raises(TrainingError, match="begun with another privacy"):
        train(table, private_recipe(), private[0], seed=1, resume=True, dp=dp)


def test_a_run_without_dp_promises_nothing_and_is_the_same_each_time(table: Dataset, tmp_path: Path) -> None:
    one = train(table, private_recipe(), tmp_path / "a.pt", seed=1)
    assert one.privacy is None
    assert same_weights(one, train(table, private_recipe(), tmp_path / "b.pt", seed=1))
    assert torch.load(tmp_path / "a.pt", weights_only=True)["edgeward_checkpoint"] == 2


def test_diffusion_trains_privately_too(table: Dataset, tmp_path: Path) -> None:
    privacy = train(table, private_recipe("diffusion"), tmp_path / "x.pt", seed=1, dp=PLAN).privacy
    assert privacy
    assert privacy.record.kept


def test_a_record_without_a_finite_loss_does_not_stop_the_run(table: Dataset, tmp_path: Path) -> None:
    samples = table.train.samples.copy()
    samples[:, :] = np.where(np.arange(len(samples))[:, None] < 60, np.inf, samples)
    spoilt = dataclasses.replace(table, train=dataclasses.replace(table.train, samples=samples))
    checkpoint = train(spoilt, private_recipe(), tmp_path / "x.pt", seed=1, dp=PLAN)
    assert all(tensor.isfinite().all() for tensor in checkpoint.weights.values())


def test_quantiles_of_a_quantity_read_off_the_records_are_told_to_have_entered(table: Dataset) -> None:
    age = NumberCondition("age_asked", "years", 20.0, 90.0, quantiles=(20.0, 55.0, 90.0))
    schema = dataclasses.replace(table.schema, conditions=(*table.schema.conditions, age))
    columns = {**table.train.columns, "age_asked": np.full(len(table.train), 50.0)}
    asked = dataclasses.replace(table, schema=schema, train=dataclasses.replace(table.train, columns=columns))
    record = PrivateRun(asked, private_recipe(), PLAN).privacy(6).record
    assert record.entered == ("quantiles",)
    assert not record.kept


def test_shares_of_classes_are_counted_under_noise_which_epsilon_covers(table: Dataset) -> None:
    ward = ClassCondition("ward", ("a", "b"), ("ward a", "ward b"), shares=(0.25, 0.75))
    schema = dataclasses.replace(table.schema, conditions=(*table.schema.conditions, ward))
    columns = {**table.train.columns, "ward": np.arange(len(table.train)) % 2.0}
    asked = dataclasses.replace(table, schema=schema, train=dataclasses.replace(table.train, columns=columns))
    run = PrivateRun(asked, private_recipe(), PLAN, key="1" * 32)  # a known key: a test may not need luck
    shared = run.dataset.schema.conditions[-1]
    assert isinstance(shared, ClassCondition)
    assert shared.shares != ward.shares
    assert 0.25 < shared.shares[0] < 0.9  # a half, but for noise of a deviation of 10 in 80
    record = run.privacy(6).record
    assert (record.counts_noise_multiplier, record.kept) == (10.0, True)
    assert record.epsilon <= 3.0


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        (private_recipe(class_balance=0.5), "draws rare classes more often.*set class_balance = 0"),
        (private_recipe(evaluations=2), "nearest to validation patients.*set evaluations = 0"),
        (private_recipe(options={"norm": "batch"}), 'normalises over the batch.*set norm = "group"'),
        (private_recipe(options={"spread": "batch"}), 'variance is that of the whole batch; set spread = "learnt"'),
    ],
)
def test_what_would_void_the_promise_is_refused_by_name(
    table: Dataset, tmp_path: Path, recipe: TrainingRecipe, told: str
) -> None:
    with pytest.raises(TrainingError, match=told):
        train(table, recipe, tmp_path / "x.pt", seed=1, dp=PLAN)
    assert list(tmp_path.iterdir()) == []


def test_several_processes_are_refused(table: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeward.training.private.refusals.world_size", lambda: 2)
    with pytest.raises(TrainingError, match="for one process: --dp cannot be shared by torchrun's"):
        PrivateRun(table, private_recipe(), PLAN)


def test_a_family_that_says_nothing_of_single_records_is_refused(
    table: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("edgeward.training.families.vae.Vae.why_not_private")
    with pytest.raises(TrainingError, match="no sum of losses of single records; choose another family"):
        train(table, private_recipe(), tmp_path / "x.pt", seed=1, dp=PLAN)


def test_fewer_patients_than_a_step_wants_are_refused(table: Dataset) -> None:
    two_each = np.array([f"p{i // 10}" for i in range(len(table.train))])
    grouped = dataclasses.replace(table, train=dataclasses.replace(table.train, patients=two_each))
    with pytest.raises(DataError, match=r"has 8 patients, fewer than the 16 wanted in a step.*unit=record"):
        PrivateRun(grouped, private_recipe(), PLAN)


def test_damaged_figures_of_privacy_are_refused(private: tuple[Path, Checkpoint], tmp_path: Path) -> None:
    content: dict[str, Any] = torch.load(private[0], weights_only=True)
    for name, value in (("epsilon", -1.0), ("epsilon", float("nan")), ("unknown", 1)):
        record = {**content["privacy"]["record"], name: value}
        torch.save({**content, "privacy": {**content["privacy"], "record": record}}, tmp_path / "x.pt")
        with pytest.raises(TrainingError, match="is damaged"):
            load_checkpoint(tmp_path / "x.pt")
