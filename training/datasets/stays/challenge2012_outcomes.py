"""Read who died in hospital from an Outcomes-<set>.txt of the PhysioNet/CinC Challenge 2012."""

from __future__ import annotations

import re
from pathlib import Path

from ....runtime.errors import DataError
from .challenge2012_files import MAX_OUTCOMES_BYTES, MAX_STAYS, REMEDY, read_bounded

_RECORD, _DEATH = "RecordID", "In-hospital_death"
_NUMBER = re.compile(r"[0-9]{1,9}")


def read_outcomes(path: Path) -> dict[int, bool]:
    """Whether the patient died in hospital, by RecordID.

    Raises:
        DataError: The file is missing, too large, truncated, not such a table, lacks a column, or holds a stay twice or
            more stays than any set.
    """
    try:
        header, *lines = read_bounded(path, MAX_OUTCOMES_BYTES).decode("ascii").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        raise DataError(f"{path} is not plain text; {REMEDY}") from None
    names = header.split(",")
    for name in (_RECORD, _DEATH):
        if names.count(name) != 1:
            raise DataError(f"{path} has no column {name}, or more than one, in its first line; {REMEDY}")
    if lines and not lines[-1]:
        lines.pop()
    if len(lines) > MAX_STAYS:
        raise DataError(f"{path} holds {len(lines)} stays, and no set has more than {MAX_STAYS}; {REMEDY}")
    died: dict[int, bool] = {}
    for number, line in enumerate(lines, start=2):
        fields = line.split(",")
        if len(fields) != len(names):
            raise DataError(f"{path}, line {number}: {len(fields)} fields, the first line has {len(names)}; {REMEDY}")
        row = dict(zip(names, fields, strict=True))
        if not _NUMBER.fullmatch(row[_RECORD]) or row[_DEATH] not in {"0", "1"}:
            raise DataError(
                f"{path}, line {number}: {_RECORD} is no number, or {_DEATH} neither 0 nor 1: {line[:60]!r}; {REMEDY}"
            )
        record_id = int(row[_RECORD])
        if record_id in died:
            raise DataError(f"{path}, line {number}: stay {record_id} is there twice; {REMEDY}")
        died[record_id] = row[_DEATH] == "1"
    return died
