"""Small horizontal charts: HTML for the words, inline SVG in percent for the bars, so they fit any width.

All scales are linear and start at the number given on their left end.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...runtime.errors import RequestError


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
    return _chart(_row(bar.label, bar.text, bar.note, bar.strong, _bar_drawing(bar, end)) for bar in bars)


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
            estimate.strong,
            f'<line class="chart-axis" x1="0" x2="100%" y1="50%" y2="50%"/>{band}'
            f"{_whisker(place(estimate.low), place(estimate.high))}{_cap(place(estimate.low))}"
            f'<circle class="chart-point" cx="{place(estimate.value)}" cy="50%" r="5"/>',
        )
        for estimate in estimates
    )
    scale = f'<div class="chart-scale" aria-hidden="true"><span>{first:g}</span><span>{last:g}</span></div>'
    return _chart(rows, scale)


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


def _chart(rows: Iterable[str], scale: str = "") -> str:
    return f'<div class="chart"><ul>{"".join(rows)}</ul>{scale}</div>'


def _row(label: str, text: str, note: str, strong: bool, drawing: str) -> str:
    kind = ' class="strong"' if strong else ""
    # The words carry every number, so the drawing is left out for those who listen.
    return (
        f'<li{kind}><span class="chart-label">{html.escape(label)}</span> '
        f'<span class="chart-value">{html.escape(text)}</span>'
        f'<svg class="chart-drawing" width="100%" height="20" aria-hidden="true">{drawing}</svg>'
        + (f'<span class="chart-note">{html.escape(note)}</span>' if note else "")
        + "</li>"
    )


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}%"


def _check(label: str, values: tuple[float, ...]) -> None:
    if not all(math.isfinite(value) and value >= 0 for value in values):
        raise RequestError(f"{label!r} cannot be drawn as a bar: {values} must be finite and not negative")
