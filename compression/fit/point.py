"""A point of the front: one graph of one candidate, with what it takes on the device and what it lost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...benchmarks.latency.roofline import Prediction
from .goals import DISTANCE, Goals

Losses = Mapping[str, float]
"""By measure, how much worse than the teacher's, 0 or less where it is not; of `distance` the distance itself."""


@dataclass(frozen=True)
class Point:
    """One graph of one candidate."""

    trial: int
    """Number of the trial, from 1."""
    variant: str
    """Name of the graph in its bundle, e.g. `int8`."""
    latency: Prediction
    """On the device."""
    measured: bool
    """Whether the latency was measured on the device, which is this machine; else a model told it."""
    here_ms: float
    """Measured on this machine, one thread."""
    bytes: int
    parameters: int
    multiply_adds: int
    losses: Losses

    @property
    def distance(self) -> float:
        """Of its samples from the teacher's, paired relative L2."""
        return self.losses[DISTANCE]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `point_from_json` reads them back."""
        return asdict(self)


def point_from_json(values: Mapping[str, Any]) -> Point:
    """What `Point.to_json` gave.

    Raises:
        TypeError: It is something else.
        KeyError: Something is missing.
    """
    return Point(**{**values, "latency": Prediction(**values["latency"])})


def overruns(point: Point, goals: Goals) -> dict[str, float]:
    """By goal that is not met, how many times what it allows the point takes, above 1."""
    asked: dict[str, tuple[float, float | None]] = {
        "latency": (point.latency.ms, goals.latency_ms),
        "size": (point.bytes, goals.bytes),
        **{goal.measure: (point.losses.get(goal.measure, math.inf), goal.allowed) for goal in goals.quality},
    }
    return {name: has / limit for name, (has, limit) in asked.items() if limit is not None and not has <= limit}


def rank(point: Point, goals: Goals) -> tuple[float, ...]:
    """Smaller is better: first how far it is from what was asked, then what nobody set a limit to.

    Where size or latency are limited, quality is what is left to win; where they are not, latency is.
    """
    shortfall = sum(math.log(factor) for factor in overruns(point, goals).values())
    limited = goals.latency_ms is not None or goals.bytes is not None
    left = (point.distance, point.latency.ms) if limited else (point.latency.ms, point.distance)
    return (shortfall, *left, point.bytes)


def best(points: Sequence[Point], goals: Goals) -> Point | None:
    """The point to take, whether it meets the goals or is the nearest to them; None where there is none."""
    return min(points, key=lambda point: rank(point, goals), default=None)


def front(points: Sequence[Point]) -> tuple[Point, ...]:
    """Those that no other beats in latency, size and every loss at once, the fastest first."""
    names = sorted({name for point in points for name in point.losses})
    # What could not be read of a point counts as the worst there is. Of equals, the first stays.
    at = {(p.latency.ms, p.bytes, *(p.losses.get(name, math.inf) for name in names)): p for p in reversed(points)}
    return tuple(at[place] for place in sorted(at) if not any(_beats(other, place) for other in at))


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
