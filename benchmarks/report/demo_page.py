"""The page that `edgeward demo` ends with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ...runtime.errors import RequestError
from ...runtime.provenance import provenance_text
from .charts import Bar, Estimate, bar_chart, estimate_chart
from .demo_content import BeatClass, DemoPage, FloatArray, LatencyRow
from .ecg_paper import Range, ecg_strip, ranges_mv
from .headline import headline
from .page import SYNTHETIC_MARK, render_page
from .quantities import bytes_text, comparison, estimate_text, span_text, time_text

__all__ = ["SYNTHETIC_MARK", "render_demo_page"]


def render_demo_page(content: DemoPage) -> str:
    """The page as one self-contained HTML document, to be written as UTF-8.

    Raises:
        DataError: A beat to be drawn is not finite.
        RequestError: jinja2 is missing, or the content makes no sense: an estimate outside its interval.
    """
    _check(content)
    return render_page(
        "demo.html.j2",
        styles=("page.css", "demo.css"),
        title=content.title,
        provenance=provenance_text(content.provenance),
        page=content,
        headline=headline(content),
        classes=[(beats, _strips(content, beats)) for beats in content.classes],
        size_chart=_size_chart(content),
        latency_chart=_latency_chart(content),
        latency=[(row, _speedup(content, row)) for row in content.latency],
        quality_chart=_quality_chart(content),
        quality_classes=[c.code for c in content.classes if any(c.code in q.f1_by_class for q in content.quality)],
    )


@dataclass(frozen=True)
class _Strip:
    origin: str
    source: str
    drawing: str


def _strips(content: DemoPage, beats: BeatClass) -> list[_Strip]:
    groups: list[tuple[str, str, FloatArray]] = [
        (content.origin, f"held-out beats, {content.data.name}", beats.real),
        ("synthetic", f"compressed generator, {content.bundle.shown_variant}", beats.synthetic),
    ]
    if beats.teacher is not None:
        groups.insert(1, ("synthetic", "full generator, before compression", beats.teacher))
    drawn = [samples for _, _, samples in groups if len(samples)]
    bands = ranges_mv(*drawn) if drawn else ()
    return [
        _Strip(origin, source, _drawing(content, beats.code, origin, samples, bands))
        for origin, source, samples in groups
    ]


def _drawing(content: DemoPage, code: str, origin: str, samples: FloatArray, bands: tuple[Range, ...]) -> str:
    """The strip's markup; empty where there is no sample."""
    if not len(samples):
        return ""
    seconds = samples.shape[2] / content.sampling_rate_hz
    return ecg_strip(
        samples,
        channel_names=content.channel_names,
        sampling_rate_hz=content.sampling_rate_hz,
        origin=origin,
        description=(
            f"{len(samples)} {origin} beats of class {code} in {' and '.join(content.channel_names)}, "
            f"{seconds:.2f} s each, on ECG paper at 25 mm/s and 10 mm/mV"
        ),
        ranges=bands,
    )


def _size_chart(content: DemoPage) -> str:
    sized = [(step.name, step.size_bytes) for step in content.steps if step.size_bytes]
    if len(sized) < 2:
        return ""
    first = sized[0][1]
    return bar_chart(
        [
            Bar(
                name,
                size,
                bytes_text(size),
                note=comparison(first / size, above="smaller", below="larger", same="same size") if place else "",
                strong=place == len(sized) - 1,
            )
            for place, (name, size) in enumerate(sized)
        ]
    )


def _latency_chart(content: DemoPage) -> str:
    rows = content.charted_latency
    if not rows:
        return ""
    return bar_chart(
        [
            Bar(
                row.contender,
                row.p50_us,
                span_text(time_text(row.p50_us), time_text(row.p99_us)),
                tail=row.p99_us,
                note="" if row.role == "teacher" else _speedup(content, row),
                strong=row.role == "bundle",
            )
            for row in rows
        ]
    )


def _quality_chart(content: DemoPage) -> str:
    charted = [row for row in content.quality if row.role != "other"]
    if not charted:
        return ""
    # Points need no zero, and what matters is whether the intervals overlap: show the tenths that hold them.
    first = math.floor(10 * min(row.low for row in charted)) / 10
    last = math.ceil(10 * max(row.high for row in charted)) / 10
    return estimate_chart(
        [
            Estimate(
                row.label,
                row.macro_f1,
                row.low,
                row.high,
                estimate_text(row.macro_f1, row.low, row.high),
                strong=row.role == "bundle",
            )
            for row in charted
        ],
        first=first,
        last=max(last, first + 0.1),
    )


def _speedup(content: DemoPage, row: LatencyRow) -> str:
    """Against the teacher's median at the same batch; empty where that was not timed."""
    teacher = next((r for r in content.latency if r.role == "teacher" and r.batch == row.batch), None)
    if teacher is None or teacher is row:
        return ""
    return comparison(teacher.p50_us / row.p50_us, above="faster", below="slower", same="same speed")


def _check(content: DemoPage) -> None:
    seen: set[tuple[Any, int]] = set()
    for row in content.latency:
        times = (row.p50_us, row.p90_us, row.p99_us)
        if not all(math.isfinite(time) and time > 0 for time in times) or list(times) != sorted(times):
            raise RequestError(
                f"latency of {row.contender!r}: the percentiles must be positive and increasing, not {times}"
            )
        if row.role != "other" and (row.role, row.batch) in seen:
            raise RequestError(f"two latency rows stand for the {row.role!r} at batch {row.batch}; mark one `other`")
        seen.add((row.role, row.batch))
