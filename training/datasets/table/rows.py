"""The rows of a table as texts, from CSV or Parquet alike, read one after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ....runtime.errors import DataError

MAX_BYTES = 2**30
"""Of a file."""
MAX_ROWS = 5_000_000
MAX_COLUMNS = 2_000
MAX_FIELD = 100_000
"""Characters of one entry."""


class Rows(ABC):
    """The rows of one file; iterate once.

    Iterating gives (position, entries), the entries stripped of surrounding space, as many as `header` has.

    Raises:
        DataError: From every method, where the file is no sound table; the message says where.
    """

    path: Path
    header: tuple[str, ...]
    place: str
    """What a position counts: `line` or `row`."""
    total: int
    """How much there is to read, in the reader's own unit."""
    done: int
    """How much of it has been read."""

    @abstractmethod
    def __iter__(self) -> Iterator[tuple[int, list[str]]]: ...

    def column(self, name: str) -> int:
        """Place of a column.

        Raises:
            DataError: There is none of this name.
        """
        if name not in self.header:
            raise DataError(f"{self.path} has no column {name!r}; it has {listed(self.header)}")
        return self.header.index(name)


def check_file(path: Path) -> None:
    """Refuse what is no ordinary file of a bearable size.

    Raises:
        DataError: It is not there, is no file, cannot be read, is empty, or is too large.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if not path.is_file():
        raise DataError(f"{path} is no file; name the table itself")
    if not size:
        raise DataError(f"{path} is empty; a table has a line of column names and one row a patient")
    if size > MAX_BYTES:
        raise DataError(f"{path} has {size} bytes, and at most {MAX_BYTES} are read; give a part of its rows")


def check_header(path: Path, header: Sequence[str]) -> tuple[str, ...]:
    """Column names as they can be used.

    Raises:
        DataError: There are too many, one is empty or too long, or two are equal.
    """
    if len(header) > MAX_COLUMNS:
        raise DataError(f"{path} has {len(header)} columns, and at most {MAX_COLUMNS} are read; leave some out")
    for number, name in enumerate(header, 1):
        if not name:
            raise DataError(
                f"{path}: column {number} has no name; give it one, or write the file without it "
                "(pandas: to_csv(..., index=False))"
            )
        if len(name) > 200 or not name.isprintable():
            raise DataError(f"{path}: the name of column {number} is no plain text of at most 200 characters")
    for name, times in Counter(header).items():
        if times > 1:
            places = ", ".join(str(number) for number, other in enumerate(header, 1) if other == name)
            raise DataError(f"{path}: columns {places} are all called {name!r}; give each a name of its own")
    return tuple(header)


def listed(names: Sequence[str], most: int = 20) -> str:
    """The first of many names, for an error message."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
