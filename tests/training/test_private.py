"""Private training: every step is one that the accountant adds up, and what it spent travels with the model."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from edgeward.benchmarks.quality.evidence import PrivacyRecord
from edgeward.runtime.errors import DataError, RequestError, TrainingError
from edgeward.training.checkpoint import Checkpoint, load_checkpoint
from edgeward.training.datasets.dataset import Dataset, Split
from edgeward.training.datasets.table.simulator import simulate_table
from edgeward.training.families import Family, build_family
from edgeward.training.loop import TrainingProgress, train
from edgeward.training.private.accountant import Mechanism, epsilon_of, noise_multiplier_for
from edgeward.training.private.gradients import RecordDraws, clipped_sum, private_gradients, record_gradients
from edgeward.training.private.plan import PrivacyPlan, parse_plan
from edgeward.training.private.sampling import Units
from edgeward.training.recipe import TrainingRecipe, load_training_recipe
from opacus.accountants import PRVAccountant

VAE = load_training_recipe("table-vae-private")
SHORT = dataclasses.replace(VAE, steps=12, batch_size=16)
PLAN = PrivacyPlan(epsilon=5.0)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return simulate_table(patients=(120, 40, 40), seed=3)


def built(recipe: TrainingRecipe, dataset: Dataset) -> Family:
    torch.manual_seed(5)
    model = build_family(recipe.family, dataset.schema, recipe.options)
    model.codec.fit_public()
    with torch.no_grad():
        for parameter in model.parameters():  # away from a start at zero, where gradients vanish
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model.train()


def few(dataset: Dataset, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(dataset.train.samples[:n]), torch.from_numpy(dataset.condition_vectors(dataset.train)[:n])


# Gradients


@pytest.mark.parametrize("name", ["table-vae-private", "table-diffusion-private"])
def test_a_record_has_the_gradient_it_has_alone(name: str, dataset: Dataset) -> None:
    model = built(load_training_recipe(name), dataset)
    samples, condition = few(dataset, 5)
    losses, gradients = record_gradients(model, samples, condition, np.random.default_rng(1))
    assert gradients.keys() == dict(model.named_parameters()).keys()
    for k in range(5):
        draws = RecordDraws(np.random.default_rng(1), 5, torch.tensor([k]))
        model.zero_grad()
        loss = model.record_losses(samples[k : k + 1], condition[k : k + 1], draws)
        loss.sum().backward()
        assert losses[k].item() == pytest.approx(loss.item(), rel=1e-4)
        for of, parameter in model.named_parameters():
            alone = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            torch.testing.assert_close(gradients[of][k], alone, rtol=1e-3, atol=1e-5)


def test_the_mean_of_the_records_losses_is_the_loss_of_the_batch(dataset: Dataset) -> None:
    model = built(VAE, dataset)
    samples, condition = few(dataset, 8)
    losses, _ = record_gradients(model, samples, condition, np.random.default_rng(2))

    class Same(RecordDraws):
        """The numbers that the records had, all at once."""

        def normal(self, n: int, *shape: int) -> torch.Tensor:
            return torch.from_numpy(self._rng.standard_normal((n, *shape), np.float32))

    draws = Same(np.random.default_rng(2), 8, torch.arange(8))
    whole = model.losses("model", samples, condition, draws)
    assert losses.mean().item() == pytest.approx(sum(whole.values()).item(), rel=1e-4)  # type: ignore[union-attr]


def norms(gradients: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.stack([g.flatten(1).square().sum(dim=1) for g in gradients.values()]).sum(dim=0).sqrt()


def test_no_record_moves_the_sum_by_more_than_the_clip_and_short_gradients_stay_as_they_are() -> None:
    rng = torch.Generator().manual_seed(1)
    gradients = {"a": torch.randn(6, 3, 2, generator=rng), "b": torch.randn(6, 4, generator=rng)}
    scales = torch.tensor([1e-3, 1e-2, 1, 5, 1e3, 1e6])
    gradients = {name: g * scales.view(-1, *(1,) * (g.ndim - 1)) for name, g in gradients.items()}
    for k in range(6):
        one = {name: g[k : k + 1] for name, g in gradients.items()}
        moved = clipped_sum(one, 1.0)
        length = math.sqrt(sum(g.square().sum().item() for g in moved.values()))
        assert length == pytest.approx(min(1.0, norms(one).item()), rel=1e-5)
    together = clipped_sum(gradients, 1.0)
    each = [clipped_sum({name: g[k : k + 1] for name, g in gradients.items()}, 1.0) for k in range(6)]
    for name, summed in together.items():
        torch.testing.assert_close(summed, torch.stack([part[name] for part in each]).sum(dim=0))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_gradient_that_is_not_finite_counts_as_none(bad: float) -> None:
    gradients = {"a": torch.tensor([[3.0, 4.0], [bad, 1.0]]), "b": torch.tensor([[0.0], [1.0]])}
    found = clipped_sum(gradients, 1.0)
    torch.testing.assert_close(found["a"], torch.tensor([0.6, 0.8]))
    assert found["b"].item() == 0.0


def test_noise_has_the_deviation_that_was_asked_for_whoever_came(dataset: Dataset) -> None:
    model = built(VAE, dataset)
    samples, condition = few(dataset, 4)

    def one(n: int) -> torch.Tensor:
        _, gradients = private_gradients(
            model,
            samples[:n],
            condition[:n],
            clip=0.5,
            noise_multiplier=3.0,
            expected=20.0,
            draws=np.random.default_rng(1),
            noise=np.random.default_rng(2),
        )
        return torch.cat([g.flatten() for g in gradients.values()])

    nobody, some = one(0), one(4)
    # About 30,000 numbers: the relative standard error of their deviation is about 0.4 %.
    assert nobody.std().item() == pytest.approx(3.0 * 0.5 / 20.0, rel=0.03)
    assert abs(nobody.mean().item()) < 4 * 0.075 / math.sqrt(len(nobody))
    # The same noise: what is left is the clipped sum of four, over the number expected, not the number that came.
    assert 0.0 < (some - nobody).norm().item() <= 4 * 0.5 / 20.0 * (1 + 1e-5)


# Who is in a step


def split(patients: list[str]) -> Split:
    n = len(patients)
    return Split(np.zeros((n, 1), np.float32), {}, np.array(patients))


def test_everyone_is_in_a_step_by_the_same_chance_with_one_record() -> None:
    patients = ["a"] * 50 + ["b", "c"] + ["d"] * 3
    units, rng = Units(split(patients), "patient"), np.random.default_rng(1)
    assert (len(units), units.unit) == (4, "patient")
    seen = np.zeros(len(patients))
    for _ in range(4000):
        chosen = units.draw(0.25, rng)
        names = [patients[k] for k in chosen]
        assert len(set(names)) == len(names)
        seen[chosen] += 1
    for name in "abcd":
        of_patient = [seen[k] for k, p in enumerate(patients) if p == name]
        assert sum(of_patient) == pytest.approx(1000, abs=4 * math.sqrt(4000 * 0.25 * 0.75))
    assert seen[:50].min() > 0  # each of the many records has its turn


def test_where_nobody_has_two_records_a_record_is_what_is_promised() -> None:
    assert Units(split(list("abcde")), "patient").unit == "record"
    assert len(Units(split(list("aabbb")), "record")) == 5


# What it costs


def test_epsilon_is_that_of_the_accountant_of_opacus_for_the_same_steps() -> None:
    theirs = PRVAccountant()
    theirs.history = [(1.1, 0.05, 300)]
    ours = epsilon_of((Mechanism(1.1, 0.05, 300),), 1e-5)
    assert ours == pytest.approx(theirs.get_epsilon(1e-5), rel=0.02)


def test_no_step_costs_nothing() -> None:
    assert epsilon_of((Mechanism(1.1, 0.05, 0),), 1e-5) == 0.0


@pytest.mark.parametrize("epsilon", [0.5, 3.0])
def test_the_noise_that_is_found_spends_the_budget_and_no_more(epsilon: float) -> None:
    noise = noise_multiplier_for(epsilon, 1e-4, 0.1, 100)
    spent = epsilon_of((Mechanism(noise, 0.1, 100),), 1e-4)
    assert 0.9 * epsilon < spent <= epsilon


# A run


@pytest.fixture(scope="module")
def trained(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    path = tmp_path_factory.mktemp("private") / "private.pt"
    train(dataset, SHORT, path, seed=1, device="cpu", dp=PLAN)
    return load_checkpoint(path)


def test_a_checkpoint_says_what_was_spent_and_keeps_no_loss_nor_key(trained: Checkpoint) -> None:
    assert trained.privacy
    record = trained.privacy.record
    assert trained.privacy.asked == PLAN
    assert 0.8 * PLAN.epsilon < record.epsilon <= PLAN.epsilon
    assert record.delta == pytest.approx(0.1 / 120)
    assert (record.accountant, record.clip, record.unit) == ("prv", 1.0, "record")
    assert record.sampling_rate == pytest.approx(16 / 120)
    assert record.noise_multiplier > 0
    assert trained.history == []
    assert trained.progress is None


class StoppedError(Exception):
    """Training was interrupted."""


def test_a_resumed_run_is_the_run_that_was_interrupted(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeward.training.loop._SAVE_EVERY_S", 0.0)
    monkeypatch.setattr("edgeward.training.private.secret.secrets.randbits", lambda _: 77)
    whole = train(dataset, SHORT, tmp_path / "whole.pt", seed=1, device="cpu", dp=PLAN)

    def stop(progress: TrainingProgress) -> None:
        if progress.step >= 6:
            raise StoppedError

    monkeypatch.setattr("edgeward.training.loop._SHOW_EVERY_S", 0.0)
    with pytest.raises(StoppedError):
        train(dataset, SHORT, tmp_path / "again.pt", seed=1, device="cpu", dp=PLAN, on_progress=stop)
    begun = load_checkpoint(tmp_path / "again.pt")
    assert begun.privacy
    assert begun.progress
    assert whole.privacy
    assert 0 < begun.privacy.record.epsilon < whole.privacy.record.epsilon  # what it has spent so far
    monkeypatch.setattr("edgeward.training.private.secret.secrets.randbits", lambda _: 1)
    resumed = train(dataset, SHORT, tmp_path / "again.pt", seed=1, device="cpu", dp=PLAN, resume=True)
    assert all(torch.equal(whole.weights[name], resumed.weights[name]) for name in whole.weights)
    assert resumed.privacy == whole.privacy


def test_the_same_seed_gives_other_noise_as_nobody_may_know_it(
    trained: Checkpoint, dataset: Dataset, tmp_path: Path
) -> None:
    again = train(dataset, SHORT, tmp_path / "again.pt", seed=1, device="cpu", dp=PLAN)
    assert any(not torch.equal(trained.weights[name], again.weights[name]) for name in trained.weights)


@pytest.mark.parametrize("other", [None, PrivacyPlan(epsilon=1.0)])
def test_a_run_is_not_resumed_under_another_promise(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: PrivacyPlan | None
) -> None:
    monkeypatch.setattr("edgeward.training.loop._SAVE_EVERY_S", 0.0)

    def stop(_: TrainingProgress) -> None:
        raise StoppedError

    monkeypatch.setattr("edgeward.training.loop._SHOW_EVERY_S", 0.0)
    path = tmp_path / "begun.pt"
    with pytest.raises(StoppedError):
        train(dataset, SHORT, path, seed=1, device="cpu", dp=PLAN, on_progress=stop)
    if path.exists():
        with pytest.raises(TrainingError, match="begun with another privacy"):
            train(dataset, SHORT, path, seed=1, device="cpu", dp=other, resume=True)


def test_what_was_fitted_to_records_is_not_in_the_graph(dataset: Dataset, tmp_path: Path) -> None:
    other = dataclasses.replace(dataset, train=simulate_table(patients=(120, 40, 40), seed=4).train)
    codecs = [
        train(data, SHORT, tmp_path / f"{k}.pt", seed=1, device="cpu", dp=PLAN).family().codec.state_dict()
        for k, data in enumerate((dataset, other))
    ]
    fitted = build_family("vae", dataset.schema, SHORT.options).codec
    fitted.fit(dataset.train.samples)
    assert all(torch.equal(codecs[0][name], codecs[1][name]) for name in codecs[0])
    assert any(not torch.equal(codecs[0][name], value) for name, value in fitted.state_dict().items())


# What is refused


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"class_balance": 0.5}, "set class_balance = 0"),
        ({"evaluations": 2}, "set evaluations = 0"),
        ({"options": {**VAE.options, "norm": "batch"}}, 'set norm = "group"'),
        ({"options": {**VAE.options, "spread": "batch"}}, 'set spread = "learnt"'),
    ],
)
def test_what_would_break_the_proof_is_refused_with_a_remedy(
    dataset: Dataset, tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    recipe = dataclasses.replace(SHORT, **changed)
    with pytest.raises(TrainingError, match=f"cannot be trained privately: .*{said}"):
        train(dataset, recipe, tmp_path / "no.pt", seed=1, device="cpu", dp=PLAN)
    assert not (tmp_path / "no.pt").exists()


def test_a_gan_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    gan = dataclasses.replace(load_training_recipe("table-gan"), class_balance=0, evaluations=0)
    with pytest.raises(TrainingError, match="cannot be trained privately"):
        train(dataset, gan, tmp_path / "no.pt", seed=1, device="cpu", dp=PLAN)


def test_too_few_patients_for_a_step_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        train(dataset, dataclasses.replace(SHORT, batch_size=500), tmp_path / "no.pt", seed=1, device="cpu", dp=PLAN)


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("epsilon=3", PrivacyPlan(3.0)),
        (" epsilon = 3 , delta=1e-5,clip=0.5,unit=record", PrivacyPlan(3.0, 1e-5, 0.5, "record")),
    ],
)
def test_a_plan_is_read(text: str, plan: PrivacyPlan) -> None:
    assert parse_plan(text) == plan


@pytest.mark.parametrize(
    "text",
    [
        *("", "3", "delta=1e-5", "epsilon=0", "epsilon=-1", "epsilon=nan", "epsilon=inf", "epsilon=three"),
        *(
            "epsilon=1,epsilon=2",
            "epsilon=1,delta=1",
            "epsilon=1,clip=0",
            "epsilon=1,unit=hospital",
            "epsilon=1,seed=3",
        ),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        parse_plan(text)


def test_a_record_of_what_was_spent_reads_back(trained: Checkpoint) -> None:
    assert trained.privacy
    assert isinstance(trained.privacy.record, PrivacyRecord)
    assert trained.privacy.record.kept == (not trained.privacy.record.entered)
