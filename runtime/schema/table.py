"""What a table's columns are: kinds, units, ranges, categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import GateError
from .condition import Condition, Conditioned
from .rules import Rule, rules_to_json

_SHOWN_VALUES = 8


@dataclass(frozen=True)
class NumberColumn:
    """A quantity."""

    name: str
    unit: str
    """UCUM unit; `1` for a count or a score."""
    minimum: float
    maximum: float
    step: float = 0.0
    """Entries are whole multiples of it, as they were written down; 0: any number."""
    may_be_missing: bool = False
    """Whether an entry may be unknown; NaN where it is."""

    @property
    def whole(self) -> bool:
        """Whether only whole numbers make sense."""
        return self.step >= 1.0 and float(self.step).is_integer()

    def describe(self) -> str:
        """The domain in words."""
        return f"{self.minimum:g} to {self.maximum:g}" + (f" in steps of {self.step:g}" if self.step else "")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = {
            "kind": "number",
            "name": self.name,
            "unit": self.unit,
            "range": [self.minimum, self.maximum],
            "step": self.step,
        }
        return plain | ({"may_be_missing": True} if self.may_be_missing else {})


@dataclass(frozen=True)
class CategoryColumn:
    """A choice among named values, held as its index."""

    name: str
    values: tuple[str, ...]
    ordered: bool = False
    """Whether the order of `values` means something."""
    may_be_missing: bool = False
    """Whether an entry may be unknown; NaN where it is."""

    def value_of(self, entry: float) -> str:
        """The value an entry, its index, stands for.

        Raises:
            GateError: It stands for none.
        """
        if not (0 <= entry < len(self.values) and float(entry).is_integer()):
            raise GateError(f"{self.name}: {entry:g} is the index of none of its {len(self.values)} values")
        return self.values[int(entry)]

    def describe(self) -> str:
        """The domain in words."""
        shown = ", ".join(self.values[:_SHOWN_VALUES])
        more = len(self.values) - _SHOWN_VALUES
        return f"{shown} and {more} more" if more > 0 else shown

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = {"kind": "category", "name": self.name, "values": list(self.values), "ordered": self.ordered}
        return plain | ({"may_be_missing": True} if self.may_be_missing else {})


Column = NumberColumn | CategoryColumn


@dataclass(frozen=True)
class TableSchema(Conditioned):
    """One row a patient, columns of mixed kinds; a category is held as its index, a missing entry as NaN.

    The outcome is a condition and no column: a row is generated for an outcome.
    """

    name: str
    """Short name of the kind of data, e.g. `heart-disease`."""
    description: str
    """For people: one sentence."""
    columns: tuple[Column, ...]
    conditions: tuple[Condition, ...] = ()
    rules: tuple[Rule, ...] = ()
    """What samples keep to beyond the ranges."""

    @property
    def shape(self) -> tuple[int]:
        """Shape of one row: (columns,)."""
        return (len(self.columns),)

    @property
    def has_gaps(self) -> bool:
        """Whether an entry of some column may be missing."""
        return any(column.may_be_missing for column in self.columns)

    def describe(self) -> str:
        """Size and shape in words."""
        return f"rows of {len(self.columns)} columns"

    def parts(self) -> list[tuple[str, str, str]]:
        """Name, unit and domain of each column, for people."""
        return [
            (c.name, c.unit if isinstance(c, NumberColumn) else "", c.describe() + (", or missing" * c.may_be_missing))
            for c in self.columns
        ]

    def readable(self, rows: npt.NDArray[np.float32]) -> dict[str, list[str]]:
        """Rows [n, columns] as people read them, by column: category names, whole numbers plain, '' where missing."""
        return {
            column.name: [_readable(column, float(entry)) for entry in rows[:, number]]
            for number, column in enumerate(self.columns)
        }

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `schema_from_json` reads them back to an equal schema."""
        return {
            "kind": "table",
            "name": self.name,
            "description": self.description,
            "columns": [column.to_json() for column in self.columns],
            "conditions": [condition.to_json() for condition in self.conditions],
        } | rules_to_json(self.rules)


def _readable(column: Column, entry: float) -> str:
    if np.isnan(entry):
        return ""
    if isinstance(column, CategoryColumn):
        return column.value_of(entry)
    return f"{entry:.0f}" if column.whole else f"{entry:.6g}"
