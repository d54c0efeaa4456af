"""The table of `edgeward compress`, which grows by a row as each step ends, and what it comes to."""

from __future__ import annotations

from pathlib import Path

import click

from ..benchmarks.quality.paired import PAIRED, Paired
from ..benchmarks.report.quantities import comparison
from ..compression import Compressed, CompressionRecipe, StepRecord
from ..compression.cost import Cost
from ..compression.gate import Held, held, verdict_on
from ..compression.quality import Quality
from ..compression.recipe import QUALITY_ALLOWANCES
from ..runtime.bundle import Bundle
from .terminal import Column, GrowingTable, announce, print_table, readable_bytes, readable_count

_QUALITY_WIDTH = 8
_TIMES = "\N{MULTIPLICATION SIGN}"
_COLOURS = {"inside": "green", "unsure": "yellow", "outside": "red"}


class CompressionTable:
    """One row for the teacher and each step: size, speed, and what quality changed against the teacher.

    Args:
        recipe: Its steps, and what it allows: what is allowed is shown first.
        judged: Whether there are figures of quality.
        width: Of the terminal: as many figures as fit are shown.
    """

    def __init__(self, recipe: CompressionRecipe, *, judged: bool, width: int) -> None:
        self._recipe, self._done = recipe, 0
        names = [f"{number + 1} {step.do}" for number, step in enumerate(recipe.steps)]
        columns = [
            Column("step", max(len(name) for name in ["teacher", *names]), right=False),
            Column("params", 6),
            Column("mult-adds", 9),
            Column("size", 7),
            Column("ms", 7),
            Column("change", 6),
        ]
        left = width - sum(column.width + 2 for column in columns)
        self._measures = self._shown()[: max(0, left // (_QUALITY_WIDTH + 2))] if judged else []
        columns += [Column(PAIRED[measure].short, _QUALITY_WIDTH) for measure in self._measures]
        self._names, self._table = names, GrowingTable(columns)
        self._announce_next()

    def _shown(self) -> list[str]:
        allowed = [QUALITY_ALLOWANCES[name] for name in self._recipe.allowance.of_quality]
        return [*allowed, *(measure for measure in PAIRED if measure not in allowed)]

    def teacher(self, cost: Cost) -> None:
        """Print the first row."""
        self._table.row(["teacher", *_cost(cost), "", *[""] * len(self._measures)])
        self._announce_next()

    def step(self, record: StepRecord) -> None:
        """Print the row of a step that has ended."""
        name = self._names[self._done]
        cells = [name, *_cost(record.cost), f"{record.error:.3f}"]
        colours: list[str | None] = [None] * len(cells)
        for measure in self._measures:
            figure = record.quality.figure(measure) if record.quality else None
            cells.append(_change(figure))
            colours.append(self._colour(measure, figure) if record.variant else None)
        self._table.row(cells, colours)
        self._done += 1
        self._announce_next()

    def _colour(self, measure: str, figure: Paired | None) -> str | None:
        for name, allowed in self._recipe.allowance.of_quality.items():
            if QUALITY_ALLOWANCES[name] == measure and figure:
                return _COLOURS[verdict_on(name, allowed, figure)]
        return None

    def _announce_next(self) -> None:
        if self._done < len(self._names):
            announce(f"{self._names[self._done]} …")

    def sum_up(self, compressed: Compressed) -> None:
        """Print what the columns mean, and how the result stands to what the recipe allows."""
        announce("")
        click.echo("\nchange: relative L2 of samples to those of the model before, same noise (median)")
        if self._measures:
            names = ", ".join(PAIRED[measure].short for measure in self._measures)
            click.echo(f"{names}: against the teacher's; at a glance where there is no graph yet")
        click.echo(f"teacher to float student: {compressed.student_relative_l2:.3f}")
        if compressed.judged_on:
            on = compressed.judged_on
            simulated = ", simulated" if on.simulated else ""
            click.echo(
                f"\nHeld to the recipe on {on.records:,} {on.split} records of {on.patients:,} patients{simulated}, "
                f"{on.seeds} draws of noise:\n"
            )
            print_held(held(self._recipe, compressed))
            for note in on.notes:
                click.echo(f"note: {note}", err=True)


def print_held(found: tuple[Held, ...]) -> None:
    """Each allowance with what was found: ✓ inside, ~ inside but not surely, ✗ outside."""
    rows = [
        [
            "✓" if one.passed else "✗" if one.step else "~",
            one.variant or "student",
            one.allowance,
            _number(one.value),
            _number(one.bound),
            f"{one.allowed:g}",
        ]
        for one in found
    ]
    print_table(["", "variant", "allowance", "found", "no worse than", "allowed"], rows)


def print_end(
    bundle: Bundle,
    compressed: Compressed,
    seed: int,
    *,
    teacher: Path,
    against: str | None,
    evaluated: bool,
    report: Path | None,
) -> None:
    """What was won, whether quality was kept, and what to do next."""
    default = bundle.manifest.default_precision
    before, after = compressed.teacher_cost, compressed.made(default).cost
    click.echo("")
    won = (
        comparison(before.bytes / after.bytes, above="smaller", below="larger", same="same size"),
        comparison(before.latency_ms / after.latency_ms, above="faster", below="slower", same="same speed"),
    )
    click.echo(f"{click.style('   '.join(won), bold=True)}   {_kept(compressed.made(default).quality)}".rstrip())
    if compressed.judged_on is None:
        click.echo("Quality was not judged: only how far samples moved is known. Judge it with --against DATA.")
    for told in compressed.notes():
        click.echo(told)
    click.echo(f"\n{bundle.path}: {readable_bytes(bundle.size)} in all, default {default}, seed {seed}")
    if report:
        click.echo(f"Look at it:  {report.resolve().as_uri()}")
    click.echo(f"Next:  edgeward generate {bundle.path} -n 100 -o samples.npz")
    if not evaluated:
        data = against or "DATA"
        click.echo(f"       edgeward evaluate {bundle.path} --against {data} --teacher {teacher} --attach")


def _kept(quality: Quality | None) -> str:
    """The share of the teacher's usefulness that is left."""
    figure = quality.figure("tstr") if quality else None
    if not figure or figure.mine is None or not figure.teacher:
        return ""
    return f"TSTR {figure.mine:.3f} of the teacher's {figure.teacher:.3f}"


def _cost(cost: Cost) -> list[str]:
    return [
        readable_count(cost.parameters),
        readable_count(cost.multiply_adds),
        readable_bytes(cost.bytes),
        f"{cost.latency_ms:.3f}" if cost.latency_ms < 100 else f"{cost.latency_ms:.0f}",
    ]


def _change(figure: Paired | None) -> str:
    if figure is None or figure.change is None:
        return ""
    return f"{figure.change:.2f}{_TIMES}" if PAIRED[figure.measure].as_ratio else f"{figure.change:+.3f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
