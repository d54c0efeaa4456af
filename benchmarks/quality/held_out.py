"""Reads generators on held-out records, so that what one lost against another can be told (see `paired`)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...runtime.errors import DataError
from ...runtime.schema import SignalSchema, TableSchema
from .fidelity.distributions import widest_gap
from .fidelity.features import Embedded, embed, fit_embedder
from .fidelity.frechet import frechet_value
from .fidelity.manifold import covered
from .fidelity.physiology import checks_for, measurements_for
from .fidelity.shapes import constraint_violations
from .fidelity.spectrum import spectrum_difference
from .fidelity.two_sample import two_sample_auc
from .figure import FloatArray
from .judge import Effort, scored_classes
from .paired import Reading
from .records import Records, Task, check_records, joined
from .rows import Loss, drawn, with_mix_of
from .utility.learners import Predict, learner_for
from .utility.tstr import fit, read_on

Say = Callable[[str], None]


class HeldOut:
    """Held-out records, and what was learnt from `train` once for all generators that are read on them.

    Args:
        task: The real data; embedder and real classifier learn from `train`. `test` is what figures are read on: give a
            task whose test records are the validation's where something is to be decided by them.
        effort: How much work: its seeds, steps, records and attacks.
        cache: Folder for the feature network; None keeps nothing.

    Raises:
        DataError: A split is empty or malformed.
    """

    def __init__(self, task: Task, effort: Effort, *, cache: Path | None = None) -> None:
        for name, records in (("train", task.train), ("held-out", task.test)):
            check_records(records, task, f"the {name} data")
        self.task, self.effort = task, effort
        self.missing: dict[str, str] = {}
        """By measure, why it cannot be read on these data."""
        try:
            self.scored, self.notes = scored_classes(task)
        except DataError as error:
            self.scored, self.notes = [], [str(error)]
            self.missing |= dict.fromkeys(("tstr", "rare_share"), str(error))
        self.records = drawn(task.test, effort.fidelity_records, seed=1)
        self._tested = drawn(task.test, effort.test_records, seed=2).only(self.scored)
        self._embedder = fit_embedder(task, steps=effort.steps, cache=cache)
        self._real = embed(self._embedder, self.records)
        if len(np.unique(self.records.patients)) < 2:
            self.missing["two_sample_auc"] = "the held-out records are of one patient"

    @property
    def feature_space(self) -> str:
        """SHA-256 of what features were learnt: figures compare only where it is equal."""
        return self._embedder.digest

    def measures(self) -> set[str]:
        """What can be read on these data, beside the attack."""
        schema = self.task.schema
        known = {"tstr", "coverage", "frechet_distance", "within_class_variance", "two_sample_auc", "rare_share"}
        if isinstance(schema, SignalSchema):
            known |= {"spectrum", "violations"} | ({"physiology"} if measurements_for(schema) else set())
        elif isinstance(schema, TableSchema):
            known.add("violations")
        return known - set(self.missing)

    def read(self, parts: Sequence[Records], *, loss: Loss | None = None, say: Say | None = None) -> Reading:
        """Read one generator.

        Args:
            parts: What it made from independent draws of its noise, as many of each class as the effort says; a
                classifier is trained on each.
            loss: What a white-box attacker reads of its weights; None: it is not attacked.
            say: Called with what comes next.

        Raises:
            DataError: A record is malformed.
        """
        tell = say or (lambda _: None)
        reached, by_seed = [], []
        for number, part in enumerate(parts):
            check_records(part, self.task, "the generated records")
            tell(f"fidelity, seed {number + 1} of {len(parts)}")
            near, figures = self._fidelity(part)
            reached.append(near)
            by_seed.append(figures)
        tested = None
        if self.scored:
            tell("classifiers trained on it")
            classifiers = fit(self._learner(), [part.only(self.scored) for part in parts])
            tested = read_on(classifiers, self._tested, len(self.scored))
        scores, attacked = None, None
        if loss:
            tell("attacking its weights")
            members, others = self.attacked
            scores = -loss(joined(members, others))
            attacked = members.patients, others.patients
        together = {key: np.array([figures[key] for figures in by_seed]) for key in by_seed[0]}
        unknown = {measure for (measure, _), values in together.items() if not np.isfinite(values).all()}
        return Reading(
            patients=self.records.patients,
            reached=np.stack(reached),
            by_seed={key: values for key, values in together.items() if np.isfinite(values).all()},
            tested=tested,
            scores=scores,
            attacked=attacked,
            missing=self.missing
            | {name: "it could not be found on every draw" for name in unknown if not self._known(name, together)},
        )

    @staticmethod
    def _known(measure: str, values: dict[tuple[str, str], FloatArray]) -> bool:
        return any(name == measure and np.isfinite(found).all() for (name, _), found in values.items())

    @functools.cached_property
    def attacked(self) -> tuple[Records, Records]:
        """Training records, and as many held-out ones, that are attacked through the weights."""
        n = self.effort.attacked
        return drawn(self.task.train, n, seed=6), drawn(self.task.test, n, seed=7)

    def _learner(self) -> Any:
        return learner_for(
            self.task.schema, [self.task.classes[label] for label in self.scored], steps=self.effort.steps
        )

    def _fidelity(self, part: Records) -> tuple[npt.NDArray[np.bool_], dict[tuple[str, str], float]]:
        """Which held-out records one draw comes near to, and its figures by (measure, group)."""
        row = with_mix_of(part, self.records.labels)
        vectors = embed(self._embedder, row)
        found = {
            ("frechet_distance", "all"): frechet_value(self._real, vectors),
            ("within_class_variance", "all"): _within_class_variance(embed(self._embedder, part), part.labels),
        }
        schema = self.task.schema
        if "two_sample_auc" not in self.missing:
            told = two_sample_auc(self._real, vectors, smooth=not isinstance(schema, TableSchema))
            found["two_sample_auc", "all"] = np.nan if told.value is None else told.value
        if self.scored:
            taken = self._real_classifier(part.only(self.scored).values)
            found["rare_share", "all"] = float((taken == self._rare).mean())
        if isinstance(schema, SignalSchema):
            found |= self._of_signals(row, schema)
        elif isinstance(schema, TableSchema):
            share = constraint_violations(row, self.task.train, schema, self.task.classes).value
            found["violations", "all"] = np.nan if share is None else share
        return covered(self._real, vectors), found

    def _of_signals(self, row: Records, schema: SignalSchema) -> dict[tuple[str, str], float]:
        found: dict[tuple[str, str], float] = {}
        for channel, figure in spectrum_difference(self.records, row, schema).items():
            found["spectrum", f"channel={channel}"] = np.nan if figure.value is None else figure.value
        for measurement in measurements_for(schema):
            real, made = (measurement.measure(values) for values in (self.records.values, row.values))
            known = real[~np.isnan(real)], made[~np.isnan(made)]
            if min(map(len, known)) < 2:
                found["physiology", f"measurement={measurement.name}"] = np.nan
                continue
            here, there = widest_gap(*known)
            found["physiology", f"measurement={measurement.name}"] = float(here.mean() - there.mean())
        for check in checks_for(schema):
            found["violations", f"check={check.name}"] = float(check.violated(row.values).mean())
        return found

    @functools.cached_property
    def _real_classifier(self) -> Predict:
        (classifier,) = fit(self._learner(), [self.task.train.only(self.scored)])
        return classifier

    @functools.cached_property
    def _rare(self) -> int:
        """Among the scored classes, the one with the fewest training records."""
        counts = np.bincount(self.task.train.labels, minlength=len(self.task.classes))
        return int(np.argmin(counts[self.scored]))


def decided_on_validation(task: Task) -> Task:
    """The task in which figures are read on the validation records, and the test records are out of reach."""
    return replace(task, test=task.validation)


def _within_class_variance(vectors: Embedded, labels: Sequence[int] | npt.NDArray[np.intp]) -> float:
    """Variance about the class's mean, summed over the features and averaged over the classes that are there."""
    known = np.asarray(labels)
    spreads = [vectors.vectors[known == label].var(axis=0).sum() for label in np.unique(known)]
    return float(np.mean(spreads))
