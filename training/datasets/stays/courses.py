"""What is measured during a simulated stay in intensive care: usual levels, what moves them, how they are written down.

Names and units as in the PhysioNet/CinC Challenge 2012 (Silva I et al., Comput Cardiol 39:245-248, 2012). Levels and
loads are set by hand: a variable's course is its usual level, the patient's own, how severe the illness is at the hour,
and a wandering of its own; skewed ones move in their logarithm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Course:
    """How one variable runs. Where `in_log`, all but the level and what limits it are shifts of the logarithm."""

    level: float
    """Usual value."""
    severity: float
    """Shift for each unit of severity, which is about standard normal between patients."""
    own: float
    """Standard deviation of patients' own levels."""
    wander: float
    """Standard deviation of what comes and goes within half a day."""
    noise: float
    """Standard deviation from one hour to the next."""
    step: float
    """What it is written down to."""
    lowest: float
    highest: float
    panel: str
    """Which of `PANELS` it is measured with."""
    in_log: bool = False
    decade: float = 0.0
    """Shift for each decade of age above 65."""
    unit_shift: Mapping[str, float] = field(default_factory=dict)
    """Shift by type of the unit."""
    ventilated: float = 0.0
    """Shift while ventilated, and sedated for it."""


_SURGERY = "cardiac_surgery"
_CORONARY = "coronary"

# fmt: off
COURSES: Mapping[str, Course] = {
    # Vital signs.
    "HR": Course(86.0, 6.0, 13.5, 6.0, 4.0, 1.0, 30.0, 220.0, "monitor", decade=-1.5),
    "RespRate": Course(19.0, 1.8, 2.8, 1.8, 2.2, 1.0, 5.0, 60.0, "breathing"),
    "Temp": Course(37.0, 0.05, 0.35, 0.35, 0.15, 0.1, 32.0, 41.5, "warmth", decade=-0.08, unit_shift={_SURGERY: -0.1}),
    "GCS": Course(14.3, -1.3, 0.8, 0.5, 0.4, 1.0, 3.0, 15.0, "neuro", ventilated=-5.0),
    "Urine": Course(75.0, -0.28, 0.25, 0.35, 0.55, 5.0, 0.0, 2000.0, "urine", in_log=True, decade=-0.06),
    "Weight": Course(80.0, 0.0, 0.22, 0.006, 0.0, 0.1, 35.0, 250.0, "weight", in_log=True, decade=-0.04),
    # Gases; a ventilator's setting is written down as a twentieth.
    "FiO2": Course(0.45, 0.10, 0.14, 0.10, 0.05, 0.05, 0.21, 1.0, "ventilator", in_log=True),
    "SaO2": Course(97.5, -0.5, 1.0, 0.7, 0.7, 1.0, 60.0, 100.0, "saturation"),
    "pH": Course(7.38, -0.030, 0.035, 0.025, 0.015, 0.01, 6.8, 7.7, "gas"),
    "PaO2": Course(118.0, -0.06, 0.22, 0.20, 0.18, 1.0, 30.0, 500.0, "gas", in_log=True),
    "PaCO2": Course(39.0, 0.02, 0.13, 0.09, 0.06, 1.0, 15.0, 110.0, "gas", in_log=True),
    "Lactate": Course(1.8, 0.32, 0.28, 0.18, 0.08, 0.1, 0.3, 25.0, "lactate", in_log=True),
    # Chemistry.
    "BUN": Course(20.0, 0.28, 0.45, 0.05, 0.03, 1.0, 2.0, 180.0, "chemistry", in_log=True, decade=0.10),
    "Creatinine": Course(1.0, 0.22, 0.42, 0.06, 0.03, 0.1, 0.2, 15.0, "chemistry", in_log=True, decade=0.04),
    "Na": Course(138.8, 0.2, 3.8, 0.9, 0.8, 1.0, 110.0, 170.0, "chemistry"),
    "K": Course(4.1, 0.08, 0.35, 0.22, 0.18, 0.1, 2.0, 8.5, "chemistry"),
    "HCO3": Course(23.5, -1.4, 2.8, 0.9, 0.7, 1.0, 6.0, 45.0, "chemistry"),
    "Mg": Course(2.0, 0.02, 0.20, 0.16, 0.10, 0.1, 0.8, 5.0, "chemistry"),
    "Glucose": Course(130.0, 0.06, 0.22, 0.15, 0.12, 1.0, 25.0, 800.0, "chemistry", in_log=True),
    # Blood count.
    "HCT": Course(31.0, -0.5, 3.8, 1.2, 0.6, 0.1, 15.0, 55.0, "count", unit_shift={_CORONARY: 3.0, _SURGERY: -1.5}),
    "WBC": Course(11.5, 0.10, 0.38, 0.10, 0.05, 0.1, 0.2, 80.0, "count", in_log=True),
    "Platelets": Course(185.0, -0.16, 0.42, 0.06, 0.04, 1.0, 8.0, 900.0, "count", in_log=True),
    # Liver, heart, fat.
    "ALP": Course(85.0, 0.10, 0.50, 0.05, 0.04, 1.0, 15.0, 2000.0, "liver", in_log=True),
    "ALT": Course(42.0, 0.40, 1.0, 0.15, 0.05, 1.0, 4.0, 8000.0, "liver", in_log=True),
    "AST": Course(60.0, 0.45, 1.0, 0.15, 0.05, 1.0, 6.0, 12000.0, "liver", in_log=True),
    "Bilirubin": Course(0.9, 0.30, 0.75, 0.08, 0.04, 0.1, 0.1, 50.0, "liver", in_log=True),
    "Albumin": Course(2.9, -0.20, 0.45, 0.08, 0.05, 0.1, 1.0, 5.0, "liver"),
    "TroponinT": Course(0.10, 0.25, 1.2, 0.25, 0.08, 0.01, 0.01, 25.0, "heart", True, unit_shift={_CORONARY: 1.5}),
    "TroponinI": Course(2.0, 0.25, 1.2, 0.25, 0.08, 0.1, 0.3, 50.0, "heart_i", True, unit_shift={_CORONARY: 1.2}),
    "Cholesterol": Course(150.0, -0.05, 0.25, 0.03, 0.02, 1.0, 45.0, 330.0, "lipids", in_log=True),
}
# fmt: on

