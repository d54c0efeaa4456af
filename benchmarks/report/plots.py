"""Curves and histograms of several rows over one horizontal axis, as SVG that scales with its column."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...runtime.errors import RequestError
from .marks import Mark
from .scale import Scale, round_scale

FloatArray = npt.NDArray[np.floating]

_WIDTH, _HEIGHT = 360, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 10, 20, 36
_BINS = 30
_OUTLIERS = 0.005
"""Share of all values at either end that does not stretch the axis."""


@dataclass(frozen=True)
class Series:
    """The values of one row."""

    label: str
    mark: Mark
    values: FloatArray
    """[n]; what is not finite is left out of the drawing."""
    filled: bool = False
    """Whether the area below it is: for the one that others are compared with."""


def line_plot(x: FloatArray, series: Sequence[Series], *, x_label: str, y_label: str, description: str) -> str:
    """Curves over `x`.

    Args:
        x: [n], increasing.
        series: Each with values [n]; the first is drawn on top.
        x_label: With its unit.
        y_label: With its unit.
        description: For people who do not see the drawing.

    Raises:
        RequestError: There is nothing finite to draw, or the lengths differ.
    """
    for one in series:
        if one.values.shape != x.shape:
            raise RequestError(f"{one.label!r} has {one.values.shape} values for {x.shape} places on the axis")
    finite = [one.values[np.isfinite(one.values)] for one in series]
    if not any(len(values) for values in finite):
        raise RequestError("a plot of lines needs at least one finite value")
    horizontal = round_scale([float(x.min()), float(x.max())])
    horizontal = Scale(float(x.min()), float(x.max()), horizontal.ticks, horizontal.decimals)
    vertical = round_scale(float(value) for values in finite if len(values) for value in (values.min(), values.max()))
    lines = []
    for one in reversed(series):
        known = np.isfinite(one.values)
        points = _points(x[known], one.values[known], horizontal, vertical)
        if len(points):
            lines.append(_curve(one.mark, "M" + "L".join(points)))
    return _plot("".join(lines), horizontal, vertical, x_label, y_label, description)


def histogram_plot(series: Sequence[Series], *, x_label: str, description: str) -> str:
    """Shares of each row's values in the same bins, as steps; the few values beyond the axis count at its ends.

    Args:
        series: The first is drawn on top, filled ones below all.
        x_label: With its unit.
        description: For people who do not see the drawing.

    Raises:
        RequestError: There is nothing finite to draw.
    """
    finite = [one.values[np.isfinite(one.values)].astype(np.float64) for one in series]
    if not any(len(values) for values in finite):
        raise RequestError("a histogram needs at least one finite value")
    ends = [np.quantile(values, [_OUTLIERS, 1 - _OUTLIERS]) for values in finite if len(values)]
    horizontal = round_scale(float(end) for pair in ends for end in pair)
    edges = np.linspace(horizontal.first, horizontal.last, _BINS + 1)
    shares = [
        np.histogram(values.clip(edges[0], edges[-1]), edges)[0] / len(values) if len(values) else None
        for values in finite
    ]
    vertical = round_scale([0.0, *(100 * float(share.max()) for share in shares if share is not None)], steps=3)
    drawn = []
    for one, share in sorted(zip(series, shares, strict=True), key=lambda pair: not pair[0].filled):
        if share is not None:
            x, y = np.repeat(edges, 2), np.concatenate([[0.0], np.repeat(100 * share, 2), [0.0]])
            path = "M" + "L".join(_points(x, y, horizontal, vertical))
            drawn.append(_area(one.mark, path) + _curve(one.mark, path) if one.filled else _curve(one.mark, path))
    return _plot("".join(drawn), horizontal, vertical, x_label, "% of records", description)


def _points(x: FloatArray, y: FloatArray, horizontal: Scale, vertical: Scale) -> list[str]:
    return [f"{_across(horizontal, float(a)):.1f} {_down(vertical, float(b)):.1f}" for a, b in zip(x, y, strict=True)]


def _across(scale: Scale, value: float) -> float:
    return _LEFT + scale.fraction(value) * (_WIDTH - _LEFT - _RIGHT)


def _down(scale: Scale, value: float) -> float:
    return _TOP + (1 - scale.fraction(value)) * (_HEIGHT - _TOP - _BOTTOM)


def _curve(mark: Mark, path: str) -> str:
    dash = f' stroke-dasharray="{mark.dash}"' if mark.dash else ""
    return f'<path class="plot-line {mark.css_class}" d="{path}"{dash}/>'


def _area(mark: Mark, path: str) -> str:
    return f'<path class="plot-area {mark.css_class}" d="{path}"/>'


def _plot(drawing: str, horizontal: Scale, vertical: Scale, x_label: str, y_label: str, description: str) -> str:
    parts = []
    bottom = _HEIGHT - _BOTTOM
    for tick in vertical.ticks:
        y = _down(vertical, tick)
        parts.append(
            f'<line class="plot-grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="plot-text" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{vertical.text(tick)}</text>'
        )
    for tick in horizontal.ticks:
        if horizontal.first <= tick <= horizontal.last:
            x = _across(horizontal, tick)
            parts.append(
                f'<line class="plot-tick" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 4}"/>'
                f'<text class="plot-text" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">'
                f"{horizontal.text(tick)}</text>"
            )
    return (
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(description)}">'
        f"{''.join(parts)}{drawing}"
        f'<text class="plot-text" x="0" y="10">{html.escape(y_label)}</text>'
        f'<text class="plot-text" x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 4}" text-anchor="end">'
        f"{html.escape(x_label)}</text>"
        "</svg>"
    )
