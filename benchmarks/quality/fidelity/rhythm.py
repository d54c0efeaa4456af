"""When the heart beats in a strip: R peaks of an ECG lead, arriving pulses of a pleth or pressure wave."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, find_peaks, sosfiltfilt

from ..figure import FloatArray

Strips = npt.NDArray[np.floating]
"""[n, length] of one channel, any unit."""

LOWEST_RATE_HZ = 40.0
"""Sampled more slowly, the band of QRS complexes is lost."""
SHORTEST_S = 4.0
"""Holds three beats at any rate from 45 /min on."""
_QRS_BAND_HZ = (5.0, 15.0)
_PULSE_BAND_HZ = (0.5, 8.0)
_PIECE_S = 2.0
"""Holds a beat at any rate from 30 /min on."""
_CONTRAST = 3.0
"""How far beats stand above the strip's middle, or above what lies between them; noise reaches about 2."""
_UNLIKE = 0.1
"""How much beats that are close to each other may differ in strength: fast ones fill the strip up to its middle."""


def r_peaks(leads: Strips, rate_hz: float) -> list[FloatArray]:
    """Times of the R peaks of each strip in s; empty where nothing stands out as QRS complexes do.

    Band-pass, slope, energy in a moving window, threshold, as Pan & Tompkins (IEEE TBME 32(3):230-236, 1985), on
    whole strips: filters without delay, and one threshold from the strip's own typical beat.
    """
    lead = leads.astype(np.float64)
    slope = np.gradient(sosfiltfilt(butter(2, _QRS_BAND_HZ, "bandpass", fs=rate_hz, output="sos"), lead), axis=-1)
    energy = np.sqrt(uniform_filter1d(slope**2, round(0.12 * rate_hz), axis=-1))
    level = lead - np.median(lead, axis=-1, keepdims=True)
    reach = round(0.08 * rate_hz)
    times = []
    for row, beats in zip(level, _beats(energy, rate_hz, refractory_s=0.25, share=0.4), strict=True):
        around = row[(beats[:, None] + np.arange(-reach, reach + 1)).clip(0, len(row) - 1)]
        upright = not len(beats) or np.median(around.max(axis=1)) >= np.median(-around.min(axis=1))
        times.append(_highest(row if upright else -row, beats, reach) / rate_hz)
    return times


def pulse_arrivals(waves: Strips, rate_hz: float) -> list[FloatArray]:
    """Times at which each pulse of each strip rises fastest in s; empty where no pulses stand out.

    By the summed upslope of Zong et al., An open-source algorithm to detect onset of arterial blood pressure
    pulses, Comput Cardiol 30:259-262, 2003; summed over 200 ms, not 128, as a pleth rises more slowly.
    """
    band = butter(2, _PULSE_BAND_HZ, "bandpass", fs=rate_hz, output="sos")
    slope = np.gradient(sosfiltfilt(band, waves.astype(np.float64)), axis=-1)
    upslope = uniform_filter1d(slope.clip(min=0.0), round(0.2 * rate_hz), axis=-1)
    reach = round(0.1 * rate_hz)
    return [
        _highest(row, beats, reach) / rate_hz
        for row, beats in zip(slope, _beats(upslope, rate_hz, refractory_s=0.3, share=0.4), strict=True)
    ]


def _beats(strength: FloatArray, rate_hz: float, *, refractory_s: float, share: float) -> list[npt.NDArray[np.intp]]:
    """Samples where `strength` [n, length] peaks above a share of its typical largest value."""
    length = strength.shape[-1]
    pieces = max(1, int(length / (_PIECE_S * rate_hz)))
    piece = length // pieces
    largest = strength[:, : pieces * piece].reshape(len(strength), pieces, piece).max(axis=-1)
    typical = np.median(largest, axis=-1)
    clear = typical > _CONTRAST * np.median(strength, axis=-1)
    distance = max(1, round(refractory_s * rate_hz))
    found = []
    for row, level, stand_out in zip(strength, typical, clear, strict=True):
        beats = find_peaks(row, height=share * level, distance=distance)[0]
        found.append(beats if stand_out or _apart_and_alike(row, beats) else np.empty(0, dtype=np.intp))
    return found


def _apart_and_alike(strength: FloatArray, beats: npt.NDArray[np.intp]) -> bool:
    """Whether little happens between the beats, and the beats are of one strength, as noise's peaks are not."""
    if len(beats) < 3:
        return False
    heights = strength[beats]
    middle = float(np.median(heights))
    between = np.minimum.reduceat(strength[: beats[-1]], beats[:-1])
    alike = np.median(np.abs(heights - middle)) < _UNLIKE * middle
    return bool(alike and middle > _CONTRAST * np.median(between))


def _highest(row: FloatArray, beats: npt.NDArray[np.intp], reach: int) -> FloatArray:
    """Where `row` [length] is highest within `reach` of each beat, in samples, between them by a parabola.

    A wave that an end of the strip cuts before its peak has none.
    """
    around = (beats[:, None] + np.arange(-reach, reach + 1)).clip(1, len(row) - 2)
    top = np.take_along_axis(around, row[around].argmax(axis=1)[:, None], axis=1)[:, 0]
    before, at, after = row[top - 1], row[top], row[top + 1]
    curvature = before - 2.0 * at + after
    shift = np.zeros(len(top))
    np.divide(0.5 * (before - after), curvature, out=shift, where=curvature < 0)
    highest: FloatArray = (top + shift)[(at >= before) & (at >= after)]
    return highest
