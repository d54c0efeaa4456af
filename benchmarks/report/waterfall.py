"""Waterfalls: what each step took off a quantity, on a logarithmic scale, where equal lengths are equal factors."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...runtime.errors import RequestError
from .quantities import is_same, ratio_text


@dataclass(frozen=True)
class Fall:
    """One row: a quantity before and after a step."""

    label: str
    value: float
    text: str
    """The value with its unit."""
    before: float | None = None
    """None of the first row, which no step came before."""
    strong: bool = False
    """Whether it is what ships."""


@dataclass(frozen=True)
class _Decades:
    """From one power of ten to another."""

    first: int
    last: int

    def place(self, value: float) -> float:
        """Where a value lies, in per cent of the width."""
        return 100.0 * (math.log10(value) - self.first) / (self.last - self.first)


def waterfall(falls: Sequence[Fall]) -> str:
    """The rows below each other: pale what is left, full what the step took off, hatched what it put on.

    Raises:
        RequestError: There is no row, or a value is not above 0.
    """
    if not falls:
        raise RequestError("a waterfall needs at least one row")
    values = [value for fall in falls for value in (fall.value, fall.before) if value is not None]
    if not all(math.isfinite(value) and value > 0 for value in values):
        raise RequestError(f"a waterfall cannot show {values}: its values must be above 0")
    # Half a decade of air on the left, so that the smallest is seen to be something.
    scale = _Decades(math.floor(math.log10(min(values)) - 0.3), math.ceil(math.log10(max(values)) - 1e-9))
    return f'<div class="chart waterfall"><ul>{"".join(_row(fall, scale) for fall in falls)}</ul></div>'


def _row(fall: Fall, scale: _Decades) -> str:
    here = scale.place(fall.value)
    drawing = _ticks(scale) + f'<rect class="fall-left" width="{here:.2f}%" y="20%" height="60%"/>'
    note = ""
    if fall.before is not None:
        there = scale.place(fall.before)
        kind = "fall-won" if fall.value <= fall.before else "fall-lost"
        drawing += (
            f'<rect class="{kind}" x="{min(here, there):.2f}%" width="{abs(here - there):.2f}%" y="20%" height="60%"/>'
        )
        note = _factor(fall.before / fall.value)
    drawing += f'<line class="fall-end" x1="{here:.2f}%" x2="{here:.2f}%" y1="5%" y2="95%"/>'
    return (
        f'<li{" class=strong" if fall.strong else ""}><span class="chart-label">{html.escape(fall.label)}</span> '
        f'<svg class="chart-drawing" width="100%" height="22" aria-hidden="true">{drawing}</svg>'
        f'<span class="chart-value">{html.escape(fall.text)}</span>'
        f'<span class="fall-factor">{html.escape(note)}</span></li>'
    )


def _ticks(scale: _Decades) -> str:
    """A hair at each power of ten."""
    places = (100.0 * number / (scale.last - scale.first) for number in range(scale.last - scale.first + 1))
    return "".join(f'<line class="chart-axis" x1="{x:.2f}%" x2="{x:.2f}%" y1="-15%" y2="115%"/>' for x in places)


def _factor(ratio: float) -> str:
    """What a step did to a quantity, e.g. `÷ 3.9`; nothing where repeated measurements differ as much."""
    if is_same(ratio):
        return "="
    sign, factor = ("\N{DIVISION SIGN}", ratio) if ratio > 1 else ("\N{MULTIPLICATION SIGN}", 1 / ratio)
    return f"{sign}\N{NO-BREAK SPACE}{ratio_text(factor)[:-1]}"
