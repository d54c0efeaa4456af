"""One record of the MIT-BIH Arrhythmia Database with its beats: two leads, MLII first, every sample valid."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..ecg.baseline import SHORTEST_S
from ..wfdb.annotations import read_annotations
from ..wfdb.person import Person, person_of
from ..wfdb.record import Origin, WfdbHeader, read_header, read_signals, refuse_invalid

RECORD_RATE_HZ = 360
_FORMAT = "212"
_FIRST_LEAD = "MLII"
_CHEST_LEAD = re.compile(r"V[1-6]")
_ORIGIN = Origin(
    "an MIT-BIH Arrhythmia Database record", "copy the record again from https://physionet.org/content/mitdb/1.0.0/"
)


@dataclass(frozen=True)
class BeatRecord:
    """One recording of one patient."""

    name: str
    signal: npt.NDArray[np.float64]
    """[2, samples] in mV at `RECORD_RATE_HZ`, MLII first, baseline and all; every sample is valid."""
    chest_lead: str
    """Which lead the second row is, e.g. `V1`."""
    annotated_samples: npt.NDArray[np.int64]
    """[annotations], in order, each inside the record."""
    symbols: npt.NDArray[np.str_]
    """[annotations], MIT-BIH symbols; not only of beats."""
    person: Person


def read_record(folder: Path, name: str) -> BeatRecord:
    """Read `name`.hea, .dat and .atr.

    Raises:
        DataError: A file is missing, truncated, damaged, or not of an MIT-BIH two-lead record with MLII; the
            message names the file, the cause and the remedy.
    """
    header = read_header(folder, name, _ORIGIN)
    _check(header)
    leads = _leads_mlii_first(header)
    signals = read_signals(header)
    refuse_invalid(header, signals)
    annotations = read_annotations(header.path.with_suffix(".atr"), header.length, header.origin)
    return BeatRecord(
        name=name,
        signal=signals[list(leads)],
        chest_lead=header.signals[leads[1]].name,
        annotated_samples=annotations.samples,
        symbols=annotations.symbols,
        person=person_of(header.comments),
    )


def _check(header: WfdbHeader) -> None:
    if len(header.signals) != 2:
        raise header.foreign("it does not describe one segment of two signals")
    if header.sampling_rate_hz != RECORD_RATE_HZ:
        raise header.foreign(f"its sampling rate is {header.sampling_rate_hz:g} Hz, not {RECORD_RATE_HZ}")
    formats = [signal.format for signal in header.signals]
    if set(formats) != {_FORMAT}:
        raise header.foreign(f"its signals are of format {'/'.join(formats)}, not {_FORMAT}")
    if {signal.file_name for signal in header.signals} != {f"{header.name}.dat"}:
        raise header.foreign(f"its signals are not the whole of {header.name}.dat")
    if {signal.unit for signal in header.signals} != {"mV"}:
        raise header.foreign("its signals are not in mV with a positive gain")
    if header.length < SHORTEST_S * RECORD_RATE_HZ:
        raise header.foreign(f"it describes less than {SHORTEST_S} s of signal")


def _leads_mlii_first(header: WfdbHeader) -> tuple[int, int]:
    names = [signal.name for signal in header.signals]
    if names.count(_FIRST_LEAD) != 1:
        raise header.foreign(f"its leads are {' and '.join(names)}, and exactly one must be {_FIRST_LEAD}")
    # By name, not by place: record 114 has its channels swapped.
    first = names.index(_FIRST_LEAD)
    if not _CHEST_LEAD.fullmatch(names[1 - first]):
        raise header.foreign(f"its second lead is {names[1 - first]!r}, not a chest lead V1 to V6")
    return first, 1 - first
