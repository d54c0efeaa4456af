"""What a search leaves to read: the front as a table, a plot and JSON, and the recipe that makes what was taken."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...benchmarks.quality.measures import MEASURES
from ...benchmarks.quality.paired import PAIRED
from ...benchmarks.report.front_plot import FrontMark, front_plot
from ...runtime.atomic import atomic_folder
from ...runtime.provenance import edgeward_version
from ..recipe import QUALITY_ALLOWANCES, Allowance, CompressionRecipe
from ..record import Compressed
from .goals import DISTANCE
from .point import Point, overruns
from .search import Fit
from .space import distillation_steps
from .trial import NO_LIMIT

REPORT_SCHEMA = 1
RECIPE_NAME, TABLE_NAME, PLOT_NAME, JSON_NAME = "recipe.toml", "front.md", "front.svg", "front.json"

_MARGIN = 1.1
"""A recipe allows a little more than was lost: another processor rounds otherwise."""


def recipe_of(fit: Fit, taken: Point, name: str, compressed: Compressed | None = None) -> CompressionRecipe:
    """The recipe of the point that was taken.

    Args:
        fit: What the search found.
        taken: The point.
        name: Of the recipe.
        compressed: What it makes, for its allowance; None: it allows everything.
    """
    steps = fit.trial(taken).steps
    if taken.variant == "fp32":
        steps = tuple(step for step in steps if step.do != "quantise")
    if compressed is None:
        return CompressionRecipe(name, steps, NO_LIMIT)
    of_goals = {
        field: 1.0 + goal.allowed if PAIRED[measure].as_ratio and PAIRED[measure].worse == "higher" else goal.allowed
        for field, measure in QUALITY_ALLOWANCES.items()
        for goal in fit.goals.of_real_data
        if goal.measure == measure
    }
    int8 = compressed.made("int8").error if "int8" in compressed.graphs else 0.0
    allowance = Allowance(_rounded_up(compressed.student_relative_l2), _rounded_up(int8), **of_goals)
    return CompressionRecipe(name, steps, allowance)


def recipe_toml(recipe: CompressionRecipe, comment: str) -> str:
    """A recipe as the file `load_compression_recipe` reads."""
    return f"# {comment}\n{recipe.to_toml()}"


def write_report(folder: Path, fit: Fit, recipe: CompressionRecipe | None) -> None:
    """Write the table, the plot, JSON and the recipe into a folder, whole or not at all; one that is there is replaced.

    Raises:
        OutputError: The system refused to write.
    """
    with atomic_folder(folder) as partial:
        (partial / JSON_NAME).write_text(json.dumps(to_json(fit), indent=1, allow_nan=False) + "\n", encoding="utf-8")
        (partial / TABLE_NAME).write_text(to_markdown(fit), encoding="utf-8")
        if fit.taken is not None:
            (partial / PLOT_NAME).write_text(to_svg(fit), encoding="utf-8")
        if recipe is not None:
            comment = f"Found for {fit.target.name} by edgeward compress --for; run it with --seed {fit.seed}."
            (partial / RECIPE_NAME).write_text(recipe_toml(recipe, comment), encoding="utf-8")


def to_json(fit: Fit) -> dict[str, Any]:
    """Everything that was tried, in plain JSON values."""
    return {
        "schema": REPORT_SCHEMA,
        "edgeward": edgeward_version(),
        "target": fit.target.to_json(),
        "goals": fit.goals.to_json(),
        "met": fit.met,
        "budget": {"seconds": fit.budget.seconds, "trials": fit.budget.trials},
        "ended_by_itself": fit.complete,
        "seed": fit.seed,
        "quality": quality_text(fit),
        "taken": fit.taken.to_json() if fit.taken else None,
        "overruns": {name: by if math.isfinite(by) else None for name, by in _missed(fit).items()},
        "front": [point.to_json() for point in fit.front],
        "trials": [trial.to_json() for trial in fit.trials],
    }


def quality_text(fit: Fit) -> str:
    """How quality was told, in a sentence."""
    distance = "distance: median relative L2 of a graph's samples from the teacher's, same noise and conditions"
    if fit.judged:
        return f"{distance}; the others: how much worse than the teacher's on real validation records, bounded"
    return f"{distance}. No real records were looked at: how useful the samples are was not judged"


def front_rows(fit: Fit) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table of the front, the fastest first; the one that was taken is marked."""
    told = "measured" if fit.target.device is None else "model"
    more = sorted({name for point in fit.front for name in point.losses if name != DISTANCE})
    head = ["", "candidate", "distilled", "graph", f"ms ({told})", "range", "ms here", "size", DISTANCE, *more]
    rows = []
    for point in fit.front:
        trial = fit.trial(point)
        rows.append(
            [
                "→" if point == fit.taken else "",
                f"{trial.number}: {trial.name}",
                f"{distillation_steps(trial.steps):,}",
                point.variant,
                _ms(point.latency.ms),
                "" if point.measured else f"{_ms(point.latency.low_ms)} to {_ms(point.latency.high_ms)}",
                _ms(point.here_ms),
                size_text(point.bytes),
                loss_text(point.distance),
                *(loss_text(point.losses[name]) if name in point.losses else "" for name in more),
            ]
        )
    return head, rows


