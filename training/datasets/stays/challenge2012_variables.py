"""The variables of the PhysioNet/CinC Challenge 2012 that run through a stay: names, units, plausible ranges.

Names and meanings: https://physionet.org/content/challenge-2012/1.0.0/. Ranges are set by hand: wide enough for any
living patient, narrow enough for slips of the pen, disconnected lines and flushed transducers. They start from those
of Harutyunyan H et al., Multitask learning and benchmarking with clinical time series data, Sci Data 6:96, 2019
(variable_ranges.csv), tightened where that lets zeros through, widened where it cuts off failing livers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Variable:
    """One quantity that is measured again and again."""

    name: str
    """As the source writes it."""
    meaning: str
    unit: str
    """UCUM."""
    minimum: float
    maximum: float
    """A value beyond either end is no value of a living patient."""
    summed: bool = False
    """Whether an hour's values add up, as volumes do; otherwise the last of them stands for the hour."""


VARIABLES = (
    # Circulation. Invasive and cuff pressures differ, so the source keeps them apart.
    Variable("HR", "heart rate", "/min", 10.0, 300.0),
    Variable("SysABP", "invasive systolic arterial pressure", "mm[Hg]", 20.0, 300.0),
    Variable("DiasABP", "invasive diastolic arterial pressure", "mm[Hg]", 10.0, 200.0),
    Variable("MAP", "invasive mean arterial pressure", "mm[Hg]", 15.0, 220.0),
    Variable("NISysABP", "non-invasive systolic arterial pressure", "mm[Hg]", 20.0, 300.0),
    Variable("NIDiasABP", "non-invasive diastolic arterial pressure", "mm[Hg]", 10.0, 200.0),
    Variable("NIMAP", "non-invasive mean arterial pressure", "mm[Hg]", 15.0, 220.0),
    # Breathing. The ventilator is only ever written down as on, so its 1 says as much as its presence.
    Variable("RespRate", "respiration rate", "/min", 1.0, 80.0),
    Variable("MechVent", "mechanical ventilation: 1 where written down, missing where not", "1", 0.0, 1.0),
    Variable("FiO2", "fraction of inspired oxygen", "1", 0.21, 1.0),
    Variable("SaO2", "oxygen saturation in haemoglobin", "%", 20.0, 100.0),
    Variable("PaO2", "partial pressure of arterial oxygen", "mm[Hg]", 10.0, 700.0),
    Variable("PaCO2", "partial pressure of arterial carbon dioxide", "mm[Hg]", 5.0, 200.0),
    Variable("pH", "arterial pH", "[pH]", 6.5, 8.0),
    # The whole patient. A volume of urine may cover more than the hour it is written down in.
    Variable("Temp", "temperature", "Cel", 24.0, 45.0),
    Variable("GCS", "Glasgow Coma Score", "{score}", 3.0, 15.0),
    Variable("Urine", "urine output", "mL", 0.0, 5000.0, summed=True),
    Variable("Weight", "weight", "kg", 20.0, 300.0),
    # Chemistry. Magnesium is said to be in mmol/L, and is written down in mg/dL.
    Variable("Na", "serum sodium", "meq/L", 90.0, 190.0),
    Variable("K", "serum potassium", "meq/L", 1.0, 12.0),
    Variable("Mg", "serum magnesium", "mg/dL", 0.2, 15.0),
    Variable("HCO3", "serum bicarbonate", "mmol/L", 2.0, 60.0),
    Variable("BUN", "blood urea nitrogen", "mg/dL", 1.0, 250.0),
    Variable("Creatinine", "serum creatinine", "mg/dL", 0.1, 30.0),
    Variable("Glucose", "serum glucose", "mg/dL", 10.0, 2000.0),
    Variable("Lactate", "lactate", "mmol/L", 0.1, 40.0),
    # Blood count.
    Variable("HCT", "haematocrit", "%", 5.0, 75.0),
    Variable("WBC", "white blood cell count", "10*3/uL", 0.1, 500.0),
    Variable("Platelets", "platelets", "10*3/uL", 1.0, 2000.0),
    # Liver, heart, fat.
    Variable("ALP", "alkaline phosphatase", "U/L", 5.0, 6000.0),
    Variable("ALT", "alanine transaminase", "U/L", 1.0, 20000.0),
    Variable("AST", "aspartate transaminase", "U/L", 1.0, 40000.0),
    Variable("Bilirubin", "bilirubin", "mg/dL", 0.1, 100.0),
    Variable("Albumin", "albumin", "g/dL", 0.5, 7.0),
    Variable("TroponinT", "troponin-T", "ug/L", 0.0, 50.0),
    Variable("Cholesterol", "cholesterol", "mg/dL", 30.0, 600.0),
)
"""The channels of a stay, in their order."""

LEFT_OUT: Mapping[str, str] = {
    "TroponinI": "measured in under 5 % of the stays",
    "": "equal to Albumin where that stands beside it, but nothing says that it is always the same",
}
"""What the source holds besides, with the reason why it is no channel; some values have no name."""

DESCRIPTORS = ("RecordID", "Age", "Gender", "Height", "ICUType")
"""What is written down of the patient once, at 00:00; Weight is too, and again with the series."""
