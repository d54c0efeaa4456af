"""All rows of a table, each entry checked against the description: what it does not allow is refused by its line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ....runtime.errors import DataError
from .description import LabelSource, TableDescription
from .encode import ColumnEncoder, indices, shown
from .profile import missing_tokens
from .rows import Rows, listed

_PROGRESS_ROWS = 2000

Progress = Callable[[int, int, str], None]
"""Called as (steps done, steps in all, what was just done)."""


@dataclass(frozen=True)
class TableContents:
    """All rows of a file that have a label."""

    values: npt.NDArray[np.float64]
    """[n, columns], categories as indices, NaN where missing."""
    labels: npt.NDArray[np.intp]
    """[n], index in the label's classes."""
    patients: npt.NDArray[np.intp]
    """[n], counted from 0 in the order in which they first come."""
    unlabelled: int
    """Rows that are left out as their label is missing."""
    others: dict[str, int]
    """By column, how many entries were collected as one category."""
    undescribed: tuple[str, ...]
    """Columns of the file of which the description says nothing."""


def read_contents(
    rows: Rows, description: TableDescription, toml: str, on_progress: Progress | None = None
) -> TableContents:
    """Read and check every row.

    Args:
        rows: The table.
        description: What it shall hold.
        toml: Name of the description, for error messages.
        on_progress: Called now and then.

    Raises:
        DataError: A column is missing, or an entry is not as described.
    """
    unknown = missing_tokens(description.missing)
    encoders = [ColumnEncoder(source, unknown, description.decimal, toml) for source in description.columns]
    places = [rows.column(source.column) for source in description.columns]
    label_place, patient = rows.column(description.label.column), description.patient
    patient_place = None if patient is None else rows.column(patient)
    class_of = indices(description.label)
    labels: list[int] = []
    numbers: dict[str, int] = {}
    patients: list[int] = []
    unlabelled = count = 0
    for position, entries in rows:
        count += 1
        where = f"{rows.path}, {rows.place} {position}"
        if on_progress and count % _PROGRESS_ROWS == 0:
            on_progress(rows.done, rows.total, f"{rows.place} {position}")
        if entries[label_place].lower() in unknown:
            unlabelled += 1
            continue
        labels.append(_label_of(entries[label_place], class_of, description.label, where, toml))
        whose = str(count) if patient_place is None else entries[patient_place]
        if patient_place is not None and whose.lower() in unknown:
            raise DataError(f"{where}, column {patient!r}: no patient is named; name one, or leave out the row")
        patients.append(numbers.setdefault(whose, len(numbers)))
        for encoder, place in zip(encoders, places, strict=True):
            encoder.add(entries[place], where)
    if not labels:
        raise DataError(f"{rows.path} has no row with a label" if count else f"{rows.path} has column names but no row")
    if on_progress:
        on_progress(rows.total, rows.total, f"{count} rows")
    described = {*description.left_out, patient, description.label.column, *(s.column for s in description.columns)}
    return TableContents(
        np.stack([encoder.entries() for encoder in encoders], axis=1),
        np.array(labels, dtype=np.intp),
        np.array(patients, dtype=np.intp),
        unlabelled,
        {encoder.source.column: encoder.others for encoder in encoders if encoder.others},
        tuple(name for name in rows.header if name not in described),
    )


def _label_of(entry: str, class_of: Mapping[str, int], label: LabelSource, where: str, toml: str) -> int:
    if entry not in class_of:
        raise DataError(
            f"{where}, column {label.column!r}: {shown(entry)} is no value of the label ({listed(label.values, 8)}); "
            f"add it to label.values in {toml}, or to missing if nothing is known"
        )
    return class_of[entry]
