"""Train on synthetic, test on real: are generated signals as useful as real ones?

Esteban, Hyland & Rätsch 2017 (arXiv 1706.02633). The same function with real training data gives the ceiling
(train on real, test on real).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...runtime.errors import DataError
from .classifier import predict, train_classifier
from .f1 import confusion_by_patient, f1_scores, patient_bootstrap

_BOOTSTRAP_DRAWS = 1000
_BOOTSTRAP_SEED = 20170608


@dataclass(frozen=True)
class UtilityScore:
    """How well a classifier trained on some data does on held-out real patients."""

    macro_f1: float
    """Mean over the classes and over the classifier seeds."""
    low: float
    """Lower end of the 95 % interval over patients and seeds."""
    high: float
    per_class_f1: dict[str, float]
    """Mean over the seeds."""
    per_seed_macro_f1: tuple[float, ...]
    train_n: int
    test_n: int
    test_patients: int

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def classifier_utility(
    train: tuple[npt.NDArray[np.float32], npt.NDArray[np.intp]],
    test: tuple[npt.NDArray[np.float32], npt.NDArray[np.intp]],
    test_patients: npt.NDArray[np.str_],
    classes: Sequence[str],
    *,
    seeds: int = 5,
    steps: int = 1500,
    on_progress: Callable[[int, int], None] | None = None,
) -> UtilityScore:
    """Train the judging classifier on `train` once per seed, and score it on the real `test` patients.

    Args:
        train: Samples [n, channels, length] and labels [n], indices into `classes`.
        test: The same, of held-out real patients.
        test_patients: [n] of the test samples.
        classes: The class names, in the order of the labels.
        seeds: How many classifiers, each with its own weights and batches.
        steps: Optimiser steps of each.
        on_progress: Called with (seeds done, seeds) after each.

    Raises:
        DataError: A class does not occur in the training or in the test data.
    """
    for name, (_, labels) in (("training", train), ("test", test)):
        for index, label in enumerate(classes):
            if not (labels == index).any():
                raise DataError(f"class {label} does not occur in the {name} data; leave it out, or add records")
    confusions = []
    for seed in range(seeds):
        model = train_classifier(*train, len(classes), steps=steps, seed=seed)
        confusions.append(confusion_by_patient(test[1], predict(model, test[0]), test_patients, len(classes)))
        if on_progress:
            on_progress(seed + 1, seeds)
    stacked = np.stack(confusions)
    per_seed = f1_scores(stacked.sum(axis=1))
    low, high = patient_bootstrap(stacked, draws=_BOOTSTRAP_DRAWS, seed=_BOOTSTRAP_SEED)
    return UtilityScore(
        macro_f1=float(per_seed.mean()),
        low=low,
        high=high,
        per_class_f1={name: float(f1) for name, f1 in zip(classes, per_seed.mean(axis=0), strict=True)},
        per_seed_macro_f1=tuple(float(score) for score in per_seed.mean(axis=1)),
        train_n=len(train[1]),
        test_n=len(test[1]),
        test_patients=stacked.shape[1],
    )
