"""The training loop. A step depends on (data, recipe, seed, step) alone, so a resumed run is the same run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..runtime.errors import DataError, TrainingError
from .checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from .datasets.dataset import Dataset
from .families import Family, build_family
from .mixed_precision import mixed_precision
from .recipe import TrainingRecipe

_SAVE_EVERY_S = 30.0
_SHOW_EVERY_S = 0.1
_HISTORY_EVERY = 10
_MAX_GRADIENT_NORM = 1.0


@dataclass(frozen=True)
class TrainingProgress:
    """Where training stands."""

    step: int
    steps: int
    losses: dict[str, float]
    seconds_left: float


def train(
    dataset: Dataset,
    recipe: TrainingRecipe,
    path: Path,
    *,
    seed: int,
    resume: bool = False,
    on_progress: Callable[[TrainingProgress], None] | None = None,
) -> Checkpoint:
    """Train a teacher, saving it to `path` now and then and at the end.

    Args:
        dataset: Only its train split is used.
        recipe: How to train.
        path: Where the checkpoint is written.
        seed: Decides initial weights, batches and noise.
        resume: Go on from an unfinished checkpoint at `path`, bit for bit as if never interrupted.
        on_progress: Called about ten times a second at most.

    Raises:
        DataError: The dataset is too small for a batch.
        TrainingError: The loss became NaN or infinite, or the checkpoint to resume does not fit.
        OutputError: The checkpoint cannot be written.
    """
    if len(dataset.train) < recipe.batch_size:
        raise DataError(
            f"the train split has {len(dataset.train)} samples, fewer than one batch of {recipe.batch_size}"
        )
    torch.manual_seed(seed)
    model = build_family(recipe.family, dataset.schema, recipe.options)
    model.fit_normalisation(dataset.train.samples)
    average = AveragedModel(model, multi_avg_fn=_ema(recipe.ema_decay), use_buffers=True)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.99)
    )
    # The rate rises for a step at least: one-cycle divides by the length of its rise.
    rise = max(0.1, 2 / (recipe.steps + 1))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=recipe.steps + 1, pct_start=rise
    )
    state = _State(model, average, optimiser, schedule)
    history: list[dict[str, float]] = []
    first_step = 0
    if resume and path.exists():
        saved = load_checkpoint(path)
        _check_same_run(saved, dataset, recipe, seed, path)
        if saved.complete:
            return saved
        state.load(saved)
        first_step, history = saved.step, saved.history

    def checkpoint(step: int) -> Checkpoint:
        weights = average.module.state_dict()
        progress = None if step == recipe.steps else state.to_dict()
        return Checkpoint(recipe, dataset.schema, dataset.provenance, seed, step, weights, progress, list(history))

    samples = torch.from_numpy(dataset.train.samples)
    condition = torch.from_numpy(dataset.condition_vectors(dataset.train))
    weights = _sampling_weights(dataset, recipe.class_balance)
    started = last_saved = last_shown = time.monotonic()
    model.train()
    for step in range(first_step, recipe.steps):
        batch, rng = _batch(weights, recipe.batch_size, seed, step)
        losses = state.step(samples[batch], condition[batch], rng)
        if not np.isfinite(sum(losses.values())):
            raise TrainingError(
                f"the loss became {losses} at step {step + 1}; lower learning_rate, or look at the samples "
                f"{batch[:5].tolist()}… of the train split"
            )
        if (step + 1) % _HISTORY_EVERY == 0:
            history.append({"step": step + 1, **losses})
        now = time.monotonic()
        if on_progress and (now - last_shown > _SHOW_EVERY_S or step + 1 == recipe.steps):
            last_shown = now
            pace = (now - started) / (step + 1 - first_step)
            on_progress(TrainingProgress(step + 1, recipe.steps, losses, pace * (recipe.steps - step - 1)))
        if now - last_saved > _SAVE_EVERY_S and step + 1 < recipe.steps:
            last_saved = now
            save_checkpoint(checkpoint(step + 1), path)
    final = checkpoint(recipe.steps)
    save_checkpoint(final, path)
    return final


@dataclass
class _State:
    """All that changes from step to step."""

    model: Family
    average: AveragedModel
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler

    def step(self, samples: torch.Tensor, condition: torch.Tensor, rng: torch.Generator) -> dict[str, float]:
        with mixed_precision():
            losses = self.model.losses(samples, condition, rng)
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), _MAX_GRADIENT_NORM)
        self.optimiser.step()
        self.schedule.step()
        self.average.update_parameters(self.model)
        return {name: loss.item() for name, loss in losses.items()}

    def to_dict(self) -> dict[str, object]:
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
        }

    def load(self, saved: Checkpoint) -> None:
        assert saved.progress is not None  # noqa: S101 - the caller has checked that it is unfinished
        self.model.load_state_dict(saved.progress["model"])
        self.average.load_state_dict(saved.progress["average"])
        self.optimiser.load_state_dict(saved.progress["optimiser"])
        self.schedule.load_state_dict(saved.progress["schedule"])


def _ema(decay: float) -> Callable[..., None]:
    """Exponential moving average that forgets its first steps: the decay grows to `decay` as (1 + n) / (10 + n).

    Without it, batch statistics of the first steps, which can be a million times too large, stay in the average
    of a short training (Abadi et al. 2016, TensorFlow's ExponentialMovingAverage with `num_updates`).
    """

    def update(averaged: list[torch.Tensor], current: list[torch.Tensor], n: torch.Tensor) -> None:
        now = min(decay, (1.0 + float(n)) / (10.0 + float(n)))
        get_ema_multi_avg_fn(now)(averaged, current, n)  # type: ignore[no-untyped-call]

    return update


def _check_same_run(saved: Checkpoint, dataset: Dataset, recipe: TrainingRecipe, seed: int, path: Path) -> None:
    for what, before, now in (
        ("recipe", saved.recipe, recipe),
        ("seed", saved.seed, seed),
        ("data", saved.provenance.digest, dataset.provenance.digest),
    ):
        if before != now:
            raise TrainingError(
                f"{path} was begun with another {what} ({before} then, {now} now); "
                "resume it with the same, or start anew with --overwrite"
            )


def _sampling_weights(dataset: Dataset, balance: float) -> npt.NDArray[np.float64]:
    """Probability of each train sample to be drawn: its class's share is count ** (1 - balance)."""
    labels = dataset.train.columns[dataset.label.name].astype(np.intp)
    counts = np.bincount(labels, minlength=len(dataset.label.values))
    weights = counts.astype(np.float64)[labels] ** -balance
    return np.cumsum(weights / weights.sum())


def _batch(
    cumulative: npt.NDArray[np.float64], size: int, seed: int, step: int
) -> tuple[torch.Tensor, torch.Generator]:
    """Which samples step number `step` trains on, and its source of noise."""
    uniforms = np.random.Generator(np.random.Philox(key=[seed, step])).random(size)
    chosen = np.minimum(np.searchsorted(cumulative, uniforms, side="right"), len(cumulative) - 1)
    mixed = int(np.random.SeedSequence([seed, step]).generate_state(1)[0])
    return torch.from_numpy(chosen), torch.Generator().manual_seed(mixed)
