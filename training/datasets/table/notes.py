"""What was decided and left out while reading a table, in sentences with counts, for cards and reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from .contents import TableContents
from .description import CategorySource, TableDescription

_TEST_ROWS = 20
"""Rows of a class below which classifiers are not scored on it."""


def notes(
    description: TableDescription,
    contents: TableContents,
    chosen: Sequence[str],
    members: Mapping[str, npt.NDArray[np.bool_]],
) -> tuple[str, ...]:
    """The visible decisions, one sentence each.

    Args:
        description: What the table was read by.
        contents: All rows with a label.
        chosen: Classes that are kept.
        members: By split, which rows are in it.
    """
    return (
        _split(description, contents, members),
        *_classes(description, contents, chosen, members),
        *_columns(description, contents),
        *_missing(description, contents),
        *_equal_rows(contents, members),
    )


def _split(description: TableDescription, contents: TableContents, members: Mapping[str, npt.NDArray[np.bool_]]) -> str:
    sizes = " + ".join(f"{int(rows.sum())} {name}" for name, rows in members.items())
    people = "each row is taken for a patient of its own"
    if description.patient is not None:
        patients = len(np.unique(contents.patients[np.any(list(members.values()), axis=0)]))
        people = f"of {patients} patients (column {description.patient}), none of them in two"
    return f"Rows were dealt out at random, each class by itself (seed {description.split.seed}): {sizes}; {people}."


def _classes(
    description: TableDescription,
    contents: TableContents,
    chosen: Sequence[str],
    members: Mapping[str, npt.NDArray[np.bool_]],
) -> list[str]:
    label = description.label
    found = []
    if contents.unlabelled:
        found.append(f"{contents.unlabelled} rows are left out as their label ({label.column}) is missing.")
    for place, name in enumerate(label.classes()):
        count = int((contents.labels == place).sum())
        tested = int((contents.labels[members["test"]] == place).sum())
        if name not in chosen:
            if count:
                found.append(f"Class {name} is left out: {count} rows.")
        elif tested < _TEST_ROWS:
            found.append(f"Class {name} has {tested} test rows: what is said of it is not sure.")
    renamed = {name: [v for v in label.values if label.names.get(v, v) == name] for name in chosen}
    for name, values in renamed.items():
        if len(values) > 1:
            found.append(f"Class {name} is made of the entries {', '.join(values)} of {label.column}.")
    return found


def _columns(description: TableDescription, contents: TableContents) -> list[str]:
    found = []
    for reason in dict.fromkeys(description.left_out.values()):
        columns = [column for column, why in description.left_out.items() if why == reason]
        are = "Column" if len(columns) == 1 else f"{len(columns)} columns"
        found.append(f"{are} left out: {', '.join(columns)}: {reason}.")
    if contents.undescribed:
        found.append(f"Columns that the description does not mention are left out: {', '.join(contents.undescribed)}.")
    rows = len(contents.labels)
    for column, count in contents.others.items():
        found.append(f"Column {column}: {count} of {rows} entries are of unlisted values, collected as one.")
    for source in description.columns:
        if isinstance(source, CategorySource):
            merged = len(source.values) - len({source.names.get(value, value) for value in source.values})
            if merged:
                found.append(
                    f"Column {source.column}: {len(source.values)} values are collected in "
                    f"{len(source.values) - merged} categories."
                )
    return found


def _missing(description: TableDescription, contents: TableContents) -> list[str]:
    missing = np.isnan(contents.values).sum(axis=0)
    told = [f"{source.column} {count}" for source, count in zip(description.columns, missing, strict=True) if count]
    return [f"Entries missing of {len(contents.labels)} rows: {', '.join(told)}."] if told else []


def _equal_rows(contents: TableContents, members: Mapping[str, npt.NDArray[np.bool_]]) -> list[str]:
    """Rows that are equal by chance, as grades are, look like copies when privacy is judged."""
    train, test = (np.nan_to_num(contents.values[members[name]], nan=np.inf) for name in ("train", "test"))
    known = {row.tobytes() for row in train}
    equal = sum(row.tobytes() in known for row in test)
    if not equal:
        return []
    return [f"{equal} of {len(test)} test rows equal a training row in every column, as happens among few values."]
