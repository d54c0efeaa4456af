"""What a bundle shall keep to on its device, as a user writes it: `5ms`, `1MB`, `tstr-1pt, coverage-0.03`, `30min`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from ...benchmarks.quality.measures import MEASURES
from ...runtime.errors import RequestError

DISTANCE = "distance"
"""The quality that needs no real data: how far the samples are from the teacher's, same noise and conditions."""

_TIMES_MS = {"us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3}
_SIZES = {"b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_DURATIONS_S = {"s": 1.0, "min": 60.0, "h": 3600.0}
_NUMBER = r"(\d+(?:\.\d+)?)"
_POINT = 0.01


@dataclass(frozen=True)
class QualityGoal:
    """How much of one quality may be lost."""

    measure: str
    """`distance`, or one of `benchmarks.quality.MEASURES`, which need real data."""
    allowed: float
    """Of `distance`: the largest there may be. Else: how much worse than the teacher's, 0 or more."""

    def text(self) -> str:
        """As a user would write it."""
        allowed = f"{self.allowed:.6f}".rstrip("0").rstrip(".")
        if self.measure == DISTANCE:
            return f"{DISTANCE} {allowed}"
        return f"{self.measure}{'-' if MEASURES[self.measure].better == 'higher' else '+'}{allowed}"


@dataclass(frozen=True)
class Goals:
    """What a bundle shall keep to; what is not asked for is as good as it gets."""

    latency_ms: float | None = None
    bytes: int | None = None
    """Of the graph that runs; other variants may lie beside it in the bundle."""
    quality: tuple[QualityGoal, ...] = ()

    @property
    def of_real_data(self) -> tuple[QualityGoal, ...]:
        """Those that only real data can tell."""
        return tuple(goal for goal in self.quality if goal.measure != DISTANCE)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "latency_ms": self.latency_ms,
            "bytes": self.bytes,
            "quality": {goal.measure: goal.allowed for goal in self.quality},
        }


@dataclass(frozen=True)
class Budget:
    """When a search ends at the latest: one of the two is given."""

    seconds: float | None = None
    trials: int | None = None

    def text(self) -> str:
        """E.g. `30 min`."""
        if self.trials is not None:
            return f"{self.trials} trials"
        assert self.seconds is not None  # noqa: S101 - one of the two is given
        return f"{self.seconds / 60:g} min" if self.seconds >= 60 else f"{self.seconds:g} s"


def parse_latency(text: str) -> float:
    """Milliseconds of e.g. `5ms`, `0.4 s` or `250us`.

    Raises:
        RequestError: It is no such time.
    """
    return _quantity(text, _TIMES_MS, "--latency", "a time such as 5ms, 0.4s or 250us")


def parse_size(text: str) -> int:
    """Bytes of e.g. `1MB`, `300 kB` or `2MiB`.

    Raises:
        RequestError: It is no such size.
    """
    return math.floor(_quantity(text, _SIZES, "--size", "a size such as 1MB, 300kB or 2MiB"))


def parse_budget(text: str) -> Budget:
    """E.g. `30min`, `2h`, `90s`, or `12 trials`.

    Raises:
        RequestError: It is no such budget.
    """
    if match := re.fullmatch(r"(\d+)\s*trials?", text.strip()):
        if int(match[1]) < 1:
            raise RequestError("--budget must be one trial at least")
        return Budget(trials=int(match[1]))
    return Budget(seconds=_quantity(text, _DURATIONS_S, "--budget", "a time such as 30min or 2h, or 12trials"))


def parse_quality(text: str) -> tuple[QualityGoal, ...]:
    """Goals of quality, separated by commas.

    `tstr-1pt`: at most one point (0.01) below the teacher's. `coverage-0.03`: at most so much below it.
    `spectrum+0.5`: at most so much above, of what is better when low. `distance 0.1`: samples at most so far from
    the teacher's (paired relative L2); the only one that needs no real data.

    Raises:
        RequestError: It is no such goal; the message says what is wrong with it.
    """
    goals = tuple(_quality_goal(part.strip()) for part in text.split(","))
    names = [goal.measure for goal in goals]
    if twice := {name for name in names if names.count(name) > 1}:
        raise RequestError(f"--quality: {', '.join(sorted(twice))} is asked for twice")
    return goals


def _quality_goal(text: str) -> QualityGoal:
    if match := re.fullmatch(rf"{DISTANCE}\s*(?:<=|<|=|:|\s)\s*{_NUMBER}", text):
        return QualityGoal(DISTANCE, _positive(match[1], text))
    match = re.fullmatch(rf"([a-z][a-z0-9_]*)\s*([-+])\s*{_NUMBER}\s*(pt|pts)?", text)
    if match is None:
        raise RequestError(
            f"--quality {text!r} is not understood; write a measure and what it may lose, such as tstr-1pt or "
            f"coverage-0.03, or {DISTANCE} 0.1"
        )
    name, sign, number, points = match.groups()
    if name == DISTANCE:
        raise RequestError(f"--quality {text!r}: a distance has an upper end, not a change; write {DISTANCE} {number}")
    if name not in MEASURES:
        raise RequestError(f"--quality: {name} is no measure; it is {DISTANCE}, or one of {', '.join(MEASURES)}")
    falls = MEASURES[name].better == "higher"
    if falls != (sign != "+"):
        way = "below" if falls else "above"
        raise RequestError(
            f"--quality {text!r}: of {name}, worse is {way} the teacher's; write {name}{'-' if falls else '+'}{number}"
        )
    return QualityGoal(name, _positive(number, text) * (_POINT if points else 1.0))


def _quantity(text: str, units: dict[str, float], option: str, wanted: str) -> float:
    match = re.fullmatch(rf"{_NUMBER}\s*([a-zµ]+)", text.strip().lower().replace("μ", "µ"))
    if match is None or match[2] not in units:
        raise RequestError(f"{option} {text!r} is not understood; write {wanted}")
    value = float(match[1]) * units[match[2]]
    if not 0 < value < math.inf:
        raise RequestError(f"{option} {text!r} makes no sense; write {wanted}")
    return value


def _positive(number: str, text: str) -> float:
    value = float(number)
    if not 0 < value < math.inf:
        raise RequestError(f"--quality {text!r} makes no sense: it must allow something above 0")
    return value
