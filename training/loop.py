"""The training loop. A step depends on (data, recipe, seed, step) alone, so a resumed run is the same run.

It is also the same run whether one process trains or several that `torchrun` started share each batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..runtime.errors import DataError, TrainingError
from .checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from .datasets.dataset import Dataset
from .draws import Draws
from .families import build_family
from .journal import Journal
from .private.plan import PrivacyPlan
from .private.refusals import check_model
from .private.steps import PrivateRun
from .processes import rank, wait_for_all, world_size
from .recipe import TrainingRecipe
from .selection import Score, Selection
from .state import TrainingState

_SAVE_EVERY_S = 30.0
_SHOW_EVERY_S = 0.1
_HISTORY_EVERY = 10


@dataclass(frozen=True)
class TrainingProgress:
    """Where training stands."""

    step: int
    steps: int
    losses: dict[str, float]
    seconds_left: float
    score: Score | None = None
    """The last judgement on validation data."""


def train(
    dataset: Dataset,
    recipe: TrainingRecipe,
    path: Path,
    *,
    seed: int,
    resume: bool = False,
    device: str | None = None,
    journal: Journal | None = None,
    dp: PrivacyPlan | None = None,
    on_progress: Callable[[TrainingProgress], None] | None = None,
) -> Checkpoint:
    """Train a teacher, saving it to `path` now and then and at the end.

    Args:
        dataset: Its train split is learnt from; its validation split says which of the models on the way is kept.
        recipe: How to train.
        path: Where the checkpoint is written.
        seed: Decides initial weights, batches and noise; of private training the weights only.
        resume: Go on from an unfinished checkpoint at `path`, bit for bit as if never interrupted.
        device: Where to compute, e.g. `cuda`; None: a GPU if there is one.
        journal: Keeps losses, scores and pictures on the way; None keeps none.
        dp: Train with differential privacy; None: without.
        on_progress: Called about ten times a second at most.

    Raises:
        DataError: The dataset is too small for a batch.
        TrainingError: The loss became NaN or infinite, the checkpoint to resume does not fit, or the recipe cannot be
            trained privately.
        OutputError: The checkpoint cannot be written.
    """
    if len(dataset.train) < recipe.batch_size:
        raise DataError(
            f"the train split has {len(dataset.train)} samples, fewer than one batch of {recipe.batch_size}"
        )
    if recipe.batch_size % world_size():
        raise TrainingError(
            f"recipe {recipe.name!r} has batches of {recipe.batch_size}, which {world_size()} processes cannot share "
            "equally; start another number of them"
        )
    on = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    saved = load_checkpoint(path) if resume and path.exists() else None
    if saved:
        _check_same_run(saved, dataset, recipe, seed, dp, path)
        if saved.progress is None:
            return saved
    torch.manual_seed(seed)
    model = build_family(recipe.family, dataset.schema, recipe.options)
    private = None
    if dp:
        check_model(model, recipe)
        private = PrivateRun(dataset, recipe, dp, saved.progress["secret"] if saved and saved.progress else None)
        dataset = private.dataset
        model.codec.fit_public()
    else:
        model.codec.fit(dataset.train.samples)
    state = TrainingState(model.to(on), recipe)
    run = _Run(dataset, recipe, seed, state, private)
    first_step = run.load(saved) if saved else 0
    selection = Selection(dataset, seed=seed, lowest=run.lowest) if recipe.evaluations and rank() == 0 else None

    samples = torch.from_numpy(dataset.train.samples)
    condition = torch.from_numpy(dataset.condition_vectors(dataset.train))
    weights = _sampling_weights(dataset, recipe.class_balance)
    judged_at = {round(recipe.steps * (k + 1) / recipe.evaluations) for k in range(recipe.evaluations)}
    started = last_saved = last_shown = time.monotonic()
    for step in range(first_step, recipe.steps):
        if private:
            # Whatever its losses are, it goes on: to stop for one record's would tell of that record.
            losses = private.step(step, state, on)
        else:
            batch, rng = _batch(weights, recipe.batch_size, seed, step)
            mine = batch.chunk(world_size())[rank()]
            losses = state.step(samples[mine].to(on), condition[mine].to(on), Draws(rng, on))
            if not np.isfinite(sum(losses.values())):
                raise TrainingError(
                    f"the loss became {losses} at step {step + 1}; lower learning_rate, or look at the samples "
                    f"{batch[:5].tolist()}… of the train split"
                )
        done = step + 1
        if done % _HISTORY_EVERY == 0 and not private:
            run.history.append({"step": done, **losses})
        if done in judged_at:
            if selection:
                run.judge(done, selection, journal)
            wait_for_all()
        now = time.monotonic()
        if on_progress and (now - last_shown > _SHOW_EVERY_S or done == recipe.steps):
            last_shown = now
            pace = (now - started) / (done - first_step)
            on_progress(TrainingProgress(done, recipe.steps, losses, pace * (recipe.steps - done), run.last_score))
        if now - last_saved > _SAVE_EVERY_S and done < recipe.steps and rank() == 0:
            last_saved = now
            run.save(done, path, journal)
    if rank() == 0:
        run.save(recipe.steps, path, journal)
    wait_for_all()
    return run.checkpoint(recipe.steps)


@dataclass
class _Run:
    """What a run has come to, beside its state: history, and the best model on validation."""

    dataset: Dataset
    recipe: TrainingRecipe
    seed: int
    state: TrainingState
    private: PrivateRun | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, Any] | None = None
    """Weights, score and step of the best model so far."""
    last_score: Score | None = None
    lowest: npt.NDArray[np.float64] | None = None
    """What the selection remembers of earlier models."""

    def load(self, saved: Checkpoint) -> int:
        """Take up a saved run; the step it had reached."""
        assert saved.progress is not None  # noqa: S101 - the caller has checked that it is unfinished
        self.state.load(saved.progress["state"])
        self.history, self.best = saved.history, saved.progress["best"]
        lowest = saved.progress.get("lowest")
        self.lowest = None if lowest is None else lowest.numpy()
        return saved.step

    def judge(self, step: int, selection: Selection, journal: Journal | None) -> None:
        """Judge the averaged model, and keep it if it is the best so far."""
        self.last_score, records = selection.score(self.state.averaged())
        self.lowest = selection.lowest
        told = {name: float(value) for name, value in self.last_score.to_json().items() if value is not None}
        self.history.append({"step": step, **told})
        if self.best is None or self.last_score.better_than(Score(**self.best["score"])):
            weights = {name: tensor.cpu().clone() for name, tensor in self.state.weights().items()}
            self.best = {"weights": weights, "score": self.last_score.to_json(), "step": step}
        if journal:
            journal.picture(step, self.dataset, records)

    def checkpoint(self, step: int) -> Checkpoint:
        """The run as it stands; when it is complete, the best model of it."""
        complete = step == self.recipe.steps
        weights = self.best["weights"] if complete and self.best else self.state.weights()
        progress: dict[str, Any] | None = None
        if not complete:
            progress = {"state": self.state.to_dict(), "best": self.best}
            progress["lowest"] = None if self.lowest is None else torch.from_numpy(self.lowest)
        if progress and self.private:
            progress["secret"] = self.private.secret.key
        return Checkpoint(
            self.recipe,
            self.dataset.schema,
            self.dataset.provenance,
            self.seed,
            step,
            {name: tensor.cpu() for name, tensor in weights.items()},
            progress,
            list(self.history),
            self.private.privacy(step) if self.private else None,
        )

    def save(self, step: int, path: Path, journal: Journal | None) -> None:
        """Write the checkpoint, and the journal's table."""
        save_checkpoint(self.checkpoint(step), path)
        if journal:
            journal.table(self.history)


def _check_same_run(
    saved: Checkpoint, dataset: Dataset, recipe: TrainingRecipe, seed: int, dp: PrivacyPlan | None, path: Path
) -> None:
    for what, before, now in (
        ("recipe", saved.recipe, recipe),
        ("seed", saved.seed, seed),
        ("data", saved.provenance.digest, dataset.provenance.digest),
        ("privacy", saved.privacy.asked if saved.privacy else None, dp),
    ):
        if before != now:
            raise TrainingError(
                f"{path} was begun with another {what} ({before} then, {now} now); "
                "resume it with the same, or start anew with --overwrite"
            )


def _sampling_weights(dataset: Dataset, balance: float) -> npt.NDArray[np.float64]:
    """Cumulative probability of each train sample to be drawn: its class's share is count ** (1 - balance)."""
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
