"""The report of `edgeward evaluate`: evidence for people who would rather look than read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...runtime.provenance import MARK, STATEMENT, provenance_text
from ..quality.evidence import COPIES, NOISE, REAL, Evidence
from ..quality.measures import MEASURES, Axis
from ..quality.verdicts import unusable
from .ecg_paper import ecg_strip, ranges_mv
from .evidence_charts import (
    Chart,
    comparison_chart,
    distribution_chart,
    group_charts,
    group_dots,
    measure_chart,
    spectrum_chart,
)
from .evidence_content import EvidencePage, SampleSheet
from .evidence_rows import Row, listed, origin_of, row_for, rows_of
from .evidence_tables import class_tables, facts, group_table, splits_table
from .image_sheet import image_strip
from .lights import WORDS, evidence_headline, light_drawing, light_rows
from .marks import swatch
from .page import render_page
from .traces import scales_of, trace_strip

_AUGMENTATION = ("rare_recall", "rare_macro_f1")
_ATTACKS = ("distance_auc", "distance_tpr", "loss_auc", "loss_tpr", "lira_auc", "lira_tpr")
_CONTROLS = ("loss_control", "lira_control")
_BETTER = {"lower": "lower is better", "higher": "higher is better", "half": "0.5 is ideal"}


def render_evidence_page(evidence: Evidence, content: EvidencePage) -> str:
    """The report as one self-contained HTML document, to be written as UTF-8.

    Raises:
        DataError: A record to be drawn is not finite.
        RequestError: jinja2 is missing, or something cannot be drawn: a figure that is not finite.
    """
    rows, unused = rows_of(evidence), unusable(evidence)
    measured = {finding.measure for finding in evidence.findings}
    return render_page(
        "evidence.html.j2",
        styles=("page.css", "evidence.css"),
        title=content.title,
        provenance=_provenance(content),
        page=content,
        evidence=evidence,
        origin=origin_of(evidence),
        headline=evidence_headline(evidence),
        light_rows=light_rows(evidence),
        light_drawing=light_drawing,
        light_words=WORDS,
        rows=_key(rows, rows),
        splits=splits_table(evidence),
        facts=facts(evidence),
        sheets=[(sheet, _strips(evidence, content, rows, sheet)) for sheet in content.sheets],
        fidelity=_charts(evidence, rows, unused, "fidelity"),
        fidelity_parts=_parts(evidence, rows, unused, "fidelity"),
        fidelity_tables=class_tables(evidence, rows, "fidelity"),
        spectra=[spectrum_chart(spectrum, rows) for spectrum in content.spectra],
        spectra_key=_key(rows, *(spectrum.levels for spectrum in content.spectra)),
        distributions_key=_key(rows, *(distribution.values for distribution in content.distributions)),
        fairness_key=_key({name: row for name, row in rows.items() if name not in (COPIES, NOISE)}, rows),
        distributions=[distribution_chart(distribution, rows) for distribution in content.distributions],
        utility=_charts(evidence, rows, unused, "utility"),
        utility_classes=group_charts(evidence, rows, "tstr_class", unused=unused),
        augmentation=[chart for name in _AUGMENTATION for chart in _titled(evidence, rows, unused, name)],
        attacks=_some(evidence, rows, unused, *_ATTACKS),
        nearness=_charts(evidence, rows, unused, "privacy", but=(*_ATTACKS, *_CONTROLS)),
        fairness=[
            chart for name in ("group_coverage", "group_accuracy") if (chart := group_dots(evidence, rows, name))
        ],
        fairness_tables=[
            table for name in ("group_coverage", "group_accuracy") if (table := group_table(evidence, rows, name))
        ],
        class_shares=group_charts(evidence, rows, "class_share", unused=unused),
        compression=[
            comparison_chart(rows, name, [c for c in evidence.comparisons if c.measure == name])
            for name in dict.fromkeys(c.measure for c in evidence.comparisons)
        ],
        unused=[(MEASURES[name].title, reason) for name, reason in unused.items()],
        measures=[(measure, _BETTER[measure.better]) for name, measure in MEASURES.items() if name in measured],
    )


def _key(rows: Mapping[str, Row], *shown: Iterable[str]) -> list[tuple[Row, str]]:
    """The rows that are shown, each with its mark as markup."""
    names = {name for some in shown for name in some}
    return [(row, swatch(row.mark)) for name, row in rows.items() if name in names]


@dataclass(frozen=True)
class _Strip:
    label: str
    swatch: str
    drawing: str
    """Markup; empty where there is no record."""


def _strips(evidence: Evidence, content: EvidencePage, rows: Mapping[str, Row], sheet: SampleSheet) -> list[_Strip]:
    groups = {REAL: sheet.real, **sheet.synthetic}
    filled = [samples for samples in groups.values() if len(samples)]
    draw = _drawer(content, filled) if filled else None
    noun = "images" if content.drawn_as == "images" else "records"
    strips = []
    for name, samples in groups.items():
        row, drawing = row_for(rows, name), ""
        origin = origin_of(evidence) if name == REAL else "synthetic"
        if draw and len(samples):
            by = "" if name == REAL else f", made by {name}"
            drawing = draw(samples, origin, f"{len(samples)} {origin} {noun} of class {sheet.code}{by}")
        label = f"{origin} test {noun}" if name == REAL else f"{origin}, {row.label}"
        strips.append(_Strip(label, swatch(row.mark), drawing))
    return strips


def _drawer(
    content: EvidencePage, filled: list[npt.NDArray[np.float32]]
) -> Callable[[npt.NDArray[np.float32], str, str], str]:
    """How the records of one sheet are drawn, on the same scale: called with (records, origin, description)."""
    if content.drawn_as == "images":
        return lambda samples, origin, description: image_strip(samples, origin=origin, description=description)
    names = content.channel_names
    if content.drawn_as == "traces":
        scales = scales_of(*filled)
        return lambda samples, _, description: trace_strip(
            samples, channel_names=names, scales=scales, description=f"{description}, in {listed(names)}"
        )
    bands = ranges_mv(*filled)
    return lambda samples, origin, description: ecg_strip(
        samples,
        channel_names=names,
        sampling_rate_hz=content.sampling_rate_hz,
        origin=origin,
        description=f"{description}, in {listed(names)}, on ECG paper at 25 mm/s and 10 mm/mV",
        ranges=bands,
    )


def _charts(
    evidence: Evidence, rows: Mapping[str, Row], unused: Mapping[str, str], axis: Axis, *, but: tuple[str, ...] = ()
) -> list[Chart]:
    """Every measure of an axis over the whole of the data."""
    names = [name for name, measure in MEASURES.items() if measure.axis == axis and name not in but]
    return _some(evidence, rows, unused, *names)


def _some(evidence: Evidence, rows: Mapping[str, Row], unused: Mapping[str, str], *names: str) -> list[Chart]:
    charts = (measure_chart(evidence, rows, name, unused=unused) for name in names)
    return [chart for chart in charts if chart]


def _titled(evidence: Evidence, rows: Mapping[str, Row], unused: Mapping[str, str], name: str) -> list[Chart]:
    """A measure's charts by part, called by the measure rather than by the part."""
    title = MEASURES[name].title
    groups = dict.fromkeys(f.group for f in evidence.findings if f.measure == name)
    charts = (measure_chart(evidence, rows, name, group, unused=unused, title=title) for group in groups)
    return [chart for chart in charts if chart]


def _parts(
    evidence: Evidence, rows: Mapping[str, Row], unused: Mapping[str, str], axis: Axis
) -> list[tuple[str, list[Chart]]]:
    """Measures of an axis that were read by channel, measurement, check or column, with their charts."""
    parts = []
    for name, measure in MEASURES.items():
        if measure.axis == axis:
            kinds = dict.fromkeys(
                finding.group.partition("=")[0] + "="
                for finding in evidence.findings
                if finding.measure == name and finding.group != "all" and not finding.group.startswith("class=")
            )
            charts = [chart for kind in kinds for chart in group_charts(evidence, rows, name, unused=unused, kind=kind)]
            if charts:
                parts.append((measure.title, charts))
    return parts


def _provenance(content: EvidencePage) -> str:
    """The synthetic mark for machines."""
    known = {"synthetic": MARK, "statement": STATEMENT, "generator": content.judged, "sha256": content.digest}
    return provenance_text({**known, **content.provenance})
