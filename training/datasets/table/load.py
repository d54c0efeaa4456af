"""Tables of patients from CSV or Parquet, as their description in TOML says: mixed columns, split by patient."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ....runtime.errors import DataError, RequestError
from ....runtime.schema import ClassCondition, TableSchema, rules_of_classes
from ..dataset import Dataset, Provenance, Split
from ..digest import dataset_digest
from .contents import Progress, TableContents, read_contents
from .description import LabelSource, TableDescription
from .description_reader import find_description
from .groups import group_names
from .notes import notes
from .open_rows import open_rows
from .split import MINIMUM_TRAIN_ROWS, SPLITS, split_patients


def load_table(path: Path, *, classes: Sequence[str] | None = None, on_progress: Progress | None = None) -> Dataset:
    """Read a table, each entry checked against its description, and split it by patient.

    Args:
        path: The description (TOML), or the table (CSV, Parquet) with one of the same name beside it.
        classes: Classes of the label to keep; `None` keeps those that have 20 rows to train on, and a row in
            validation and in test.
        on_progress: Called now and then.

    Raises:
        RequestError: A class is unknown, or fewer than two are asked for.
        DataError: The description or the table is missing or damaged, they do not fit each other, a class has too few
            rows, or a column no entry to train on; the message names file, line and column.
        BackendError: It is Parquet, and pyarrow is not installed.
    """
    toml, description = find_description(path)
    _check_asked(classes, description.label)
    file = toml.parent / description.file
    rows = open_rows(file, description.separator, description.encoding)
    contents = read_contents(rows, description, toml.name, on_progress)
    part = split_patients(contents.patients, contents.labels, description.split.shares, description.split.seed)
    chosen = _chosen_classes(contents, part, description, classes, toml)
    names = description.label.classes()
    index_of = np.array([chosen.index(name) if name in chosen else -1 for name in names])
    labels = index_of[contents.labels]
    members = {name: (part == number) & (labels >= 0) for number, name in enumerate(SPLITS)}
    _refuse_unknown_columns(contents, members["train"], description, toml)
    groups = group_names(description, contents.values, members["train"])
    splits = {
        name: Split(
            samples=contents.values[taken].astype(np.float32),
            columns={description.label.name: labels[taken].astype(np.float64)},
            # By number: who they are stays in the file.
            patients=np.char.add("patient-", contents.patients[taken].astype(np.str_)),
            attributes={group: column[taken] for group, column in groups.items()},
        )
        for name, taken in members.items()
    }
    provenance = Provenance(
        kind="table",
        source=f"{description.name} ({description.file})",
        licence=description.licence,
        attribution=description.attribution,
        synthetic=False,
        digest=dataset_digest(splits),
        notes=notes(description, contents, chosen, members),
    )
    shares = rounded_shares(np.bincount(labels[members["train"]], minlength=len(chosen)))
    schema = _schema(description, chosen, shares)
    return Dataset(schema, splits["train"], splits["validation"], splits["test"], provenance)


def rounded_shares(counts: npt.NDArray[np.int64]) -> tuple[float, ...]:
    """Shares of counts in thousandths that sum to 1, none of them 0 (largest remainders)."""
    exact = counts / counts.sum() * 1000
    thousandths = np.maximum(np.floor(exact), 1)
    order = np.argsort(thousandths - exact, kind="stable")
    for number in range(int(1000 - thousandths.sum())):
        thousandths[order[number % len(order)]] += 1
    thousandths[thousandths.argmax()] += 1000 - thousandths.sum()
    return tuple((thousandths / 1000).tolist())


def _check_asked(classes: Sequence[str] | None, label: LabelSource) -> None:
    if classes is None:
        return
    unknown = [name for name in classes if name not in label.classes()]
    if unknown or len(set(classes)) < 2:
        asked = f"there is no class {unknown[0]!r}" if unknown else "a label needs two classes or more"
        raise RequestError(f"{asked}; give some of {', '.join(label.classes())} of {label.name}")


def _chosen_classes(
    contents: TableContents,
    part: npt.NDArray[np.intp],
    description: TableDescription,
    wanted: Sequence[str] | None,
    toml: Path,
) -> tuple[str, ...]:
    """The classes to keep, in the label's order.

    Raises:
        DataError: One that is asked for has too few rows, or fewer than two have enough.
    """
    names = description.label.classes()
    in_part = [contents.labels[part == number] for number in range(len(SPLITS))]
    counts = np.stack([np.bincount(labels, minlength=len(names)) for labels in in_part])
    enough = (counts[0] >= MINIMUM_TRAIN_ROWS) & (counts[1:].min(axis=0) >= 1)
    told = ", ".join(
        f"{name} {' + '.join(map(str, counts[:, place]))}"
        for place, name in enumerate(names)
        if not enough[place] and (wanted is None or name in wanted)
    )
    rule = (
        f"a class needs {MINIMUM_TRAIN_ROWS} rows in train and one in validation and test; too few (train + validation "
        f"+ test) are {told}"
    )
    remedy = f"make one class of several with label.names in {toml}, or add rows"
    if wanted is not None and told:
        raise DataError(f"{rule}; leave them out with --classes, {remedy}")
    chosen = tuple(name for place, name in enumerate(names) if enough[place] and (wanted is None or name in wanted))
    if len(chosen) < 2:
        # Rows may be enough, and yet none left to test on: all of a patient's are in one split.
        patients = len(np.unique(contents.patients))
        whose = f"; the {len(part)} rows are of {patients} patient(s)" if description.patient else ""
        raise DataError(f"fewer than two classes can be learnt: {rule}{whose}; {remedy}")
    return chosen


def _refuse_unknown_columns(
    contents: TableContents, train: npt.NDArray[np.bool_], description: TableDescription, toml: Path
) -> None:
    known = np.count_nonzero(~np.isnan(contents.values[train]), axis=0).tolist()
    names = [source.column for source, count in zip(description.columns, known, strict=True) if not count]
    if names:
        raise DataError(
            f"{description.file} holds no entry of {', '.join(names)} in the {int(train.sum())} rows to train on, so "
            f"nothing can be learnt of it; move it from columns to left_out in {toml}"
        )


def _schema(description: TableDescription, classes: tuple[str, ...], shares: tuple[float, ...]) -> TableSchema:
    label = description.label
    meanings = tuple(label.meanings.get(name, name) for name in classes)
    return TableSchema(
        name=description.name,
        description=description.description,
        columns=tuple(source.schema() for source in description.columns),
        conditions=(ClassCondition(label.name, classes, meanings, shares),),
        rules=rules_of_classes(description.rules, label.name, classes),
    )
