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
    found = [point for point in points if not any(_beats(other, point) for other in points)]
    kept = {_coordinates(point): point for point in reversed(found)}  # of equals, the first
    return tuple(sorted(kept.values(), key=_coordinates))


def _beats(one: Point, other: Point) -> bool:
    pairs = list(zip(_coordinates(one), _coordinates(other), strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def _coordinates(point: Point) -> tuple[float, ...]:
    return (point.latency.ms, point.bytes, *(point.losses[name] for name in sorted(point.losses)))
