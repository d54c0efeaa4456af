"""From one BIDMC record to its windows: waves on common scales, the monitor's numbers beside them, faults left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..ecg.baseline import without_baseline
from ..flat_line import longest_flat
from .bidmc_record import WIDE_PLETH, BidmcRecord
from .definition import CHANNELS, NUMBERS, SAMPLING_RATE_HZ, SEX, WINDOW_LENGTH, bedside_schema, heart_rate_bands

_Floats = npt.NDArray[np.float64]

# The monitor's numbers are averages over the past: in these records they agree best with what the waves show, R peaks
# and annotated breaths, this much earlier.
_DELAY_S = {"HR": 6, "RESP": 14, "SpO2": 6}
_BY_NAME = {condition.name: condition for condition in NUMBERS}
_CONDITION_OF = {"HR": _BY_NAME["heart_rate"], "RESP": _BY_NAME["respiratory_rate"], "SpO2": _BY_NAME["spo2"]}
_LONGEST_FLAT_S = {"II": 1.0, "PLETH": 1.0, "RESP": 4.0, "ABP": 0.5}
"""Breathing may pause, and the monitor cuts deep breaths off; a heart does neither for as long."""
_LEAST_SWING = {"II": 0.05, "PLETH": 0.05, "RESP": 0.05, "ABP": 0.0}

# After Sun JX, Reisner AT, Mark RG, A signal abnormality index for arterial blood pressure waveforms, Comput Cardiol
# 33:13-16, 2006; read here on quarters of a window, each with a beat or more.
_QUARTERS = 4
_LOWEST_MMHG, _LEAST_PULSE_MMHG, _LARGEST_STEP_MMHG = 20.0, 20.0, 20.0
_HIGHEST_MMHG = CHANNELS["ABP"].maximum


@dataclass(frozen=True)
class RecordWindows:
    """The windows of one record, and what did not become one."""

    samples: npt.NDArray[np.float32]
    """[windows, channels, WINDOW_LENGTH]."""
    columns: Mapping[str, _Floats]
    """Per condition [windows]."""
    left_out: Mapping[str, int]
    """Why windows are left out, and how many."""
    rescaled: tuple[str, ...]
    """The waves whose scale was not 0 to 1."""


def cut_windows(record: BidmcRecord, *, pressure: bool) -> RecordWindows:
    """Cut a record into windows, one after another from its beginning, of the schema's channels.

    Args:
        record: With `ABP` where `pressure` is wanted.
        pressure: Whether windows have the arterial pressure too, and those where it is not to be trusted are left out.
    """
    schema = bedside_schema(pressure=pressure)
    names = [channel.name for channel in schema.channels]
    shown, rescaled = _on_common_scales(record)
    windows = len(shown["II"]) // WINDOW_LENGTH
    told = min(windows, *(_windows_told(len(record.numbers[number]), delay) for number, delay in _DELAY_S.items()))
    numbers = {number: _means(number, record.numbers[number], told) for number in _DELAY_S}
    # As recorded, for what a filter hides; as shown, for what becomes a sample.
    as_recorded, as_shown = (
        np.stack([waves[name][: told * WINDOW_LENGTH].reshape(told, WINDOW_LENGTH) for name in names], axis=1)
        for waves in (record.waves, shown)
    )
    left_out = Counter({"whose numbers would come after the end of the record": windows - told})
    kept = []
    for window in range(told):
        raw = dict(zip(names, as_recorded[window], strict=True))
        why = _unfit(raw, as_shown[window]) or _unknown(numbers, window)
        if why:
            left_out[why] += 1
        else:
            kept.append(window)
    columns = {_CONDITION_OF[number].name: means[kept] for number, means in numbers.items()}
    age, sex = record.person.age or 0, SEX.values.index(record.person.sex)
    lowest, highest = (np.array([[getattr(c, end)] for c in schema.channels]) for end in ("minimum", "maximum"))
    return RecordWindows(
        samples=as_shown[kept].clip(lowest, highest).astype(np.float32),
        columns={
            "heart_rate_band": heart_rate_bands(columns["heart_rate"]),
            **columns,
            "age": np.full(len(kept), float(age)),
            "sex": np.full(len(kept), float(sex)),
        },
        left_out=left_out,
        rescaled=rescaled,
    )


def _on_common_scales(record: BidmcRecord) -> tuple[dict[str, _Floats], tuple[str, ...]]:
    """The waves as samples are to show them, and the names of those whose scale was not 0 to 1.

    Lead II is high-passed at 0.5 Hz without delay, as the level at which a monitor draws it means nothing. The pleth of
    monitors that write 0 to 4 is divided by 4. Respiration that leaves 0 to 1 is squeezed about 0.5 until it does not:
    its gain is the monitor's, and differs from record to record.
    """
    shown = dict(record.waves)
    shown["II"] = without_baseline(shown["II"], SAMPLING_RATE_HZ)
    rescaled = tuple(name for name in ("PLETH", "RESP") if _leaves_unit_range(shown[name]))
    if "PLETH" in rescaled:
        shown["PLETH"] = shown["PLETH"] / WIDE_PLETH
    if "RESP" in rescaled:
        shown["RESP"] = 0.5 + (shown["RESP"] - 0.5) * 0.5 / np.nanmax(np.abs(shown["RESP"] - 0.5))
    return shown, rescaled


def _leaves_unit_range(wave: _Floats) -> bool:
    # The files' 16 bits round the ends of the range by some ten-thousandths.
    valid = wave[np.isfinite(wave)]
    return len(valid) > 0 and bool(valid.max() > 1.001 or valid.min() < -0.001)


def _windows_told(seconds: int, delay_s: int) -> int:
    """Of how many windows from the beginning the numbers are told within so many seconds."""
    return max(0, int((seconds - 1 - delay_s) * SAMPLING_RATE_HZ / WINDOW_LENGTH))


def _means(number: str, shown: _Floats, windows: int) -> _Floats:
    """What the monitor shows [seconds] of each window [windows], averaged; NaN where it shows none at some moment.

    Nor is a number one that its condition does not span: a respiratory rate of 0 is that of a sensor that finds none.
    """
    condition = _CONDITION_OF[number]
    sane = np.where((shown >= condition.minimum) & (shown <= condition.maximum), shown, np.nan)
    duration_s = WINDOW_LENGTH / SAMPLING_RATE_HZ
    starts_s = np.arange(windows) * duration_s + _DELAY_S[number]
    ends = (starts_s + duration_s).astype(int) + 1
    bounds = zip(np.ceil(starts_s).astype(int).tolist(), ends.tolist(), strict=True)
    return np.array([sane[first:end].mean() for first, end in bounds], dtype=np.float64)


def _unfit(raw: Mapping[str, _Floats], shown: _Floats) -> str:
    """Why a window's waves, by name as recorded and [channels, length] as shown, cannot be used; '' where they can."""
    if not np.isfinite(shown).all():
        return "with invalid samples"
    for name, wave in raw.items():
        if longest_flat(wave) > _LONGEST_FLAT_S[name] * SAMPLING_RATE_HZ or np.ptp(wave) < _LEAST_SWING[name]:
            return f"with a flat {name}"
    if "ABP" in raw and _disturbed(raw["ABP"]):
        return "with a flushed, damped or disturbed ABP"
    return ""


def _disturbed(pressure: _Floats) -> bool:
    quarters = pressure.reshape(_QUARTERS, -1)
    highest, lowest = quarters.max(axis=1), quarters.min(axis=1)
    return bool(
        lowest.min() < _LOWEST_MMHG
        or highest.max() > _HIGHEST_MMHG
        or (highest - lowest).min() < _LEAST_PULSE_MMHG
        or max(np.abs(np.diff(end)).max() for end in (highest, lowest)) > _LARGEST_STEP_MMHG
    )


def _unknown(numbers: Mapping[str, _Floats], window: int) -> str:
    """Which number the monitor does not show of a window; '' where none."""
    missing = next((number for number, means in numbers.items() if np.isnan(means[window])), None)
    return f"for which the monitor shows no {missing}" if missing else ""
