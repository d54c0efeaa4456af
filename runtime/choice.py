"""Which engine runs which variant, and why: what `auto` found out, for people and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .golden import GoldenResult
from .manifest import Variant

AUTO = "auto"
"""What leaves an engine or a precision to be chosen."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """What may be chosen: an engine, and the variant it would run."""

    backend: str
    variant: Variant


@dataclass(frozen=True)
class Trial:
    """One variant on one engine, tried on this machine."""

    golden: GoldenResult
    us: float | None = None
    """Microseconds a sample, when made one at a time; None where it was not timed."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**self.golden.to_json(), "us": self.us}


@dataclass(frozen=True)
class Choice:
    """What runs, and what it was chosen from."""

    backend: str
    variant: Variant
    how: Literal["asked for", "remembered", "measured"]
    asked: Mapping[str, str]
    """`backend` and `precision` as they were asked for, by name or `auto`."""
    trials: tuple[Trial, ...] = ()
    """Empty where both were asked for by name: then nothing is compared."""
    absent: Mapping[str, str] | None = None
    """Engines that could not be tried, and why."""
    measured_at: str = ""
    """When the trials were made, in UTC."""
    notes: tuple[str, ...] = ()
    """Why it was measured now, or why it will not be remembered."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "backend": self.backend,
            "variant": self.variant.name,
            "how": self.how,
            "asked": dict(self.asked),
            "trials": [trial.to_json() for trial in self.trials],
            "absent": dict(self.absent or {}),
            "measured_at": self.measured_at,
            "notes": list(self.notes),
        }
