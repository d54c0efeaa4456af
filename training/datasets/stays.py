"""What a stay in intensive care is here, for recorded and simulated ones alike: hours, variables, outcome, schema."""

from __future__ import annotations

from ...runtime.schema import Channel, ClassCondition, NumberCondition, SignalSchema

HOURS = 48

# fmt: off
VARIABLES = (
    ("HR", "/min", 20.0, 250.0), ("SysABP", "mm[Hg]", 30.0, 280.0), ("DiasABP", "mm[Hg]", 10.0, 180.0),
    ("MAP", "mm[Hg]", 20.0, 220.0), ("Temp", "Cel", 30.0, 43.0), ("RespRate", "/min", 2.0, 70.0),
    ("SaO2", "%", 50.0, 100.0), ("FiO2", "1", 0.21, 1.0), ("Urine", "mL", 0.0, 3000.0), ("GCS", "{score}", 3.0, 15.0),
    ("pH", "[pH]", 6.5, 8.0), ("Lactate", "mmol/L", 0.1, 35.0), ("Creatinine", "mg/dL", 0.1, 25.0),
    ("BUN", "mg/dL", 1.0, 220.0), ("Na", "mmol/L", 90.0, 180.0), ("K", "mmol/L", 1.5, 12.0),
    ("Glucose", "mg/dL", 10.0, 1200.0), ("HCT", "%", 8.0, 65.0), ("WBC", "10*3/uL", 0.1, 200.0),
    ("Platelets", "10*3/uL", 2.0, 1500.0),
)
# fmt: on

OUTCOME = ClassCondition("outcome", ("survived", "died"), ("left hospital alive", "died in hospital"))
ICU_TYPE = ClassCondition(
    "icu_type",
    ("coronary", "cardiac_surgery", "medical", "surgical"),
    ("coronary care", "cardiac surgery recovery", "medical intensive care", "surgical intensive care"),
)
SEX = ClassCondition("sex", ("F", "M"), ("female", "male"))
AGE = NumberCondition("age", "a", 15.0, 90.0)


def stay_schema() -> SignalSchema:
    """The schema of the first 48 hours of stays."""
    return SignalSchema(
        name="icu-stays",
        description="The first 48 hours of a stay in intensive care, hour by hour; missing where nothing was measured.",
        channels=tuple(Channel(*variable, may_be_missing=True) for variable in VARIABLES),
        sampling_rate_hz=1.0 / 3600.0,
        length=HOURS,
        conditions=(OUTCOME, ICU_TYPE, SEX, AGE),
    )
