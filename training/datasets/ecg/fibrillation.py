"""Atrial fibrillation: ventricular beats without order, and fibrillatory waves instead of P waves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..smooth_noise import smooth_noise

_Floats = npt.NDArray[np.float64]

_SHORTEST_SHARE = 0.45  # of the mean interval: the AV node lets nothing through before
_HARMONICS = 4
_FREQUENCY_SPREAD = 0.06  # of the atria's rate
_LEAD_LAG = 1.3  # rad: leads see the same atria from different sides


@dataclass(frozen=True)
class FibrillatingAtria:
    """What stays the same about one patient's fibrillation."""

    rate_hz: float
    """Of the fibrillatory waves, 4 to 9 Hz."""
    heights_mv: _Floats
    """[leads]; largest in V1, which lies over the right atrium."""
    mean_rr_s: float
    irregularity: float
    """Standard deviation of the R-R intervals, as a share of the mean."""


def draw_fibrillating_atria(generator: np.random.Generator) -> FibrillatingAtria:
    """One patient's: 60 to 140 beats a minute, coarse or fine waves."""
    coarseness = generator.uniform(0.35, 1.0)
    return FibrillatingAtria(
        rate_hz=generator.uniform(4.5, 7.5),
        heights_mv=coarseness * np.array([0.07, 0.12]) * np.exp(0.2 * generator.standard_normal(2)),
        mean_rr_s=60.0 / float(np.clip(generator.normal(95.0, 20.0), 60.0, 140.0)),
        irregularity=generator.uniform(0.17, 0.28),
    )


def fibrillation_intervals_s(atria: FibrillatingAtria, beats: int, generator: np.random.Generator) -> _Floats:
    """R-R intervals [beats] in s, independent of one another: a shortest one plus what is gamma distributed."""
    spare = 1.0 - _SHORTEST_SHARE
    shape = (spare / atria.irregularity) ** 2
    relative: _Floats = _SHORTEST_SHARE + generator.gamma(shape, spare / shape, beats)
    return atria.mean_rr_s * relative


def fibrillatory_waves(
    atria: FibrillatingAtria, samples: int, sampling_rate_hz: float, generator: np.random.Generator
) -> _Floats:
    """Waves [leads, samples] in mV: a sawtooth whose rate and height wander.

    After the simulated fibrillation of Stridh M, Sörnmo L, IEEE TBME 48(1):105-111, 2001.
    """
    times_s = np.arange(samples) / sampling_rate_hz
    rate_hz = atria.rate_hz * (1.0 + _FREQUENCY_SPREAD * smooth_noise(times_s, 0.8, generator))
    phase = 2.0 * np.pi * (generator.random() + np.cumsum(rate_hz) / sampling_rate_hz)
    waves = np.empty((len(atria.heights_mv), samples))
    for lead, height_mv in enumerate(atria.heights_mv):
        harmonics = [
            (1.0 + 0.3 * smooth_noise(times_s, 0.7, generator)) * np.sin(order * (phase + _LEAD_LAG * lead)) / order
            for order in range(1, _HARMONICS + 1)
        ]
        waves[lead] = 2.0 / np.pi * height_mv * np.sum(harmonics, axis=0)
    return waves
