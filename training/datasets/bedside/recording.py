"""What a bedside monitor records of a simulated patient: ECG, pleth, arterial pressure and respiration that agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..ecg.dynamics import solve_trace
from ..ecg.waves import beat_waves, muscle_noise
from ..smooth_noise import smooth_noise
from .patient import BedsidePatient
from .phases import LEAD_IN_S, Phases, run_phases
from .pulse_wave import PulseShape, pulse_wave, steady_extremes

_Floats = npt.NDArray[np.float64]

CHANNELS = ("II", "PLETH", "ABP", "RESP")
"""In mV, 1, mm[Hg] and 1."""

_WRIST_SHARE = 0.80  # of the way's time from the heart to the finger
_FILLING = 0.5  # how much more a beat ejects that had longer to fill, as a share of the interval's excess
_TRANSIT_JITTER_S = 0.002
_TRANSIT_SWING_S = 0.004  # with breathing, as pressure and filling swing
_PRESSURE_DRIFT_S = 25.0
_PRESSURE_DRIFT = 0.03  # of the pressure, standard deviation
_TRANSIT_PER_DRIFT_S = -0.004  # a higher pressure stiffens the arteries and speeds the pulse up


@dataclass(frozen=True)
class BedsideRecording:
    """All channels of one patient over one stretch of time, with the phases that drive them."""

    channels: _Floats
    """[4, samples], in the order and units of `CHANNELS`; not limited to what a monitor shows."""
    phases: Phases
    """On a longer grid: it begins `LEAD_IN_S` before sample 0."""
    spo2_percent: _Floats
    """[samples]."""
    sampling_rate_hz: float

    def mean_rates(self, starts: npt.NDArray[np.int64], length: int) -> tuple[_Floats, _Floats]:
        """Mean heart and respiratory rate per minute of the stretches that begin at these samples, each [n]."""
        ends_s = np.stack([starts, starts + length]) / self.sampling_rate_hz
        per_minute = 60.0 * self.sampling_rate_hz / length
        beats, breaths = (
            np.diff(np.interp(ends_s, self.phases.times_s, phase), axis=0)[0]
            for phase in (self.phases.heart, self.phases.breath)
        )
        return beats * per_minute, breaths * per_minute


def simulate_bedside(
    patient: BedsidePatient, duration_s: float, generator: np.random.Generator, sampling_rate_hz: float = 125.0
) -> BedsideRecording:
    """Record a patient for `duration_s`.

    Everything follows from one cardiac and one respiratory phase, as in Clifford GD, McSharry PE, A realistic coupled
    nonlinear artificial ECG, BP, and respiratory signal generator, Proc SPIE 5467:290-301, 2004.
    """
    phases = run_phases(patient.vitals, duration_s, sampling_rate_hz, generator)
    drift = smooth_noise(phases.times_s, _PRESSURE_DRIFT_S, generator)
    lungs = phases.lungs_at(phases.times_s)
    ecg = _ecg(patient, phases, lungs, sampling_rate_hz, generator)
    wrist_s, finger_s, strengths = _pulses(patient, phases, drift, generator)
    pleth = _scaled(patient.pleth, patient, phases, finger_s, strengths, sampling_rate_hz)
    pleth = patient.pleth_level + patient.pleth_height * pleth + patient.pleth_swing * lungs
    pleth += 0.02 * smooth_noise(phases.times_s, 6.0, generator)
    pressure = _scaled(patient.pressure, patient, phases, wrist_s, strengths, sampling_rate_hz)
    pressure = patient.diastolic_mmhg + (patient.systolic_mmhg - patient.diastolic_mmhg) * pressure
    pressure = pressure * (1.0 + _PRESSURE_DRIFT * drift) + patient.pressure_swing_mmhg * lungs
    resp = _resp(patient, phases, lungs, pleth, generator)
    spo2 = (patient.spo2_percent + 0.4 * smooth_noise(phases.times_s, 30.0, generator)).clip(None, 100.0)
    first = round(LEAD_IN_S * sampling_rate_hz)
    kept = slice(first, first + round(duration_s * sampling_rate_hz))
    channels = np.stack([ecg, pleth, pressure, resp])[:, kept]
    return BedsideRecording(channels, phases, spo2[kept], sampling_rate_hz)


def _ecg(
    patient: BedsidePatient, phases: Phases, lungs: _Floats, sampling_rate_hz: float, generator: np.random.Generator
) -> _Floats:
    mean_rr_s = 60.0 / patient.vitals.heart_rate
    classes = np.full(len(phases.r_times_s), "N")
    breathing = phases.lungs_at(phases.r_times_s)
    r_times_s = phases.r_times_s - phases.times_s[0]
    waves = beat_waves({"N": patient.beat}, classes, r_times_s, mean_rr_s, breathing, generator)
    baseline = patient.wander_mv * (lungs + 0.5 * smooth_noise(phases.times_s, 3.0, generator))
    # z follows its baseline with a time constant of 1 s; added afterwards, all of it is seen.
    trace = solve_trace(waves, np.zeros((1, len(lungs))), sampling_rate_hz)[0]
    noise = muscle_noise(np.array([patient.muscle_noise_mv]), len(lungs), generator)[0]
    ecg: _Floats = trace + patient.ecg_offset_mv + baseline + noise
    return ecg


def _pulses(
    patient: BedsidePatient, phases: Phases, drift: _Floats, generator: np.random.Generator
) -> tuple[_Floats, _Floats, _Floats]:
    """When each beat's pulse arrives at the wrist and the finger, in s, and how strong it is: each [beats]."""
    r_times_s = phases.r_times_s
    lungs = phases.lungs_at(r_times_s)
    mean_rr_s = 60.0 / patient.vitals.heart_rate
    intervals = np.diff(r_times_s, prepend=r_times_s[0] - mean_rr_s)
    transit_s = patient.transit_s + _TRANSIT_SWING_S * lungs
    transit_s += _TRANSIT_PER_DRIFT_S * np.interp(r_times_s, phases.times_s, drift)
    transit_s += _TRANSIT_JITTER_S * generator.standard_normal(len(r_times_s)).clip(-3.0, 3.0)
    # Breathing in keeps blood in the lungs, which the left heart lacks a beat later.
    strengths = 1.0 - patient.stroke_swing * phases.lungs_at(r_times_s - mean_rr_s)
    strengths += _FILLING * (intervals / mean_rr_s - 1.0)
    strengths += 0.01 * generator.standard_normal(len(r_times_s)).clip(-3.0, 3.0)
    return r_times_s + _WRIST_SHARE * transit_s, r_times_s + transit_s, strengths


