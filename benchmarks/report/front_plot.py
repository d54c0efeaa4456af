"""The front of a search as one SVG file: quality lost against latency, marks as large as the graphs they stand for."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...runtime.errors import RequestError
from .marks import CIRCLE, DIAMOND, SQUARE, UP
from .scale import Scale, round_scale

_WIDTH, _HEIGHT = 720, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 24, 76, 58
_SHAPES = (CIRCLE, SQUARE, DIAMOND, UP)
_SMALLEST, _LARGEST = 0.8, 2.6
"""Of a mark, in units of its drawing."""

# The file stands alone, so it brings the colours of the pages with it.
_STYLE = """
svg { --page: #fdfcfa; --ink: #1d1f22; --quiet: #5d6167; --rule: #dcd9d3; --accent: #14606e; --bar: #b9bdc1;
  --allowed: #14606e14; font: 13px system-ui, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif; }
@media screen and (prefers-color-scheme: dark) {
  svg { --page: #15171a; --ink: #e7e5e1; --quiet: #a2a6ab; --rule: #34373b; --accent: #6fc3cf; --bar: #565b61;
    --allowed: #6fc3cf1c; } }
.page { fill: var(--page); } .rule { stroke: var(--rule); } .allowed { fill: var(--allowed); }
.goal { stroke: var(--accent); stroke-dasharray: 5 4; } text { fill: var(--quiet); }
.title { fill: var(--ink); font-size: 16px; font-weight: 650; } .strong { fill: var(--accent); font-weight: 650; }
.front { fill: none; stroke: var(--accent); stroke-width: 1.2; opacity: .7; }
.range { fill: none; stroke: var(--ink); stroke-width: 1.4; }
.mark { fill: var(--page); stroke: var(--bar); stroke-width: 1; } .mark.on { fill: var(--accent); stroke: none; }
.taken { fill: none; stroke: var(--ink); stroke-width: 1.8; }
"""


@dataclass(frozen=True)
class FrontMark:
    """One candidate's graph."""

    variant: str
    """Marks of one variant have one shape."""
    x: float
    """Above 0."""
    y: float
    bytes: int
    on_front: bool
    taken: bool = False
    """The one that was chosen, or is nearest to what was asked."""
    low: float | None = None
    """Lower end of the range of `x`; drawn for the one taken."""
    high: float | None = None


def front_plot(
    marks: Sequence[FrontMark],
    *,
    title: str,
    x_label: str,
    y_label: str,
    x_goal: float | None = None,
    y_goal: float | None = None,
    taken_label: str = "taken",
) -> str:
    """The SVG file's text.

    Args:
        marks: In any order.
        title: What it shows.
        x_label: With its unit; the axis is logarithmic.
        y_label: What is lost; 0 is nothing.
        x_goal: What was asked for; None: nothing.
        y_goal: Likewise.
        taken_label: Written beside the mark that was taken.

    Raises:
        RequestError: There is no mark, or a number cannot be drawn.
    """
    if not marks or not all(0 < mark.x < math.inf and math.isfinite(mark.y) and mark.bytes > 0 for mark in marks):
        raise RequestError("a front needs at least one candidate, with a latency, a size and a finite loss")
    across = _LogScale.of([m.x for m in marks] + [end for m in marks if m.taken for end in (m.low, m.high) if end])
    down = round_scale([0.0, *(mark.y for mark in marks), *([y_goal] if y_goal is not None else [])], steps=5)
    shapes = {name: _SHAPES[number % len(_SHAPES)] for number, name in enumerate(sorted({m.variant for m in marks}))}
    largest = max(mark.bytes for mark in marks)
    parts = [_grid(across, down), _goals(across, down, x_goal, y_goal)]
    line = sorted((mark for mark in marks if mark.on_front), key=lambda mark: (mark.x, mark.y))
    parts.append(_steps(_lower_edge(line), across, down))
    for mark in sorted(marks, key=lambda mark: (mark.on_front, mark.taken, -mark.bytes)):
        x, y, size = across.place(mark.x), _y(down, mark.y), _size(mark.bytes, largest)
        if mark.taken and mark.low and mark.high:
            parts.append(_whisker(across.place(mark.low), across.place(mark.high), y))
        parts.append(
            f'<path class="mark{" on" if mark.on_front else ""}" d="{shapes[mark.variant]}" '
            f'transform="translate({x:.1f} {y:.1f}) scale({size:.2f})"/>'
        )
        if mark.taken:
            radius = 5 * size + 4
            parts.append(f'<circle class="taken" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>')
            right = x < _WIDTH * 0.7
            parts.append(
                f'<text class="strong" x="{x + (radius + 5) * (1 if right else -1):.1f}" y="{y - 7:.1f}" '
                f'text-anchor="{"start" if right else "end"}">{html.escape(taken_label)}</text>'
            )
    key = _key(shapes, asked=x_goal is not None or y_goal is not None, ranged=any(m.taken and m.low for m in marks))
    description = (
        f"{title}. {y_label} against {x_label} of {len(marks)} graphs; the table beside this file has them all."
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" role="img" aria-label="{html.escape(description)}">\n<style>{_STYLE}</style>\n'
        f'<rect class="page" width="100%" height="100%"/>\n'
        f'<text class="title" x="{_LEFT}" y="26">{html.escape(title)}</text>\n{key}\n'
        f"{''.join(parts)}\n"
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 12}" text-anchor="end">{html.escape(x_label)}</text>\n'
        f'<text x="{_LEFT}" y="{_HEIGHT - 12}">area of a mark: bytes</text>\n'
        f'<text x="{_LEFT}" y="{_TOP - 10}">{html.escape(y_label)}</text>\n</svg>\n'
    )


@dataclass(frozen=True)
class _LogScale:
    """A logarithmic axis between two round numbers."""

    first: float
    last: float

    @classmethod
    def of(cls, values: Sequence[float]) -> _LogScale:
        low, high = min(values) / 1.15, max(values) * 1.15
        steps = [base * 10.0**power for power in range(-9, 10) for base in (1, 2, 5)]
        return cls(max(step for step in steps if step <= low), min(step for step in steps if step >= high))

    def ticks(self) -> list[float]:
        steps = [base * 10.0**power for power in range(-9, 10) for base in (1, 2, 5)]
        return [step for step in steps if self.first * 0.999 <= step <= self.last * 1.001]

    def place(self, value: float) -> float:
        share = math.log(value / self.first) / math.log(self.last / self.first)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(scale: Scale, value: float) -> float:
    return _TOP + (1 - scale.fraction(value)) * (_HEIGHT - _TOP - _BOTTOM)


def _size(size: int, largest: int) -> float:
    """Area goes with bytes, down to what can still be seen."""
    return max(_SMALLEST, _LARGEST * math.sqrt(size / largest))


def _grid(across: _LogScale, down: Scale) -> str:
    parts = []
    for tick in down.ticks:
        y = _y(down, tick)
        parts.append(
            f'<line class="rule" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{down.text(tick)}</text>'
        )
    for tick in across.ticks():
        x = across.place(tick)
        parts.append(
            f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="{_HEIGHT - _BOTTOM}" y2="{_HEIGHT - _BOTTOM + 5}"/>'
            f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle">{tick:g}</text>'
        )
    return "".join(parts)


def _goals(across: _LogScale, down: Scale, x_goal: float | None, y_goal: float | None) -> str:
    """What was asked for: a shaded corner, with a dashed line along each limit that the axes reach."""
    right = _WIDTH - _RIGHT if x_goal is None else min(max(across.place(x_goal), _LEFT), _WIDTH - _RIGHT)
    top = _TOP if y_goal is None else min(max(_y(down, y_goal), _TOP), _HEIGHT - _BOTTOM)
    bottom, parts = _HEIGHT - _BOTTOM, []
    if x_goal is None and y_goal is None:
        return ""
    if right > _LEFT:
        parts.append(
            f'<rect class="allowed" x="{_LEFT}" y="{top:.1f}" width="{right - _LEFT:.1f}" height="{bottom - top:.1f}"/>'
        )
    if x_goal is not None and _LEFT < right < _WIDTH - _RIGHT:
        parts.append(f'<line class="goal" x1="{right:.1f}" x2="{right:.1f}" y1="{_TOP}" y2="{bottom}"/>')
    if y_goal is not None:
        parts.append(f'<line class="goal" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{top:.1f}" y2="{top:.1f}"/>')
    return "".join(parts)


def _lower_edge(line: Sequence[FrontMark]) -> list[FrontMark]:
    """Of the marks of the front, which differ in size too, those no other beats in what is drawn."""
    edge: list[FrontMark] = []
    for mark in line:
        if not edge or mark.y < edge[-1].y:
            edge.append(mark)
    return edge


def _steps(edge: Sequence[FrontMark], across: _LogScale, down: Scale) -> str:
    """The front as steps: up to the next mark, nothing better is known."""
    path = ""
    for number, mark in enumerate(edge):
        x, y = across.place(mark.x), _y(down, mark.y)
        path += f"M{x:.1f} {y:.1f}" if number == 0 else f"H{x:.1f}V{y:.1f}"
    return f'<path class="front" d="{path}"/>' if len(edge) > 1 else ""


def _whisker(left: float, right: float, y: float) -> str:
    caps = "".join(f"M{x:.1f} {y - 5:.1f}v10" for x in (left, right))
    return f'<path class="range" d="M{left:.1f} {y:.1f}H{right:.1f}{caps}"/>'


def _key(shapes: dict[str, str], *, asked: bool, ranged: bool) -> str:
    parts, x = [], _LEFT
    words = [*((name, shape, "mark on") for name, shape in shapes.items()), ("beaten by another", CIRCLE, "mark")]
    for word, shape, kind in words:
        parts.append(f'<path class="{kind}" d="{shape}" transform="translate({x + 5} 44)"/>')
        parts.append(f'<text x="{x + 15}" y="48">{html.escape(word)}</text>')
        x += 30 + 7 * len(word)
    if asked:
        parts.append(
            f'<rect class="allowed" x="{x}" y="37" width="14" height="14"/><text x="{x + 20}" y="48">asked</text>'
        )
        x += 74
    if ranged:
        parts.append(f'{_whisker(x, x + 18, 44)}<text x="{x + 25}" y="48">where it may lie</text>')
    return "".join(parts)
