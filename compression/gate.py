"""The gate: a result that costs more than its recipe allows is told which allowance it broke, and by which step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ..benchmarks.quality.paired import PAIRED, Paired, change_text
from ..runtime.errors import GateError, RequestError
from .quality import Judge
from .recipe import QUALITY_ALLOWANCES, CompressionRecipe
from .record import Compressed, StepRecord
from .steps import EXPORT, STEPS

_MORE_SEEDS = "judge with more seeds (--seeds), or on more validation patients"


Verdict = Literal["inside", "unsure", "outside"]


@dataclass(frozen=True)
class Held:
    """One allowance, and what was found of it."""

    allowance: str
    """Its name in the recipe."""
    allowed: float
    variant: str | None
    """Which graph was held to it; None: the float student."""
    value: float | None
    """What it cost; None where that could not be found."""
    bound: float | None
    """One-sided 95 % bound of it; None of what is read on fixed noise, without uncertainty."""
    passed: bool
    step: str | None = None
    """Where it was broken, the step that cost most of it, such as `step 2, prune`."""
    why: str = ""
    """Where it was broken: that step's part, and what to do."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def check_can_be_judged(recipe: CompressionRecipe, judge: Judge | None) -> None:
    """Refuse, before any work, a recipe whose allowances could not be checked.

    Raises:
        RequestError: It is held to real data only, and there are none; or to what these data cannot tell.
    """
    allowance = recipe.allowance
    if judge is None:
        if allowance.student_relative_l2 is None:
            raise RequestError(
                f"recipe {recipe.name!r} is held to what is read on real records ({', '.join(allowance.of_quality)}), "
                "and to nothing else; say which records: --against DATA"
            )
        return
    for name in allowance.of_quality:
        if QUALITY_ALLOWANCES[name] not in judge.measures:
            raise RequestError(
                f"recipe {recipe.name!r} allows {name}, which {judge.about.source} cannot tell"
                f"{_because(judge)}; leave it out of the recipe, or judge on other data"
            )


def _because(judge: Judge) -> str:
    notes = " ".join(judge.about.notes)
    return f" ({notes})" if notes else ""


def held(recipe: CompressionRecipe, compressed: Compressed) -> tuple[Held, ...]:
    """Every allowance of the recipe that could be checked, held against what was found, for every variant."""
    return (*_on_noise(recipe, compressed), *_on_records(recipe, compressed))


def let_through(recipe: CompressionRecipe, compressed: Compressed) -> None:
    """Refuse a result that broke an allowance.

    Raises:
        GateError: The message names the allowance, the figure, the step that cost most of it, and what to do.
    """
    broken = [one for one in held(recipe, compressed) if not one.passed]
    if not broken:
        return
    first, *others = broken
    more = f" Also broken: {', '.join(_named(one) for one in others)}." if others else ""
    raise GateError(
        f"{_told(first, recipe)}; no bundle was written.{more} {first.why}, or raise the allowance knowingly"
    )


def _named(one: Held) -> str:
    return f"{one.allowance} of {one.variant}" if one.variant else one.allowance


def _told(one: Held, recipe: CompressionRecipe) -> str:
    allows = f"recipe {recipe.name!r} allows {one.allowed:g}"
    if one.allowance == "student_relative_l2":
        return f"pruning and distillation changed the samples by {one.value:.3f} (relative L2), and {allows}"
    if one.allowance == "int8_relative_l2":
        what = "quantisation" if one.variant == "int8" else f"the variant {one.variant}"
        return f"{what} changed the samples by {one.value:.3f} (relative L2), and {allows}"
    if one.value is None or one.bound is None:
        return f"{one.allowance} of {one.variant} could not be found, and {allows}"
    title = PAIRED[QUALITY_ALLOWANCES[one.allowance]].title
    return (
        f"{one.allowance} ({title}) of {one.variant} is {one.value:.3f}, with 95 % confidence no worse than "
        f"{one.bound:.3f}, and {allows}"
    )


def _on_noise(recipe: CompressionRecipe, compressed: Compressed) -> Iterator[Held]:
    allowance = recipe.allowance
    if allowance.student_relative_l2 is not None:
        error = compressed.student_relative_l2
        place, why = _furthest_off(compressed)
        yield Held(
            "student_relative_l2",
            allowance.student_relative_l2,
            None,
            error,
            None,
            passed=error <= allowance.student_relative_l2,
            step=place,
            why=why,
        )
    if allowance.int8_relative_l2 is None:
        return
    for variant in list(compressed.graphs)[1:]:
        step = compressed.made(variant)
        yield Held(
            "int8_relative_l2",
            allowance.int8_relative_l2,
            variant,
            step.error,
            None,
            passed=step.error <= allowance.int8_relative_l2,
            step=_place(compressed, step),
            why=f"It came with {_place(compressed, step)}: {STEPS[step.do].remedy}",
        )


