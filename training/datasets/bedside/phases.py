"""One respiratory and one cardiac phase of a patient: what every channel of a bedside monitor is driven by.

The heart's rate swings with breathing (respiratory sinus arrhythmia), at about 0.1 Hz (Mayer waves) and slowly; its
phase is the integral of the rate, with an R peak at every whole number (integral pulse frequency modulation: Mateo J,
Laguna P, IEEE TBME 47(8):985-996, 2000).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..smooth_noise import smooth_noise

_Floats = npt.NDArray[np.float64]

LEAD_IN_S = 6.0
"""Before the first sample, so that pressures have settled."""
_LEAD_OUT_S = 2.0  # after the last one: the P wave of a beat comes before its R peak
_INSPIRATION_SHARE = 0.4  # of a breath; expiration is longer, and ends in a pause
_MAYER_S = 4.0  # between knots: most power about 0.1 Hz
_DRIFT_S = 40.0
_BREATH_JITTER_S = 5.0


@dataclass(frozen=True)
class Vitals:
    """What a patient's rates are, and how much they vary; swings as a share of the rate."""

    heart_rate: float
    """Mean, per minute."""
    respiratory_rate: float
    """Mean, per minute."""
    breathing_swing: float
    """Of the heart's rate with breathing, amplitude."""
    mayer_swing: float
    """Of the heart's rate at about 0.1 Hz, standard deviation."""
    drift: float
    """Of both rates over minutes, standard deviation."""


@dataclass(frozen=True)
class Phases:
    """Phases on the grid of a recording that begins `LEAD_IN_S` before time 0, and the R peaks between them."""

    times_s: _Floats
    """[samples]."""
    heart: _Floats
    """[samples], in beats, rising; whole at an R peak."""
    breath: _Floats
    """[samples], in breaths, rising; whole where inspiration begins."""
    r_times_s: _Floats
    """[beats]."""

    def lungs_at(self, times_s: _Floats) -> _Floats:
        """How full the lungs are at these times, from -1 to 1."""
        return lung_fill(np.interp(times_s, self.times_s, self.breath))


def run_phases(vitals: Vitals, duration_s: float, sampling_rate_hz: float, generator: np.random.Generator) -> Phases:
    """Run both phases for `duration_s`, from a random point of a breath and of a beat."""
    samples = round((LEAD_IN_S + duration_s + _LEAD_OUT_S) * sampling_rate_hz)
    times_s = np.arange(samples) / sampling_rate_hz - LEAD_IN_S
    start_breath, start_heart = generator.random(2)
    breath_rate = 1.0 + vitals.drift * smooth_noise(times_s, _DRIFT_S, generator)
    breath_rate += 0.04 * smooth_noise(times_s, _BREATH_JITTER_S, generator)
    breath = start_breath + _integral(vitals.respiratory_rate / 60.0 * breath_rate, sampling_rate_hz)
    heart_rate = 1.0 + vitals.breathing_swing * lung_fill(breath)
    heart_rate += vitals.mayer_swing * smooth_noise(times_s, _MAYER_S, generator)
    heart_rate += vitals.drift * smooth_noise(times_s, _DRIFT_S, generator)
    heart = start_heart + _integral(vitals.heart_rate / 60.0 * heart_rate, sampling_rate_hz)
    beats = np.arange(np.ceil(heart[0]), np.floor(heart[-1]) + 1.0)
    return Phases(times_s, heart, breath, np.interp(beats, heart, times_s))


def lung_fill(breath: _Floats) -> _Floats:
    """How full the lungs are, from -1 to 1, at a phase in breaths: a quick smooth rise, a slower fall, a pause."""
    phase = np.mod(breath, 1.0)
    rise = phase / _INSPIRATION_SHARE
    fall = (phase - _INSPIRATION_SHARE) / (1.0 - _INSPIRATION_SHARE)
    # A power below 1 lets the fall be steep at first and flat before the next breath.
    angle = np.where(phase < _INSPIRATION_SHARE, rise - 1.0, fall.clip(0.0) ** 0.8)
    return np.cos(np.pi * angle)


def _integral(rate_hz: _Floats, sampling_rate_hz: float) -> _Floats:
    """Trapezoid, 0 at the first sample."""
    middle = (rate_hz[1:] + rate_hz[:-1]) / (2.0 * sampling_rate_hz)
    return np.concatenate([[0.0], np.cumsum(middle)])
