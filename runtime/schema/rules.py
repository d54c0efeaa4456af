"""What samples must keep to beyond their ranges: three kinds of rule, each a few plain values, none an expression.

What is not known breaks no rule, but one that says whether something may be missing. How a rule is checked is the
business of `plausibility.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

MAX_RULES = 256
STATISTICS = ("mean", "peak_to_peak", "steepest")
"""What a limit is about: the mean, the highest value less the lowest, the largest change a second between points."""
_IN_WORDS = {
    "mean": "the mean of {}",
    "peak_to_peak": "{} from its lowest to its highest value",
    "steepest": "the steepest change a second of {}",
}


@dataclass(frozen=True)
class Order:
    """Of two channels or number columns one is never below the other, at every moment at which both are known."""

    lower: str
    upper: str
    apart: float = 0.0
    """The least difference, in their unit."""

    @property
    def name(self) -> str:
        """Short, for counts; unlike that of any other rule of the data."""
        return f"{self.upper}_above_{self.lower}"

    def describe(self) -> str:
        """What it demands, in words."""
        return f"{self.upper} is {f'at least {self.apart:g} above' if self.apart else 'not below'} {self.lower}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = {"kind": "order", "lower": self.lower, "upper": self.upper}
        return plain | ({"apart": self.apart} if self.apart else {})


@dataclass(frozen=True)
class Limit:
    """What a channel of a signal or an image comes to, over a whole sample, stays within bounds."""

    of: str
    """One of `STATISTICS`, of what is known of the channel."""
    channel: str
    least: float | None = None
    """In the channel's unit, of `steepest` in units a second; None: no such bound."""
    most: float | None = None

    @property
    def name(self) -> str:
        """Short, for counts; unlike that of any other rule of the data."""
        return f"{self.of}_of_{self.channel}"

    def describe(self) -> str:
        """What it demands, in words."""
        bounds = [
            f"{word} {bound:g}"
            for word, bound in (("at least", self.least), ("at most", self.most))
            if bound is not None
        ]
        return f"{_IN_WORDS[self.of].format(self.channel)} is {' and '.join(bounds)}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain: dict[str, Any] = {"kind": "limit", "of": self.of, "channel": self.channel}
        return plain | {key: bound for key, bound in (("least", self.least), ("most", self.most)) if bound is not None}


@dataclass(frozen=True)
class Entry:
    """What is said of one entry of a row: exactly one of the four."""

    name: str
    """Of a column, or of a condition where it stands before the `then`."""
    one_of: tuple[str, ...] | None = None
    """The categories it may be."""
    none_of: tuple[str, ...] | None = None
    """The categories it may not be."""
    within: tuple[float, float] | None = None
    """The smallest and the largest number it may be."""
    missing: bool | None = None
    """Whether it is missing."""

    def allows(self, value: str) -> bool:
        """Whether it may be this category, as far as categories are spoken of."""
        return (self.one_of is None or value in self.one_of) and (self.none_of is None or value not in self.none_of)

    def describe(self) -> str:
        """In words."""
        if self.one_of is not None:
            return f"{self.name} is {' or '.join(self.one_of)}"
        if self.none_of is not None:
            return f"{self.name} is not {' or '.join(self.none_of)}"
        if self.within is not None:
            return f"{self.name} is {self.within[0]:g} to {self.within[1]:g}"
        return f"{self.name} is {'missing' if self.missing else 'known'}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        said = {"is": self.one_of, "is_not": self.none_of, "range": self.within, "missing": self.missing}
        return {"name": self.name} | {
            key: list(value) if isinstance(value, tuple) else value for key, value in said.items() if value is not None
        }


@dataclass(frozen=True)
class Implies:
    """Of a row of a table: where one entry, or a condition, is so, another entry is so."""

    given: Entry
    then: Entry

    @property
    def name(self) -> str:
        """Short, for counts; unlike that of any other rule of the data."""
        return f"{self.then.name}_where_{self.given.describe().replace(' ', '_')}"

    def describe(self) -> str:
        """What it demands, in words."""
        return f"where {self.given.describe()}, {self.then.describe()}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"kind": "implies", "if": self.given.to_json(), "then": self.then.to_json()}


Rule = Order | Limit | Implies


def rules_to_json(rules: tuple[Rule, ...]) -> dict[str, Any]:
    """The field of a schema that holds its rules; none where there are none, as before there were any."""
    return {"rules": [rule.to_json() for rule in rules]} if rules else {}


def rules_of_classes(rules: tuple[Rule, ...], condition: str, classes: Sequence[str]) -> tuple[Rule, ...]:
    """The rules where only these classes of a condition are left; those about others are left out."""
    kept: list[Rule] = []
    for rule in rules:
        if not isinstance(rule, Implies) or rule.given.name != condition:
            kept.append(rule)
        elif left := tuple(name for name in classes if rule.given.allows(name)):
            kept.append(replace(rule, given=Entry(condition, one_of=left)))
    return tuple(kept)