MEAN_PRESSURE = Course(
    79.0, -5.5, 8.5, 6.5, 5.0, 1.0, 30.0, 160.0, "line", decade=-0.5, unit_shift={_SURGERY: -2.0}, ventilated=-2.0
)
"""The mean arterial pressure; the others follow from it and the pulse pressure."""
PULSE_PRESSURE = Course(56.0, -2.0, 14.0, 6.5, 4.0, 1.0, 12.0, 120.0, "line", decade=4.0)


@dataclass(frozen=True)
class Panel:
    """What is measured together, how often, and in how many stays."""

    every_h: float
    """Mean time between measurements at average severity; 1 or a little more: each hour but for gaps."""
    hurry: float
    """By how much more often for each unit of severity, as a share."""
    stays: float
    """Share of stays of average severity that have it at all."""
    need: float = 0.0
    """Shift of the log-odds of having it for each unit of severity."""
    unit_need: Mapping[str, float] = field(default_factory=dict)
    """The same by type of the unit."""


PANELS: Mapping[str, Panel] = {
    "monitor": Panel(1.08, 0.0, 0.99),
    "line": Panel(1.10, 0.0, 0.72, need=0.7, unit_need={_SURGERY: 3.0, _CORONARY: -0.8}),
    "cuff": Panel(1.8, 0.05, 0.93),
    "breathing": Panel(1.15, 0.0, 0.30, need=-0.4),
    "warmth": Panel(2.6, 0.15, 0.99),
    "neuro": Panel(3.2, 0.10, 0.99),
    "urine": Panel(1.35, 0.10, 0.98),
    "weight": Panel(1.7, 0.0, 0.93),
    "ventilator": Panel(3.5, 0.15, 0.97),
    "saturation": Panel(8.0, 0.15, 0.50, need=0.3),
    "gas": Panel(5.5, 0.25, 0.76, need=0.9, unit_need={_SURGERY: 3.0, _CORONARY: -0.8}),
    "lactate": Panel(9.0, 0.35, 0.52, need=0.8),
    "chemistry": Panel(13.5, 0.12, 0.98),
    "count": Panel(13.0, 0.10, 0.98, unit_need={_SURGERY: 0.5}),
    "liver": Panel(22.0, 0.12, 0.44, need=0.8, unit_need={_SURGERY: -1.5}),
    "heart": Panel(12.0, 0.0, 0.20, need=0.1, unit_need={_CORONARY: 2.0, _SURGERY: -2.0}),
    "heart_i": Panel(16.0, 0.0, 0.04, need=0.1, unit_need={_CORONARY: 2.0, _SURGERY: -2.0}),
    "lipids": Panel(40.0, 0.0, 0.07, unit_need={_CORONARY: 1.5, _SURGERY: -2.0}),
}
