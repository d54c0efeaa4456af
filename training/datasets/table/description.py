"""How a file of patients becomes a table: which columns it has, what they mean, who is whom, how it is split.

`infer` makes one from a file, `description_writer` takes it to TOML, `description_reader` back, and `load` loads by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ....runtime.schema import CategoryColumn, Column, NumberColumn, Rule

OTHER = "(other)"
"""The category that collects what is not listed."""
PLACEHOLDER = "FILL IN"
"""A text that begins so has yet to be written by a person."""
ENCODINGS = ("utf-8", "latin-1", "cp1252")
DEFAULT_MISSING = ("", "?", "NA", "NaN", "null")
DEFAULT_SHARES = (0.6, 0.2, 0.2)


@dataclass(frozen=True)
class NumberSource:
    """A column of the file that holds a quantity."""

    column: str
    """Its header in the file."""
    name: str
    """What it is called in the schema."""
    unit: str
    """UCUM unit."""
    minimum: float
    maximum: float
    step: float = 0.0
    """Entries are multiples of it, as they are written down; 0: any number."""
    missing: bool = False
    """Whether an entry may be missing."""

    def schema(self) -> Column:
        """The column of the schema."""
        return NumberColumn(self.name, self.unit, self.minimum, self.maximum, self.step, self.missing)


@dataclass(frozen=True)
class CategorySource:
    """A column of the file that holds a choice."""

    column: str
    """Its header in the file."""
    name: str
    """What it is called in the schema."""
    values: tuple[str, ...]
    """Entries as the file has them, in the order of the categories."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What an entry is called where it is not called by itself; entries of one name are one category."""
    ordered: bool = False
    """Whether the order means something."""
    other: bool = False
    """Whether entries that are not listed are collected as one more category; else they are refused."""
    missing: bool = False
    """Whether an entry may be missing."""

    def categories(self) -> tuple[str, ...]:
        """Names of the categories, in order."""
        return named(self.values, self.names) + ((OTHER,) if self.other else ())

    def schema(self) -> Column:
        """The column of the schema."""
        return CategoryColumn(self.name, self.categories(), self.ordered, self.missing)


Source = NumberSource | CategorySource


@dataclass(frozen=True)
class LabelSource:
    """The column of the file that holds the outcome."""

    column: str
    """Its header in the file."""
    name: str
    """What the condition is called."""
    values: tuple[str, ...]
    """Entries as the file has them, in the order of the classes."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What class an entry is of where it is not one by itself; entries of one name are one class."""
    meanings: Mapping[str, str] = field(default_factory=dict)
    """For people, by class."""

    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in order."""
        return named(self.values, self.names)


@dataclass(frozen=True)
class SplitPlan:
    """How patients are dealt out."""

    seed: int = 1
    shares: tuple[float, float, float] = DEFAULT_SHARES
    """Of train, validation and test."""


@dataclass(frozen=True)
class TableDescription:
    """All that has to be known of a file to load it."""

    file: str
    """Its name, relative to the description's folder and inside it, with `/` between folders."""
    name: str
    """Short name of the kind of data, e.g. `heart-disease`."""
    description: str
    licence: str
    attribution: str
    label: LabelSource
    columns: tuple[Source, ...]
    separator: str = ","
    decimal: str = "."
    """What stands between a number's whole and its fraction."""
    encoding: str = "utf-8"
    missing: tuple[str, ...] = DEFAULT_MISSING
    """Entries that mean "not known", in upper or lower case."""
    patient: str | None = None
    """Header of the column that says whose row it is; None: every row is a patient of its own."""
    groups: tuple[str, ...] = ()
    """Headers of the columns that fairness is judged by."""
    split: SplitPlan = field(default_factory=SplitPlan)
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Headers of columns that are not used, with the reason."""
    rules: tuple[Rule, ...] = ()
    """What rows keep to, said of columns and the label by their names, of entries by those of their categories."""


def named(values: Sequence[str], names: Mapping[str, str]) -> tuple[str, ...]:
    """The distinct names of entries, in the order in which they first come."""
    return tuple(dict.fromkeys(names.get(value, value) for value in values))
