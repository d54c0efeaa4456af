"""The file formats generated data are written in, by name. Each streams in constant memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import RequestError
from ..generator import Series
from .csv import csv_bytes, write_csv
from .npz import npz_bytes, write_npz

__all__ = ["FORMATS", "Format", "format_for"]


@dataclass(frozen=True)
class Format:
    """How one file format is written."""

    name: str
    suffix: str
    write: Callable[[Series, Path, Callable[[int], None]], None]
    """Writes the series to the path, atomically; calls back with the number of samples done so far."""
    estimate_bytes: Callable[[Series], int]
    """About how large the file will be."""


FORMATS: dict[str, Format] = {
    "npz": Format("npz", ".npz", write_npz, npz_bytes),
    "csv": Format("csv", ".csv", write_csv, csv_bytes),
}


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
    raise RequestError(f"{path.name}: the format cannot be told; use a suffix of {suffixes}, or --format")
