"""A simulated row about a patient sent to a heart clinic: columns of every kind, and an outcome that follows from them.

Built like public tables of heart disease: risk factors, then what rest and exercise show of an unseen burden of
ischaemia, then a disease by a logistic model of the columns. Coefficients are set by hand; directions are textbook.
"""

from __future__ import annotations

import math

import numpy as np

from ....runtime.schema import CategoryColumn, ClassCondition, NumberColumn, TableSchema

_REFERRALS = (
    *("R07.4", "I20.9", "I10", "I20.8", "R06.0", "I25.1", "E11.9", "R00.2", "I48.9", "R55", "I20.0", "E78.0"),
    *("I11.9", "R94.3", "I34.0", "I35.0", "R42", "I44.7", "J44.9", "I50.0", "Z01.8", "F41.0", "K21.9", "I71.2"),
)
"""ICD-10 codes, from frequent to rare."""
_CARDIAC = frozenset({"I20.9", "I20.8", "I25.1", "I20.0", "I50.0", "R94.3", "I44.7"})

HEART_COLUMNS = (
    NumberColumn("age", "a", 18.0, 95.0, step=1.0),
    CategoryColumn("sex", ("F", "M")),
    CategoryColumn("smoking", ("never", "former", "current"), ordered=True, may_be_missing=True),
    NumberColumn("bmi", "kg/m2", 14.0, 60.0, step=0.1),
    NumberColumn("resting_systolic_pressure", "mm[Hg]", 80.0, 220.0, step=1.0),
    NumberColumn("cholesterol", "mg/dL", 90.0, 600.0, step=1.0, may_be_missing=True),
    CategoryColumn("high_fasting_sugar", ("no", "yes"), may_be_missing=True),
    CategoryColumn("referral", _REFERRALS),
    CategoryColumn("chest_pain", ("typical angina", "atypical angina", "non-anginal pain", "asymptomatic")),
    CategoryColumn("resting_ecg", ("normal", "ST-T abnormality", "hypertrophy")),
    NumberColumn("maximum_heart_rate", "/min", 60.0, 220.0, step=1.0),
    CategoryColumn("exercise_angina", ("no", "yes")),
    NumberColumn("st_depression", "mm", 0.0, 8.0, step=0.1),
    CategoryColumn("st_slope", ("up", "flat", "down"), ordered=True, may_be_missing=True),
    NumberColumn("narrowed_vessels", "1", 0.0, 3.0, step=1.0, may_be_missing=True),
    NumberColumn("troponin", "ng/L", 0.5, 2000.0, step=0.1, may_be_missing=True),
)

HEART_OUTCOME = ClassCondition("heart_disease", ("no", "yes"), ("no heart disease found", "heart disease found"))


def heart_schema() -> TableSchema:
    """The schema of the rows."""
    return TableSchema(
        name="heart-disease",
        description="One patient sent to a heart clinic: risk factors, ECG at rest and under exercise, vessels.",
        columns=HEART_COLUMNS,
        conditions=(HEART_OUTCOME,),
    )


def draw_heart_row(generator: np.random.Generator) -> tuple[dict[str, float], float]:
    """One patient's entries by column, all known, and the probability of heart disease that they give."""
    male = generator.random() < 0.62
    age = float(np.clip(round(generator.normal(55.0, 10.0)), 22, 92))
    smoking = int(generator.choice(3, p=(0.45, 0.32, 0.23)))
    bmi = round(float(np.clip(27.0 * math.exp(0.16 * generator.standard_normal()), 16.0, 55.0)), 1)
    systolic = _systolic(130.0 + 0.5 * (age - 55.0) + 0.9 * (bmi - 27.0) + generator.normal(0.0, 14.0), generator)
    cholesterol = float(np.clip(round(150.0 + 0.6 * (age - 55.0) + generator.gamma(4.2, 22.0)), 95, 580))
    sugar = generator.random() < _logistic(-2.2 + 0.13 * (bmi - 27.0) + 0.02 * (age - 55.0))
    burden = (
        0.035 * (age - 55.0)
        + 0.5 * (male - 0.62)
        + 0.25 * (smoking - 0.8)
        + 0.010 * (systolic - 130.0)
        + 0.004 * (cholesterol - 242.0)
        + 0.35 * (sugar - 0.12)
        + generator.normal(0.0, 0.9)
    )
    row = {
        "age": age,
        "sex": float(male),
        "smoking": float(smoking),
        "bmi": bmi,
        "resting_systolic_pressure": systolic,
        "cholesterol": cholesterol,
        "high_fasting_sugar": float(sugar),
        "referral": _referral(burden, generator),
        **_findings(age, systolic, burden, generator),
    }
    return row, _logistic(_log_odds(row))


