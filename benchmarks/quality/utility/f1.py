"""F1 scores and their uncertainty over patients."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Confusion = npt.NDArray[np.float64]


def confusion_by_patient(
    truth: npt.NDArray[np.intp],
    predicted: npt.NDArray[np.intp],
    patients: npt.NDArray[np.str_],
    classes: int,
) -> Confusion:
    """Counts [patients, true class, predicted class]."""
    _, patient = np.unique(patients, return_inverse=True)
    counts = np.zeros((patient.max() + 1, classes, classes))
    np.add.at(counts, (patient, truth, predicted), 1.0)
    return counts


def f1_scores(confusion: Confusion) -> npt.NDArray[np.float64]:
    """F1 of each class [..., classes] from counts [..., true class, predicted class].

    A class that neither occurs nor is predicted scores 0, as in scikit-learn.
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    relevant = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    scores: npt.NDArray[np.float64] = np.zeros_like(hits)
    np.divide(2.0 * hits, relevant, out=scores, where=relevant > 0)
    return scores


def patient_bootstrap(confusions: Confusion, *, draws: int, seed: int, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of the macro-F1 when patients and classifier seeds are drawn anew.

    Beats of one patient resemble each other, so patients are resampled, not beats (cluster bootstrap,
    Davison & Hinkley 1997, 3.8). Draws without every class are kept: they are part of the uncertainty.

    Args:
        confusions: [seeds, patients, true class, predicted class].
        draws: Bootstrap draws.
        seed: Of the draws.
        level: Coverage of the interval.
    """
    seeds, patients = confusions.shape[:2]
    rng = np.random.Generator(np.random.Philox(key=[seed, 0]))
    scores = np.empty(draws)
    for draw in range(draws):
        weights = np.bincount(rng.integers(0, patients, patients), minlength=patients)
        chosen = confusions[rng.integers(0, seeds, seeds)]
        scores[draw] = f1_scores(np.einsum("spij,p->sij", chosen, weights)).mean()
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(scores, [tail, 1.0 - tail])
    return float(low), float(high)
