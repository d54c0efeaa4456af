"""What a single heart beat measures: amplitudes, QRS width and where its R peak lies.

Recommendations for measurement standards in quantitative electrocardiography, the CSE Working Party, Eur Heart J
6(10):815-825, 1985.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import grey_closing, uniform_filter1d
from scipy.signal import savgol_filter

from ..figure import FloatArray

R_S = 0.384
"""Where the window of a beat has its R peak, in s: sample 96 at 250 Hz."""
_R_REACH_S = 0.06
_QRS_REACH_S = 0.16
"""How far from the R peak a QRS complex may begin or end."""
_T_FROM_S, _T_TO_S = 0.16, 0.44
"""From the R peak; sooner is still QRS, later the next beat's P wave at a fast rate."""

Beats = npt.NDArray[np.floating]
"""[n, channels, length] in mV."""


def _samples(seconds: float, rate_hz: float) -> int:
    return round(seconds * rate_hz)


def r_amplitude_mv(beats: Beats, channel: int, rate_hz: float) -> FloatArray:
    """Height of the highest point near R above the window's median, [n] in mV; near 0 in a lead without R wave."""
    lead = beats[:, channel].astype(np.float64)
    near = slice(_samples(R_S - _R_REACH_S, rate_hz), _samples(R_S + _R_REACH_S, rate_hz) + 1)
    highest: FloatArray = lead[:, near].max(axis=1) - np.median(lead, axis=1)
    return highest


def t_amplitude_mv(beats: Beats, channel: int, rate_hz: float) -> FloatArray:
    """Largest deflection of either sign after QRS from the window's median, [n] in mV."""
    lead = beats[:, channel].astype(np.float64)
    # 40 ms means take muscle noise out and leave the T wave, which is five times as long.
    smooth = uniform_filter1d(lead, _samples(0.04, rate_hz), axis=1) - np.median(lead, axis=1, keepdims=True)
    late = smooth[:, _samples(R_S + _T_FROM_S, rate_hz) : _samples(R_S + _T_TO_S, rate_hz) + 1]
    largest: FloatArray = np.take_along_axis(late, np.abs(late).argmax(axis=1)[:, None], axis=1)[:, 0]
    return largest


def r_position_ms(beats: Beats, rate_hz: float) -> FloatArray:
    """Time of the first lead's largest deflection of either sign near R, from where R should lie, [n] in ms."""
    lead = beats[:, 0].astype(np.float64)
    reach, centre = _samples(_QRS_REACH_S / 2, rate_hz), _samples(R_S, rate_hz)
    deflection = np.abs(lead - np.median(lead, axis=1, keepdims=True))[:, centre - reach : centre + reach + 1]
    return np.asarray((deflection.argmax(axis=1) - reach) * (1000.0 / rate_hz), dtype=np.float64)


def qrs_width_ms(beats: Beats, rate_hz: float) -> FloatArray:
    """Duration of QRS over all leads, [n] in ms; NaN where it has no clear beginning and end.

    QRS is where the leads' joint slope stays above a share of its largest value; the slope's zeros at the
    peaks are bridged by a morphological closing. After the envelope methods reviewed in Sörnmo & Laguna,
    Bioelectrical Signal Processing, 2005, 7.4.
    """
    centre, reach = _samples(R_S, rate_hz), _samples(_QRS_REACH_S, rate_hz)
    slopes = savgol_filter(beats.astype(np.float64), 7, 2, deriv=1, mode="nearest")
    speed = np.sqrt((slopes**2).sum(axis=1))
    envelope = grey_closing(speed, size=(1, _samples(0.048, rate_hz)))
    window = envelope[:, centre - reach : centre + reach + 1]
    peak = window.max(axis=1)
    at_rest = window < 0.18 * peak[:, None]
    steepest = window.argmax(axis=1)[:, None]
    samples = np.arange(window.shape[1])
    before, after = at_rest & (samples < steepest), at_rest & (samples > steepest)
    onset = np.where(before, samples, -1).max(axis=1)
    offset = np.where(after, samples, window.shape[1]).min(axis=1)
    measurable = before.any(axis=1) & after.any(axis=1)
    return np.where(measurable, (offset - onset - 1) * (1000.0 / rate_hz), np.nan)
