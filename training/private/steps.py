"""A private training run: who is promised what, and each of its steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from ...benchmarks.quality.evidence import PrivacyRecord
from ...runtime.errors import DataError
from ...runtime.schema import NumberCondition
from ..datasets.dataset import Dataset
from ..recipe import TrainingRecipe
from .accountant import NAME, Mechanism, epsilon_of, noise_multiplier_for
from .counts import counts_noise_multiplier, with_private_shares
from .gradients import private_gradients
from .plan import Privacy, PrivacyPlan
from .refusals import check_recipe
from .sampling import Units
from .secret import Secret

if TYPE_CHECKING:
    from ..state import TrainingState


class PrivateRun:
    """All that private training does differently.

    Args:
        dataset: Its train split is learnt from.
        recipe: How to train; `batch_size` is the number of patients or records expected in a step.
        plan: What is asked for.
        key: Of the run that is resumed; None: a new one.

    Raises:
        DataError: There are fewer patients or records than are wanted in a step.
        TrainingError: The recipe cannot be trained privately, or no noise is enough.
        ModuleNotFoundError: Opacus is not installed.
    """

    def __init__(self, dataset: Dataset, recipe: TrainingRecipe, plan: PrivacyPlan, key: str | None = None) -> None:
        check_recipe(recipe)
        self.plan, self.secret = plan, Secret(key)
        self._units = Units(dataset.train, plan.unit)
        n = len(self._units)
        if n < recipe.batch_size:
            raise DataError(
                f"the train split has {n} {self._units.unit}s, fewer than the {recipe.batch_size} wanted in a step; "
                "lower batch_size in the recipe"
                + (", or promise less: --dp …,unit=record" if self._units.unit == "patient" else "")
            )
        self._batch_size, self._rate, self._delta = recipe.batch_size, recipe.batch_size / n, plan.delta_for(n)
        conditions = dataset.schema.conditions
        self._counts_noise = counts_noise_multiplier(conditions, plan.epsilon)
        self._noise = noise_multiplier_for(plan.epsilon, self._delta, self._rate, recipe.steps, self._counts())
        # A quantity's range and quantiles are read off the records as they are: their promise is lost, and it is said.
        self._entered = ("quantiles",) * any(isinstance(c, NumberCondition) and bool(c.quantiles) for c in conditions)
        if self._counts_noise:
            rng = self.secret.counts()
            rows = self._units.one_each(rng)
            conditions = with_private_shares(conditions, dataset.train.columns, rows, self._counts_noise, rng)
        self.dataset = replace(dataset, schema=replace(dataset.schema, conditions=conditions))
        """With a schema that tells no more than was promised, but for what the record says has entered."""
        self._samples = torch.from_numpy(dataset.train.samples)
        self._condition = torch.from_numpy(self.dataset.condition_vectors(dataset.train))

    def step(self, number: int, state: TrainingState, device: torch.device) -> dict[str, float]:
        """Take one step; the mean loss of its records, to be shown and not to be kept."""
        chosen = torch.from_numpy(self._units.draw(self._rate, self.secret.chosen(number)))
        loss, gradients = private_gradients(
            state.model,
            self._samples[chosen].to(device),
            self._condition[chosen].to(device),
            clip=self.plan.clip,
            noise_multiplier=self._noise,
            expected=self._batch_size,
            draws=self.secret.draws(number),
            noise=self.secret.noise(number),
        )
        state.apply(gradients)
        return {"loss": loss}

    def privacy(self, steps: int) -> Privacy:
        """What so many steps have cost."""
        spent = epsilon_of((*self._counts(), Mechanism(self._noise, self._rate, steps)), self._delta)
        record = PrivacyRecord(
            epsilon=spent,
            delta=self._delta,
            accountant=NAME,
            noise_multiplier=self._noise,
            clip=self.plan.clip,
            sampling_rate=self._rate,
            unit=self._units.unit,
            entered=self._entered,
            steps=steps,
            counts_noise_multiplier=self._counts_noise,
        )
        return Privacy(self.plan, record)

    def _counts(self) -> tuple[Mechanism, ...]:
        return (Mechanism(self._counts_noise, 1.0, 1),) if self._counts_noise else ()
