"""All that changes from step to step of a training: the model, its moving average, optimisers and schedules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from .draws import Draws
from .families import Family
from .mixed_precision import mixed_precision
from .processes import average_gradients, mean_over_all
from .recipe import TrainingRecipe

_MAX_GRADIENT_NORM = 1.0


class TrainingState:
    """A model in training.

    Args:
        model: On the device it is to be trained on, its codec fitted.
        recipe: How to train.
    """

    def __init__(self, model: Family, recipe: TrainingRecipe) -> None:
        self.model = model.train()
        self._average = AveragedModel(model, multi_avg_fn=_ema(recipe.ema_decay), use_buffers=True)
        self._optimisers = {}
        self._schedules = {}
        # The rate rises for a step at least: one-cycle divides by the length of its rise.
        rise = max(0.1, 2 / (recipe.steps + 1))
        for name, player in model.players().items():
            optimiser = torch.optim.AdamW(
                player.parameters(),
                lr=recipe.learning_rate,
                weight_decay=recipe.weight_decay,
                betas=(0.9 if model.momentum else 0.0, 0.99),
            )
            self._optimisers[name] = optimiser
            self._schedules[name] = torch.optim.lr_scheduler.OneCycleLR(
                optimiser,
                recipe.learning_rate,
                total_steps=recipe.steps + 1,
                pct_start=rise,
                cycle_momentum=model.momentum,  # between 0.85 and 0.95, whatever it was
            )

    def step(self, samples: Tensor, condition: Tensor, draws: Draws) -> dict[str, float]:
        """One turn of every player on its part of a batch; the terms of their losses over the whole batch."""
        device = samples.device
        found: dict[str, float] = {}
        for name, player in self.model.players().items():
            with mixed_precision(device):
                losses = self.model.losses(name, samples, condition, draws)
            optimiser = self._optimisers[name]
            self.model.zero_grad(set_to_none=True)
            terms = torch.stack(list(losses.values()))
            terms.sum().backward()  # type: ignore[no-untyped-call]
            average_gradients(player.parameters())
            nn.utils.clip_grad_norm_(player.parameters(), _MAX_GRADIENT_NORM)
            optimiser.step()
            self._schedules[name].step()
            with torch.no_grad():
                found |= dict(zip(losses, mean_over_all(terms.detach()).tolist(), strict=True))
        self._average.update_parameters(self.model)
        return found

    def apply(self, gradients: Mapping[str, Tensor]) -> None:
        """One turn of a model of one player by gradients found elsewhere: private ones, clipped already."""
        (name,) = self._optimisers
        for of, parameter in self.model.named_parameters():
            parameter.grad = gradients[of]
        self._optimisers[name].step()
        self._schedules[name].step()
        self._average.update_parameters(self.model)

    def averaged(self) -> Family:
        """The averaged model, sharing its weights with this state."""
        return cast(Family, self._average.module)

    def weights(self) -> dict[str, Tensor]:
        """Of the averaged model: what ships."""
        return self.averaged().state_dict()

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values and tensors."""
        return {
            "model": self.model.state_dict(),
            "average": self._average.state_dict(),
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self._optimisers.items()},
            "schedules": {name: schedule.state_dict() for name, schedule in self._schedules.items()},
        }

    def load(self, saved: dict[str, Any]) -> None:
        """Take up what `to_dict` gave."""
        self.model.load_state_dict(saved["model"])
        self._average.load_state_dict(saved["average"])
        for name, optimiser in self._optimisers.items():
            optimiser.load_state_dict(saved["optimisers"][name])
            self._schedules[name].load_state_dict(saved["schedules"][name])


def _ema(decay: float) -> Callable[..., None]:
    """Exponential moving average that forgets its first steps: the decay grows to `decay` as (1 + n) / (10 + n).

    Without it, batch statistics of the first steps, which can be a million times too large, stay in the average
    of a short training (Abadi et al. 2016, TensorFlow's ExponentialMovingAverage with `num_updates`).
    """

    def update(averaged: list[torch.Tensor], current: list[torch.Tensor], n: torch.Tensor) -> None:
        if not averaged[0].is_floating_point():  # places and counts, all of one type: a mean of them means nothing
            torch._foreach_copy_(averaged, current)
            return
        now = min(decay, (1.0 + float(n)) / (10.0 + float(n)))
        get_ema_multi_avg_fn(now)(averaged, current, n)  # type: ignore[no-untyped-call]

    return update
