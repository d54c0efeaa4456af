"""Compare sources of training data by their use: real records, the teacher, each variant of a bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .tstr import UtilityScore, classifier_utility

Generate = Callable[[str, int], npt.NDArray[np.float32]]
"""From a class and a number to that many samples [n, channels, length] of the class."""

REAL = "real"
"""Name of the row whose classifier was trained on real data: the ceiling."""


@dataclass(frozen=True)
class LabelledSignals:
    """Signals of known class and patient."""

    samples: npt.NDArray[np.float32]
    """[n, channels, length]"""
    labels: npt.NDArray[np.intp]
    """[n], index into the class names."""
    patients: npt.NDArray[np.str_]
    """[n]"""

    def only(self, names: Sequence[str], wanted: Sequence[str]) -> LabelledSignals:
        """The signals of the wanted classes, their labels counted among those."""
        position = {name: number for number, name in enumerate(wanted)}
        labels = np.array([position.get(name, -1) for name in names], dtype=np.intp)[self.labels]
        kept = labels >= 0
        return LabelledSignals(self.samples[kept], labels[kept], self.patients[kept])


def compare_sources(
    train: LabelledSignals,
    test: LabelledSignals,
    classes: Sequence[str],
    synthetic: Mapping[str, Generate],
    *,
    per_class: int,
    seeds: int,
    steps: int,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> dict[str, UtilityScore]:
    """Score a classifier trained on each source on the same real, held-out patients.

    Args:
        train: Real training patients.
        test: Real test patients, none of them in `train`.
        classes: Class names, in the order of the labels.
        synthetic: Per source a function that makes samples of a class.
        per_class: Synthetic samples of each class.
        seeds: Classifiers per source.
        steps: Optimiser steps of each classifier.
        on_progress: Called with (classifiers done, classifiers, source).

    Returns:
        One score per source, `REAL` first.
    """
    sources = [REAL, *synthetic]
    scores = {}
    for number, name in enumerate(sources):

        def show(done: int, _: int, number: int = number, name: str = name) -> None:
            if on_progress:
                on_progress(number * seeds + done, len(sources) * seeds, name)

        data = (train.samples, train.labels) if name == REAL else _balanced(synthetic[name], classes, per_class)
        scores[name] = classifier_utility(
            data,
            (test.samples, test.labels),
            test.patients,
            classes,
            seeds=seeds,
            steps=steps,
            on_progress=show,
        )
    return scores


def _balanced(
    generate: Generate, classes: Sequence[str], per_class: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.intp]]:
    samples = np.concatenate([generate(name, per_class) for name in classes])
    return samples, np.repeat(np.arange(len(classes)), per_class)