def _furthest_off(compressed: Compressed) -> tuple[str, str]:
    """The step that took the samples furthest from the teacher's, and a sentence."""
    models = _before_graphs(compressed) or list(compressed.steps[:1])
    before = [0.0, *(step.from_teacher for step in models)]
    worst = max(range(len(models)), key=lambda number: models[number].from_teacher - before[number])
    step = models[worst]
    place = _place(compressed, step)
    told = f"Most came with {place} (from {before[worst]:.3f} to {step.from_teacher:.3f}): {STEPS[step.do].remedy}"
    return place, told


def _before_graphs(compressed: Compressed) -> list[StepRecord]:
    """The steps that worked on the model in PyTorch."""
    first_graph = next(number for number, step in enumerate(compressed.steps) if step.variant)
    return list(compressed.steps[:first_graph])


def _on_records(recipe: CompressionRecipe, compressed: Compressed) -> Iterator[Held]:
    if compressed.judged_on is None:
        return
    for variant in compressed.graphs:
        if variant in compressed.weights:
            continue  # an IR cannot be attacked through PyTorch; it is held to its distance from fp32
        quality = compressed.made(variant).quality
        for name, allowed in recipe.allowance.of_quality.items():
            measure = QUALITY_ALLOWANCES[name]
            figure = quality.figure(measure) if quality else None
            if figure is None or figure.change is None or figure.bound is None:
                reason = figure.note if figure else "it was not read"
                yield Held(name, allowed, variant, None, None, passed=False, why=f"The judge says: {reason}")
                continue
            value, bound = (as_allowed(name, change) for change in (figure.change, figure.bound))
            verdict = verdict_on(name, allowed, figure)
            step, why = None, ""
            if verdict == "unsure":
                why = f"What was found is inside, but that is not sure enough: {_MORE_SEEDS}"
            elif verdict == "outside":
                step, why = _most_of_it(compressed, variant, measure)
            yield Held(name, allowed, variant, value, bound, passed=verdict == "inside", step=step, why=why)


def verdict_on(name: str, allowed: float, figure: Paired) -> Verdict:
    """How a figure stands to an allowance: inside with 95 % confidence, inside but not surely so, or outside."""
    if figure.change is None or figure.bound is None:
        return "unsure"
    if _inside(name, as_allowed(name, figure.bound), allowed):
        return "inside"
    return "unsure" if _inside(name, as_allowed(name, figure.change), allowed) else "outside"


def as_allowed(name: str, change: float) -> float:
    """A change from the teacher in the terms of an allowance: a drop is above 0, a ratio stays a ratio."""
    how = PAIRED[QUALITY_ALLOWANCES[name]]
    if how.worse == "either":
        return abs(change - 1.0)
    return change if how.as_ratio or how.worse == "higher" else -change + 0.0


def _inside(name: str, value: float, allowed: float) -> bool:
    how = PAIRED[QUALITY_ALLOWANCES[name]]
    # Of a ratio that must not fall, the allowance is the least.
    return value >= allowed if how.as_ratio and how.worse == "lower" else value <= allowed


def _most_of_it(compressed: Compressed, variant: str, measure: str) -> tuple[str | None, str]:
    """The step on the way to a variant after which a measure was most worse than before it, and a sentence."""
    way = way_to(compressed, variant, measure)
    if not way:
        return None, "No step on the way was judged"
    worse = [_badness(measure, None), *(_badness(measure, figure) for _, figure in way)]
    worst = max(range(len(way)), key=lambda number: worse[number + 1] - worse[number])
    step, figure = way[worst]
    before = change_text(measure, way[worst - 1][1].change) if worst else "the teacher's own"
    place = _place(compressed, step)
    return place, (
        f"Most came with {place} (from {before} to {change_text(measure, figure.change)}): {STEPS[step.do].remedy}"
    )


def way_to(compressed: Compressed, variant: str, measure: str) -> list[tuple[StepRecord, Paired]]:
    """The steps that led to a variant, each with a measure of what it left, where it was read.

    Export changes nothing, so what was read of the float graph, on more seeds, stands for the model before it too.
    """
    found: list[tuple[StepRecord, Paired]] = []
    float_graph = next(iter(compressed.graphs))
    for step in compressed.steps:
        figure = step.quality.figure(measure) if step.quality else None
        if step.variant not in (None, float_graph, variant) or figure is None or figure.change is None:
            continue
        if step.do == EXPORT and found:
            found[-1] = (found[-1][0], figure)
        found.append((step, figure))
    return found


def _badness(measure: str, figure: Paired | None) -> float:
    """Higher is worse; of the teacher itself where there is no figure."""
    how = PAIRED[measure]
    change = figure.change if figure and figure.change is not None else 1.0 if how.as_ratio else 0.0
    if how.worse == "either":
        return abs(change - 1.0)
    return -change if how.worse == "lower" else change


def _place(compressed: Compressed, step: StepRecord) -> str:
    return f"step {compressed.steps.index(step) + 1}, {step.do}"
