"""One trial of a search: a candidate's steps are taken, and each of its graphs becomes a point."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...runtime.errors import GateError, TrainingError
from ..recipe import Allowance, CompressionRecipe, StepPlan
from ..record import Compressed
from .goals import DISTANCE
from .point import Losses, Point, point_from_json
from .space import Candidate, Shape, distillation_steps, steps_of
from .target import Target

Judge = Callable[[Compressed, str], Mapping[str, float]]
"""Called with a result and the name of one of its graphs: by measure, how much worse than the teacher's it is on
real records that neither trained the teacher nor test the bundle, as a one-sided bound; 0 or less where it is not."""

Compress = Callable[[CompressionRecipe], Compressed]
"""Runs a recipe on the search's teacher, and takes up what earlier recipes that begin alike have left."""

NO_LIMIT = Allowance(math.inf, math.inf)
"""A search looks at what a candidate lost; it refuses none for it."""


@dataclass(frozen=True)
class Trial:
    """What came of one candidate."""

    number: int
    candidate: Candidate
    name: str
    steps: tuple[StepPlan, ...]
    seconds: float
    distil_s: float | None
    """Seconds of one step of distillation; None where there was none."""
    points: tuple[Point, ...]
    """None of them where it failed."""
    note: str = ""
    """Why it failed, or what of it did."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `trial_from_json` reads them back."""
        return {
            "number": self.number,
            "candidate": [self.candidate.shape, self.candidate.rung],
            "name": self.name,
            "steps": [{"do": step.do, **step.options} for step in self.steps],
            "seconds": self.seconds,
            "distil_s": self.distil_s,
            "points": [point.to_json() for point in self.points],
            "note": self.note,
        }


def trial_from_json(values: Mapping[str, Any]) -> Trial:
    """What `Trial.to_json` gave.

    Raises:
        TypeError: It is something else.
        KeyError: Something is missing.
    """
    steps = tuple(
        StepPlan(step["do"], {name: value for name, value in step.items() if name != "do"}) for step in values["steps"]
    )
    points = tuple(point_from_json(point) for point in values["points"])
    return Trial(**{**values, "candidate": Candidate(*values["candidate"]), "steps": steps, "points": points})


@dataclass(frozen=True)
class Bench:
    """What all trials of a search share."""

    space: tuple[Shape, ...]
    compress: Compress
    target: Target
    judge: Judge | None
    """None: quality is the distance from the teacher's samples alone."""


def run_trial(number: int, candidate: Candidate, bench: Bench) -> Trial:
    """Try a candidate; what cannot be made is told, not raised."""
    started = time.monotonic()
    space, compress = bench.space, bench.compress
    name = space[candidate.shape].name
    note = ""
    steps = steps_of(candidate, space)
    try:
        compressed = compress(CompressionRecipe(name, steps, NO_LIMIT))
    except (GateError, TrainingError) as error:
        note = str(error)
        steps = steps_of(candidate, space, quantised=False)
        try:  # it may have been the quantisation alone
            compressed = compress(CompressionRecipe(name, steps, NO_LIMIT))
        except (GateError, TrainingError):
            return Trial(number, candidate, name, steps, time.monotonic() - started, None, (), note)
    points = []
    for variant, graph in compressed.graphs.items():
        cost = compressed.made(variant).cost
        losses: Losses = {DISTANCE: compressed.made(variant).from_teacher}
        if not math.isfinite(losses[DISTANCE]):
            note = f"{variant} makes no numbers where the teacher does"
            continue
        points.append(
            Point(
                trial=number,
                variant=variant,
                latency=bench.target.latency(graph, cost.latency_ms),
                measured=bench.target.device is None,
                here_ms=cost.latency_ms,
                bytes=cost.bytes,
                parameters=cost.parameters,
                multiply_adds=cost.multiply_adds,
                losses={**losses, **(bench.judge(compressed, variant) if bench.judge else {})},
            )
        )
    learnt = [step for step in compressed.steps if step.do == "distil"]
    steps_learnt = distillation_steps(steps)
    distil_s = sum(step.seconds for step in learnt) / steps_learnt if steps_learnt else None
    seconds = time.monotonic() - started
    return Trial(number, candidate, name, steps, seconds, distil_s, tuple(points), note)