def to_markdown(fit: Fit) -> str:
    """The front as a page to read beside the plot."""
    head, rows = front_rows(fit)
    asked = goals_text(fit)
    lines = [
        f"# What fits {fit.target.name}",
        "",
        f"Asked: {asked}. {'Met' if fit.met else '**Not met**'} by what {counted(fit)} made "
        f"(budget {fit.budget.text()}, seed {fit.seed}; the search "
        f"{'ended by itself' if fit.complete else 'was ended by the budget'}).",
        "",
        *([] if fit.met else [unmet_text(fit), ""]),
        *([f"![The front]({PLOT_NAME})", ""] if fit.taken else []),
        _table(head, rows) if rows else "No candidate could be made.",
        "",
        f"Latency: {fit.target.describe()}.",
        "",
        f"Quality: {quality_text(fit)}.",
        "",
        "Size: of the graph that runs; a bundle holds its other variants, golden samples and a card beside it.",
        "",
        "## Everything that was tried",
        "",
        _table(
            ["", "candidate", "distilled", "seconds", "came to"],
            [
                [
                    str(trial.number),
                    trial.name,
                    f"{distillation_steps(trial.steps):,}",
                    f"{trial.seconds:.0f}",
                    "; ".join(
                        [
                            *(
                                f"{p.variant}: {_ms(p.latency.ms)} ms, {size_text(p.bytes)}, {loss_text(p.distance)}"
                                for p in trial.points
                            ),
                            *([trial.note] if trial.note else []),
                        ]
                    ),
                ]
                for trial in fit.trials
            ],
        ),
        "",
    ]
    return "\n".join(lines)


def to_svg(fit: Fit) -> str:
    """The front as a plot."""
    points = [point for trial in fit.trials for point in trial.points]
    distance = next((goal.allowed for goal in fit.goals.quality if goal.measure == DISTANCE), None)
    told = "measured" if fit.target.device is None else "told by a model"
    return front_plot(
        [
            FrontMark(
                variant=point.variant,
                x=point.latency.ms,
                y=point.distance,
                bytes=point.bytes,
                on_front=point in fit.front,
                taken=point == fit.taken,
                low=None if point.measured else point.latency.low_ms,
                high=None if point.measured else point.latency.high_ms,
            )
            for point in points
        ],
        title=f"What fits {fit.target.name}",
        x_label=f"ms a sample, {told}",
        y_label="distance from the teacher's samples",
        x_goal=fit.goals.latency_ms,
        y_goal=distance,
        taken_label="taken" if fit.met else "nearest",
    )


def goals_text(fit: Fit) -> str:
    """What was asked, e.g. `at most 5 ms and 1.0 MB`."""
    goals = fit.goals
    parts = [
        *([f"{goals.latency_ms:g} ms"] if goals.latency_ms is not None else []),
        *([size_text(goals.bytes)] if goals.bytes is not None else []),
        *(goal.text() for goal in goals.quality),
    ]
    return ", ".join(parts)


def unmet_text(fit: Fit) -> str:
    """By how much what was asked is missed, by which candidate, and what would do."""
    if fit.taken is None:
        notes = "; ".join(dict.fromkeys(trial.note for trial in fit.trials))
        return f"none of {counted(fit)} could be made ({notes})."
    point, trial = fit.taken, fit.trial(fit.taken)
    missed = [f"{_is(point, name)}, {factor:.3g} times what was asked" for name, factor in _missed(fit).items()]
    text = (
        f"none of {counted(fit)} is {goals_text(fit)} at once; the nearest, number {trial.number} "
        f"({trial.name}, {point.variant}), has {' and '.join(missed)}"
    )
    relaxed = [words for name in _missed(fit) if (words := _would_do(fit, name))]
    return f"{text}. {' '.join(f'{words}.' for words in relaxed) or 'No single goal, relaxed alone, would do.'}"


def size_text(size: float) -> str:
    """E.g. `72.1 kB`."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def counted(fit: Fit) -> str:
    """How many were tried, e.g. `12 candidates`."""
    return f"{len(fit.trials)} candidate{'' if len(fit.trials) == 1 else 's'}"


def loss_text(loss: float) -> str:
    """E.g. `0.139`; what is too small for three digits is told as such."""
    return "<0.001" if 0 < loss < 0.0005 else f"{loss:.3f}"


def _missed(fit: Fit) -> dict[str, float]:
    return overruns(fit.taken, fit.goals) if fit.taken else {}


def _would_do(fit: Fit, goal: str) -> str | None:
    """How far one goal must be relaxed if the others stay; None if that alone would not help."""
    others = [point for trial in fit.trials for point in trial.points if not set(overruns(point, fit.goals)) - {goal}]
    if not others:
        return None
    if goal == "latency":
        return f"With --latency {_ms(min(point.latency.ms for point in others) * 1.0005)}ms the rest would be kept"
    if goal == "size":
        return f"With --size {math.ceil(min(point.bytes for point in others) / 1000)}kB the rest would be kept"
    least = min(point.losses.get(goal, math.inf) for point in others)
    if not math.isfinite(least):
        return None
    sign = " " if goal == DISTANCE else "-" if MEASURES[goal].better == "higher" else "+"
    return f"With --quality '{goal}{sign}{_rounded_up(least, 1.0):g}' the rest would be kept"


def _is(point: Point, goal: str) -> str:
    if goal == "latency":
        return f"a latency of {_ms(point.latency.ms)} ms{'' if point.measured else ' (by the model)'}"
    if goal == "size":
        return f"a size of {size_text(point.bytes)}"
    return f"{goal} {point.losses.get(goal, math.inf):.3f}"


def _ms(value: float) -> str:
    return f"{value:.3g}"


def _rounded_up(value: float, margin: float = _MARGIN) -> float:
    """To two digits that tell."""
    if value <= 0:
        return 0.001
    scale = 10.0 ** (1 - math.floor(math.log10(value * margin)))
    return math.ceil(value * margin * scale) / scale


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *cells])
