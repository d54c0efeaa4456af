"""From one annotated WFDB record to its strips: baseline out, any rate to 125 Hz, each strip wholly in one rhythm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly

from ..ecg.baseline import SHORTEST_S, without_baseline
from ..ecg.beat_classes import AAMI_CLASS_OF_SYMBOL
from ..ecg.mitbih_database import RANGE_MV
from ..flat_line import longest_flat
from ..wfdb.annotations import Annotations, read_annotations
from ..wfdb.person import Person, person_of
from ..wfdb.record import Origin, WfdbHeader, read_header, read_signals
from .definition import HEART_RATE, RHYTHMS, SAMPLING_RATE_HZ, STRIP_LENGTH, mean_heart_rate
from .leads import two_leads
from .rhythm_episodes import Episode, rhythm_episodes

MOST_OF_RHYTHM = 400
"""Strips of one rhythm that one record gives, evenly spread; day-long records would drown all others."""

_BEAT_SYMBOLS = frozenset(AAMI_CLASS_OF_SYMBOL) | frozenset("Brn?")
"""WFDB's symbols of beats: those of MIT-BIH, and those that other databases add."""
_BEAT_ANNOTATORS = (".atr", ".qrsc", ".qrs")
"""Where the beats are: in the reference annotations, or where these tell of rhythm alone, beside them."""
_RATES_HZ = (100, 10_000)  # slower does not show a QRS complex
_LARGEST_DRIFT_S = 0.004
_FLAT_S = 2.0


@dataclass(frozen=True)
class RecordStrips:
    """The strips of one record, and what did not become one."""

    record: str
    person: Person
    leads: tuple[str, str]
    samples: npt.NDArray[np.float32]
    """[strips, 2, STRIP_LENGTH] in mV."""
    rhythms: npt.NDArray[np.str_]
    """[strips], of `RHYTHMS`."""
    heart_rates: npt.NDArray[np.float64]
    """[strips], a minute."""
    left_out: Mapping[str, int]
    """Why strips are left out, and how many."""
    clipped: int
    """Samples outside `RANGE_MV`, set to its nearer end."""


def cut_strips(folder: Path, name: str, origin: Origin, *, most_of_rhythm: int = MOST_OF_RHYTHM) -> RecordStrips | None:
    """Read a record and cut each of its episodes into strips, one after another, in the middle of the episode.

    Args:
        folder: Where the record's files lie: .hea, signals, .atr, and .qrs where .atr marks no beats.
        name: Of the record.
        origin: Which record is wanted, for messages.
        most_of_rhythm: Strips of one rhythm, at least 1.

    Returns:
        None where the record has fewer than two signals in mV.

    Raises:
        DataError: A file is missing or damaged, or the record's rate cannot be brought to 125 Hz.
    """
    header = read_header(folder, name, origin)
    leads = two_leads(header)
    if leads is None:
        return None
    ratio = _resampling(header)
    annotations = read_annotations(header.path.with_suffix(".atr"), header.length, origin)
    beats_s = _beats(header, annotations) / header.sampling_rate_hz
    raw = read_signals(header)[list(leads)]
    signal = _resampled(raw, header, ratio)
    left_out: Counter[str] = Counter()
    kept: list[tuple[int, str, float]] = []
    for start, rhythm in _starts(rhythm_episodes(annotations, header.length), header, left_out, most_of_rhythm):
        at_s = beats_s[(beats_s >= start / SAMPLING_RATE_HZ) & (beats_s < (start + STRIP_LENGTH) / SAMPLING_RATE_HZ)]
        rate = mean_heart_rate(at_s) if len(at_s) > 1 and at_s[-1] > at_s[0] else 0.0
        ends = (np.array([start, start + STRIP_LENGTH]) * header.sampling_rate_hz / SAMPLING_RATE_HZ).astype(int)
        why = _unfit(signal[:, start : start + STRIP_LENGTH], raw[:, ends[0] : ends[1]], header, rate)
        if why:
            left_out[why] += 1
        else:
            kept.append((start, rhythm, rate))
    strips = np.empty((0, 2, STRIP_LENGTH), dtype=np.float32)
    if kept:
        strips = np.stack([signal[:, start : start + STRIP_LENGTH] for start, _, _ in kept])
    outside = (strips < RANGE_MV[0]) | (strips > RANGE_MV[1])
    return RecordStrips(
        record=name,
        person=person_of(header.comments),
        leads=(header.signals[leads[0]].name, header.signals[leads[1]].name),
        samples=np.clip(strips, *RANGE_MV, dtype=np.float32),
        rhythms=np.array([rhythm for _, rhythm, _ in kept], dtype=np.str_),
        heart_rates=np.array([rate for _, _, rate in kept], dtype=np.float64),
        left_out=left_out,
        clipped=int(outside.sum()),
    )