def _scaled(
    shape: PulseShape,
    patient: BedsidePatient,
    phases: Phases,
    arrivals_s: _Floats,
    strengths: _Floats,
    sampling_rate_hz: float,
) -> _Floats:
    """The wave of these pulses [samples], from 0 to 1 where they are equal and come at the patient's mean rate."""
    wave = pulse_wave(shape, arrivals_s - phases.times_s[0], strengths, len(phases.times_s), sampling_rate_hz)
    lowest, highest = steady_extremes(shape, 60.0 / patient.vitals.heart_rate, sampling_rate_hz)
    return (wave - lowest) / (highest - lowest)


def _resp(
    patient: BedsidePatient, phases: Phases, lungs: _Floats, pleth: _Floats, generator: np.random.Generator
) -> _Floats:
    """Impedance of the chest: how full the lungs are, breaths of unequal depth, a little of the heart."""
    depth = 1.0 + 0.12 * smooth_noise(phases.times_s, 4.0, generator)
    level = 0.06 * smooth_noise(phases.times_s, 8.0, generator)
    heart = patient.resp_heart_share * (pleth - pleth.mean()) / patient.pleth_height
    breath = (0.5 + 0.5 * lungs) ** patient.resp_sharpness
    resp: _Floats = patient.resp_level + patient.resp_height * (depth * breath + level + heart)
    return resp
