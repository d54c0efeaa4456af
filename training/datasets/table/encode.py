"""From the texts of a row to numbers as the schema has them; what the description does not allow is refused."""

from __future__ import annotations

from array import array
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ....runtime.errors import DataError
from .description import OTHER, CategorySource, LabelSource, NumberSource, Source
from .entries import as_number
from .rows import listed

_REMEMBERED = 20_000
"""Entries of a column whose number is kept, since most come again."""
_MISSING = float("nan")


class ColumnEncoder:
    """The entries of one column as numbers: a quantity, or the index of a category; NaN where missing.

    Args:
        source: What the description says of the column.
        unknown: Entries that mean "not known", in lower case.
        decimal: Of the file's numbers.
        toml: Name of the description, for error messages.
    """

    def __init__(self, source: Source, unknown: frozenset[str], decimal: str, toml: str) -> None:
        self.source, self._unknown, self._decimal, self._toml = source, unknown, decimal, toml
        self._index = indices(source) if isinstance(source, CategorySource) else {}
        self._kept: dict[str, float] = {}
        self._entries = array("d")
        self.others = 0
        """How many entries were collected as `OTHER`."""

    def add(self, entry: str, where: str) -> None:
        """Take one more entry.

        Raises:
            DataError: The description does not allow it; the message begins with `where`.
        """
        code = self._kept.get(entry)
        if code is None:
            code = self._code(entry, where)
            if len(self._kept) < _REMEMBERED:
                self._kept[entry] = code
        if isinstance(self.source, CategorySource) and self.source.other and code == len(self.source.categories()) - 1:
            self.others += 1
        self._entries.append(code)

    def entries(self) -> npt.NDArray[np.float64]:
        """All entries so far [n]."""
        return np.array(self._entries, dtype=np.float64)

    def _code(self, entry: str, where: str) -> float:
        source = self.source
        place = f"{where}, column {source.column!r}"
        if entry.lower() in self._unknown:
            if not source.missing:
                raise DataError(
                    f"{place} is missing ({entry!r}), and {self._toml} says that it never is; add missing = true to "
                    "the column there"
                )
            return _MISSING
        return (
            self._category(entry, place, source)
            if isinstance(source, CategorySource)
            else self._number(entry, place, source)
        )

    def _category(self, entry: str, place: str, source: CategorySource) -> float:
        index = self._index.get(entry)
        if index is None and source.other:
            index = self._index[OTHER]
        if index is None:
            raise DataError(
                f"{place}: {shown(entry)} is none of its values ({listed(source.values, 8)}); add it to them in "
                f"{self._toml}, or collect what is not listed there with other = true"
            )
        return float(index)

    def _number(self, entry: str, place: str, source: NumberSource) -> float:
        number = as_number(entry, self._decimal)
        if number is None:
            raise DataError(
                f"{place}: {shown(entry)} is no number; mend the file, or, if it means that nothing is known, "
                f"add it to missing in {self._toml}"
            )
        if not source.minimum <= number <= source.maximum:
            raise DataError(
                f"{place}: {shown(entry)} is outside {source.minimum:g} to {source.maximum:g} {source.unit}; widen "
                f"range in {self._toml}, or mend the file"
            )
        if source.step and abs(number / source.step - round(number / source.step)) > 1e-6:
            raise DataError(
                f"{place}: {shown(entry)} is no multiple of the step {source.step:g}; make step smaller in "
                f"{self._toml} (0 allows any number), or mend the file"
            )
        return number


def indices(source: CategorySource | LabelSource) -> Mapping[str, int]:
    """The index of the category or class of each entry that is listed; and of `OTHER`, where there is one."""
    names = source.categories() if isinstance(source, CategorySource) else source.classes()
    position = {name: index for index, name in enumerate(names)}
    found = {value: position[source.names.get(value, value)] for value in source.values}
    if isinstance(source, CategorySource) and source.other:
        found[OTHER] = position[OTHER]
    return found


def shown(entry: str) -> str:
    """An entry as an error message can hold it."""
    return repr(entry if len(entry) <= 40 else entry[:39] + "…")
