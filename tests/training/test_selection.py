"""Which model of a run is kept: the nearest to validation patients of those that have not begun to copy others."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from edgeward.runtime.noise import MAX_SEED
from edgeward.training import loop
from edgeward.training.checkpoint import load_checkpoint
from edgeward.training.datasets import load_dataset
from edgeward.training.datasets.dataset import Dataset, Split
from edgeward.training.families import build_family
from edgeward.training.journal import Journal
from edgeward.training.loop import TrainingProgress, train
from edgeward.training.recipe import TrainingRecipe, training_recipe_from_mapping
from edgeward.training.selection import Score, Selection


def recipe_of(family: str, options: dict[str, object], steps: int, evaluations: int) -> TrainingRecipe:
    return training_recipe_from_mapping(
        {
            "name": "smallest",
            "data": "table",
            "family": family,
            "steps": steps,
            "batch_size": 24,
            "learning_rate": 5e-3,
            "weight_decay": 0.0,
            "ema_decay": 0.8,
            "class_balance": 0.0,
            "evaluations": evaluations,
            family: options,
        },
        "smallest",
    )


DIFFUSION = {
    "widths": [64],
    "blocks": 2,
    "embedding": 16,
    "shift": 1.0,
    "condition_dropout": 0.0,
    "guidance": 1.0,
    "sampler": "euler",
    "sampler_steps": 4,
}


@pytest.fixture(scope="module")
def few() -> Dataset:
    """A simulated table of which 24 patients are left to train on: a model can learn them by heart in seconds."""
    whole = load_dataset("table", "simulated", seed=1)

    def cut(split: Split, n: int) -> Split:
        columns = {name: values[:n] for name, values in split.columns.items()}
        return dataclasses.replace(split, samples=split.samples[:n], columns=columns, patients=split.patients[:n])

    return dataclasses.replace(whole, train=cut(whole.train, 24), validation=cut(whole.validation, 60))


def scores_of(history: list[dict[str, float]]) -> list[dict[str, float]]:
    return [row for row in history if "frechet_distance" in row]


def test_a_model_that_learnt_its_records_by_heart_is_not_kept(few: Dataset, tmp_path: Path) -> None:
    recipe = recipe_of("diffusion", DIFFUSION, steps=400, evaluations=8)
    kept = train(few, recipe, tmp_path / "m.pt", seed=1, device="cpu")
    scores = scores_of(kept.history)
    assert scores[-1]["by_heart"], "400 steps on 24 records are enough to learn them by heart"
    lowest = min(row["validation_loss"] for row in scores)
    score, _ = Selection(few, seed=1).score(kept.family())
    assert score.validation_loss == pytest.approx(
        min(
            (row for row in scores if not row["by_heart"]),
            key=lambda row: row["frechet_distance"],
        )["validation_loss"],
        rel=1e-5,
    )
    assert score.validation_loss < lowest + 0.5 * (scores[-1]["validation_loss"] - lowest)


@pytest.mark.parametrize("at", [2, 5])
def test_a_resumed_run_remembers_the_lowest_loss(
    at: int, few: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_of("diffusion", DIFFUSION, steps=6, evaluations=3)
    mean, judged, judge = {2: 1.0, 4: 2.0, 6: 1.5}, [0], loop._Run.judge

    def judge_noting_the_step(self: loop._Run, step: int, selection: Selection, journal: Journal | None) -> None:
        judged[0] = step
        judge(self, step, selection, journal)

    monkeypatch.setattr(loop._Run, "judge", judge_noting_the_step)
    monkeypatch.setattr(
        "edgeward.training.selection._Losses.of", lambda *_: mean[judged[0]] + np.linspace(0.0, 0.01, 60)
    )
    monkeypatch.setattr(loop, "_SAVE_EVERY_S", -1.0)
    monkeypatch.setattr(loop, "_SHOW_EVERY_S", -1.0)

    def interrupt(progress: TrainingProgress) -> None:
        if progress.step > at:
            raise KeyboardInterrupt

    whole = train(few, recipe, tmp_path / "whole.pt", seed=1, device="cpu")
    with pytest.raises(KeyboardInterrupt):
        train(few, recipe, tmp_path / "resumed.pt", seed=1, device="cpu", on_progress=interrupt)
    assert load_checkpoint(tmp_path / "resumed.pt").step == at
    resumed = train(few, recipe, tmp_path / "resumed.pt", seed=1, device="cpu", resume=True)
    # Without the memory of 1.0, the third model's 1.5 would be compared with 2.0, or with nothing.
    assert [row["by_heart"] for row in scores_of(resumed.history)] == [0.0, 1.0, 1.0]
    assert resumed.history == whole.history
    assert all(torch.equal(whole.weights[name], resumed.weights[name]) for name in whole.weights)


def test_a_rise_that_chance_explains_is_no_rise(few: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    family = build_family("diffusion", few.schema, DIFFUSION)
    family.codec.fit(few.train.samples)
    selection = Selection(few, seed=1)
    noise = np.random.default_rng(1).normal(0.0, 0.1, 60)
    given = iter([np.ones(60), 1.0 + noise - noise.mean() + 0.01, 1.0 + noise - noise.mean() + 0.05])
    monkeypatch.setattr("edgeward.training.selection._Losses.of", lambda *_: next(given))
    # 60 patients, spread 0.1: the standard error is 0.013, and 1.67 of it 0.022.
    assert [selection.score(family)[0].by_heart for _ in range(3)] == [False, False, True]


def test_a_family_without_a_loss_of_a_record_is_judged_by_its_samples_alone(few: Dataset) -> None:
    options = {"noise_size": 4, "widths": [8, 8], "prior_couplings": 0, "prior_hidden": 8}
    family = build_family("vae", few.schema, options)
    family.codec.fit(few.train.samples)
    score, _ = Selection(few, seed=1).score(family)
    assert (score.validation_loss, score.by_heart) == (None, False)


def test_the_largest_seed_has_draws_too(few: Dataset) -> None:
    family = build_family("diffusion", few.schema, DIFFUSION)
    family.codec.fit(few.train.samples)
    score, _ = Selection(few, seed=MAX_SEED).score(family)
    assert score.validation_loss is not None


def test_nearer_is_better_but_never_by_heart() -> None:
    near, far = Score(1.0, 0.9), Score(2.0, 0.9)
    assert near.better_than(far)
    assert not far.better_than(near)
    copies = dataclasses.replace(near, by_heart=True)
    assert far.better_than(copies)
    assert not copies.better_than(far)
