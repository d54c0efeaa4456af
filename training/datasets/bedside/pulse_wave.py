"""From arriving pulses to a pressure or pleth wave: inflow bells into a three-element windkessel.

Westerhof N, Elzinga G, Sipkema P, J Appl Physiol 31(5):776-781, 1971: the pressure is the inflow times a characteristic
impedance, and what the inflow has filled of a compliance that leaks with one time constant. A pulse's inflow is the
ejection and what comes back of it: a reflected bell in late systole, a short backward one as the valve closes, and the
dicrotic one after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

_Floats = npt.NDArray[np.float64]

_REACH = 5.0  # widths at which a bell is cut off: 4e-6 of its height
_STEADY_BEATS = 16


@dataclass(frozen=True)
class PulseShape:
    """The inflow of one pulse, and the vessel it flows into."""

    delays_s: _Floats
    """[bells], from the arrival; 0 for the ejection."""
    widths_s: _Floats
    """[bells], standard deviation."""
    heights: _Floats
    """[bells], of the inflow; 1 for the ejection."""
    impedance_s: float
    """Characteristic impedance times compliance: how much of the inflow itself shows beside what it has filled."""
    decay_s: float
    """Time constant of the leak."""


def pulse_wave(
    shape: PulseShape,
    arrivals_s: _Floats,
    strengths: _Floats,
    samples: int,
    sampling_rate_hz: float,
) -> _Floats:
    """The wave [samples] of these pulses, from an empty vessel, in units of the inflow times seconds.

    Args:
        shape: Of every pulse.
        arrivals_s: [pulses], when the ejection's inflow is largest, counted from sample 0.
        strengths: [pulses], factor of the inflow.
        samples: How many.
        sampling_rate_hz: Of the wave; bells should be wider than two samples.
    """
    inflow = np.zeros(samples)
    for delay_s, width_s, height in zip(shape.delays_s, shape.widths_s, shape.heights, strict=True):
        reach = int(np.ceil(_REACH * width_s * sampling_rate_hz))
        centres = (arrivals_s + delay_s) * sampling_rate_hz
        index = np.rint(centres).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
        bells = np.exp(-0.5 * ((index - centres[:, None]) / (width_s * sampling_rate_hz)) ** 2)
        inside = (index >= 0) & (index < samples)
        weights = (height * strengths[:, None] * bells)[inside]
        inflow += np.bincount(index[inside], weights=weights, minlength=samples)
    step = 1.0 / sampling_rate_hz
    decay = np.exp(-step / shape.decay_s)
    filled = lfilter([step / 2.0, decay * step / 2.0], [1.0, -decay], inflow)
    return shape.impedance_s * inflow + np.asarray(filled, dtype=np.float64)


def steady_extremes(shape: PulseShape, rr_s: float, sampling_rate_hz: float) -> tuple[float, float]:
    """Lowest and highest value of the wave of equal pulses that come every `rr_s`, once it has settled."""
    beats = _STEADY_BEATS + round(5.0 * shape.decay_s / rr_s)
    samples = round(beats * rr_s * sampling_rate_hz)
    wave = pulse_wave(shape, rr_s * np.arange(beats + 2.0), np.ones(beats + 2), samples, sampling_rate_hz)
    settled = wave[-round(4 * rr_s * sampling_rate_hz) :]
    return float(settled.min()), float(settled.max())
