"""Compression recipes: which steps, in which order, and how much quality they may cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..runtime.errors import TrainingError
from ..training.recipe import is_number, read_toml
from .steps import EXPORT, STEPS

QUALITY_ALLOWANCES = {"tstr_drop": "tstr", "coverage_drop": "coverage"}
"""Allowances that need real data to be checked, and the measure each is about."""


@dataclass(frozen=True)
class StepPlan:
    """One step to take."""

    do: str
    """Its name, one of `steps.STEPS`."""
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Allowance:
    """What compression may cost; a bundle that costs more is not written."""

    student_relative_l2: float
    """Of the exported student's samples against the teacher's, same noise and conditions."""
    int8_relative_l2: float
    """Of the INT8 samples against the float student's."""
    tstr_drop: float | None = None
    """Of macro-F1 (train on synthetic, test on real) below the teacher's; `edgeward evaluate` reads it."""
    coverage_drop: float | None = None
    """Of the coverage of real test records below the teacher's; `edgeward evaluate` reads it."""


@dataclass(frozen=True)
class CompressionRecipe:
    """A named way from a full model to a bundle."""

    name: str
    steps: tuple[StepPlan, ...]
    allowance: Allowance

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "steps": [{"do": step.do, **step.options} for step in self.steps],
            "allowance": {name: value for name, value in vars(self.allowance).items() if value is not None},
        }


def load_compression_recipe(source: str | Path) -> CompressionRecipe:
    """Read a compression recipe by its name or path.

    Raises:
        TrainingError: It does not exist or makes no sense; the message names the field.
    """
    values = read_toml(source, __package__)
    if set(values) != {"name", "step", "allowance"}:
        raise TrainingError(f"recipe {source}: it needs a name, [[step]]s and an [allowance], and nothing else")
    if not isinstance(values["name"], str):
        raise TrainingError(f"recipe {source}: name must be a text")
    if not isinstance(values["step"], list) or not all(isinstance(step, dict) for step in values["step"]):
        raise TrainingError(f"recipe {source}: step must be a list of tables, [[step]]")
    try:
        allowance = Allowance(**values["allowance"])
    except TypeError as error:
        raise TrainingError(f"recipe {source}: [allowance]: {error}") from error
    for field, allowed in values["allowance"].items():
        if not is_number(float, allowed) or not 0 <= allowed < math.inf:
            raise TrainingError(f"recipe {source}: [allowance]: {field} must be a number, 0 or more, not {allowed!r}")
    steps = tuple(step_plan(dict(step), f"recipe {source}: step {n + 1}") for n, step in enumerate(values["step"]))
    _check_order([step.do for step in steps], f"recipe {source}")
    return CompressionRecipe(values["name"], steps, allowance)


def _check_order(order: list[str], where: str) -> None:
    of_models = [name for name, step in STEPS.items() if not step.of_graphs and name != EXPORT]
    of_graphs = [name for name, step in STEPS.items() if step.of_graphs]
    place = order.index(EXPORT) if EXPORT in order else -1
    before, after = order[:place], order[place + 1 :]
    if place < 0 or not set(before) <= set(of_models) or not set(after) <= set(of_graphs):
        raise TrainingError(
            f"{where}: the steps must hold {EXPORT} once; before it may be {', '.join(of_models)}, after it "
            f"{', '.join(of_graphs)}"
        )


def step_plan(values: dict[str, Any], where: str) -> StepPlan:
    """Check one step as a recipe holds it, with its name under `do`, and fill in what has a default.

    Raises:
        TrainingError: The step or an option is not known, or makes no sense.
    """
    do = values.pop("do", None)
    if not isinstance(do, str) or do not in STEPS:
        raise TrainingError(f"{where}: do = {do!r} is not known; it is one of {', '.join(STEPS)}")
    options = STEPS[do].options
    defaults = {name: option.default for name, option in options.items() if option.default is not None}
    if not set(options) - set(defaults) <= set(values) <= set(options):
        raise TrainingError(f"{where}: {do} takes {sorted(options)}, not {sorted(values)}")
    for name, value in values.items():
        if fault := options[name].fault(value):
            raise TrainingError(f"{where}: {name} {fault}")
    return StepPlan(do, {**defaults, **values})
