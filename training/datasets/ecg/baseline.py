"""Take the slow baseline out of an ECG without moving or shrinking its waves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d
from scipy.signal import butter, sosfiltfilt

_Floats = npt.NDArray[np.float64]

_BASELINE_HZ = 0.5  # slower is breathing and electrodes; AHA's limit for a zero-phase filter is 0.67 Hz
_PADDING_S = 2
"""The filter rings for about a second; mirrored this far, the record's ends are filtered like its middle."""
_SETTLING_S = 1

SHORTEST_S = 10
"""A record needs some seconds to either side of a beat."""


def without_baseline(signal: _Floats, sampling_rate_hz: float) -> _Floats:
    """High-pass a signal [..., samples] of `SHORTEST_S` or more at 0.5 Hz, forwards and backwards.

    Invalid samples (NaN) are bridged by a line; within a second of them, where the bridge still shows, all is NaN.
    """
    sections = butter(2, _BASELINE_HZ, "highpass", fs=sampling_rate_hz, output="sos")
    invalid = ~np.isfinite(signal)
    whole = np.apply_along_axis(_bridged, -1, signal) if invalid.any() else signal
    level: _Floats = sosfiltfilt(sections, whole, axis=-1, padlen=round(_PADDING_S * sampling_rate_hz))
    if invalid.any():
        reach = round(_SETTLING_S * sampling_rate_hz)
        level[maximum_filter1d(invalid.astype(np.uint8), 2 * reach + 1, axis=-1, mode="nearest") > 0] = np.nan
    return level


def _bridged(lead: _Floats) -> _Floats:
    valid = np.isfinite(lead)
    if not valid.any():
        return np.zeros_like(lead)
    places = np.arange(len(lead))
    bridged: _Floats = np.interp(places, places[valid], lead[valid])
    return bridged
