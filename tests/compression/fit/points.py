"""Points made by hand, for tests."""

from edgeward.benchmarks.latency.roofline import Prediction
from edgeward.compression.fit.goals import DISTANCE
from edgeward.compression.fit.point import Point


def point(ms: float, size: int, distance: float, *, trial: int = 1, variant: str = "fp32", **losses: float) -> Point:
    """A point of these coordinates; a model told its latency, within a factor of two."""
    return Point(
        trial=trial,
        variant=variant,
        latency=Prediction(ms, ms / 2, ms * 2),
        measured=False,
        here_ms=ms / 3,
        bytes=size,
        parameters=size // 4,
        multiply_adds=size,
        losses={DISTANCE: distance, **losses},
    )
