"""The report of `edgeward compress`: what each step bought, what it cost, and whether that was allowed."""

from __future__ import annotations

from collections.abc import Callable

from ...runtime.provenance import provenance_text
from ..quality.evidence import Light
from ..quality.paired import PAIRED, Paired
from .charts import IntervalRow, interval_chart
from .compression_content import Allowed, CompressionPage, Stage
from .evidence_charts import Chart
from .evidence_rows import group_text, listed
from .lights import light_drawing
from .marks import CIRCLE, DIAMOND, Mark
from .page import render_page
from .quantities import ABSENT, bytes_text, comparison, count_text, interval_text, significant, time_text
from .scale import Scale, round_scale
from .waterfall import Fall, waterfall

_GLANCED, _DECIDED = Mark("other", CIRCLE, hollow=True), Mark("a", DIAMOND)
_LEAST = 0.02
"""A scale reaches that far to either side of the teacher: what is less is nothing to look at."""
_DIRECTION = {
    "lower": "better \N{BLACK RIGHT-POINTING SMALL TRIANGLE}",
    "higher": "\N{BLACK LEFT-POINTING SMALL TRIANGLE} better",
    "either": "",
}


def render_compression_page(content: CompressionPage) -> str:
    """The report as one self-contained HTML document, to be written as UTF-8.

    Raises:
        RequestError: jinja2 is missing, or a number cannot be drawn.
    """
    return render_page(
        "compression.html.j2",
        styles=("page.css", "evidence.css", "compression.css"),
        title=content.title,
        provenance=provenance_text(content.provenance),
        page=content,
        headline=_headline(content),
        summary=_summary(content),
        waterfalls=_waterfalls(content),
        quality=_quality(content),
        allowed=[(one, markup_of(one)) for one in content.allowed],
        number=_number,
    )


def _headline(content: CompressionPage) -> str:
    won = f"{_won(content, lambda s: s.size_bytes, 'smaller', 'larger')}, {_won(content, _latency, 'faster', 'slower')}"
    if not content.passed:
        broken = listed(dict.fromkeys(one.allowance for one in content.allowed if not one.passed))
        return f"{won}, and refused: {broken} beyond what the recipe allows."
    if not content.judged_on:
        return f"{won}; its quality was not judged."
    return f"{won}, and within all that the recipe allows."


def _won(content: CompressionPage, of: Callable[[Stage], float], above: str, below: str) -> str:
    ratio = of(content.stages[0]) / of(content.shipped)
    return comparison(ratio, above=above, below=below, same=f"not {above}")


def _latency(stage: Stage) -> float:
    return stage.latency_us


def _summary(content: CompressionPage) -> list[str]:
    first, last = content.stages[0], content.shipped
    sentences = [
        f"From {bytes_text(first.size_bytes)} and {time_text(first.latency_us)} a sample to "
        f"{bytes_text(last.size_bytes)} and {time_text(last.latency_us)}, in {len(content.stages) - 1} steps; "
        f"{count_text(first.multiply_adds)} multiply-adds became {count_text(last.multiply_adds)}. What ships by "
        f"default is {content.default}."
    ]
    tstr = next((figure for figure in last.figures if figure.measure == "tstr"), None)
    if tstr and tstr.mine is not None and tstr.teacher is not None:
        sentences.append(
            f"Classifiers that learnt from it reach a macro-F1 of {tstr.mine:.3f} on {content.judged_on}; those that "
            f"learnt from the teacher reach {tstr.teacher:.3f}."
        )
    return sentences


def _waterfalls(content: CompressionPage) -> list[tuple[str, str, str]]:
    """Titles, explanations and drawings."""
    quantities: tuple[tuple[str, str, Callable[[Stage], float], Callable[[float], str]], ...] = (
        ("Size", "of the weights, then of the file", lambda s: s.size_bytes, lambda v: bytes_text(int(v))),
        ("Multiply-adds", "for one sample", lambda s: s.multiply_adds, lambda v: count_text(int(v))),
        ("Time", "of one sample, one thread, median", _latency, time_text),
    )
    drawn = []
    for title, what, of, text in quantities:
        falls = [
            Fall(
                stage.name,
                of(stage),
                text(of(stage)),
                None if stage.before is None else of(content.stages[stage.before]),
                strong=stage.variant == content.default,
            )
            for stage in content.stages
        ]
        drawn.append((title, what, waterfall(falls)))
    return drawn


