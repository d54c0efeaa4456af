"""What a strip of ECG is here, for recorded and simulated ones alike: length, leads, rhythms, schema."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...runtime.schema import Channel, ClassCondition, NumberCondition, SignalSchema
from .beats import RANGE_MV

SAMPLING_RATE_HZ = 125
STRIP_LENGTH = 1280
"""Samples of one strip: 10.24 s, about what a printed rhythm strip shows."""

RHYTHM = ClassCondition(
    "rhythm", ("N", "AFIB", "B"), ("normal sinus rhythm", "atrial fibrillation", "ventricular bigeminy")
)
"""By the MIT-BIH rhythm annotations."""

HEART_RATE = NumberCondition("heart_rate", "/min", 20.0, 250.0)
"""Of all beats in the strip."""


def strip_schema() -> SignalSchema:
    """The schema of strips of any of the rhythms."""
    return SignalSchema(
        name="ecg-strips",
        description="10.24 s of ECG in two leads: MLII, and the chest lead as recorded; begins anywhere in a beat.",
        channels=(Channel("MLII", "mV", *RANGE_MV), Channel("V", "mV", *RANGE_MV)),
        sampling_rate_hz=SAMPLING_RATE_HZ,
        length=STRIP_LENGTH,
        conditions=(RHYTHM, HEART_RATE),
    )


def mean_heart_rate(r_times_s: npt.NDArray[np.float64]) -> float:
    """Beats a minute between the first and the last of these R peaks, at least two."""
    return float(60.0 * (len(r_times_s) - 1) / (r_times_s[-1] - r_times_s[0]))
