"""The training loop: resumed is as if never interrupted, and what cannot go well stops with a reason."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from edgeward.runtime.errors import DataError, TrainingError
from edgeward.training import loop
from edgeward.training.checkpoint import Checkpoint, load_checkpoint
from edgeward.training.datasets.dataset import Dataset
from edgeward.training.loop import TrainingProgress, train
from edgeward.training.recipe import TrainingRecipe, training_recipe_from_mapping
from edgeward.training.state import TrainingState, _ema

STEPS = 12


@pytest.fixture(scope="module")
def recipe() -> TrainingRecipe:
    """A network so small that a step takes a few milliseconds."""
    return training_recipe_from_mapping(
        {
            "name": "smallest",
            "data": "ecg-beats",
            "family": "vae",
            "steps": STEPS,
            "batch_size": 16,
            "learning_rate": 5e-3,
            "weight_decay": 1e-3,
            "ema_decay": 0.8,
            "class_balance": 1.0,
            "evaluations": 0,
            "vae": {"noise_size": 4, "widths": [8, 8, 8], "prior_couplings": 2, "prior_hidden": 8},
        },
        "smallest",
    )


def interrupt_at(step: int) -> Callable[[TrainingProgress], None]:
    """A progress callback that presses Ctrl-C, one step after the one that is saved last."""

    def on_progress(progress: TrainingProgress) -> None:
        if progress.step > step:
            raise KeyboardInterrupt

    return on_progress


@pytest.fixture
def every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save and show at each step, whatever the clock says."""
    monkeypatch.setattr(loop, "_SAVE_EVERY_S", -1.0)
    monkeypatch.setattr(loop, "_SHOW_EVERY_S", -1.0)


def unfinished(dataset: Dataset, recipe: TrainingRecipe, path: Path, at: int = 5) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(dataset, recipe, path, seed=3, on_progress=interrupt_at(at))


def assert_same(one: Checkpoint, other: Checkpoint) -> None:
    assert one.weights.keys() == other.weights.keys()
    for name, tensor in one.weights.items():
        assert torch.equal(tensor, other.weights[name]), name
    assert one.history == other.history


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize("at", [1, 5, STEPS - 1])
def test_a_resumed_run_gives_the_weights_of_an_uninterrupted_one_bit_for_bit(
    at: int, dataset: Dataset, recipe: TrainingRecipe, tmp_path: Path
) -> None:
    whole = train(dataset, recipe, tmp_path / "whole.pt", seed=3)
    unfinished(dataset, recipe, tmp_path / "resumed.pt", at)
    assert load_checkpoint(tmp_path / "resumed.pt").step == at
    torch.manual_seed(99)  # what happened in between must not matter
    resumed = train(dataset, recipe, tmp_path / "resumed.pt", seed=3, resume=True)
    assert_same(resumed, whole)
    assert_same(load_checkpoint(tmp_path / "resumed.pt"), load_checkpoint(tmp_path / "whole.pt"))


@pytest.mark.usefixtures("every_step")
def test_an_interrupted_run_leaves_one_unfinished_checkpoint_and_nothing_else(
    dataset: Dataset, recipe: TrainingRecipe, tmp_path: Path
) -> None:
    unfinished(dataset, recipe, tmp_path / "teacher.pt")
    assert not load_checkpoint(tmp_path / "teacher.pt").complete
    assert [path.name for path in tmp_path.iterdir()] == ["teacher.pt"]


def test_another_seed_gives_other_weights(dataset: Dataset, recipe: TrainingRecipe, tmp_path: Path) -> None:
    one, other = (train(dataset, recipe, tmp_path / f"{seed}.pt", seed=seed) for seed in (3, 4))
    assert any(not torch.equal(one.weights[name], other.weights[name]) for name in one.weights)


def test_the_loss_goes_down(dataset: Dataset, recipe: TrainingRecipe, tmp_path: Path) -> None:
    longer = dataclasses.replace(recipe, steps=60)
    history = train(dataset, longer, tmp_path / "teacher.pt", seed=3).history
    first, last = (row["reconstruction"] + row["divergence"] for row in (history[0], history[-1]))
    assert [row["step"] for row in history] == [10, 20, 30, 40, 50, 60]
    assert last < first - 0.2, "nats per number; an untrained model stands at about 1.4"


def test_progress_ends_at_the_last_step_with_no_time_left(
    dataset: Dataset, recipe: TrainingRecipe, tmp_path: Path
) -> None:
    shown: list[TrainingProgress] = []
    train(dataset, recipe, tmp_path / "teacher.pt", seed=3, on_progress=shown.append)
    assert (shown[-1].step, shown[-1].steps, shown[-1].seconds_left) == (STEPS, STEPS, 0.0)


def test_a_sample_that_is_not_a_number_stops_training_and_names_the_step(
    dataset: Dataset, recipe: TrainingRecipe, tmp_path: Path
) -> None:
    samples = np.full_like(dataset.train.samples, np.nan)
    spoilt = dataclasses.replace(dataset, train=dataclasses.replace(dataset.train, samples=samples))
    with pytest.raises(TrainingError, match=r"at step 1; lower learning_rate"):
        train(spoilt, recipe, tmp_path / "teacher.pt", seed=3)
    assert not list(tmp_path.iterdir())


