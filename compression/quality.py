"""What a step cost in quality, as a judge of real records sees it. The judge itself comes from the floor above."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from ..benchmarks.quality.paired import Paired, paired_from_json
from ..training.families import Generative

Say = Callable[[int, int, str], None]

FEWEST_SEEDS = 5
"""Draws of noise that a decision rests on, at least."""


@dataclass(frozen=True)
class JudgedOn:
    """Which records figures were read on."""

    source: str
    digest: str
    """SHA-256 of the data, as in a dataset's provenance."""
    split: str
    """`validation`: a gate must not look at test records."""
    records: int
    patients: int
    simulated: bool
    """Whether the records themselves are a simulator's."""
    seeds: int
    """Draws of noise behind a decision."""
    glance_seeds: int
    """Those behind the figures of a step on the way."""
    seed: int
    """Of the noise."""
    effort: Mapping[str, Any]
    """Classifier steps, records of each kind, attacks."""
    feature_space: str
    """SHA-256 of the network whose features were used."""
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "notes": list(self.notes)}


@dataclass(frozen=True)
class Quality:
    """What a judge found of one model beside its teacher."""

    figures: tuple[Paired, ...]

    def figure(self, measure: str) -> Paired | None:
        """One measure's, if it was read."""
        return next((figure for figure in self.figures if figure.measure == measure), None)

    def to_json(self) -> list[dict[str, Any]]:
        """Plain JSON values."""
        return [figure.to_json() for figure in self.figures]


def quality_from_json(values: list[Any]) -> Quality:
    """What `Quality.to_json` gave.

    Raises:
        TypeError: It is something else.
    """
    return Quality(tuple(paired_from_json(value) for value in values))


class Judge(Protocol):
    """Judges models of one teacher on records that neither trained it nor report on it."""

    @property
    def key(self) -> str:
        """SHA-256 of all that decides a figure, but the model: what was judged before is taken up by it."""

    @property
    def about(self) -> JudgedOn:
        """Which records, and how much work."""

    @property
    def measures(self) -> frozenset[str]:
        """What it can tell on these records, of `benchmarks.quality.paired.PAIRED`."""

    def __call__(self, model: Generative | bytes, *, decide: bool, say: Say | None = None) -> Quality:
        """Judge a model in PyTorch, or an ONNX graph, against the teacher with the same noise.

        Args:
            model: What to judge.
            decide: Whether something is decided by it: on all seeds, with the attack on its weights; else at a glance.
            say: Called with (parts done, parts, what comes next).
        """
