"""Augmentation gain: do synthetic records of a rare class help a classifier that has real ones?

Against real records alone, and against what costs nothing: repeating the rare ones, and SMOTE (Chawla et al.,
JAIR 2002; imbalanced-learn). The gain that counts is over the better of those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from ....runtime.schema import Schema, TableSchema
from ..records import Records, generated, joined
from .learners import Learner
from .tstr import Tested, fit, read_on

REAL_ALONE, REPEATED, SMOTE = "real alone", "repeated", "SMOTE"
_FEWEST_FOR_SMOTE = 6  # it interpolates between five neighbours


def augmentation(
    learner: Learner,
    train: Records,
    test: Records,
    synthetic: Mapping[str, Records],
    schema: Schema,
    classes: int,
    *,
    rare: int,
    seeds: int,
    on_progress: Callable[[], None] | None = None,
) -> dict[str, Tested]:
    """Test classifiers that had real records and, for the rare class, one more source of them.

    Every way but the first brings the rare class up to the most frequent one.

    Args:
        learner: Must count each record the same, or there is nothing to gain.
        train: Real training records.
        test: Real, held-out records.
        synthetic: Generated records per source; those of the rare class are used.
        schema: Of the records.
        classes: How many there are.
        rare: The class to augment.
        seeds: Classifiers per way.
        on_progress: Called after each classifier.
    """
    counts = np.bincount(train.labels, minlength=classes)
    missing = int(counts.max() - counts[rare])
    ways: dict[str, Callable[[int], Records]] = {REAL_ALONE: lambda _: train}
    if missing:
        ways[REPEATED] = lambda seed: joined(train, _repeated(train.of_class(rare), missing, seed))
        if counts[rare] >= _FEWEST_FOR_SMOTE and not _has_categories(schema):
            ways[SMOTE] = lambda seed: joined(train, _smote(train, rare, missing, seed))
        for name, pool in synthetic.items():
            ways[name] = lambda seed, pool=pool: joined(train, _repeated(pool.of_class(rare), missing, seed))  # type: ignore[misc]
    return {
        name: read_on(fit(learner, [way(seed) for seed in range(seeds)], on_progress), test, classes)
        for name, way in ways.items()
    }


def _has_categories(schema: Schema) -> bool:
    """SMOTE has no meaning for categories and none for missing entries: left out for tables."""
    return isinstance(schema, TableSchema)


def _repeated(rare: Records, missing: int, seed: int) -> Records:
    """`missing` records of the rare class: each as often as any other, as few times as possible."""
    rng = np.random.Generator(np.random.Philox(key=[seed, 2]))
    rounds = [rng.permutation(len(rare)) for _ in range(-(-missing // len(rare)))]
    return rare.take(np.concatenate(rounds)[:missing])


def _smote(train: Records, rare: int, missing: int, seed: int) -> Records:
    from imblearn import over_sampling

    flat = train.values.reshape(len(train), -1)
    few = np.concatenate([np.flatnonzero(train.labels == rare), np.flatnonzero(train.labels != rare)[:1]])
    binary = (train.labels[few] == rare).astype(int)
    wanted = {1: int(binary.sum()) + missing, 0: 1}
    grown, labels = over_sampling.SMOTE(sampling_strategy=wanted, random_state=seed).fit_resample(flat[few], binary)
    added: npt.NDArray[np.float32] = np.asarray(grown[len(few) :], dtype=np.float32)
    assert (labels[len(few) :] == 1).all()  # noqa: S101 - only the rare class was asked for
    return generated(added.reshape(-1, *train.values.shape[1:]), np.full(len(added), rare, np.intp))
