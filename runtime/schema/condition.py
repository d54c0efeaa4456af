"""What steers a generator: choices among named classes, and quantities in physical units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ClassCondition:
    """A choice among named classes; takes one one-hot column per class in the condition vector."""

    name: str
    values: tuple[str, ...]
    meanings: tuple[str, ...]
    """For people: what each value stands for, in the order of `values`."""
    shares: tuple[float, ...] = ()
    """How often each value is drawn where it is left open, summing to 1; empty: all equally often."""

    @property
    def columns(self) -> int:
        """How many columns of the condition vector it takes."""
        return len(self.values)

    def describe(self) -> str:
        """The domain in words, as used in help and error messages."""
        return "one of " + ", ".join(self.values)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = {
            "kind": "class",
            "name": self.name,
            "values": list(self.values),
            "meanings": list(self.meanings),
        }
        return plain | ({"shares": list(self.shares)} if self.shares else {})


@dataclass(frozen=True)
class NumberCondition:
    """A quantity in physical units; takes one column, not normalised (the graph does that)."""

    name: str
    unit: str
    """UCUM unit."""
    minimum: float
    maximum: float
    quantiles: tuple[float, ...] = ()
    """Evenly spaced quantiles, from `minimum` to `maximum`, of what is drawn where it is left open; empty: uniform."""

    @property
    def columns(self) -> int:
        """How many columns of the condition vector it takes."""
        return 1

    def describe(self) -> str:
        """The domain in words, as used in help and error messages."""
        return f"a number from {self.minimum:g} to {self.maximum:g} {self.unit}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = {"kind": "number", "name": self.name, "unit": self.unit, "range": [self.minimum, self.maximum]}
        return plain | ({"quantiles": list(self.quantiles)} if self.quantiles else {})


Condition = ClassCondition | NumberCondition


class Conditioned:
    """What the schemas of all kinds have in common: data of a class, steered by conditions."""

    conditions: tuple[Condition, ...]

    @property
    def condition_size(self) -> int:
        """Number of columns of the condition vector."""
        return sum(condition.columns for condition in self.conditions)

    @property
    def label(self) -> ClassCondition:
        """The class that classifiers are trained to tell: the first class condition.

        Raises:
            LookupError: No condition is a class.
        """
        for condition in self.conditions:
            if isinstance(condition, ClassCondition):
                return condition
        raise LookupError("the data have no class condition, so there is nothing for a classifier to tell")
