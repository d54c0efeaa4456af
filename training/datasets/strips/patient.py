"""One simulated patient with a rhythm that comes and goes, and strips of ECG recorded of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..ecg.dynamics import solve_trace
from ..ecg.fibrillation import (
    FibrillatingAtria,
    draw_fibrillating_atria,
    fibrillation_intervals_s,
    fibrillatory_waves,
)
from ..ecg.morphology import EVENTS, BeatShape, normal_shape, ventricular_shape
from ..ecg.rhythm import rr_intervals_s
from ..ecg.waves import beat_waves, muscle_noise
from ..smooth_noise import smooth_noise

_Floats = npt.NDArray[np.float64]

_LEADS = 2
_LEAD_IN_S = 3.0  # before the strip: its first beats have neighbours, and the trace has settled
_LEAD_OUT_S = 2.0
_SHORTEST_MEAN_RR_S = 0.40


@dataclass(frozen=True)
class StripPatient:
    """What stays the same through all strips of a patient."""

    sinus: BeatShape
    ventricular: BeatShape
    mean_rr_s: float
    """In sinus rhythm."""
    rr_variability: float
    """Standard deviation of sinus intervals, as a share of the mean."""
    coupling: Mapping[str, tuple[float, float]]
    """Of the mean interval: after which a ventricular beat comes. One focus fires after about the same time."""
    ventricular_share: float
    """Of the beats while the rhythm is sinus or fibrillation."""
    atria: FibrillatingAtria
    breathing_hz: float
    wander_mv: _Floats
    """[leads], amplitude of the baseline with breathing."""
    muscle_noise_mv: _Floats
    """[leads], standard deviation."""


def draw_strip_patient(generator: np.random.Generator) -> StripPatient:
    """A patient whose rhythm may be any of those simulated."""
    coupling = generator.uniform(0.52, 0.74)
    return StripPatient(
        sinus=normal_shape(generator),
        ventricular=ventricular_shape(generator),
        mean_rr_s=60.0 / float(np.clip(generator.normal(75.0, 13.0), 50.0, 110.0)),
        rr_variability=generator.uniform(0.01, 0.05),
        coupling={"V": (coupling - 0.02, coupling + 0.02)},
        ventricular_share=float(generator.choice([0.0, 0.01, 0.06], p=[0.5, 0.3, 0.2])),
        atria=draw_fibrillating_atria(generator),
        breathing_hz=generator.uniform(0.2, 0.33),
        wander_mv=generator.uniform(0.01, 0.06, _LEADS),
        muscle_noise_mv=generator.uniform(0.004, 0.02, _LEADS),
    )


def record_strip(
    patient: StripPatient, rhythm: str, samples: int, sampling_rate_hz: float, generator: np.random.Generator
) -> tuple[_Floats, _Floats]:
    """Record one strip while the patient is in a rhythm: `N` sinus, `AFIB` atrial fibrillation, `B` bigeminy.

    Returns:
        The strip [2, samples] in mV, and the times [beats] of the R peaks in it in s.
    """
    duration_s = _LEAD_IN_S + samples / sampling_rate_hz + _LEAD_OUT_S
    classes, r_times_s, mean_rr_s = _beats(patient, rhythm, duration_s, generator)
    sinus = _without_p(patient.sinus) if rhythm == "AFIB" else patient.sinus
    shapes = {"N": sinus, "V": patient.ventricular}
    angle = 2.0 * np.pi * generator.random()
    breathing = np.sin(2.0 * np.pi * patient.breathing_hz * r_times_s + angle)
    waves = beat_waves(shapes, classes, r_times_s, mean_rr_s, breathing, generator)
    whole = round(duration_s * sampling_rate_hz)
    times_s = np.arange(whole) / sampling_rate_hz
    trace = solve_trace(waves, np.zeros((_LEADS, whole)), sampling_rate_hz)
    wander = np.sin(2.0 * np.pi * patient.breathing_hz * times_s + angle) + smooth_noise(times_s, 3.0, generator)
    trace += patient.wander_mv[:, None] * wander + muscle_noise(patient.muscle_noise_mv, whole, generator)
    if rhythm == "AFIB":
        trace += fibrillatory_waves(patient.atria, whole, sampling_rate_hz, generator)
    first = round(_LEAD_IN_S * sampling_rate_hz)
    inside_s = r_times_s - first / sampling_rate_hz
    inside = (inside_s >= 0.0) & (inside_s <= (samples - 1) / sampling_rate_hz)
    return trace[:, first : first + samples], inside_s[inside]


def _beats(
    patient: StripPatient, rhythm: str, duration_s: float, generator: np.random.Generator
) -> tuple[npt.NDArray[np.str_], _Floats, float]:
    """Classes and R times of beats that fill `duration_s`, and the mean interval of the rhythm."""
    pace = 1.0 + 0.05 * generator.standard_normal()  # strips lie minutes apart
    mean_rr_s = max(_SHORTEST_MEAN_RR_S, pace * (patient.atria.mean_rr_s if rhythm == "AFIB" else patient.mean_rr_s))
    beats = int(duration_s / mean_rr_s) + 12
    if rhythm == "B":
        first = int(generator.integers(2))
        classes = ["NV"[(beat + first) % 2] for beat in range(beats)]
    else:
        classes = ["N"] * beats
        for beat in np.flatnonzero(generator.random(beats) < patient.ventricular_share).tolist():
            if classes[beat - 1] == "N":
                classes[beat] = "V"
    if rhythm == "AFIB":
        intervals_s = pace * fibrillation_intervals_s(patient.atria, beats, generator)
        ventricular = np.array(classes) == "V"
        intervals_s[ventricular] = np.minimum(intervals_s[ventricular], 0.75 * mean_rr_s)
    else:
        intervals_s = rr_intervals_s(
            classes, mean_rr_s, patient.rr_variability, patient.breathing_hz, generator, patient.coupling
        )
    r_times_s = np.cumsum(intervals_s) - intervals_s[0] * generator.random()
    return np.array(classes), r_times_s, mean_rr_s


def _without_p(shape: BeatShape) -> BeatShape:
    heights = shape.heights_mv.copy()
    heights[:, EVENTS.index("P")] = 0.0
    return replace(shape, heights_mv=heights)
