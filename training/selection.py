"""Which model of a training run is kept: the one whose samples are nearest to validation patients.

A short form of the judgement in `benchmarks.quality`: its Fréchet distance and coverage, in the features of a network
that learnt to tell the classes on the train split. No test patient is looked at.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from ..benchmarks.quality.fidelity.features import embed, fit_embedder
from ..benchmarks.quality.fidelity.frechet import frechet_value
from ..benchmarks.quality.fidelity.manifold import covered
from ..benchmarks.quality.records import Records, generated
from ..benchmarks.quality.rows import drawn
from ..benchmarks.quality.view import as_judged, values_as_judged
from ..runtime.condition import encode_columns
from .datasets.dataset import Dataset
from .datasets.records import task_of
from .families import Generative
from .families.sampling import samples_for

_EMBEDDER_STEPS = 200
_RECORDS = 1000
_SEED = 4


@dataclass(frozen=True)
class Score:
    """How near generated records come to validation patients."""

    frechet_distance: float
    coverage: float
    """Share of validation records with a generated one in their neighbourhood."""

    def better_than(self, other: Score) -> bool:
        """Whether this model is to be kept rather than the other."""
        return self.frechet_distance < other.frechet_distance

    def to_json(self) -> dict[str, float]:
        """Plain JSON values."""
        return asdict(self)


class Selection:
    """Scores the models of one run.

    Args:
        dataset: Its train split teaches the features, its validation split is what samples are compared with.
        seed: Of the samples' noise: the same for every model of the run.
    """

    def __init__(self, dataset: Dataset, *, seed: int) -> None:
        task = as_judged(task_of(dataset))
        self._seed, self._schema = seed, dataset.schema
        self._embedder = fit_embedder(task, steps=_EMBEDDER_STEPS)
        validation = drawn(task.validation, _RECORDS, _SEED)
        self._real = embed(self._embedder, validation)
        self._labels = validation.labels
        self._condition = encode_columns(dataset.schema.conditions, validation.columns, len(validation))

    def score(self, generator: Generative) -> tuple[Score, Records]:
        """The score, and the samples it was read on: asked for with the validation records' own conditions."""
        records = generated(samples_for(generator, self._condition, seed=self._seed), self._labels)
        vectors = embed(self._embedder, replace(records, values=values_as_judged(records.values, self._schema)))
        share = float(covered(self._real, vectors).mean())
        return Score(frechet_value(self._real, vectors), share), records
