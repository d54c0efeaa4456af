"""What a strip of ECG is here, for recorded and simulated ones alike: length, leads, rhythms, schema."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ....runtime.schema import Channel, ClassCondition, NumberCondition, SignalSchema
from ..ecg.mitbih_database import RANGE_MV
from ..ecg.plausible import lead_rules

SAMPLING_RATE_HZ = 125
STRIP_LENGTH = 1280
"""Samples of one strip: 10.24 s, about what a printed rhythm strip shows."""

RHYTHMS = {
    "N": "normal sinus rhythm",
    "SBR": "sinus bradycardia",
    "AFIB": "atrial fibrillation",
    "AFL": "atrial flutter",
    "AB": "atrial bigeminy",
    "SVTA": "supraventricular tachyarrhythmia",
    "PREX": "pre-excitation",
    "NOD": "atrioventricular junctional rhythm",
    "BI": "first degree heart block",
    "BII": "second degree heart block",
    "B": "ventricular bigeminy",
    "T": "ventricular trigeminy",
    "IVR": "idioventricular rhythm",
    "VT": "ventricular tachycardia",
    "VFL": "ventricular flutter",
    "VF": "ventricular fibrillation",
    "P": "paced rhythm",
}
"""Rhythm annotations of PhysioNet's databases, without their bracket, with their meanings."""

HEART_RATE = NumberCondition("heart_rate", "/min", 20.0, 250.0)
"""Of all beats in the strip."""

LEADS = ("MLII", "V")


def rhythm_condition(names: Sequence[str]) -> ClassCondition:
    """The label of strips in these of the `RHYTHMS`."""
    return ClassCondition("rhythm", tuple(names), tuple(RHYTHMS[name] for name in names))


RHYTHM = rhythm_condition(("N", "AFIB", "B"))
"""The rhythms that are simulated."""


def strip_schema(rhythm: ClassCondition = RHYTHM, leads: tuple[str, str] = LEADS) -> SignalSchema:
    """The schema of strips of any of the rhythms, in two leads by name."""
    first, second = leads
    chest = "the chest lead as recorded" if second == "V" else second
    return SignalSchema(
        name="ecg-strips",
        description=f"10.24 s of ECG in two leads: {first}, and {chest}; begins anywhere in a beat.",
        channels=(Channel(first, "mV", *RANGE_MV), Channel(second, "mV", *RANGE_MV)),
        sampling_rate_hz=SAMPLING_RATE_HZ,
        length=STRIP_LENGTH,
        conditions=(rhythm, HEART_RATE),
        rules=(*lead_rules(first), *lead_rules(second)),
    )


def mean_heart_rate(r_times_s: npt.NDArray[np.float64]) -> float:
    """Beats a minute between the first and the last of these R peaks, at least two."""
    return float(60.0 * (len(r_times_s) - 1) / (r_times_s[-1] - r_times_s[0]))
