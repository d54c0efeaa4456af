"""The file formats generated data are written in, by name. Each streams in constant memory.

A new format is one file here with one `Format`, and one line below.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import RequestError
from ..schema import Schema
from .base import FileFormat, Format
from .csv import CSV
from .dicom import DICOM
from .edf import EDF
from .fhir import FHIR
from .jsonl import JSONL
from .npz import NPZ
from .parquet import PARQUET
from .png import PNG
from .records import RecordFormat
from .wfdb import WFDB

__all__ = ["FORMATS", "FileFormat", "Format", "RecordFormat", "check_suits", "format_for"]

FORMATS: dict[str, Format] = {known.name: known for known in (NPZ, CSV, JSONL, PARQUET, WFDB, EDF, DICOM, PNG, FHIR)}


def format_for(path: Path, name: str | None) -> Format:
    """The format of this name, or the one the path's suffix stands for.

    Raises:
        RequestError: There is no such format.
    """
    if name is not None:
        if name not in FORMATS:
            raise RequestError(f"there is no format {name!r}; there are {', '.join(FORMATS)}")
        return FORMATS[name]
    for known in FORMATS.values():
        if path.suffix.lower() == known.suffix:
            return known
    suffixes = ", ".join(known.suffix for known in FORMATS.values())
    raise RequestError(
        f"{path.name}: the format cannot be told; use a suffix of {suffixes}, or for a folder --format NAME"
    )


def check_suits(chosen: Format, schema: Schema) -> None:
    """Refuse a format that has no place for these data, and name those that have.

    Raises:
        RequestError: It has none.
    """
    if refusal := chosen.refusal(schema):
        others = ", ".join(known.name for known in FORMATS.values() if not known.refusal(schema))
        raise RequestError(
            f"{schema.name} cannot be written as {chosen.name}, because {refusal}; use --format {others}"
        )