def test_divergence_later_on_names_its_step(
    dataset: Dataset, recipe: TrainingRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = TrainingState.step
    calls = 0

    def diverge(self: TrainingState, *batch: torch.Tensor) -> dict[str, float]:
        nonlocal calls
        calls += 1
        return step(self, *batch) if calls < 7 else {"reconstruction": float("inf")}  # type: ignore[arg-type]

    monkeypatch.setattr(TrainingState, "step", diverge)
    with pytest.raises(TrainingError, match=r"inf.* at step 7;"):
        train(dataset, recipe, tmp_path / "teacher.pt", seed=3)


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize("what", ["seed", "recipe", "data"])
def test_a_checkpoint_of_another_run_is_not_resumed(
    what: str, finished: bool, dataset: Dataset, recipe: TrainingRecipe, tmp_path: Path
) -> None:
    path = tmp_path / "teacher.pt"
    if finished:
        train(dataset, recipe, path, seed=3)
    else:
        unfinished(dataset, recipe, path)
    before = path.read_bytes()
    other_data = dataclasses.replace(dataset, provenance=dataclasses.replace(dataset.provenance, digest="0" * 64))
    with pytest.raises(TrainingError, match=f"begun with another {what} "):
        train(
            other_data if what == "data" else dataset,
            dataclasses.replace(recipe, learning_rate=4e-3) if what == "recipe" else recipe,
            path,
            seed=4 if what == "seed" else 3,
            resume=True,
        )
    assert path.read_bytes() == before


def test_resuming_a_finished_run_gives_it_back_as_it_is(
    dataset: Dataset, recipe: TrainingRecipe, tmp_path: Path
) -> None:
    path = tmp_path / "teacher.pt"
    whole = train(dataset, recipe, path, seed=3)
    before = path.read_bytes()
    assert_same(train(dataset, recipe, path, seed=3, resume=True), whole)
    assert path.read_bytes() == before


def test_resuming_where_nothing_is_begins(dataset: Dataset, recipe: TrainingRecipe, tmp_path: Path) -> None:
    assert train(dataset, recipe, tmp_path / "teacher.pt", seed=3, resume=True).step == STEPS


def test_fewer_samples_than_a_batch_are_refused(dataset: Dataset, recipe: TrainingRecipe, tmp_path: Path) -> None:
    larger = dataclasses.replace(recipe, batch_size=len(dataset.train) + 1)
    with pytest.raises(DataError, match=f"{len(dataset.train)} samples, fewer than one batch"):
        train(dataset, larger, tmp_path / "teacher.pt", seed=3)


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_classes_are_drawn_at_the_rate_that_class_balance_says(balance: float, dataset: Dataset) -> None:
    labels = dataset.train.columns[dataset.label.name].astype(int)
    counts = np.bincount(labels, minlength=5)
    cumulative = loop._sampling_weights(dataset, balance)
    drawn = np.concatenate([loop._batch(cumulative, 256, 1, step)[0].numpy() for step in range(200)])
    share = np.bincount(labels[drawn], minlength=5) / len(drawn)
    expected = counts ** (1.0 - balance) / (counts ** (1.0 - balance)).sum()
    # Five standard deviations of a share among 51,200 draws.
    assert np.all(np.abs(share - expected) < 5 * np.sqrt(expected * (1 - expected) / len(drawn)))


def test_within_a_class_every_sample_is_drawn(dataset: Dataset) -> None:
    cumulative = loop._sampling_weights(dataset, 1.0)
    drawn = np.concatenate([loop._batch(cumulative, 256, 1, step)[0].numpy() for step in range(100)])
    assert set(drawn.tolist()) == set(range(len(dataset.train)))


def test_a_batch_depends_on_seed_and_step_alone(dataset: Dataset) -> None:
    cumulative = loop._sampling_weights(dataset, 1.0)

    def noise_and_choice(seed: int, step: int) -> tuple[list[int], list[float]]:
        chosen, rng = loop._batch(cumulative, 32, seed, step)
        return chosen.tolist(), torch.randn(8, generator=rng).tolist()

    once = noise_and_choice(1, 2)
    assert noise_and_choice(1, 2) == once
    for seed, step in ((1, 3), (2, 2), (2, 1)):
        chosen, noise = noise_and_choice(seed, step)
        assert chosen != once[0]
        assert noise != once[1]


def test_the_average_forgets_a_first_step_a_million_times_too_large() -> None:
    averaged = [torch.full((3,), 1e6)]
    update = _ema(0.998)
    for n in range(1, 301):
        update(averaged, [torch.ones(3)], torch.tensor(n))
    torch.testing.assert_close(averaged[0], torch.ones(3), rtol=0.01, atol=0.0)


def test_the_average_follows_slowly_once_it_has_settled() -> None:
    averaged = [torch.zeros(1)]
    _ema(0.9)(averaged, [torch.ones(1)], torch.tensor(10_000))
    assert averaged[0].item() == pytest.approx(0.1)