def missing_entries(row: dict[str, float], generator: np.random.Generator) -> set[str]:
    """Columns that are not known: some at random, some depending on what else is seen."""
    chances = {
        "smoking": 0.05,
        "cholesterol": 0.08,
        "high_fasting_sugar": 0.03,
        # Without ST depression there is no slope to speak of, and who looks well is not catheterised.
        "st_slope": 0.25 if row["st_depression"] == 0.0 else 0.02,
        "narrowed_vessels": 0.10 if row["exercise_angina"] else 0.30,
        "troponin": 0.20 if row["chest_pain"] <= 1.0 else 0.45,
    }
    return {name for name, chance in chances.items() if generator.random() < chance}


def _systolic(pressure: float, generator: np.random.Generator) -> float:
    """As written down: often to the nearest ten, as a hand-held gauge is read."""
    read_to = 10.0 if generator.random() < 0.5 else 2.0
    return float(np.clip(read_to * round(pressure / read_to), 84, 216))


def _referral(burden: float, generator: np.random.Generator) -> float:
    """The index of a code: a few are frequent, many are rare."""
    weights = np.array(
        [math.exp(0.6 * burden * (code in _CARDIAC)) / (rank + 1.5) for rank, code in enumerate(_REFERRALS)]
    )
    return float(np.searchsorted(np.cumsum(weights), generator.random() * weights.sum(), side="right"))


def _findings(age: float, systolic: float, burden: float, generator: np.random.Generator) -> dict[str, float]:
    """What rest, exercise and the catheter show of the burden."""
    pain = np.exp([-1.1 + 0.1 * burden, -0.3 - 0.6 * burden, 0.1 - 0.3 * burden, 0.3 + 0.6 * burden])
    abnormal, thick = 0.06 * math.exp(0.4 * burden), 0.6 * _logistic(0.02 * (systolic - 140.0))
    ecg = generator.random()
    angina = generator.random() < _logistic(-0.9 + 0.9 * burden)
    depressed = generator.random() < _logistic(0.4 + 0.7 * burden + 0.5 * angina)
    depression = generator.gamma(2.0, 0.65 * math.exp(0.2 * burden)) if depressed else 0.0
    # A cumulative logit: one hidden quantity, cut twice.
    slope = burden + 0.4 * depression + generator.logistic()
    return {
        "chest_pain": float(np.searchsorted(np.cumsum(pain), generator.random() * pain.sum(), side="right")),
        "resting_ecg": 1.0 if ecg < abnormal else 2.0 if ecg < abnormal + thick else 0.0,
        "maximum_heart_rate": float(
            np.clip(round(208.0 - 1.0 * age - 7.0 * burden - 4.0 * angina + generator.normal(0.0, 16.0)), 70, 205)
        ),
        "exercise_angina": float(angina),
        "st_depression": round(float(min(depression, 7.0)), 1),
        "st_slope": float((slope > 0.4) + (slope > 3.2)),
        "narrowed_vessels": float(min(generator.poisson(0.5 * math.exp(0.7 * burden)), 3)),
        "troponin": round(
            float(np.clip(math.exp(1.7 + 0.5 * burden + 0.02 * (age - 55.0) + generator.normal(0.0, 0.7)), 0.6, 1900)),
            1,
        ),
    }


def _log_odds(row: dict[str, float]) -> float:
    return (
        -2.45
        + 0.01 * (row["age"] - 55.0)
        + 0.6 * row["sex"]
        + 0.9 * row["exercise_angina"]
        + 1.2 * (row["chest_pain"] == 3.0)
        + 0.5 * row["st_depression"]
        + 0.5 * row["st_slope"]
        + 1.0 * row["narrowed_vessels"]
        - 0.02 * (row["maximum_heart_rate"] - 150.0)
        + 0.25 * math.log(row["troponin"] / 5.5)
    )


def _logistic(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))
