"""What a step of compression is: its options, what it does, and how its change of the architecture is done again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...training.families import Generative
from ...training.recipe import is_number
from ..student import Change, Details


@dataclass(frozen=True)
class Option:
    """One option of a step, as a recipe may give it."""

    kind: type
    """`int`, `float`, `str`, or `list` of whole numbers."""
    below: float = math.inf
    """A number must be above 0 and below this."""
    at_most: float = math.inf
    choices: tuple[str, ...] = ()
    """Of a text."""
    default: Any = None
    """None: it must be given."""

    def fault(self, value: object) -> str | None:
        """What is wrong with a value, or None."""
        if self.kind is str:
            return None if value in self.choices else f"must be one of {', '.join(self.choices)}, not {value!r}"
        if self.kind is list:
            sound = isinstance(value, list) and all(is_number(int, each) and each > 0 for each in value)
            return None if sound else "must be a list of whole numbers above 0"
        if not is_number(self.kind, value):
            return f"must be a {'whole ' if self.kind is int else ''}number"
        assert isinstance(value, int | float)  # noqa: S101 - for the type checker
        return None if 0 < value < self.below and value <= self.at_most else f"= {value} makes no sense"


@dataclass(frozen=True)
class Step:
    """A step by its name in recipes."""

    options: Mapping[str, Option]
    run: Callable[..., Details | None]
    """Called with (student, context) and the options by name; changes the student, and returns what it found out."""
    of_graphs: bool = False
    """Whether it works on exported graphs, and so comes after `export`."""
    replay: Callable[[Generative, Change], Generative] | None = None
    """Does a change of the architecture again, to a model that was built as before it; None of a step without any."""
    data_free: bool = True
    """Whether it sees no real record: noise and conditions are drawn, the teacher answers. Only then does a private
    teacher's promise hold for what comes out."""
    remedy: str = "make it gentler"
    """What to do where it cost too much, as an order."""
