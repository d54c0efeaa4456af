"""A run interrupted and taken up again is the run that never was, whatever the family."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from edgeward.training import loop
from edgeward.training.checkpoint import load_checkpoint
from edgeward.training.datasets.dataset import Dataset
from edgeward.training.loop import TrainingProgress, train
from edgeward.training.recipe import TrainingRecipe


def check_resumed_run(
    dataset: Dataset, recipe: TrainingRecipe, at: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupt a run after step `at`, take it up again, and ask for the weights of one never interrupted."""

    def interrupt(progress: TrainingProgress) -> None:
        if progress.step > at:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "_SAVE_EVERY_S", -1.0)
    monkeypatch.setattr(loop, "_SHOW_EVERY_S", -1.0)
    whole = train(dataset, recipe, folder / "whole.pt", seed=3, device="cpu")
    with pytest.raises(KeyboardInterrupt):
        train(dataset, recipe, folder / "resumed.pt", seed=3, device="cpu", on_progress=interrupt)
    assert load_checkpoint(folder / "resumed.pt").step == at
    torch.manual_seed(99)  # what happened in between must not matter
    resumed = train(dataset, recipe, folder / "resumed.pt", seed=3, device="cpu", resume=True)
    assert whole.weights.keys() == resumed.weights.keys()
    assert all(torch.equal(whole.weights[name], resumed.weights[name]) for name in whole.weights)
    assert whole.history == resumed.history
