"""Small horizontal charts: HTML for the words, inline SVG in percent for the bars, so they fit any width.

All scales are linear and start at the number given on their left end.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...runtime.errors import RequestError
from .marks import Mark, placed
from .scale import Scale

_LANE = 12
"""Height in px of one of a row's dots."""


@dataclass(frozen=True)
class Bar:
    """One quantity that starts at zero, with an optional second, larger one as a whisker."""

    label: str
    value: float
    text: str
    """The value with its unit, as written beside the bar."""
    tail: float | None = None
    """Where the whisker ends, e.g. the 99th percentile; `None` draws none."""
    note: str = ""
    """E.g. the ratio against the first bar."""
    strong: bool = False
    """Whether it is the one the chart is about."""


@dataclass(frozen=True)
class Estimate:
    """One estimate with its confidence interval, low <= value <= high."""

    label: str
    value: float
    low: float
    high: float
    text: str
    note: str = ""
    strong: bool = False


@dataclass(frozen=True)
class IntervalRow:
    """One row of a chart of values with their intervals."""

    label: str
    text: str
    """Value and interval as written beside the drawing."""
    mark: Mark
    value: float | None
    """None where it is not known: the row then has words only."""
    low: float | None = None
    high: float | None = None
    note: str = ""
    allowed_from: float | None = None
    """What lies right of it is shaded as allowed; None shades nothing."""
    bound: float | None = None
    """Drawn as a tick of its own, e.g. a one-sided bound."""


@dataclass(frozen=True)
class Dot:
    """One of several values that share a row."""

    mark: Mark
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class DotRow:
    """Several values of one group, in lanes below each other."""

    label: str
    dots: tuple[Dot, ...]
    note: str = ""


def bar_chart(bars: Sequence[Bar]) -> str:
    """Bars on one linear scale from zero to the largest value or whisker.

    Raises:
        RequestError: There is no bar, or a value is negative or not finite.
    """
    if not bars:
        raise RequestError("a bar chart needs at least one bar")
    for bar in bars:
        _check(bar.label, (bar.value, bar.value if bar.tail is None else bar.tail))
    end = max(max(bar.value, bar.tail or 0) for bar in bars) or 1.0
    return _chart(
        _row(bar.label, bar.text, bar.note, "strong" if bar.strong else "", _bar_drawing(bar, end)) for bar in bars
    )


def estimate_chart(estimates: Sequence[Estimate], *, first: float = 0.0, last: float = 1.0) -> str:
    """Points with interval whiskers on one linear scale; the first one's interval is shaded through all rows.

    Args:
        estimates: The reference first.
        first: Left end of the scale.
        last: Right end of the scale.

    Raises:
        RequestError: There is no estimate, or one is not finite, out of the scale, or outside its interval.
    """
    if not estimates:
        raise RequestError("a chart of estimates needs at least one")
    for estimate in estimates:
        if not first <= estimate.low <= estimate.value <= estimate.high <= last:
            raise RequestError(
                f"{estimate.label!r}: {estimate.value} with interval {estimate.low} to {estimate.high} does "
                f"not fit a scale from {first:g} to {last:g}"
            )
    span = last - first

    def place(value: float) -> str:
        return _percent((value - first) / span)

    reference = estimates[0]
    band = (
        f'<rect class="chart-band" x="{place(reference.low)}" height="100%" '
        f'width="{_percent((reference.high - reference.low) / span)}"/>'
    )
    rows = (
        _row(
            estimate.label,
            estimate.text,
            estimate.note,
            "strong" if estimate.strong else "",
            f'<line class="chart-axis" x1="0" x2="100%" y1="50%" y2="50%"/>{band}'
            f"{_whisker(place(estimate.low), place(estimate.high))}{_cap(place(estimate.low))}"
            f'<circle class="chart-point" cx="{place(estimate.value)}" cy="50%" r="5"/>',
        )
        for estimate in estimates
    )
    scale = f'<div class="chart-scale" aria-hidden="true"><span>{first:g}</span><span>{last:g}</span></div>'
    return _chart(rows, scale)


def interval_chart(
    rows: Sequence[IntervalRow],
    scale: Scale,
    *,
    aims: Sequence[float] = (),
    shaded: tuple[float, float] | None = None,
    direction: str = "",
) -> str:
    """Values with their intervals, label and number left and right of each; what leaves the scale ends in an arrow.

    Args:
        rows: From top to bottom.
        scale: Of every row.
        aims: Where a dashed line runs through all rows: what is ideal, or what chance gives.
        shaded: From where to where all rows are shaded, e.g. the interval of real data.
        direction: Words between the ends of the scale, e.g. which way is better.

    Raises:
        RequestError: There is no row, or a number is not finite.
    """
    if not rows:
        raise RequestError("a chart of intervals needs at least one row")
    for row in rows:
        _check_interval(row.label, row.value, row.low, row.high)
    behind = _shade(scale, *shaded, "chart-shade") if shaded else ""
    behind += "".join(_aim(scale, aim) for aim in aims)
    return _chart((_interval_row(row, scale, behind) for row in rows), _scale_text(scale, direction), kind="intervals")


