"""What the report of `edgeward evaluate` shows beside the figures: records to look at, spectra, distributions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .benchmarks.quality import Records
from .benchmarks.quality.evidence import NOISE, REAL
from .benchmarks.quality.fidelity.physiology import measurements_for
from .benchmarks.quality.fidelity.spectrum import power_spectra
from .benchmarks.quality.rows import drawn, shuffled, with_mix_of
from .benchmarks.report.evidence_content import Distribution, EvidencePage, SampleSheet, Spectrum
from .benchmarks.report.image_sheet import images_in_row
from .judgement import Prepared
from .runtime.schema import ImageSchema, NumberColumn, SignalSchema, TableSchema

_SHOWN = 4
_MEASURED = 2000
_SHOWN_COLUMNS = 24


def page_content(prepared: Prepared) -> EvidencePage:
    """Samples of every class side by side, and what real and generated records measure."""
    task, judged = prepared.task, prepared.judged
    schema = task.schema
    test = drawn(task.test, _MEASURED, seed=1)
    rows: dict[str, Records] = {
        REAL: test,
        **{source.name: with_mix_of(source.records, test.labels) for source in prepared.sources},
    }
    page = EvidencePage(title=f"What {judged.name} is worth", judged=judged.name, digest=judged.digest)
    if isinstance(schema, TableSchema):
        return replace(page, distributions=_of_columns(rows, schema))
    shown = images_in_row(schema.shape) if isinstance(schema, ImageSchema) else _SHOWN
    sheets = tuple(_sheet(prepared, number, shown) for number in range(len(task.classes)))
    if isinstance(schema, ImageSchema):
        return replace(page, drawn_as="images", channel_names=schema.channels, sheets=sheets)
    return replace(
        page,
        drawn_as="ecg" if all(channel.unit == "mV" for channel in schema.channels) else "traces",
        channel_names=tuple(channel.name for channel in schema.channels),
        sampling_rate_hz=schema.sampling_rate_hz,
        sheets=sheets,
        spectra=_spectra({REAL: test, NOISE: shuffled(task.train, _MEASURED), **rows}, schema),
        distributions=_distributions(rows, schema),
    )


def _sheet(prepared: Prepared, label: int, shown: int) -> SampleSheet:
    """The first so many records of a class, real and of every generator."""
    task, of_data = prepared.task, prepared.dataset.label
    name = task.classes[label]
    return SampleSheet(
        code=name,
        meaning=dict(zip(of_data.values, of_data.meanings, strict=True))[name],
        real=_of_different_patients(task.test.of_class(label), shown),
        synthetic={source.name: source.records.of_class(label).values[:shown] for source in prepared.sources},
    )


def _of_columns(rows: dict[str, Records], schema: TableSchema) -> tuple[Distribution, ...]:
    """The columns of numbers; what categories do is among the figures."""
    return tuple(
        Distribution(column.name, column.unit, {name: records.values[:, k] for name, records in rows.items()})
        for k, column in _numbers(schema)[:_SHOWN_COLUMNS]
    )


def _numbers(schema: TableSchema) -> list[tuple[int, NumberColumn]]:
    return [(k, column) for k, column in enumerate(schema.columns) if isinstance(column, NumberColumn)]


def _of_different_patients(records: Records, shown: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    _, first = np.unique(records.patients, return_index=True)
    order = np.concatenate([first, np.setdiff1d(np.arange(len(records)), first)])
    chosen: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = records.values[order[:shown]]
    return chosen


def _spectra(rows: dict[str, Records], schema: SignalSchema) -> tuple[Spectrum, ...]:
    levels = {}
    frequencies = np.empty(0)
    for name, records in rows.items():
        frequencies, power = power_spectra(records.values, schema.sampling_rate_hz)
        levels[name] = 10.0 * np.log10(power.clip(min=1e-12)).mean(axis=0)  # [channels, f]
    return tuple(
        Spectrum(channel.name, frequencies, {name: level[number] for name, level in levels.items()})
        for number, channel in enumerate(schema.channels)
    )


def _distributions(rows: dict[str, Records], schema: SignalSchema) -> tuple[Distribution, ...]:
    return tuple(
        Distribution(m.title, m.unit, {name: m.measure(records.values) for name, records in rows.items()})
        for m in measurements_for(schema)
    )
