"""From one record to its beats: baseline out, 360 to 250 Hz, one window an annotated beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.signal import resample_poly

from ..ecg.baseline import without_baseline
from ..ecg.beat_classes import AAMI_CLASS_OF_SYMBOL, BEAT_CLASSES
from ..ecg.mitbih_database import RANGE_MV, patient_of
from .definition import (
    R_SAMPLE,
    SAMPLING_RATE_HZ,
    WINDOW_LENGTH,
    PatientBeats,
)
from .mitbih_record import RECORD_RATE_HZ, BeatRecord

_UP, _DOWN = 25, 36  # 360 Hz * 25 / 36 = 250 Hz


@dataclass(frozen=True, kw_only=True)
class RecordBeats(PatientBeats):
    """The beats of one record, and what did not become a beat."""

    record: str
    chest_lead: str
    past_the_ends: Mapping[str, int]
    """Per AAMI class, the beats whose window would reach past an end of the record."""
    not_beats: int
    """Annotations that mark no beat: rhythm and noise changes, flutter waves, blocked P waves."""
    clipped: int
    """Samples outside `RANGE_MV`, set to its nearer end."""


def cut_beats(record: BeatRecord) -> RecordBeats:
    """Filter and resample a record, and cut a window about every annotated beat.

    The high-pass runs forwards and backwards, so no wave is delayed; the annotated sample is moved to the
    nearest of the new rate (off by 2 ms at most).
    """
    level = without_baseline(record.signal, RECORD_RATE_HZ)
    signal = resample_poly(level, _UP, _DOWN, axis=1).astype(np.float32)
    outside = (signal < RANGE_MV[0]) | (signal > RANGE_MV[1])
    signal = np.clip(signal, *RANGE_MV, dtype=np.float32)

    labels = np.array([AAMI_CLASS_OF_SYMBOL.get(symbol, "") for symbol in record.symbols.tolist()], dtype=np.str_)
    is_beat = labels != ""
    labels = labels[is_beat]
    annotated_s = record.annotated_samples[is_beat] / RECORD_RATE_HZ
    starts = np.rint(annotated_s * SAMPLING_RATE_HZ).astype(np.int64) - R_SAMPLE
    fits = (starts >= 0) & (starts + WINDOW_LENGTH <= signal.shape[1])
    windows = np.lib.stride_tricks.sliding_window_view(signal, WINDOW_LENGTH, axis=1)
    return RecordBeats(
        patient=patient_of(record.name),
        record=record.name,
        chest_lead=record.chest_lead,
        samples=np.ascontiguousarray(windows[:, starts[fits]].transpose(1, 0, 2)),
        classes=labels[fits],
        attributes=record.person.attributes,
        past_the_ends={name: int((labels[~fits] == name).sum()) for name in BEAT_CLASSES},
        not_beats=int((~is_beat).sum()),
        clipped=int(outside.sum()),
    )