def _resampling(header: WfdbHeader) -> Fraction:
    rate = header.sampling_rate_hz
    ratio = Fraction(SAMPLING_RATE_HZ / rate).limit_denominator(1000)
    if not _RATES_HZ[0] <= rate <= _RATES_HZ[1]:
        raise header.foreign(f"its sampling rate is {rate:g} Hz, not {_RATES_HZ[0]} to {_RATES_HZ[1]}")
    if abs(float(ratio) * rate / SAMPLING_RATE_HZ - 1.0) * header.length / rate > _LARGEST_DRIFT_S:
        raise header.foreign(f"its sampling rate of {rate!r} Hz is no simple fraction of {SAMPLING_RATE_HZ} Hz")
    return ratio


def _beats(header: WfdbHeader, annotations: Annotations) -> npt.NDArray[np.int64]:
    """The samples of the beats; none where no annotator marks any."""
    for suffix in _BEAT_ANNOTATORS:
        path = header.path.with_suffix(suffix)
        if suffix != ".atr" and not path.is_file():
            continue
        found = annotations if suffix == ".atr" else read_annotations(path, header.length, header.origin)
        beats: npt.NDArray[np.int64] = found.samples[np.isin(found.symbols, list(_BEAT_SYMBOLS))]
        if len(beats):
            return beats
    return np.empty(0, dtype=np.int64)


def _starts(
    episodes: list[Episode], header: WfdbHeader, left_out: Counter[str], most_of_rhythm: int
) -> list[tuple[int, str]]:
    """First samples at 125 Hz of all strips that lie wholly in an episode, in order, with its rhythm."""
    scale = SAMPLING_RATE_HZ / header.sampling_rate_hz
    by_rhythm: dict[str, list[int]] = {}
    for episode in episodes:
        start, end = int(np.ceil(episode.start * scale)), int(np.floor(episode.end * scale))
        strips = max(0, end - start) // STRIP_LENGTH
        # In its middle, not at its beginning: else most strips of brief rhythms would begin with the same kind of beat.
        first = start + (end - start - strips * STRIP_LENGTH) // 2
        if episode.rhythm not in RHYTHMS:
            left_out[f"in stretches annotated ({episode.rhythm}, which is no rhythm known here"] += strips
        else:
            by_rhythm.setdefault(episode.rhythm, []).extend(first + STRIP_LENGTH * k for k in range(strips))
    chosen = []
    for rhythm, starts in by_rhythm.items():
        spread = np.unique(np.linspace(0, len(starts) - 1, min(len(starts), most_of_rhythm)).round().astype(int))
        left_out[f"beyond {most_of_rhythm} of one rhythm in one record"] += len(starts) - len(spread)
        chosen += [(starts[number], rhythm) for number in spread.tolist()]
    return sorted(chosen)


def _unfit(strip: npt.NDArray[np.float32], raw: npt.NDArray[np.float64], header: WfdbHeader, heart_rate: float) -> str:
    """Why a strip cannot be used, which was `raw` before it was filtered; '' where it can."""
    if not np.isfinite(strip).all():
        return "with invalid samples"
    if max(longest_flat(lead) for lead in raw) > _FLAT_S * header.sampling_rate_hz:
        return f"with a lead that is flat for more than {_FLAT_S:g} s"
    if not HEART_RATE.minimum <= heart_rate <= HEART_RATE.maximum:
        return f"with no heart rate from {HEART_RATE.minimum:g} to {HEART_RATE.maximum:g} /min"
    return ""


def _resampled(raw: npt.NDArray[np.float64], header: WfdbHeader, ratio: Fraction) -> npt.NDArray[np.float32]:
    """The leads at 125 Hz without their baseline, NaN about invalid samples; empty where they are too short."""
    if header.length < SHORTEST_S * header.sampling_rate_hz:
        return np.empty((2, 0), dtype=np.float32)
    level = without_baseline(raw, header.sampling_rate_hz)
    # Low-passed at half the lower rate on the way, by a filter without delay.
    signal: npt.NDArray[np.float64] = resample_poly(level, ratio.numerator, ratio.denominator, axis=1)
    return signal.astype(np.float32)
