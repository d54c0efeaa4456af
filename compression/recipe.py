"""Compression recipes: which steps, in which order, and how much quality they may cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..devices.toml import toml_value
from ..runtime.errors import TrainingError
from ..training.recipe import is_number, read_toml
from .steps import EXPORT, STEPS

QUALITY_ALLOWANCES = {
    "tstr_drop": "tstr",
    "coverage_drop": "coverage",
    "frechet_ratio": "frechet_distance",
    "variance_ratio": "within_class_variance",
    "two_sample_rise": "two_sample_auc",
    "rare_share_change": "rare_share",
    "spectrum_rise_db": "spectrum",
    "physiology_rise": "physiology",
    "violations_rise": "violations",
    "attack_auc_rise": "loss_auc",
}
"""Allowances that need real data to be checked, and the measure each is about, of `benchmarks.quality.paired`."""


@dataclass(frozen=True)
class StepPlan:
    """One step to take."""

    do: str
    """Its name, one of `steps.STEPS`."""
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Allowance:
    """What compression may cost; a bundle that costs more is not written. None: it is not held to that.

    The first two are read on drawn noise; the others on validation records, each by a one-sided 95 % bound.
    """

    student_relative_l2: float | None = None
    """Of the exported student's samples against the teacher's, same noise and conditions. It says little of a student
    that was taught without pairs, which makes other samples of the same noise; a quality allowance must stand then."""
    int8_relative_l2: float | None = None
    """Of the samples of INT8, and of each other variant, against the float student's."""
    tstr_drop: float | None = None
    """Of macro-F1 (train on synthetic, test on real) below the teacher's."""
    coverage_drop: float | None = None
    """Of the coverage of real records below the teacher's."""
    frechet_ratio: float | None = None
    """Largest Fréchet distance, in units of the teacher's: 1 or more."""
    variance_ratio: float | None = None
    """Least within-class variance, in units of the teacher's: 1 or less."""
    two_sample_rise: float | None = None
    """Of the AUC with which trees tell its records from real ones."""
    rare_share_change: float | None = None
    """Of the share of records taken for the rarest class, either way, as a share of the teacher's."""
    spectrum_rise_db: float | None = None
    """Of the mean difference of log power spectra, in the worst channel."""
    physiology_rise: float | None = None
    """Of the Kolmogorov-Smirnov distance of what the field measures, in the worst measurement."""
    violations_rise: float | None = None
    """Of the share of records that break a rule, of the worst rule."""
    attack_auc_rise: float | None = None
    """Of the AUC with which training records are told from others by the weights."""

    @property
    def of_quality(self) -> dict[str, float]:
        """Those that need real data, by name."""
        return {name: value for name, value in self.to_json().items() if name in QUALITY_ALLOWANCES}

    def to_json(self) -> dict[str, float]:
        """Those that are given, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class CompressionRecipe:
    """A named way from a full model to a bundle."""

    name: str
    steps: tuple[StepPlan, ...]
    allowance: Allowance

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `compression_recipe_from_mapping` reads them back."""
        return {
            "name": self.name,
            "steps": [{"do": step.do, **step.options} for step in self.steps],
            "allowance": self.allowance.to_json(),
        }

    def to_toml(self) -> str:
        """The recipe as a file, which `load_compression_recipe` reads back."""
        lines = [f"name = {toml_value(self.name)}", ""]
        for step in self.steps:
            lines += ["[[step]]", f"do = {toml_value(step.do)}"]
            lines += [*(f"{name} = {toml_value(value)}" for name, value in step.options.items()), ""]
        lines += ["[allowance]", *(f"{name} = {toml_value(value)}" for name, value in self.allowance.to_json().items())]
        return "\n".join(lines) + "\n"


def load_compression_recipe(source: str | Path) -> CompressionRecipe:
    """Read a compression recipe by its name or path.

    Raises:
        TrainingError: It does not exist or makes no sense; the message names the field.
    """
    values = read_toml(source, __package__)
    if set(values) != {"name", "step", "allowance"}:
        raise TrainingError(f"recipe {source}: it needs a name, [[step]]s and an [allowance], and nothing else")
    return compression_recipe_from_mapping({**values, "steps": values["step"]}, str(source))


def compression_recipe_from_mapping(values: Mapping[str, Any], where: str) -> CompressionRecipe:
    """Check the values of a recipe, as `CompressionRecipe.to_json` gives them and a bundle's lineage holds them.

    Raises:
        TrainingError: A field is missing, unknown, or makes no sense.
    """
    name, steps, allowance = (values.get(field) for field in ("name", "steps", "allowance"))
    if not isinstance(name, str):
        raise TrainingError(f"recipe {where}: name must be a text")
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise TrainingError(f"recipe {where}: step must be a list of tables, [[step]]")
    if not isinstance(allowance, dict):
        raise TrainingError(f"recipe {where}: allowance must be a table, [allowance]")
    plans = tuple(step_plan(dict(step), f"recipe {where}: step {n + 1}") for n, step in enumerate(steps))
    _check_order([plan.do for plan in plans], f"recipe {where}")
    return CompressionRecipe(name, plans, _allowance(allowance, plans, f"recipe {where}: [allowance]"))


def _allowance(values: Mapping[str, Any], plans: tuple[StepPlan, ...], where: str) -> Allowance:
    known = [field.name for field in fields(Allowance)]
    unknown = [name for name in values if name not in known]
    if unknown:
        raise TrainingError(f"{where}: {unknown[0]} is not known; it may hold {', '.join(known)}")
    for field, allowed in values.items():
        if not is_number(float, allowed) or not 0 <= allowed < math.inf:
            raise TrainingError(f"{where}: {field} must be a number, 0 or more, not {allowed!r}")
    allowance = Allowance(**values)
    if allowance.frechet_ratio is not None and allowance.frechet_ratio < 1:
        raise TrainingError(f"{where}: frechet_ratio is in units of the teacher's; it must be 1 or more")
    if allowance.variance_ratio is not None and allowance.variance_ratio > 1:
        raise TrainingError(f"{where}: variance_ratio is in units of the teacher's; it must be 1 or less")
    if allowance.student_relative_l2 is None and not allowance.of_quality:
        raise TrainingError(
            f"{where}: it must hold student_relative_l2, or what is read on real records: "
            f"{', '.join(QUALITY_ALLOWANCES)}"
        )
    if allowance.int8_relative_l2 is None and any(plan.do == "quantise" for plan in plans):
        raise TrainingError(f"{where}: int8_relative_l2 must be given, as the recipe quantises")
    return allowance


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
