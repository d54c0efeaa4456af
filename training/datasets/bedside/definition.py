"""What a bedside window is here, for recorded and simulated ones alike: length, channels, vital signs, schema."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ....runtime.schema import Channel, ClassCondition, Limit, NumberCondition, SignalSchema
from ..ecg.plausible import lead_rules

SAMPLING_RATE_HZ = 125
WINDOW_LENGTH = 1024
"""Samples of one window: 8.192 s, which hold seven beats or more and two breaths or more at usual rates."""

CHANNELS = {
    "II": Channel("II", "mV", -3.0, 3.0),
    "PLETH": Channel("PLETH", "1", 0.0, 1.0),
    "ABP": Channel("ABP", "mm[Hg]", 0.0, 250.0),
    "RESP": Channel("RESP", "1", 0.0, 1.0),
}
"""By name; PLETH and RESP as the monitor scales them, cut off at either end."""

_RULES = {
    "II": lead_rules("II"),
    "PLETH": (Limit("peak_to_peak", "PLETH", least=0.05),),
    # Narrower is no circulation, or a damped line; wider is hardly seen in the worst aortic regurgitation.
    "ABP": (
        Limit("peak_to_peak", "ABP", least=10.0, most=150.0),
        Limit("mean", "ABP", least=25.0, most=200.0),
        Limit("steepest", "ABP", most=5000.0),
    ),
    "RESP": (Limit("peak_to_peak", "RESP", least=0.05),),
}
"""By channel."""

HEART_RATE_BANDS = ClassCondition(
    "heart_rate_band",
    ("slow", "usual", "fast"),
    ("below 60 beats a minute", "60 to 100 beats a minute", "more than 100 beats a minute"),
)

_BAND_ENDS = (60.0, np.nextafter(100.0, np.inf))

NUMBERS = (
    NumberCondition("heart_rate", "/min", 20.0, 250.0),
    NumberCondition("respiratory_rate", "/min", 2.0, 70.0),
    NumberCondition("spo2", "%", 50.0, 100.0),
    NumberCondition("age", "a", 0.0, 120.0),
)

SEX = ClassCondition("sex", ("F", "M"), ("female", "male"))


def bedside_schema(*, pressure: bool) -> SignalSchema:
    """The schema of windows, with arterial pressure or without."""
    names = [name for name in CHANNELS if pressure or name != "ABP"]
    return SignalSchema(
        name="bedside-windows-abp" if pressure else "bedside-windows",
        description=(
            "8.192 s of a bedside monitor: ECG lead II, pulse oximeter wave"
            + (", arterial pressure" if pressure else "")
            + " and respiration, recorded together; a window begins anywhere in a beat and a breath."
        ),
        channels=tuple(CHANNELS[name] for name in names),
        sampling_rate_hz=SAMPLING_RATE_HZ,
        length=WINDOW_LENGTH,
        conditions=(HEART_RATE_BANDS, *NUMBERS, SEX),
        rules=tuple(rule for name in names for rule in _RULES[name]),
    )


def heart_rate_bands(heart_rates: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The index of the band of each heart rate [n] in beats a minute."""
    return np.digitize(heart_rates, _BAND_ENDS).astype(np.float64)
