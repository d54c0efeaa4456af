"""Train on synthetic, test on real: are generated records as useful as real ones?

Esteban, Hyland & Rätsch 2017 (arXiv 1706.02633). The same with real training records gives the ceiling (TRTR);
the classifiers trained on real records and read on synthetic ones (TRTS) tell whether those are what they claim.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..figure import Figure, FloatArray, PatientBootstrap, omitted
from ..records import Records
from .f1 import confusion_by_patient, f1_scores, recalls, resampled
from .learners import Learner, Predict


@dataclass(frozen=True)
class Tested:
    """What classifiers trained on one source make of the same real records."""

    confusions: FloatArray
    """[classifiers, patients, true class, predicted class]."""
    bootstrap: PatientBootstrap
    """Over the tested patients; two sources tested on the same records have the same draws."""

    def macro_f1(self) -> Figure:
        """Mean F1 over the classes and classifiers."""
        return self._figure(lambda confusion: f1_scores(confusion).mean(axis=-1))

    def class_f1(self, label: int) -> Figure:
        """F1 of one class, mean over classifiers."""
        return self._figure(lambda confusion: f1_scores(confusion)[..., label])

    def recall(self, label: int) -> Figure:
        """Recall of one class, mean over classifiers."""
        return self._figure(lambda confusion: recalls(confusion)[..., label])

    def balanced_accuracy(self) -> Figure:
        """Mean recall over the classes that occur, mean over classifiers."""
        return self._figure(_mean_recall)

    def of_patients(self, chosen: npt.NDArray[np.bool_]) -> Tested:
        """The same classifiers on some of the records: `chosen` [n] must hold all or none of a patient's."""
        kept = np.unique(self.bootstrap.index[chosen])
        return Tested(self.confusions[:, kept], PatientBootstrap(self.bootstrap.index[chosen].astype(np.str_)))

    def _figure(self, score: Callable[[FloatArray], FloatArray]) -> Figure:
        value = float(score(self.confusions.sum(axis=1)).mean())
        if np.isnan(value):
            return omitted("the class does not occur", self.bootstrap.n)
        drawn = score(resampled(self.confusions, self.bootstrap.weights())).mean(axis=1)
        return self.bootstrap.figure(value, drawn, seeds=len(self.confusions))


def _mean_recall(confusion: FloatArray) -> FloatArray:
    found = recalls(confusion)
    occur = ~np.isnan(found)
    mean: FloatArray = np.where(occur, found, 0.0).sum(axis=-1) / np.maximum(occur.sum(axis=-1), 1)
    return mean


@dataclass(frozen=True)
class Difference:
    """One source's macro-F1 minus another's, on the same patients, draws and classifier seeds."""

    value: float
    low: float
    """Lower end of the two-sided 95 % interval."""
    high: float
    bound: float
    """One-sided 95 % lower bound: with 95 % confidence the loss is no larger than minus this."""


def difference(tested: Tested, reference: Tested) -> Difference:
    """Paired difference of two sources' macro-F1; both were tested on the same records."""

    def scores(of: Tested) -> FloatArray:
        drawn: FloatArray = f1_scores(resampled(of.confusions, of.bootstrap.weights())).mean(axis=(1, 2))
        return drawn

    values = [float(f1_scores(each.confusions.sum(axis=1)).mean()) for each in (tested, reference)]
    low, bound, high = np.quantile(scores(tested) - scores(reference), [0.025, 0.05, 0.975])
    return Difference(values[0] - values[1], float(low), float(high), float(bound))


def fit(learner: Learner, parts: Sequence[Records], on_progress: Callable[[], None] | None = None) -> list[Predict]:
    """One classifier per part, each with its own seed. The same part may be given several times."""
    fitted = []
    for seed, part in enumerate(parts):
        fitted.append(learner(part, seed))
        if on_progress:
            on_progress()
    return fitted


def read_on(classifiers: Sequence[Predict], records: Records, classes: int) -> Tested:
    """What fitted classifiers make of records of known class."""
    bootstrap = PatientBootstrap(records.patients)
    confusions = [
        confusion_by_patient(records.labels, classify(records.values), bootstrap.index.astype(np.intp), classes)
        for classify in classifiers
    ]
    return Tested(np.stack(confusions), bootstrap)


def parts_by_class(pool: Records, parts: int) -> list[Records]:
    """Split records into disjoint parts, each with its share of every class."""
    members = [np.flatnonzero(pool.labels == label) for label in np.unique(pool.labels)]
    return [pool.take(np.concatenate([of_class[part::parts] for of_class in members])) for part in range(parts)]
