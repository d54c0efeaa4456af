"""What is judged: labelled records of one kind, real ones split by patient and generated ones beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ...runtime.errors import DataError
from ...runtime.schema import CategoryColumn, Schema, SignalSchema, TableSchema


@dataclass(frozen=True)
class Records:
    """Signals, images or table rows of one class each."""

    values: npt.NDArray[np.float32]
    """[n, channels, length] in physical units, [n, channels, height, width] from 0 to 1, or [n, columns] with a
    category as its index and NaN where an entry is missing."""
    labels: npt.NDArray[np.intp]
    """[n], index into the task's classes. A table's outcome is its label and no column of `values`."""
    patients: npt.NDArray[np.str_]
    """[n], whose record it is. Records of one patient resemble each other, so patients are what is resampled;
    generated records each are a patient of their own."""
    attributes: Mapping[str, npt.NDArray[np.str_]] = field(default_factory=dict)
    """What groups patients for fairness, e.g. `sex` [n]; '' where unknown. Empty for generated records."""
    columns: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    """What a generator is asked for to get such a record, by condition [n]: class index, or number. Of real ones."""

    def __len__(self) -> int:
        return len(self.values)

    def take(self, which: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Records:
        """Those of these indices, or where a mask is true."""
        return Records(
            self.values[which],
            self.labels[which],
            self.patients[which],
            {name: column[which] for name, column in self.attributes.items()},
            {name: column[which] for name, column in self.columns.items()},
        )

    def only(self, labels: Sequence[int]) -> Records:
        """Those of these classes, their labels counted among them."""
        kept = self.take(np.isin(self.labels, labels))
        position = {label: number for number, label in enumerate(labels)}
        renumbered = np.array([position[int(label)] for label in kept.labels], dtype=np.intp)
        return replace(kept, labels=renumbered)

    def of_class(self, label: int) -> Records:
        """Those of one class."""
        return self.take(self.labels == label)


def generated(values: npt.NDArray[np.float32], labels: npt.NDArray[np.intp]) -> Records:
    """Generated records, each a patient of its own."""
    return Records(values, labels, np.arange(len(values)).astype(np.str_))


def joined(*parts: Records) -> Records:
    """All records of all parts; the attributes that every part has."""
    shared = sorted(set.intersection(*(set(part.attributes) for part in parts)))
    asked = sorted(set.intersection(*(set(part.columns) for part in parts)))
    return Records(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.patients for part in parts]),
        {name: np.concatenate([part.attributes[name] for part in parts]) for name in shared},
        {name: np.concatenate([part.columns[name] for part in parts]) for name in asked},
    )


@dataclass(frozen=True)
class Task:
    """Real data to judge against: generators and judges learn from `train`, figures are read on `test`."""

    schema: Schema
    classes: tuple[str, ...]
    train: Records
    validation: Records
    test: Records


def check_task(task: Task) -> None:
    """Check real data before anything is fitted.

    Raises:
        DataError: A split is empty or malformed, or a patient is in two splits.
    """
    splits = {"train": task.train, "validation": task.validation, "test": task.test}
    for name, records in splits.items():
        check_records(records, task, f"the {name} data")
    for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
        shared = np.intersect1d(splits[first].patients, splits[second].patients)
        if len(shared):
            raise DataError(f"patient {shared[0]} is in both the {first} and the {second} data; split by patient")


def check_records(records: Records, task: Task, where: str) -> None:
    """Check records of any source against the task.

    Raises:
        DataError: They are empty, of another shape, not finite, of an unknown class or category.
    """
    n = len(records)
    if not n:
        raise DataError(f"{where} hold no record")
    if records.values.shape[1:] != task.schema.shape:
        raise DataError(
            f"{where} hold records of shape {records.values.shape[1:]}; {task.schema.name} has {task.schema.shape}"
        )
    for name, column in (
        ("labels", records.labels),
        ("patients", records.patients),
        *records.attributes.items(),
        *records.columns.items(),
    ):
        if column.shape != (n,):
            raise DataError(f"{where} hold {n} records but {name} of shape {column.shape}")
    if records.labels.min() < 0 or records.labels.max() >= len(task.classes):
        raise DataError(f"{where} hold a label that is none of the {len(task.classes)} classes")
    if isinstance(task.schema, TableSchema):
        _check_table(records.values, task.schema, where)
    elif isinstance(task.schema, SignalSchema) and task.schema.has_gaps:
        if np.isinf(records.values).any():
            raise DataError(f"{where} hold an infinity")
    elif not np.isfinite(records.values).all():
        bad = int(np.flatnonzero(~np.isfinite(records.values.reshape(n, -1)).all(axis=1))[0])
        raise DataError(f"{where}: record {bad} holds NaN or an infinity")


def _check_table(values: npt.NDArray[np.float32], schema: TableSchema, where: str) -> None:
    for column, entries in zip(schema.columns, values.T, strict=True):
        known = entries[~np.isnan(entries)]
        if np.isinf(known).any():
            raise DataError(f"{where}: column {column.name} holds an infinity")
        if isinstance(column, CategoryColumn) and not np.isin(known, np.arange(len(column.values))).all():
            bad = known[~np.isin(known, np.arange(len(column.values)))][0]
            raise DataError(f"{where}: column {column.name} holds {bad:g}, the index of no category")
