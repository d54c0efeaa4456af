"""The classifiers that judge utility: fixed in advance, the same for every row, nothing tuned on test data."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ....runtime.schema import CategoryColumn, Schema, TableSchema
from ..classifier import predict, train_classifier
from ..records import Records

Predict = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.intp]]
"""From values [n, *shape] to the most likely class [n]."""

Learner = Callable[[Records, int], Predict]
"""From training records and a seed to a fitted classifier."""

_MOST_CATEGORIES = 255  # scikit-learn's histogram trees hold no more; a longer list is read as numbers


def learner_for(schema: Schema, classes: Sequence[str], *, steps: int, balanced: bool = True) -> Learner:
    """The judge for records of this kind: a convolutional network, or boosted trees for tables.

    Args:
        schema: Of the records.
        classes: Names of the classes.
        steps: Optimiser steps of a network; trees have no use for it.
        balanced: Whether every class counts the same, or each record.
    """
    if isinstance(schema, TableSchema):
        return _tree_learner(schema, balanced)

    def learn(records: Records, seed: int) -> Predict:
        model = train_classifier(
            records.values, records.labels, len(classes), steps=steps, seed=seed, balanced=balanced
        )
        return lambda values: predict(model, values)

    return learn


def _tree_learner(schema: TableSchema, balanced: bool) -> Learner:
    categories = [
        isinstance(column, CategoryColumn) and len(column.values) <= _MOST_CATEGORIES for column in schema.columns
    ]

    def learn(records: Records, seed: int) -> Predict:
        from sklearn.ensemble import HistGradientBoostingClassifier

        model = HistGradientBoostingClassifier(
            categorical_features=categories,
            class_weight="balanced" if balanced else None,
            max_iter=100,
            learning_rate=0.1,
            early_stopping=False,
            min_samples_leaf=max(2, min(20, len(records) // 20)),
            random_state=seed,
        )
        rng = np.random.Generator(np.random.Philox(key=[seed, 1]))
        # Trees hardly depend on their seed; a bootstrap sample shows how much they depend on their data.
        model.fit(*_values_and_labels(records.take(_with_every_class(records.labels, rng))))
        return lambda values: np.asarray(model.predict(values), dtype=np.intp)

    return learn


def _with_every_class(labels: npt.NDArray[np.intp], rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """A bootstrap sample within each class."""
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return np.concatenate([rng.choice(of_class, len(of_class)) for of_class in members])


def _values_and_labels(records: Records) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.intp]]:
    # scikit-learn cannot bin a column of which nothing is known; one that is constant says as little.
    nothing_known = np.isnan(records.values).all(axis=0)
    return np.where(nothing_known, np.float32(0.0), records.values), records.labels
