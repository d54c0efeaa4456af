"""What a strip of several beats measures: rate, variability, delay of the pulse, pressure; NaN where it cannot."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..figure import FloatArray
from .rhythm import pulse_arrivals, r_peaks

Values = npt.NDArray[np.floating]
"""[n, channels, length] in physical units."""


def mean_rr_ms(values: Values, channel: int, rate_hz: float) -> FloatArray:
    """Mean R-R interval, [n] in ms; of at least two intervals."""
    return np.array(
        [1000.0 * np.diff(peaks).mean() if len(peaks) > 2 else np.nan for peaks in r_peaks(values[:, channel], rate_hz)]
    )


def rmssd_ms(values: Values, channel: int, rate_hz: float) -> FloatArray:
    """Root mean square of the differences of successive R-R intervals, [n] in ms; of at least two differences."""
    return np.array(
        [
            1000.0 * np.sqrt(np.mean(np.diff(peaks, 2) ** 2)) if len(peaks) > 3 else np.nan
            for peaks in r_peaks(values[:, channel], rate_hz)
        ]
    )


def pulse_rate(values: Values, channel: int, rate_hz: float) -> FloatArray:
    """Mean rate of arriving pulses, [n] per minute; of at least two intervals."""
    return np.array(
        [
            60.0 / np.diff(pulses).mean() if len(pulses) > 2 else np.nan
            for pulses in pulse_arrivals(values[:, channel], rate_hz)
        ]
    )


def r_to_pulse_ms(values: Values, ecg: int, pulse: int, rate_hz: float) -> FloatArray:
    """Median time from an R peak to the next pulse's fastest rise, [n] in ms; of at least two beats.

    Longer than one R-R interval it cannot be told from one that is shorter by that interval.
    """
    delays = np.full(len(values), np.nan)
    beats = zip(r_peaks(values[:, ecg], rate_hz), pulse_arrivals(values[:, pulse], rate_hz), strict=True)
    for strip, (peaks, pulses) in enumerate(beats):
        following = np.searchsorted(pulses, peaks, "right")
        met = following < len(pulses)
        if met.sum() > 1:
            delays[strip] = 1000.0 * np.median(pulses[following[met]] - peaks[met])
    return delays


def pressures_mmhg(values: Values, channel: int, rate_hz: float) -> tuple[FloatArray, FloatArray]:
    """Median over the pulses of the highest and the lowest pressure, each [n] in the channel's unit."""
    pressure = values[:, channel]
    extremes = np.full((2, len(values)), np.nan)
    for strip, pulses in enumerate(pulse_arrivals(pressure, rate_hz)):
        starts = np.unique(np.floor(pulses * rate_hz).astype(np.intp))
        if len(starts) > 1:
            # From one fastest rise to the next: first the peak, at the end the foot.
            whole = pressure[strip, : starts[-1]]
            extremes[:, strip] = [np.median(of.reduceat(whole, starts[:-1])) for of in (np.maximum, np.minimum)]
    return extremes[0], extremes[1]
