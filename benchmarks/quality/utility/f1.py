"""F1 scores from confusion counts by patient, and their uncertainty over patients and classifiers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..figure import FloatArray


def confusion_by_patient(
    truth: npt.NDArray[np.intp], predicted: npt.NDArray[np.intp], patient: npt.NDArray[np.intp], classes: int
) -> FloatArray:
    """Counts [patients, true class, predicted class]; `patient` [n] counts from 0, each number present."""
    counts = np.zeros((int(patient.max()) + 1, classes, classes))
    np.add.at(counts, (patient, truth, predicted), 1.0)
    return counts


def f1_scores(confusion: FloatArray) -> FloatArray:
    """F1 of each class [..., classes] from counts [..., true class, predicted class].

    A class that neither occurs nor is predicted scores 0, as in scikit-learn.
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    relevant = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    scores: FloatArray = np.zeros_like(hits)
    np.divide(2.0 * hits, relevant, out=scores, where=relevant > 0)
    return scores


def recalls(confusion: FloatArray) -> FloatArray:
    """Recall of each class [..., classes]; NaN where a class does not occur."""
    hits, present = np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(axis=-1)
    found: FloatArray = np.full_like(hits, np.nan)
    np.divide(hits, present, out=found, where=present > 0)
    return found


def resampled(confusions: FloatArray, weights: FloatArray, seed: int = 20170608) -> FloatArray:
    """Confusions of bootstrap draws: patients as `weights` [draws, patients] say, classifiers drawn anew.

    The same seed and number of classifiers draw the same ones, so that two rows' draws are paired.

    Args:
        confusions: [classifiers, patients, true class, predicted class].
        weights: How often each patient is drawn.
        seed: Of the classifiers drawn.

    Returns:
        [draws, classifiers, true class, predicted class].
    """
    classifiers = len(confusions)
    rng = np.random.Generator(np.random.Philox(key=[seed, classifiers]))
    by_patient = np.tensordot(weights, confusions, axes=([1], [1]))  # [draws, classifiers, true, predicted]
    chosen = rng.integers(0, classifiers, (len(weights), classifiers))
    drawn: FloatArray = np.take_along_axis(by_patient, chosen[:, :, None, None], axis=1)
    return drawn
