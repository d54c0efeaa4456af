"""Read CSV as RFC 4180 has it, line by line, trusting none of it."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ....runtime.errors import DataError
from .rows import MAX_FIELD, MAX_ROWS, Rows, check_header

_SEPARATORS = (",", ";", "\t", "|")
_MAX_LINE_BYTES = 4 * 2**20
_MAGIC = {
    b"PK\x03\x04": "an Excel workbook or a zip file; save its table as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save its table as CSV",
    b"PAR1": "a Parquet file; give it the suffix .parquet",
    b"\x1f\x8b": "compressed; unpack it first",
    b"\xff\xfe": "text in UTF-16; save it as UTF-8",
    b"\xfe\xff": "text in UTF-16; save it as UTF-8",
}


class CsvRows(Rows):
    """The rows of a CSV file; a position is the line on which a row ends.

    Args:
        path: The file.
        separator: Of one character.
        encoding: One of `ENCODINGS`; a byte order mark is skipped.
    """

    place = "line"

    def __init__(self, path: Path, separator: str, encoding: str) -> None:
        self.path, self._separator, self._encoding = path, separator, encoding
        self.total, self.done = path.stat().st_size, 0
        self.header = check_header(path, _header(path, separator, encoding))

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        with self.path.open("rb") as file:
            rows = _parsed(self.path, _lines(self.path, file, self._encoding), self._separator)
            next(rows)
            for count, (line, entries) in enumerate(rows, 1):
                if len(entries) != len(self.header):
                    raise DataError(
                        f"{self.path}, line {line} has {len(entries)} fields, and the header {len(self.header)}; "
                        f"a field that holds a separator ({self._separator!r}) must stand in quotes"
                    )
                if count > MAX_ROWS:
                    raise DataError(f"{self.path} has more than {MAX_ROWS} rows; give a part of them")
                self.done = file.tell()
                yield line, entries
        self.done = self.total


def sniff_separator(path: Path, encoding: str) -> str:
    """Of comma, semicolon, tab and bar the one that cuts the first line into most fields.

    Raises:
        DataError: The file is no text of this encoding.
    """
    fields = {}
    for separator in _SEPARATORS:
        try:
            fields[separator] = len(_header(path, separator, encoding))
        except DataError:
            # Quotes that stand well with one separator do not with another.
            if separator == _SEPARATORS[-1] and not fields:
                raise
    return max(fields, key=lambda separator: fields[separator])


def _header(path: Path, separator: str, encoding: str) -> list[str]:
    with path.open("rb") as file:
        start = file.read(8)
        for magic, what in _MAGIC.items():
            if start.startswith(magic):
                raise DataError(f"{path} is no CSV file but {what}")
        file.seek(0)
        for _, entries in _parsed(path, _lines(path, file, encoding), separator):
            return entries
    raise DataError(f"{path} holds no line; a table has a line of column names and one row a patient")


def _lines(path: Path, file: BinaryIO, encoding: str) -> Iterator[str]:
    number = 0
    while raw := file.readline(_MAX_LINE_BYTES + 1):
        number += 1
        if number == 1 and raw.startswith(codecs.BOM_UTF8):
            raw = raw[len(codecs.BOM_UTF8) :]
        if b"\0" in raw:
            raise DataError(f"{path}, line {number} holds a NUL byte: it is no text, or is damaged")
        if len(raw) > _MAX_LINE_BYTES:
            raise DataError(f"{path}, line {number} is longer than {_MAX_LINE_BYTES} bytes: it is no table of patients")
        try:
            yield raw.decode(encoding)
        except UnicodeDecodeError as error:
            others = "say --encoding latin-1 (or encoding in its TOML)" if encoding == "utf-8" else "give its encoding"
            raise DataError(
                f"{path}, line {number} is not {encoding}: byte {raw[error.start]:#04x} at {error.start + 1}; "
                f"if the file is in another encoding, {others}, or save it as UTF-8"
            ) from None


def _parsed(path: Path, lines: Iterator[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """(line, entries) of each row that is not blank, the header among them."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        began = reader.line_num + 1
        try:
            entries = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{path}, line {began}: {error}; a field with a quote, a separator or a line break in it stands in "
                "double quotes, and a quote in it is doubled (RFC 4180)"
            ) from None
        longest = max(map(len, entries), default=0)
        if longest > MAX_FIELD:
            raise DataError(f"{path}, line {began}: an entry has {longest} characters; is a quote not closed?")
        if entries:
            yield reader.line_num, [entry.strip() for entry in entries]
