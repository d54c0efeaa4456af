"""One simulated patient: body, rhythm and recording, and the trace that comes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..ecg.dynamics import solve_trace
from ..ecg.mitbih_database import RANGE_MV
from ..ecg.morphology import (
    BeatShape,
    normal_shape,
    paced_shape,
    premature_atrial_shape,
    ventricular_shape,
)
from ..ecg.rhythm import arrange, rr_intervals_s
from ..ecg.waves import beat_waves, muscle_noise
from .definition import R_SAMPLE, SAMPLING_RATE_HZ, WINDOW_LENGTH

_Floats = npt.NDArray[np.float64]

# Roughly MIT-BIH's imbalance, yet enough of the rare classes to teach with. Q is of paced patients only.
_SHARES = {"S": 0.12, "V": 0.16, "F": 0.06}
_PACED_SHARE = 0.18
_SHARE_SPREAD = 0.35  # of the logarithm, between patients
_MOST_ECTOPIC = 0.45  # of the beats that are not paced: each S, V and F needs an N after it

_GUARD_BEATS = 3  # N beats at either end, so that every window lies inside the trace among neighbours
_LEAD_IN_S = 2.0
_LEADS = 2


@dataclass(frozen=True)
class Patient:
    """What stays the same through a patient's recording."""

    shapes: Mapping[str, BeatShape]
    """Of N, S, V and Q; F lies between N and V."""
    mean_rr_s: float
    rr_variability: float
    """Standard deviation of sinus intervals, as a share of the mean."""
    breathing_hz: float
    wander_mv: _Floats
    """[leads], amplitude of z0 with breathing: what a baseline filter leaves of it."""
    muscle_noise_mv: _Floats
    """[leads], standard deviation."""
    counts: Mapping[str, int]
    """Beats of each class in the recording."""


def draw_patient(generator: np.random.Generator, beats: int, *, paced: bool) -> Patient:
    """A patient with `beats` beats to record; a pacemaker on demand if `paced`."""
    normal = normal_shape(generator)
    return Patient(
        shapes={
            "N": normal,
            "S": premature_atrial_shape(normal, generator),
            "V": ventricular_shape(generator),
            "Q": paced_shape(generator),
        },
        mean_rr_s=0.62 + 0.43 * generator.random(),
        rr_variability=0.02 + 0.04 * generator.random(),
        breathing_hz=0.2 + 0.13 * generator.random(),
        wander_mv=0.01 + 0.05 * generator.random(_LEADS),
        muscle_noise_mv=0.004 + 0.016 * generator.random(_LEADS),
        counts=_class_counts(generator, beats, paced),
    )


def _class_counts(generator: np.random.Generator, beats: int, paced: bool) -> dict[str, int]:
    spread = np.exp(_SHARE_SPREAD * generator.standard_normal(len(_SHARES))).tolist()
    shares = {name: share * factor for (name, share), factor in zip(_SHARES.items(), spread, strict=True)}
    paced_beats = round(beats * _PACED_SHARE) if paced else 0
    most = _MOST_ECTOPIC * (beats - paced_beats) / beats
    scale = min(1.0, most / sum(shares.values()))
    counts = {name: int(beats * share * scale) for name, share in shares.items()}
    return {"N": beats - paced_beats - sum(counts.values()), **counts, "Q": paced_beats}


def record_beats(
    patient: Patient, generator: np.random.Generator
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.str_]]:
    """Record the patient and cut out the beats.

    Returns:
        Windows [beats, leads, WINDOW_LENGTH] in mV with R at sample `R_SAMPLE`, and their classes [beats].
    """
    guard = ["N"] * _GUARD_BEATS
    classes = guard + arrange(patient.counts, generator) + guard
    intervals = rr_intervals_s(classes, patient.mean_rr_s, patient.rr_variability, patient.breathing_hz, generator)
    r_times_s = _LEAD_IN_S + np.cumsum(intervals)
    swing = np.sin(2.0 * np.pi * patient.breathing_hz * r_times_s)
    waves = beat_waves(patient.shapes, np.array(classes), r_times_s, patient.mean_rr_s, swing, generator)
    samples = int((waves.r_times_s[-1] + _LEAD_IN_S) * SAMPLING_RATE_HZ)
    breathing = np.sin(2.0 * np.pi * patient.breathing_hz * np.arange(samples) / SAMPLING_RATE_HZ)
    trace = solve_trace(waves, patient.wander_mv[:, None] * breathing, SAMPLING_RATE_HZ)
    trace += muscle_noise(patient.muscle_noise_mv, samples, generator)
    trace = trace.clip(*RANGE_MV)
    targets = slice(_GUARD_BEATS, -_GUARD_BEATS)
    starts = np.rint(waves.r_times_s[targets] * SAMPLING_RATE_HZ).astype(np.int64) - R_SAMPLE
    windows = np.lib.stride_tricks.sliding_window_view(trace, WINDOW_LENGTH, axis=1)[:, starts]
    return windows.transpose(1, 0, 2).astype(np.float32), np.array(classes[targets])
