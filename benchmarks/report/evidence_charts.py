"""Draws an evidence's figures: one small chart a measure, the same rows in each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..quality.evidence import COPIES, NOISE, REAL, Comparison, Evidence
from ..quality.figure import Figure
from ..quality.measures import MEASURES, Better
from .charts import Dot, DotRow, IntervalRow, dot_chart, interval_chart
from .evidence_content import Distribution, Spectrum
from .evidence_rows import Row, group_text, listed, row_for
from .plots import Series, histogram_plot, line_plot
from .quantities import ABSENT, count_text, interval_text, signed_text
from .scale import Scale, round_scale

_TPR_CHANCE = 0.01
_FAR = (COPIES, NOISE)
"""Rows that are meant to be bad at something."""
_OFF_SCALE = 1.0
"""They may stretch a scale by that much of what the other rows span; beyond, an arrow stands for them."""
_CONTROLS = {"loss_auc": "loss_control", "lira_auc": "lira_control"}


@dataclass(frozen=True)
class Chart:
    """A drawing with what must be read beside it."""

    title: str
    drawing: str
    """Markup."""
    aim: str = ""
    """Which way is better."""
    unused: str = ""
    """Why the measure counts for nothing on these data."""
    foot: tuple[str, ...] = ()
    """What it rests on."""


def measure_chart(
    evidence: Evidence,
    rows: Mapping[str, Row],
    measure: str,
    group: str = "all",
    *,
    unused: Mapping[str, str],
    title: str = "",
) -> Chart | None:
    """One measure of one part of the data over all rows, or None where no row has it."""
    figures = {f.source: f.figure for f in evidence.findings if (f.measure, f.group) == (measure, group)}
    # What is neither reference nor generator is what the others are compared with, as real records alone.
    ordered = {name: figures[name] for name in (*(n for n in figures if n not in rows), *rows) if name in figures}
    if not ordered:
        return None
    what = MEASURES[measure]
    aims = _aims(measure)
    controls = _controls(evidence, measure)
    scale = _scale(ordered, [*aims, *(end for control in controls.values() for end in _ends(control))])
    decimals = _decimals(scale)
    drawn: list[IntervalRow] = []
    for name, figure in ordered.items():
        row = row_for(rows, name)
        drawn.append(_interval_row(row.label, row, figure, decimals))
        if name in controls:
            drawn.append(_interval_row(f"{row.label}, control", row, controls[name], decimals, hollow=True))
    real = ordered.get(REAL)
    shaded = (real.low, real.high) if real and real.low is not None and real.high is not None else None
    return Chart(
        title=(title or what.title) + (f", {what.unit}" if what.unit else ""),
        drawing=interval_chart(drawn, scale, aims=aims, shaded=shaded, direction=_direction(what.better)),
        aim=_aim_text(measure),
        unused=unused.get(measure, ""),
        foot=_foot(ordered, rows),
    )


def group_charts(
    evidence: Evidence, rows: Mapping[str, Row], measure: str, *, unused: Mapping[str, str], kind: str = ""
) -> list[Chart]:
    """A measure's charts, one for each part of the data but the whole; `kind` takes those of one kind only."""
    groups = dict.fromkeys(f.group for f in evidence.findings if f.measure == measure and f.group != "all")
    charts = (
        measure_chart(evidence, rows, measure, group, unused=unused, title=group_text(group))
        for group in groups
        if group.startswith(kind)
    )
    return [chart for chart in charts if chart]


def group_dots(evidence: Evidence, rows: Mapping[str, Row], measure: str) -> Chart | None:
    """A measure over groups of patients: real data and generators in lanes of each group."""
    shown = [row for name, row in rows.items() if name not in (COPIES, NOISE)]
    figures = {(f.group, f.source): f.figure for f in evidence.findings if f.measure == measure}
    drawn, unknown = [], []
    for group in dict.fromkeys(group for group, _ in figures):
        dots, size = [], ""
        for row in shown:
            figure = figures.get((group, row.name))
            if figure and figure.value is not None:
                dots.append(Dot(row.mark, figure.value, figure.low, figure.high))
                size = _size(figure)
            elif figure and figure.note:
                size = size or figure.note
        if dots:
            drawn.append(DotRow(group_text(group), tuple(dots), size))
        else:
            unknown.append(f"{group_text(group)}: {size or 'not known'}")
    if not drawn:
        return None
    what = MEASURES[measure]
    scale = round_scale(
        end
        for row in drawn
        for dot in row.dots
        for end in (dot.value, dot.low, dot.high, *_aims(measure))
        if end is not None
    )
    return Chart(
        what.title, dot_chart(drawn, scale, direction=_direction(what.better)), _aim_text(measure), foot=tuple(unknown)
    )


def comparison_chart(rows: Mapping[str, Row], measure: str, comparisons: Sequence[Comparison]) -> Chart:
    """What compression cost by one measure: differences from the teacher, and how much was allowed."""
    ends = [
        end for c in comparisons for end in (c.value, c.low, c.high, c.bound, -(c.allowed or 0.0), c.allowed or 0.0)
    ]
    scale = round_scale([0.0, *ends])
    decimals = _decimals(scale)
    drawn = []
    for c in comparisons:
        row = row_for(rows, c.source)
        if c.allowed is None:
            note = "the recipe allows nothing by name"
        else:
            verdict = "inside" if c.inside else "not inside"
            note = (
                f"allowed loss {signed_text(c.allowed, decimals)}; bound {signed_text(c.bound, decimals)}: "
                f"{verdict} with 95 % confidence"
            )
        drawn.append(
            IntervalRow(
                row.label,
                interval_text(c.value, c.low, c.high, decimals),
                row.mark,
                c.value,
                c.low,
                c.high,
                note,
                allowed_from=None if c.allowed is None else -c.allowed,
                bound=c.bound,
            )
        )
    title = MEASURES[measure].title if measure in MEASURES else measure
    return Chart(
        title, interval_chart(drawn, scale, aims=(0.0,), direction="better \N{BLACK RIGHT-POINTING SMALL TRIANGLE}")
    )


