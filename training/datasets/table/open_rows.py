"""Open a table of either format."""

from __future__ import annotations

from pathlib import Path

from .csv_rows import CsvRows
from .parquet_rows import ParquetRows
from .rows import Rows, check_file

PARQUET_SUFFIXES = (".parquet", ".pq")


def open_rows(path: Path, separator: str, encoding: str) -> Rows:
    """Open a table by its suffix: Parquet, or else CSV.

    Args:
        path: The file.
        separator: Of a CSV file.
        encoding: Of a CSV file.

    Raises:
        DataError: The file is missing, too large, or no such table.
        BackendError: It is Parquet, and pyarrow is not installed.
    """
    check_file(path)
    if path.suffix.lower() in PARQUET_SUFFIXES:
        return ParquetRows(path)
    return CsvRows(path, separator, encoding)
