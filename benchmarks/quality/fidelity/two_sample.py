"""Classifier two-sample test: can a classifier that has seen both tell generated records from real ones?

Lopez-Paz & Oquab 2017 (arXiv 1610.06545).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GroupKFold

from ..figure import Figure, FloatArray, omitted
from .features import Embedded
from .resampling import TwoSidedBootstrap, subsample

_FOLDS = 5
_FEWEST_RECORDS = 10
_BINS = 255
"""All that the trees can hold."""
_FEWEST_BINS, _RECORDS_A_BIN = 32, 8
"""Of smooth columns: finer bins found no more there, and took most of the time. See docs/quality.md."""


def two_sample_auc(
    real: Embedded, synthetic: Embedded, seed: int = 0, *, at_most: int = 5000, smooth: bool = False
) -> Figure:
    """Area under the ROC curve of gradient-boosted trees on records of patients they have not seen; 0.5 is ideal.

    Well below 0.5 is no merit: generated records that copy these very real ones confuse the classifier, since a
    record's copy has the other label. The interval draws patients anew and keeps the classifiers.

    Args:
        real: Real records.
        synthetic: Generated ones, or the real ones they are measured against.
        seed: Decides which records of the larger side are left out.
        at_most: Records of either side looked at.
        smooth: Whether the columns are a network's features and not a table's own, where rounding to whole numbers
            may tell one side from the other and is seen in fine bins only.
    """
    n = min(len(real), len(synthetic), at_most)
    if n < _FEWEST_RECORDS:
        return omitted(f"a classifier needs {_FEWEST_RECORDS} records of either side", n)
    real, synthetic = subsample(real, n, seed), subsample(synthetic, n, seed)
    bootstrap = TwoSidedBootstrap(real, synthetic)
    folds = min(_FOLDS, bootstrap.real.patients, bootstrap.synthetic.patients)
    if folds < 2:
        return omitted("one side is one patient, so there is no other to test the classifier on", n)
    vectors = np.concatenate([real.vectors, synthetic.vectors])
    generated = np.repeat([False, True], n)
    fold = np.concatenate([_fold(real, folds), _fold(synthetic, folds)])
    scores = np.empty(2 * n)
    for held_out in range(folds):
        tested = fold == held_out
        model = HistGradientBoostingClassifier(
            early_stopping=False,
            max_bins=min(_BINS, max(_FEWEST_BINS, n // _RECORDS_A_BIN)) if smooth else _BINS,
            min_samples_leaf=max(1, min(20, n // 10)),  # 20, the usual, would leave a few records without any split
            random_state=seed,
        )
        model.fit(vectors[~tested], generated[~tested])
        scores[tested] = model.decision_function(vectors[tested])
    real_weights, synthetic_weights = bootstrap.weights()
    weights = np.concatenate(
        [real_weights[:, bootstrap.real.index], synthetic_weights[:, bootstrap.synthetic.index]], axis=1
    )
    value = _within_folds(generated, scores, fold, np.ones((1, 2 * n)))
    return bootstrap.figure(float(value[0]), _within_folds(generated, scores, fold, weights))


def _within_folds(
    generated: npt.NDArray[np.bool_], scores: FloatArray, fold: npt.NDArray[np.intp], weights: FloatArray
) -> FloatArray:
    """Share of pairs, one real and one generated and both tested by one classifier, that it puts in order [draws].

    Patients differ in records, so classifiers differ in the share of real records they saw, and their scores are not
    to be compared. Ties count half; NaN where a draw has no pair.

    Args:
        generated: [n], whether each record is.
        scores: [n], higher where a record looks generated.
        fold: [n], which classifier tested it.
        weights: [draws, n], how often each record is drawn.
    """
    ordered, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for held_out in np.unique(fold):
        tested = np.flatnonzero(fold == held_out)
        tested = tested[np.argsort(scores[tested])]
        levels = np.flatnonzero(np.diff(scores[tested], prepend=-np.inf))
        of_real = np.add.reduceat(weights[:, tested] * ~generated[tested], levels, axis=1)
        of_generated = np.add.reduceat(weights[:, tested] * generated[tested], levels, axis=1)
        below = np.cumsum(of_real, axis=1) - of_real / 2.0
        ordered += (of_generated * below).sum(axis=1)
        pairs += of_real.sum(axis=1) * of_generated.sum(axis=1)
    shares: FloatArray = np.divide(ordered, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
    return shares


def _fold(side: Embedded, folds: int) -> npt.NDArray[np.intp]:
    """In which fold each record is tested [n]: one fold a patient, every fold about as many records."""
    fold = np.empty(len(side), np.intp)
    for number, (_, tested) in enumerate(GroupKFold(folds).split(side.vectors, groups=side.patients)):
        fold[tested] = number
    return fold
