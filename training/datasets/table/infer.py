"""Infer how a file of patients is best described, for a person to read and mend; nothing of a row enters it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ....runtime.errors import DataError, RequestError
from ....runtime.schema.read import TAKEN_NAMES
from .csv_rows import sniff_separator
from .decisions import decide, listed_entries, same_numbers
from .description import (
    DEFAULT_MISSING,
    DEFAULT_SHARES,
    ENCODINGS,
    PLACEHOLDER,
    LabelSource,
    Source,
    TableDescription,
)
from .entries import as_number, natural_key
from .open_rows import PARQUET_SUFFIXES, open_rows
from .profile import ColumnProfile, missing_tokens, profile_columns
from .rows import check_file, listed
from .split import MINIMUM_TRAIN_ROWS

MOST_CLASSES = 20
_ENOUGH_ROWS = math.ceil(MINIMUM_TRAIN_ROWS / DEFAULT_SHARES[0])
_GROUPS = {"sex", "gender", "age", "race", "ethnicity"}
"""What fairness is commonly judged by."""
_OWN_COLUMNS = {"index", "synthetic"}
"""What a generated table has besides those of its schema."""
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_SAMPLED_ROWS = 1000


@dataclass(frozen=True)
class Inferred:
    """A description, and why it is as it is."""

    description: TableDescription
    remarks: Mapping[str, str]
    """By the header of a column: the reason for what became of it, in a sentence."""
    rows: int
    """Of the file."""


def infer_schema(
    path: Path,
    *,
    label: str,
    patient: str | None = None,
    missing: Iterable[str] = DEFAULT_MISSING,
    separator: str | None = None,
    encoding: str = "utf-8",
    folder: Path | None = None,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Inferred:
    """Describe a table by what its entries have in common.

    Args:
        path: CSV or Parquet.
        label: Header of the outcome.
        patient: Header of the column that says whose row it is; `None`: every row is a patient of its own.
        missing: Entries that mean "not known".
        separator: Of a CSV file; `None`: what the first line suggests.
        encoding: Of a CSV file, one of `ENCODINGS`.
        folder: Where the description will lie; `None`: beside the file.
        on_progress: Called now and then as (read, to read, up to where).

    Raises:
        RequestError: The label or the patient column is none of the file's, or an option makes no sense.
        DataError: The file is no sound table, or the label is none that can be learnt.
        BackendError: It is Parquet, and pyarrow is not installed.
    """
    _check_options(separator, encoding)
    check_file(path)
    file = _inside(path, folder or path.parent)
    is_csv = path.suffix.lower() not in PARQUET_SUFFIXES
    separator = separator or (sniff_separator(path, encoding) if is_csv else ",")
    tokens = tuple(dict.fromkeys(token.strip() for token in missing))
    decimal = _decimal(path, separator, encoding, missing_tokens(tokens)) if is_csv else "."
    rows = open_rows(path, separator, encoding)
    for role, header in (("label", label), ("patient", patient)):
        if header is not None and header not in rows.header:
            raise RequestError(f"there is no column {header!r} to be the {role}; {path} has {listed(rows.header)}")
    if patient == label:
        raise RequestError(f"{label!r} cannot be the label and the patient at once")
    profiles = {profile.name: profile for profile in profile_columns(rows, tokens, decimal, on_progress)}
    outcome = _label(profiles[label], path)
    remarks = {label: _label_remark(profiles[label], outcome)}
    columns: list[Source] = []
    left_out: dict[str, str] = {}
    taken = {*_OWN_COLUMNS, outcome.name}
    for header in rows.header:
        if header in (label, patient):
            continue
        decision = decide(profiles[header], _free(header, taken, set(rows.header)))
        remarks[header] = decision.why
        if decision.source:
            columns.append(decision.source)
        else:
            left_out[header] = decision.why
    if not columns:
        reasons = "; ".join(f"{header}: {why}" for header, why in islice(left_out.items(), 5))
        raise DataError(f"{path} has no column beside the label that could be learnt ({reasons or 'it has no other'})")
    description = TableDescription(
        file=file,
        name=re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "table",
        description=f"{PLACEHOLDER}: one sentence that says what a row is, and of whom",
        licence=f"{PLACEHOLDER}: the licence of the data, e.g. CC-BY-4.0",
        attribution=f"{PLACEHOLDER}: whom the licence wants named, and where the data come from",
        label=outcome,
        columns=tuple(columns),
        separator=separator,
        decimal=decimal,
        encoding=encoding,
        missing=tokens,
        patient=patient,
        groups=tuple(source.column for source in columns if source.column.lower() in _GROUPS),
        left_out=left_out,
    )
    return Inferred(description, remarks, profiles[label].rows)


def _check_options(separator: str | None, encoding: str) -> None:
    if separator is not None and (len(separator) != 1 or separator in '"\r\n\0'):
        raise RequestError(f"a separator is one character, such as , or ; and no quote or line end: not {separator!r}")
    if encoding not in ENCODINGS:
        raise RequestError(f"encoding must be one of {', '.join(ENCODINGS)}, not {encoding!r}; or save it as UTF-8")


def _inside(path: Path, folder: Path) -> str:
    """The file's name as the description gives it."""
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        raise RequestError(
            f"{path} does not lie in {folder} or below, where its description shall; a description only names files "
            "beside it or below: write it beside the data"
        ) from None


