"""What a stay in intensive care is here, for recorded and simulated ones alike: hours, channels, outcome, schema."""

from __future__ import annotations

from ....runtime.schema import Channel, ClassCondition, NumberCondition, Order, SignalSchema
from .challenge2012_variables import VARIABLES

HOURS = 48

OUTCOME = ClassCondition("outcome", ("survived", "died"), ("left hospital alive", "died in hospital"))
ICU_TYPE = ClassCondition(
    "icu_type",
    ("coronary", "cardiac_surgery", "medical", "surgical"),
    ("coronary care", "cardiac surgery recovery", "medical intensive care", "surgical intensive care"),
)
SEX = ClassCondition("sex", ("F", "M"), ("female", "male"))
AGE = NumberCondition("age", "a", 15.0, 90.0)
"""Adults; in the source everybody older than 90 is 90."""

_RULES = (
    Order("DiasABP", "SysABP", apart=1.0),
    Order("NIDiasABP", "NISysABP", apart=1.0),
    Order("NIMAP", "NISysABP"),
)
"""What less than 1 in 200 recorded stays break. The mean is no better placed: 1 recorded stay in 20 has an invasive one
above the systolic or below the diastolic pressure at some hour, 1 in 50 a non-invasive one below the diastolic."""

_AGE_BANDS = ((45.0, "under 45"), (65.0, "45 to 64"), (80.0, "65 to 79"))  # years below, name
_OLDEST = "80 and over"


def stay_schema() -> SignalSchema:
    """The schema of the first 48 hours of stays, of all outcomes; how often conditions occur is not said yet."""
    return SignalSchema(
        name="icu-stays",
        description=(
            "The first 48 hours of a stay in intensive care, hour by hour from admission: the last value of the hour, "
            "of urine the sum; missing where nothing was measured."
        ),
        channels=tuple(Channel(v.name, v.unit, v.minimum, v.maximum, may_be_missing=True) for v in VARIABLES),
        sampling_rate_hz=1.0 / 3600.0,
        length=HOURS,
        conditions=(OUTCOME, ICU_TYPE, SEX, AGE),
        rules=_RULES,
    )


def age_band(age_a: float) -> str:
    """The band of an age in years, wide enough for some dozens of patients each."""
    return next((name for below, name in _AGE_BANDS if age_a < below), _OLDEST)
