"""What the report of `edgeward evaluate` shows beside the figures: records to look at, spectra, distributions."""

from __future__ import annotations

import numpy as np

from .benchmarks.quality import Records
from .benchmarks.quality.evidence import NOISE, REAL
from .benchmarks.quality.fidelity.physiology import measurements_for
from .benchmarks.quality.fidelity.spectrum import power_spectra
from .benchmarks.quality.rows import drawn, shuffled, with_mix_of
from .benchmarks.report.evidence_content import Distribution, EvidencePage, SampleSheet, Spectrum
from .judgement import Prepared
from .runtime.schema import SignalSchema

_SHOWN = 4
_MEASURED = 2000


def page_content(prepared: Prepared) -> EvidencePage:
    """Samples of every class side by side, and what real and generated records measure."""
    task, manifest = prepared.task, prepared.bundle.manifest
    schema = task.schema
    assert isinstance(schema, SignalSchema)  # noqa: S101 - bundles make nothing else yet
    test = drawn(task.test, _MEASURED, seed=1)
    rows: dict[str, Records] = {
        REAL: test,
        NOISE: shuffled(task.train, _MEASURED),
        **{source.name: with_mix_of(source.records, test.labels) for source in prepared.sources},
    }
    label = prepared.dataset.label
    meanings = dict(zip(label.values, label.meanings, strict=True))
    return EvidencePage(
        title=f"What {manifest.name} {manifest.version} is worth",
        bundle_name=manifest.name,
        bundle_version=manifest.version,
        bundle_digest=prepared.bundle.digest,
        channel_names=tuple(channel.name for channel in schema.channels),
        sampling_rate_hz=schema.sampling_rate_hz,
        sheets=tuple(
            SampleSheet(
                code=name,
                meaning=meanings[name],
                real=_of_different_patients(task.test.of_class(number)),
                synthetic={source.name: source.records.of_class(number).values[:_SHOWN] for source in prepared.sources},
            )
            for number, name in enumerate(task.classes)
        ),
        spectra=_spectra(rows, schema),
        distributions=_distributions({name: records for name, records in rows.items() if name != NOISE}, schema),
    )


def _of_different_patients(records: Records) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    _, first = np.unique(records.patients, return_index=True)
    order = np.concatenate([first, np.setdiff1d(np.arange(len(records)), first)])
    shown: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = records.values[order[:_SHOWN]]
    return shown


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
