"""A dataset as the judge of generated data sees it: labelled records of patients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...benchmarks.quality.records import Records, Task
from .dataset import Dataset, Split


def records_of(split: Split, dataset: Dataset, classes: Sequence[str]) -> Records:
    """The split's samples of these classes, their labels counted among them."""
    label = dataset.label
    position = {name: number for number, name in enumerate(classes)}
    labels = np.array([position.get(name, -1) for name in label.values])[split.columns[label.name].astype(np.intp)]
    records = Records(split.samples, labels.astype(np.intp), split.patients, split.attributes, split.columns)
    return records if (labels >= 0).all() else records.take(labels >= 0)


def task_of(dataset: Dataset, classes: Sequence[str] | None = None) -> Task:
    """The real data to judge against; None: all classes."""
    names = tuple(dataset.label.values if classes is None else classes)
    train, validation, test = (
        records_of(split, dataset, names) for split in (dataset.train, dataset.validation, dataset.test)
    )
    return Task(dataset.schema, names, train, validation, test)