def dot_chart(rows: Sequence[DotRow], scale: Scale, *, direction: str = "") -> str:
    """Groups below each other, in each the same marks in lanes, so that one mark is followed from group to group.

    Raises:
        RequestError: There is no row, or a number is not finite.
    """
    if not rows:
        raise RequestError("a chart of dots needs at least one row")
    drawn = []
    for row in rows:
        lanes = ""
        for number, dot in enumerate(row.dots):
            _check_interval(row.label, dot.value, dot.low, dot.high)
            lanes += _marked(dot.mark, scale, dot.value, dot.low, dot.high, f"{_LANE * number + _LANE // 2}")
        drawn.append(_row(row.label, "", row.note, "", lanes, height=_LANE * len(row.dots)))
    return _chart(drawn, _scale_text(scale, direction), kind="dots")


def _interval_row(row: IntervalRow, scale: Scale, behind: str) -> str:
    drawing = '<line class="chart-axis" x1="0" x2="100%" y1="50%" y2="50%"/>' + behind
    if row.allowed_from is not None:
        drawing += _shade(scale, row.allowed_from, scale.last, "chart-allowed")
    if row.value is not None:
        drawing += _marked(row.mark, scale, row.value, row.low, row.high, "50%")
    if row.bound is not None:
        x = _place(scale, row.bound)
        drawing += f'<line class="chart-whisker {row.mark.css_class}" x1="{x}" x2="{x}" y1="10%" y2="90%"/>'
    return _row(row.label, row.text, row.note, "" if row.value is not None else "absent", drawing)


def _marked(mark: Mark, scale: Scale, value: float, low: float | None, high: float | None, y: str) -> str:
    """A mark with its whisker; an arrow at the end of the scale where the value leaves it."""
    drawing = ""
    if low is not None and high is not None and low <= scale.last and high >= scale.first:
        drawing += (
            f'<line class="chart-whisker {mark.css_class}" x1="{_place(scale, low)}" x2="{_place(scale, high)}" '
            f'y1="{y}" y2="{y}"/>'
        )
    if scale.first <= value <= scale.last:
        return drawing + placed(mark, _place(scale, value), y)
    x, path = ("100%", "M-7-4.5L1 0L-7 4.5") if value > scale.last else ("0%", "M7-4.5L-1 0L7 4.5")
    return (
        f'{drawing}<svg class="{mark.css_class}" x="{x}" y="{y}" width="1" height="1" overflow="visible">'
        f'<path class="mark-arrow" d="{path}"/></svg>'
    )


def _shade(scale: Scale, start: float, end: float, kind: str) -> str:
    left, right = (min(max(scale.fraction(value), 0.0), 1.0) for value in (start, end))
    return f'<rect class="{kind}" x="{_percent(left)}" y="-15%" width="{_percent(right - left)}" height="130%"/>'


def _aim(scale: Scale, value: float) -> str:
    x = _place(scale, value)
    return f'<line class="chart-aim" x1="{x}" x2="{x}" y1="-30%" y2="130%"/>'


def _place(scale: Scale, value: float) -> str:
    return _percent(min(max(scale.fraction(value), 0.0), 1.0))


def _scale_text(scale: Scale, direction: str) -> str:
    words = (scale.text(scale.first), html.escape(direction), scale.text(scale.last))
    return f'<div class="chart-scale" aria-hidden="true">{"".join(f"<span>{word}</span>" for word in words)}</div>'


def _check_interval(label: str, value: float | None, low: float | None, high: float | None) -> None:
    known = [number for number in (low, value, high) if number is not None]
    if not all(math.isfinite(number) for number in known) or (low is None) != (high is None):
        raise RequestError(f"{label!r} cannot be drawn: {value} with interval {low} to {high}")
    if value is None and known:
        raise RequestError(f"{label!r} has an interval, {low} to {high}, but no value")


def _bar_drawing(bar: Bar, end: float) -> str:
    drawing = f'<rect class="chart-bar" width="{_percent(bar.value / end)}" y="20%" height="60%"/>'
    if bar.tail is not None:
        tail = _percent(bar.tail / end)
        start = _percent(bar.value / end)
        drawing += _whisker(start, tail)
    return drawing


def _whisker(start: str, end: str) -> str:
    """A line with a cap at its end."""
    return f'<line class="chart-whisker" x1="{start}" x2="{end}" y1="50%" y2="50%"/>{_cap(end)}'


def _cap(x: str) -> str:
    return f'<line class="chart-whisker" x1="{x}" x2="{x}" y1="25%" y2="75%"/>'


def _chart(rows: Iterable[str], scale: str = "", *, kind: str = "") -> str:
    return f'<div class="chart{" " if kind else ""}{kind}"><ul>{"".join(rows)}</ul>{scale}</div>'


def _row(label: str, text: str, note: str, kind: str, drawing: str, *, height: int = 20) -> str:
    kind = f' class="{kind}"' if kind else ""
    # The words carry every number, so the drawing is left out for those who listen.
    return (
        f'<li{kind}><span class="chart-label">{html.escape(label)}</span> '
        f'<span class="chart-value">{html.escape(text)}</span>'
        f'<svg class="chart-drawing" width="100%" height="{height}" aria-hidden="true">{drawing}</svg>'
        + (f'<span class="chart-note">{html.escape(note)}</span>' if note else "")
        + "</li>"
    )


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}%"


def _check(label: str, values: tuple[float, ...]) -> None:
    if not all(math.isfinite(value) and value >= 0 for value in values):
        raise RequestError(f"{label!r} cannot be drawn as a bar: {values} must be finite and not negative")
