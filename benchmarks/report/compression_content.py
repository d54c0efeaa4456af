"""What the page of `edgeward compress` shows. No torch, no markup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..quality.paired import Paired
from .evidence_tables import Fact


@dataclass(frozen=True)
class Stage:
    """The teacher, or the model as a step left it."""

    name: str
    """`teacher`, or the step with its number."""
    options: str
    """Of the step, as one reads them."""
    parameters: int
    multiply_adds: int
    size_bytes: int
    latency_us: float
    change: float | None = None
    """Relative L2 of the samples against the stage before; None of the teacher."""
    before: int | None = None
    """Which stage it was made from; None of the teacher."""
    variant: str | None = None
    """The graph it made."""
    figures: tuple[Paired, ...] = ()
    """What it lost against the teacher; empty where quality was not judged."""
    seconds: float = 0.0
    seed: int = 0
    machine: str = ""
    digest: str = ""
    """SHA-256 of what it left: weights, or the graph it made."""


@dataclass(frozen=True)
class Allowed:
    """An allowance of the recipe, and what was found."""

    allowance: str
    measure: str | None
    """Of `PAIRED`; None of what is read on drawn noise."""
    title: str
    allowed: float
    variant: str
    value: float | None
    bound: float | None
    passed: bool
    surely: bool
    """Of one that was broken: whether what was found is itself outside, and not its bound alone."""
    why: str


@dataclass(frozen=True)
class CompressionPage:
    """Everything on the page."""

    title: str
    name: str
    stages: tuple[Stage, ...]
    """The teacher first."""
    default: str
    """Variant that is used where none is asked for, and that the page is about."""
    allowed: tuple[Allowed, ...]
    judged_on: str
    """Which records, in words; empty where quality was not judged."""
    simulated: bool
    """Whether those records are a simulator's."""
    private: bool
    """Whether the teacher was trained with differential privacy, which figures on this page are not under."""
    seeds: int
    glance_seeds: int
    recipe_toml: str
    recipe_name: str
    facts: tuple[Fact, ...]
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the bundle may be written."""
        return all(one.passed for one in self.allowed)

    @property
    def shipped(self) -> Stage:
        """The stage that made the default variant."""
        return next(stage for stage in self.stages if stage.variant == self.default)
