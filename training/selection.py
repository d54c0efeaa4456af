"""Which model of a training run is kept: the one whose samples are nearest to validation patients, if it is no copyist.

A short form of the judgement in `benchmarks.quality`: its Fréchet distance and coverage, in the features of a network
that learnt to tell the classes on the train split. Samples cannot tell whether a model has begun to learn its training
records by heart: copies of them are near validation patients too. Its loss on validation patients can, in a family that
has a loss of a record: once that has risen, nearer samples are bought with the privacy of the training patients. No
test patient is looked at.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import t

from ..benchmarks.quality.fidelity.features import embed, fit_embedder
from ..benchmarks.quality.fidelity.frechet import frechet_value
from ..benchmarks.quality.fidelity.manifold import covered
from ..benchmarks.quality.records import Records, generated
from ..benchmarks.quality.rows import drawn
from ..benchmarks.quality.view import as_judged, values_as_judged
from ..runtime.condition import encode_columns
from .datasets.dataset import Dataset
from .datasets.records import task_of
from .families import Family
from .families.own_loss import mean_record_losses
from .families.sampling import samples_for

_EMBEDDER_STEPS = 200
_RECORDS = 1000
_SEED = 4
_LOSS_DRAWS = 16
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Score:
    """How near generated records come to validation patients."""

    frechet_distance: float
    coverage: float
    """Share of validation records with a generated one in their neighbourhood."""
    validation_loss: float | None = None
    """Of the family's own loss of a record, the mean over validation patients; None of a family that has none."""
    by_heart: bool = False
    """Whether that loss has risen above the lowest of the run: by a paired t-test over patients, one-sided, at 95 %."""

    def better_than(self, other: Score) -> bool:
        """Whether this model is to be kept rather than the other."""
        if self.by_heart != other.by_heart:
            return other.by_heart
        return self.frechet_distance < other.frechet_distance

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


class Selection:
    """Scores the models of one run, in the order of its steps.

    Args:
        dataset: Its train split teaches the features, its validation split is what samples are compared with.
        seed: Of the samples' noise: the same for every model of the run.
        lowest: `lowest` of the run so far, where it is resumed.
    """

    lowest: npt.NDArray[np.float64] | None
    """Loss of each validation patient, of the model whose mean of them was the lowest so far."""

    def __init__(self, dataset: Dataset, *, seed: int, lowest: npt.NDArray[np.float64] | None = None) -> None:
        task = as_judged(task_of(dataset))
        self._seed, self._schema, self.lowest = seed, dataset.schema, lowest
        self._embedder = fit_embedder(task, steps=_EMBEDDER_STEPS)
        validation = drawn(task.validation, _RECORDS, _SEED)
        self._real = embed(self._embedder, validation)
        self._labels = validation.labels
        self._condition = encode_columns(dataset.schema.conditions, validation.columns, len(validation))
        self._losses = _Losses(dataset)

    def score(self, family: Family) -> tuple[Score, Records]:
        """The score, and the samples it was read on: asked for with the validation records' own conditions."""
        generator = family.generator().eval()
        records = generated(samples_for(generator, self._condition, seed=self._seed), self._labels)
        vectors = embed(self._embedder, replace(records, values=values_as_judged(records.values, self._schema)))
        share = float(covered(self._real, vectors).mean())
        score = Score(frechet_value(self._real, vectors), share)
        if family.explains_records:
            losses = self._losses.of(family.eval())
            score = replace(score, validation_loss=float(losses.mean()), by_heart=self._by_heart(losses))
        return score, records

    def _by_heart(self, losses: npt.NDArray[np.float64]) -> bool:
        if self.lowest is None or losses.mean() < self.lowest.mean():
            self.lowest = losses
            return False
        rise, n = losses - self.lowest, len(losses)
        return n > 1 and bool(rise.mean() > t.ppf(_CONFIDENCE, n - 1) * rise.std(ddof=1) / math.sqrt(n))


class _Losses:
    """A family's own loss of each validation patient: the mean over the patient's records, and over draws."""

    def __init__(self, dataset: Dataset) -> None:
        split = dataset.validation
        chosen = np.random.default_rng(_SEED).permutation(len(split))[:_RECORDS]
        self._samples, self._condition = split.samples[chosen], dataset.condition_vectors(split)[chosen]
        _, self._patient = np.unique(split.patients[chosen], return_inverse=True)

    def of(self, family: Family) -> npt.NDArray[np.float64]:
        """[patients]."""
        losses = mean_record_losses(family, self._samples, self._condition, draws=_LOSS_DRAWS)
        return np.bincount(self._patient, losses) / np.bincount(self._patient)
