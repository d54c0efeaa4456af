"""What a table's columns are: kinds, units, ranges, categories."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NumberColumn:
    """A quantity."""

    name: str
    unit: str
    """UCUM unit; `1` for a count or a score."""
    minimum: float
    maximum: float
    whole: bool = False
    """Whether only whole numbers make sense."""


@dataclass(frozen=True)
class CategoryColumn:
    """A choice among named values, held as its index."""

    name: str
    values: tuple[str, ...]
    ordered: bool = False
    """Whether the order of `values` means something."""


Column = NumberColumn | CategoryColumn


@dataclass(frozen=True)
class TableSchema:
    """One row a patient, columns of mixed kinds; a missing entry is NaN."""

    name: str
    description: str
    columns: tuple[Column, ...]

    @property
    def shape(self) -> tuple[int]:
        """Shape of one row: (columns,)."""
        return (len(self.columns),)