def _quality(content: CompressionPage) -> list[Chart]:
    """One chart a measure, over the steps: those with an allowance first."""
    allowed = {one.measure: one for one in content.allowed if one.measure}
    charts = []
    for measure in sorted(PAIRED, key=lambda name: name not in allowed):
        figures = [(stage, figure) for stage in content.stages for figure in stage.figures if figure.measure == measure]
        if any(figure.change is not None for _, figure in figures):
            charts.append(_chart(measure, figures, allowed.get(measure)))
    return charts


def _chart(measure: str, figures: list[tuple[Stage, Paired]], allowed: Allowed | None) -> Chart:
    how = PAIRED[measure]
    ideal = 1.0 if how.as_ratio else 0.0
    limits = _limits(measure, allowed.allowed) if allowed else ()
    decided = [figure for stage, figure in figures if stage.variant]
    # Steps on the way may be far off before they are mended; an arrow stands for those, and what ships fills the scale.
    ends = [end for f in decided for end in (f.change, f.low, f.high, f.bound) if end is not None]
    ends = [ideal - _LEAST, ideal + _LEAST, *limits, *ends]
    scale = round_scale([*ends, *_near(figures, ends)])
    decimals = 2 if scale.last - scale.first >= 2 else 3
    rows = []
    for stage, figure in figures:
        value = figure.change
        text = ABSENT if value is None else interval_text(value, figure.low, figure.high, decimals)
        shown = figure.low is not None and value is not None
        rows.append(
            IntervalRow(
                stage.name if not stage.variant else f"{stage.name} ({stage.variant})",
                text,
                _DECIDED if stage.variant else _GLANCED,
                value,
                figure.low if shown else None,
                figure.high if shown else None,
                note=figure.note,
                bound=figure.bound if stage.variant else None,
            )
        )
    # Of what ships: at a glance the teacher is read on fewer draws too.
    read = [*reversed(decided), *(figure for _, figure in figures)]
    teacher = next((figure.teacher for figure in read if figure.teacher is not None), None)
    foot = [f"the teacher itself: {significant(teacher)}"] if teacher is not None else []
    parts = dict.fromkeys(group_text(figure.group) for figure in decided if figure.group != "all")
    foot += [f"here {listed(parts)}"] if parts else []
    foot.append(how.method)
    unit = f", {how.unit}" if how.unit else ""
    return Chart(
        title=f"{how.title}{unit}",
        drawing=interval_chart(
            rows, scale, aims=(ideal,), shaded=_shaded(limits, scale, how.worse), direction=_DIRECTION[how.worse]
        ),
        aim="times the teacher's" if how.as_ratio else "against the teacher's",
        foot=tuple(foot),
    )


def _near(figures: list[tuple[Stage, Paired]], ends: list[float]) -> list[float]:
    """Changes on the way that do not stretch the scale to more than three times what ships needs."""
    low, high = min(ends), max(ends)
    span = max(high - low, 0.01)
    changes = [figure.change for stage, figure in figures if not stage.variant and figure.change is not None]
    return [change for change in changes if low - span <= change <= high + span]


def _limits(measure: str, allowed: float) -> tuple[float, ...]:
    """Where the allowance ends, in the terms of the change."""
    how = PAIRED[measure]
    if how.worse == "either":
        return 1.0 - allowed, 1.0 + allowed
    return (allowed,) if how.as_ratio or how.worse == "higher" else (-allowed,)


def _shaded(limits: tuple[float, ...], scale: Scale, worse: str) -> tuple[float, float] | None:
    if not limits:
        return None
    if len(limits) == 2:
        return limits[0], limits[1]
    return (limits[0], scale.last) if worse == "lower" else (scale.first, limits[0])


def markup_of(one: Allowed) -> str:
    """The light of an allowance."""
    light: Light = "green" if one.passed else "red" if one.surely else "amber"
    return light_drawing(light)


def _number(value: float | None) -> str:
    return ABSENT if value is None else f"{value:.3f}".replace("-", "\N{MINUS SIGN}")
