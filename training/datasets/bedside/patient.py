"""One simulated patient at a bedside monitor: body, vital signs, vessels, and how the monitor sees them.

Set by hand after textbook values: pulse pressure widens with age as arteries stiffen (Franklin SS et al., Circulation
96:308-315, 1997); the pulse arrives sooner the higher the pressure and the stiffer the arteries (Mukkamala R et al.,
IEEE TBME 62(8):1879-1901, 2015); the swing of the heart's rate with breathing shrinks with age and rate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..ecg.morphology import BeatShape, normal_shape
from .phases import Vitals
from .pulse_wave import PulseShape

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BedsidePatient:
    """What stays the same through a patient's recording."""

    age_years: float
    sex: str
    """`F` or `M`."""
    vitals: Vitals
    spo2_percent: float
    systolic_mmhg: float
    diastolic_mmhg: float
    transit_s: float
    """From the R peak to the largest inflow at a finger, about where the pleth rises fastest."""
    beat: BeatShape
    """Of lead II alone."""
    pleth: PulseShape
    pressure: PulseShape
    ecg_offset_mv: float
    wander_mv: float
    """Amplitude of the ECG's baseline with breathing."""
    muscle_noise_mv: float
    pleth_level: float
    """Of a pulse's foot, as the monitor scales it."""
    pleth_height: float
    """Of a pulse, as the monitor scales it."""
    pleth_swing: float
    """Of the pleth's baseline with breathing, amplitude."""
    stroke_swing: float
    """Of a pulse's strength with breathing, as a share, amplitude."""
    pressure_swing_mmhg: float
    """Of the pressure's baseline with breathing, amplitude."""
    resp_level: float
    """Of the respiration channel between breaths."""
    resp_height: float
    """What a usual breath moves the respiration channel by; where it is large, the monitor cuts it off."""
    resp_sharpness: float
    """1 where the chest's impedance follows the lungs; more where it tells only deep breaths from no breath."""
    resp_heart_share: float
    """Of the respiration channel's height: what the beating heart adds."""


def draw_bedside_patient(
    generator: np.random.Generator, heart_rates: tuple[float, float] = (52.0, 120.0)
) -> BedsidePatient:
    """An adult in intensive care, in sinus rhythm, with a mean heart rate between these in beats a minute."""
    age = float(np.clip(generator.normal(65.0, 16.0), 18.0, 90.0))
    sex = "M" if generator.random() < 0.5 else "F"
    heart_rate = generator.uniform(*heart_rates)
    vitals = Vitals(
        heart_rate=heart_rate,
        respiratory_rate=float(np.clip(generator.normal(18.0, 4.0), 10.0, 27.0)),
        breathing_swing=0.04 * generator.uniform(0.3, 1.0) * (70.0 / heart_rate) * (1.4 - age / 100.0),
        mayer_swing=generator.uniform(0.003, 0.012),
        drift=generator.uniform(0.006, 0.018),
    )
    mean_mmhg = float(np.clip(generator.normal(82.0, 11.0), 60.0, 112.0))
    pulse_mmhg = float(np.clip(generator.normal(44.0 + 0.45 * (age - 50.0), 8.0), 26.0, 85.0))
    transit = 0.275 - 0.0009 * (age - 60.0) - 0.0010 * (mean_mmhg - 82.0) + generator.normal(0.0, 0.012)
    # A pulse's parts come closer together the shorter the beat, as ejection does (Weissler 1968).
    beat_length = np.sqrt(60.0 / heart_rate)
    stiffness = (age - 20.0) / 70.0
    lead_ii = normal_shape(generator)
    height = generator.uniform(0.22, 0.5)
    return BedsidePatient(
        age_years=age,
        sex=sex,
        vitals=vitals,
        spo2_percent=float(np.clip(100.0 - generator.gamma(2.0, 1.4), 88.0, 100.0)),
        # A mean pressure lies a third of the pulse pressure above the diastolic one.
        systolic_mmhg=mean_mmhg + 2.0 * pulse_mmhg / 3.0,
        diastolic_mmhg=mean_mmhg - pulse_mmhg / 3.0,
        transit_s=float(np.clip(transit, 0.205, 0.32)),
        beat=replace(lead_ii, heights_mv=lead_ii.heights_mv[:1]),
        pleth=_pleth_shape(generator, stiffness, beat_length),
        pressure=_pressure_shape(generator, stiffness, beat_length),
        ecg_offset_mv=generator.normal(0.0, 0.05),
        wander_mv=generator.uniform(0.01, 0.07),
        muscle_noise_mv=generator.uniform(0.004, 0.02),
        pleth_level=0.5 - 0.5 * height + generator.normal(0.0, 0.04),
        pleth_height=height,
        pleth_swing=generator.uniform(0.01, 0.09),
        stroke_swing=generator.uniform(0.02, 0.09),
        pressure_swing_mmhg=generator.uniform(0.8, 3.0),
        resp_level=generator.uniform(0.05, 0.25),
        resp_height=generator.uniform(0.35, 1.1),
        resp_sharpness=generator.uniform(1.0, 2.5),
        resp_heart_share=generator.uniform(0.01, 0.08),
    )


def _pleth_shape(generator: np.random.Generator, stiffness: float, beat_length: float) -> PulseShape:
    """Volume at a finger: a smooth rise and a leak; with age the reflected wave merges with the first."""
    notch = generator.uniform(0.5, 1.3) * (1.0 - 0.5 * stiffness)
    reflected = 0.15 + 0.45 * stiffness * generator.uniform(0.5, 1.0)
    return PulseShape(
        delays_s=np.array([0.0, 0.15, 0.40]) * beat_length,
        widths_s=np.array([0.055, 0.065, 0.050]) * beat_length,
        heights=np.array([1.0, reflected, 0.30 * notch]),
        impedance_s=generator.uniform(0.0, 0.06),
        decay_s=generator.uniform(0.14, 0.26) * beat_length,
    )


def _pressure_shape(generator: np.random.Generator, stiffness: float, beat_length: float) -> PulseShape:
    """Pressure at the wrist: a steep rise, a shoulder that grows with age, a notch, a dicrotic wave, a slow fall."""
    notch = generator.uniform(0.5, 1.3)
    reflected = 0.20 + 0.40 * stiffness * generator.uniform(0.5, 1.0)
    return PulseShape(
        delays_s=np.array([0.0, 0.105, 0.24, 0.36]) * beat_length,
        widths_s=np.array([0.045, 0.055, 0.030, 0.055]) * beat_length,
        heights=np.array([1.0, reflected, -0.12 * notch, 0.14 * notch]),
        impedance_s=generator.uniform(0.12, 0.30),
        decay_s=generator.uniform(0.35, 0.75),
    )
