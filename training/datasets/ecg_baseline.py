"""Take the slow baseline out of an ECG without moving or shrinking its waves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, sosfiltfilt

_BASELINE_HZ = 0.5  # slower is breathing and electrodes; AHA's limit for a zero-phase filter is 0.67 Hz
_PADDING_S = 2
"""The filter rings for about a second; mirrored this far, the record's ends are filtered like its middle."""

SHORTEST_S = 10
"""A record needs some seconds to either side of a beat."""


def without_baseline(signal: npt.NDArray[np.float64], sampling_rate_hz: float) -> npt.NDArray[np.float64]:
    """The signal [..., samples] high-passed at 0.5 Hz, forwards and backwards; at least `SHORTEST_S` long, no NaN."""
    sections = butter(2, _BASELINE_HZ, "highpass", fs=sampling_rate_hz, output="sos")
    level: npt.NDArray[np.float64] = sosfiltfilt(sections, signal, axis=-1, padlen=round(_PADDING_S * sampling_rate_hz))
    return level