def _decimal(path: Path, separator: str, encoding: str, missing: frozenset[str]) -> str:
    """A comma, where the separator is none, numbers are written with one and none with a point; else the point."""
    if separator == ",":
        return "."
    with_comma: set[int] = set()
    without: set[int] = set()
    for _, entries in islice(open_rows(path, separator, encoding), _SAMPLED_ROWS):
        for place, entry in enumerate(entries):
            if _DECIMAL_COMMA.fullmatch(entry):
                with_comma.add(place)
            elif "." in entry and as_number(entry) is not None:
                return "."
            elif entry.lower() not in missing and as_number(entry) is None:
                without.add(place)
    return "," if with_comma - without else "."


def _label(profile: ColumnProfile, path: Path) -> LabelSource:
    column = f"{path}: the label {profile.name!r}"
    if not profile.known:
        raise DataError(f"{column} holds no entry; name another column with --label")
    if profile.distinct > MOST_CLASSES and profile.all_numbers:
        raise DataError(
            f"{column} is a quantity from {profile.minimum:g} to {profile.maximum:g}, and a label is a choice among a "
            "few classes; name another column with --label, or add one that says in which band it lies"
        )
    if profile.distinct > MOST_CLASSES:
        raise DataError(
            f"{column} has {profile.distinct} or more different entries, and at most {MOST_CLASSES} can be classes; "
            "name another column with --label, or add one that groups them"
        )
    values = sorted(profile.counts, key=lambda entry: natural_key(entry, profile.decimal))
    names = same_numbers(values, profile.decimal)
    name = re.sub(r"[^A-Za-z0-9_]", "_", profile.name)
    name = name if name[0].isalpha() else f"label_{name}"
    outcome = LabelSource(profile.name, f"{name}_class" if name in TAKEN_NAMES else name, tuple(values), names)
    if len(outcome.classes()) < 2:
        raise DataError(f"{column} is {listed_entries(values)} in every row; a label needs two classes or more")
    meanings = {value: f"{profile.name} is {value}" for value in outcome.classes()}
    return LabelSource(outcome.column, outcome.name, outcome.values, names, meanings)


def _label_remark(profile: ColumnProfile, outcome: LabelSource) -> str:
    counts = dict.fromkeys(outcome.classes(), 0)
    for value, count in profile.counts.items():
        counts[outcome.names.get(value, value)] += count
    remark = f"{len(counts)} classes"
    rare = [value for value, count in counts.items() if count < _ENOUGH_ROWS]
    if rare:
        remark += (
            f"; fewer than {_ENOUGH_ROWS} rows are {listed_entries(rare)}, too few to be learnt: names can make one "
            "class of several, and what stays too rare is left out"
        )
    if profile.missing:
        remark += "; rows whose label is missing are left out"
    return remark


def _free(header: str, taken: set[str], headers: set[str]) -> str:
    """The header itself, unless something else is called so."""
    name = header
    while name in taken or (name != header and name in headers):
        name += "_"
    return name
