"""Eight small clouds on a circle: whether a family covers them all, and keeps classes apart, shows in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from edgeward.runtime.schema import ClassCondition, NumberColumn, TableSchema
from edgeward.training.draws import Draws
from edgeward.training.families import build_family
from edgeward.training.recipe import training_recipe_from_mapping
from edgeward.training.state import TrainingState

MODES = 8
SPREAD = 0.05
RING = TableSchema(
    "ring",
    "Eight small clouds on a circle; even ones are of class a, odd ones of class b.",
    (NumberColumn("x", "1", -2.0, 2.0), NumberColumn("y", "1", -2.0, 2.0)),
    (ClassCondition("side", ("a", "b"), ("even", "odd")),),
)
_ANGLES = 2.0 * np.pi * np.arange(MODES) / MODES + 0.2
_CENTRES = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
_ASKED = 800

Found = dict[str, npt.NDArray[np.float64]]
"""By class: distance to the nearest centre, and which it is, of the samples asked for, [n, 2]."""


def ring(n: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.intp]]:
    """Samples [n, 2] and the mode of each."""
    generator = np.random.default_rng(4)
    modes = generator.integers(MODES, size=n)
    return (_CENTRES[modes] + SPREAD * generator.standard_normal((n, 2))).astype(np.float32), modes


def generated_ring(
    family: str,
    options: Mapping[str, Any],
    *,
    steps: int,
    batch_size: int,
    learning_rate: float,
    ema_decay: float = 0.99,
    seed: int = 1,
) -> Found:
    """What a model of this family generates after a short training."""
    recipe = training_recipe_from_mapping(
        {
            "name": "ring",
            "data": "table",
            "family": family,
            "steps": steps,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "weight_decay": 0.0,
            "ema_decay": ema_decay,
            "class_balance": 0.0,
            "evaluations": 0,
            family: dict(options),
        },
        "ring",
    )
    torch.manual_seed(seed)
    model = build_family(family, RING, options)
    rows, modes = ring(8000)
    model.codec.fit(rows)
    state = TrainingState(model, recipe)
    samples, condition = torch.from_numpy(rows), torch.eye(2)[torch.from_numpy(modes % 2)]
    for step in range(steps):
        batch = torch.randint(len(rows), (batch_size,), generator=torch.Generator().manual_seed(step))
        state.step(samples[batch], condition[batch], Draws(torch.Generator().manual_seed(step)))
    generator = state.averaged().generator().eval()
    noise = torch.randn(_ASKED, *generator.noise_shape, generator=torch.Generator().manual_seed(9))
    found = {}
    for place, name in enumerate(("a", "b")):
        with torch.no_grad():
            points = generator(noise, torch.eye(2)[[place]].expand(_ASKED, 2)).numpy()
        apart = np.linalg.norm(points[:, None] - _CENTRES, axis=2)
        found[name] = np.stack([apart.min(axis=1), apart.argmin(axis=1)], axis=1)
    return found


def shares_near_modes(found: Found) -> npt.NDArray[np.float64]:
    """Of all samples, the share of each mode's that lie within four standard deviations of it, [MODES]."""
    distance, mode = np.concatenate(list(found.values())).T
    near: npt.NDArray[np.float64] = np.bincount(mode[distance < 4 * SPREAD].astype(int), minlength=MODES) / len(mode)
    return near


def share_of_own_class(found: Found) -> dict[str, float]:
    """By class: the share of its samples whose nearest mode is one of its own."""
    return {name: float((found[name][:, 1] % 2 == place).mean()) for place, name in enumerate(("a", "b"))}