def spectrum_chart(spectrum: Spectrum, rows: Mapping[str, Row]) -> Chart:
    """Mean spectra of one channel."""
    series = [_series(name, values, rows) for name, values in _in_order(spectrum.levels, rows)]
    description = f"mean power spectra of {spectrum.channel}: {listed(one.label for one in series)}"
    drawing = line_plot(spectrum.frequencies, series, x_label="Hz", y_label="dB", description=description)
    return Chart(spectrum.channel, drawing)


def distribution_chart(distribution: Distribution, rows: Mapping[str, Row]) -> Chart:
    """How one measurement is distributed; words say where nothing could be measured."""
    series = [_series(name, values, rows) for name, values in _in_order(distribution.values, rows)]
    lost = [
        f"{one.label} {1 - float(np.isfinite(one.values).mean()):.0%}"
        for one in series
        if len(one.values) and not np.isfinite(one.values).all()
    ]
    foot = (f"not measurable: {', '.join(lost)}",) if lost else ()
    if not any(np.isfinite(one.values).any() for one in series):
        return Chart(distribution.title, "", unused="it could be measured on no record", foot=foot)
    description = f"distributions of {distribution.title}: {listed(one.label for one in series)}"
    return Chart(
        distribution.title, histogram_plot(series, x_label=distribution.unit, description=description), foot=foot
    )


def _series(name: str, values: np.ndarray, rows: Mapping[str, Row]) -> Series:
    row = row_for(rows, name)
    return Series(row.label, row.mark, np.asarray(values, dtype=np.float64), filled=name == REAL)


def _in_order(by_row: Mapping[str, np.ndarray], rows: Mapping[str, Row]) -> Iterable[tuple[str, np.ndarray]]:
    return [(name, by_row[name]) for name in dict.fromkeys((*rows, *by_row)) if name in by_row]


def _interval_row(label: str, row: Row, figure: Figure, decimals: int, *, hollow: bool = False) -> IntervalRow:
    mark = row.mark.emptied() if hollow else row.mark
    if figure.value is None:
        return IntervalRow(label, ABSENT, mark, None, note=figure.note)
    text = interval_text(figure.value, figure.low, figure.high, decimals)
    return IntervalRow(label, text, mark, figure.value, figure.low, figure.high)


def _controls(evidence: Evidence, measure: str) -> dict[str, Figure]:
    control = _CONTROLS.get(measure)
    return {f.source: f.figure for f in evidence.findings if control and (f.measure, f.group) == (control, "all")}


def _aims(measure: str) -> tuple[float, ...]:
    if measure.endswith("_tpr"):
        return (_TPR_CHANCE,)
    aims: Mapping[Better, float] = {"lower": 0.0, "higher": 1.0, "half": 0.5}
    return (aims[MEASURES[measure].better],)


def _aim_text(measure: str) -> str:
    if measure.endswith("_tpr"):
        return f"lower is better, {_TPR_CHANCE} is chance"
    words: Mapping[Better, str] = {
        "lower": "lower is better, 0 is ideal",
        "higher": "higher is better, 1 is ideal",
        "half": "0.5 is ideal: chance",
    }
    return words[MEASURES[measure].better]


def _direction(better: Better) -> str:
    left, right = "\N{BLACK LEFT-POINTING SMALL TRIANGLE} better", "better \N{BLACK RIGHT-POINTING SMALL TRIANGLE}"
    return right if better == "higher" else left


def _ends(figure: Figure) -> list[float]:
    return [end for end in (figure.value, figure.low, figure.high) if end is not None]


def _scale(figures: Mapping[str, Figure], others: Iterable[float]) -> Scale:
    ends = [*others, *(end for name, figure in figures.items() if name not in _FAR for end in _ends(figure))]
    span = max(ends) - min(ends)
    for far in (_ends(figures[name]) for name in _FAR if name in figures):
        if far and (not span or max(max(far) - max(ends), min(ends) - min(far)) <= _OFF_SCALE * span):
            ends += far
    return round_scale(ends)


def _decimals(scale: Scale) -> int:
    """Enough to tell a hundredth of the scale."""
    return max(0, 1 - math.floor(math.log10((scale.last - scale.first) / 4)))


def _size(figure: Figure) -> str:
    who = f" of {count_text(figure.patients)} patient{'s' * (figure.patients != 1)}" if figure.patients else ""
    return f"{count_text(figure.n)} records{who}" if figure.n else ""


def _foot(figures: Mapping[str, Figure], rows: Mapping[str, Row]) -> tuple[str, ...]:
    """Sizes and remarks; one that holds for every row stands once."""
    foot = []
    known = {name: figure for name, figure in figures.items() if figure.value is not None}
    sizes = {name: _size(figure) for name, figure in known.items()}
    seeds = {figure.seeds for figure in known.values() if figure.seeds > 1}
    if seeds:
        foot.append(f"mean of {listed(str(number) for number in sorted(seeds))} models")
    for said in (sizes, {name: figure.note for name, figure in known.items()}):
        for text in dict.fromkeys(said.values()):
            those = [row_for(rows, name).label for name, other in said.items() if other == text]
            if text:
                foot.append(text if len(those) == len(said) else f"{listed(those)}: {text}")
    return tuple(foot)
