"""What a search may try: how strongly a model is cut, and how long it then learns from its teacher.

A candidate is the list of steps of a recipe. Candidates share their first steps, which are done once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...training.families import Generative
from ...training.families.diffusion import DiffusionGenerator
from ..recipe import StepPlan, step_plan
from ..steps import EXPORT

LADDER = (300, 900, 2700)
"""Steps of distillation that each rung of the search adds: few for many candidates, many for the promising."""

_LEARNING = {"batch_size": 128, "learning_rate": 2e-3}
_CALLS = (1, 2, 4)
"""Network calls of a diffusion teacher's student."""
_PAIRS = 4096
"""Of the answers of such a teacher, which are dear: they are asked for once and learnt from by all candidates."""
_JUMPS = {"method": "pairs", "pairs": _PAIRS, "steps": 900, **_LEARNING}
_ROUND_TO = 8
_CUTS: tuple[tuple[float, ...], ...] = ((), (0.5,), (0.5, 0.5), (0.25,), (0.5, 0.25), (0.5, 0.5, 0.5))
"""Shares of the channels taken out, round by round, each round healed before the next; the first takes nothing."""
_QUANTISE = {"samples": 512, "error_budget": 0.05}


@dataclass(frozen=True)
class Shape:
    """One way to make a model smaller, before it learns for long."""

    name: str
    """For people, e.g. `prune 50 %, 50 %`."""
    steps: tuple[StepPlan, ...]
    learns: bool
    """Whether there is anything to heal: longer distillation is no use to a model that was left as it is."""


@dataclass(frozen=True, order=True)
class Candidate:
    """One shape, distilled up to one rung of the ladder."""

    shape: int
    """Its place in the space."""
    rung: int


def shapes(starts: Sequence[tuple[str, tuple[StepPlan, ...]]] = (("", ()),)) -> tuple[Shape, ...]:
    """The space: every start with every cut, mild and strong ones in turns, those first that others begin like.

    Args:
        starts: What comes before any cut, with a name: nothing, or what makes of a model another.
    """
    return tuple(_shape(name, start, cuts) for cuts in _CUTS for name, start in starts)


def starts_for(teacher: Generative) -> tuple[tuple[str, tuple[StepPlan, ...]], ...]:
    """What comes before any cut: of a diffusion model a student of few network calls, else nothing."""
    if not isinstance(teacher, DiffusionGenerator):
        return (("", ()),)
    calls = [number for number in _CALLS if number < teacher.steps]
    starts = [
        (
            f"{number} call{'s' * (number > 1)}",
            (step_plan({"do": "few_steps", "network_calls": number, **_JUMPS}, "space"),),
        )
        for number in calls
    ]
    return tuple(starts) or (("", ()),)  # a sampler of one step calls its network as seldom as a student would


def steps_of(candidate: Candidate, space: Sequence[Shape], *, quantised: bool = True) -> tuple[StepPlan, ...]:
    """The steps of a candidate's recipe."""
    shape = space[candidate.shape]
    more = tuple(_distil(LADDER[rung], shape.steps) for rung in range(1, candidate.rung + 1))
    last = (step_plan({"do": "quantise", **_QUANTISE}, "space"),) if quantised else ()
    return (*shape.steps, *more, StepPlan(EXPORT, {}), *last)


def distillation_steps(steps: Sequence[StepPlan]) -> int:
    """Optimiser steps of distillation in a list of steps."""
    return sum(int(step.options["steps"]) for step in steps if step.do == "distil")


def _shape(name: str, start: tuple[StepPlan, ...], cuts: tuple[float, ...]) -> Shape:
    steps = list(start)
    for ratio in cuts:
        steps += [step_plan({"do": "prune", "ratio": ratio, "round_to": _ROUND_TO}, "space"), _distil(LADDER[0], steps)]
    cut = f"prune {', '.join(f'{ratio:.0%}' for ratio in cuts)}" if cuts else ""
    return Shape(", ".join(filter(None, (name, cut))) or "as it is", tuple(steps), learns=bool(cuts or start))


def _distil(steps: int, before: Sequence[StepPlan]) -> StepPlan:
    kept = {"pairs": _PAIRS} if any(step.do == "few_steps" for step in before) else {}
    return step_plan({"do": "distil", "steps": steps, **_LEARNING, **kept}, "space")
