"""A small table and the smallest recipes that can be trained privately, for the tests of this folder."""

from typing import Any

from edgeward.training.datasets.dataset import Dataset
from edgeward.training.datasets.table.simulator import simulate_table
from edgeward.training.recipe import TrainingRecipe, training_recipe_from_mapping

_SMALLEST: dict[str, Any] = {
    "name": "smallest",
    "data": "table",
    "family": "vae",
    "steps": 6,
    "batch_size": 16,
    "learning_rate": 5e-3,
    "weight_decay": 1e-3,
    "ema_decay": 0.8,
    "class_balance": 0.0,
    "evaluations": 0,
}
_OPTIONS: dict[str, dict[str, Any]] = {
    "vae": {
        "noise_size": 4,
        "widths": [16],
        "prior_couplings": 2,
        "prior_hidden": 8,
        "norm": "group",
        "spread": "learnt",
    },
    "diffusion": {
        "widths": [16],
        "blocks": 1,
        "embedding": 8,
        "shift": 1.0,
        "condition_dropout": 0.1,
        "guidance": 1.0,
        "sampler": "euler",
        "sampler_steps": 2,
    },
}


def small_table() -> Dataset:
    """80 simulated patients in train, a row each."""
    return simulate_table(patients=(80, 20, 20), seed=1)


def private_recipe(family: str = "vae", options: dict[str, Any] | None = None, **changes: Any) -> TrainingRecipe:
    """The smallest recipe of a family, with something changed."""
    return training_recipe_from_mapping(
        {**_SMALLEST, "family": family, family: {**_OPTIONS[family], **(options or {})}, **changes}, "smallest"
    )
