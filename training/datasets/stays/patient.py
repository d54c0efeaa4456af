"""One simulated stay in intensive care: how ill the patient is hour by hour, what that does, and what gets measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from .courses import COURSES, MEAN_PRESSURE, PANELS, PULSE_PRESSURE, Course

_Floats = npt.NDArray[np.float64]

UNITS: Mapping[str, float] = {"coronary": 0.15, "cardiac_surgery": 0.21, "medical": 0.37, "surgical": 0.27}
"""Types of unit, with the share of stays."""

_PRESSURES = {"SysABP": "line", "DiasABP": "line", "MAP": "line"}
_CUFF_PRESSURES = {"NISysABP": "cuff", "NIDiasABP": "cuff", "NIMAP": "cuff"}
_PANEL_OF = {
    **{name: course.panel for name, course in COURSES.items()},
    **_PRESSURES,
    **_CUFF_PRESSURES,
    "MechVent": "monitor",
}

VARIABLES = tuple(_PANEL_OF)
"""Names of all that is simulated."""

_UNIT_SEVERITY = {"coronary": -0.10, "cardiac_surgery": -0.75, "medical": 0.35, "surgical": 0.10}
_PERSISTENCE = 0.9  # of what wanders, from one hour to the next
_FORGOTTEN = 0.03  # of a panel's variables: the sample was spoilt, or nobody wrote it down


@dataclass(frozen=True)
class StayPatient:
    """Who is ill, with what course."""

    age_years: float
    sex: str
    """`F` or `M`."""
    unit: str
    """One of `UNITS`."""
    severity: _Floats
    """[hours], about standard normal between patients."""
    ventilated: npt.NDArray[np.bool_]
    """[hours]."""
    died: bool


def draw_stay_patient(generator: np.random.Generator, hours: int) -> StayPatient:
    """An adult admitted to intensive care; about one in eight dies in hospital, the more severely ill the likelier."""
    unit = str(generator.choice(list(UNITS), p=list(UNITS.values())))
    age = float(np.clip(round(generator.normal(66.0, 16.0)), 18, 90))
    start = _UNIT_SEVERITY[unit] + 0.22 * (age - 66.0) / 16.0 + 0.95 * generator.standard_normal()
    # Most get better with treatment; those who start ill fall back towards the usual.
    trend = generator.normal(-0.30 - 0.15 * start, 0.55)
    severity = start + trend * np.linspace(0.0, 1.0, hours) + 0.2 * _wander(1, hours, generator)[0]
    died = generator.random() < _logistic(-2.20 + 1.35 * float(severity[-hours // 4 :].mean()))
    surgery = unit == "cardiac_surgery"
    is_ventilated = generator.random() < _logistic(-0.1 + 0.9 * start + 3.0 * surgery)
    until = generator.exponential((9.0 if surgery else 40.0) * math.exp(0.4 * start)) if is_ventilated else 0.0
    return StayPatient(
        age_years=age,
        sex="M" if generator.random() < 0.56 else "F",
        unit=unit,
        severity=severity,
        ventilated=np.arange(hours) < until,
        died=bool(died),
    )


def record_stay(patient: StayPatient, generator: np.random.Generator) -> dict[str, _Floats]:
    """What is written down, by variable: [hours], NaN where nothing was measured."""
    values = _values(patient, generator)
    masks = _measured(patient, generator)
    recorded = {}
    for name, course in values.items():
        known = masks[_PANEL_OF[name]] & (generator.random(len(course)) >= _FORGOTTEN)
        recorded[name] = np.where(known, course, np.nan)
    return recorded


def _values(patient: StayPatient, generator: np.random.Generator) -> dict[str, _Floats]:
    """Every variable at every hour, as it would be written down."""
    hours = len(patient.severity)
    courses = {**COURSES, "mean": MEAN_PRESSURE, "pulse": PULSE_PRESSURE}
    own = generator.standard_normal(len(courses))
    wander = _wander(len(courses), hours, generator)
    noise = generator.standard_normal((len(courses), hours)).clip(-3.5, 3.5)
    runs = {
        name: _run(course, patient, own[k], wander[k], noise[k]) for k, (name, course) in enumerate(courses.items())
    }
    mean, pulse = runs.pop("mean"), runs.pop("pulse")
    values = {name: _written(COURSES[name], run) for name, run in runs.items()}
    if patient.unit == "cardiac_surgery":
        # From the operating table they come cold, and are warm after some hours.
        values["Temp"] = np.round(values["Temp"] - 1.6 * np.exp(-np.arange(hours) / 3.5), 1)
    for names, error in ((_PRESSURES, 1.0), (_CUFF_PRESSURES, 5.0)):
        off = error * generator.standard_normal((3, hours)).clip(-3.0, 3.0)
        parts = np.stack([mean + 2.0 * pulse / 3.0, mean - pulse / 3.0, mean]) + off
        # Whatever the errors, the mean lies between the two.
        parts = np.sort(np.rint(parts), axis=0)[[2, 0, 1]].clip(15.0, 260.0)
        values.update(zip(names, parts, strict=True))
    values["MechVent"] = np.where(patient.ventilated, 1.0, np.nan)
    values["FiO2"] = np.where(patient.ventilated | (values["FiO2"] > 0.5), values["FiO2"], np.nan)
    return values


def _run(course: Course, patient: StayPatient, own: float, wander: _Floats, noise: _Floats) -> _Floats:
    shift = (
        course.severity * patient.severity
        + course.decade * (patient.age_years - 65.0) / 10.0
        + course.unit_shift.get(patient.unit, 0.0)
        + course.ventilated * patient.ventilated
        + course.own * own
        + course.wander * wander
        + course.noise * noise
    )
    return course.level * np.exp(shift) if course.in_log else course.level + shift


def _written(course: Course, run: _Floats) -> _Floats:
    written: _Floats = np.round(course.step * np.rint(run.clip(course.lowest, course.highest) / course.step), 2)
    return written.clip(course.lowest, course.highest)


def _measured(patient: StayPatient, generator: np.random.Generator) -> dict[str, npt.NDArray[np.bool_]]:
    """By panel [hours]: when it was measured."""
    hours = len(patient.severity)
    severity = float(patient.severity.mean())
    away = _away(hours, generator)
    masks = {}
    for name, panel in PANELS.items():
        odds = math.log(panel.stays / (1.0 - panel.stays)) + panel.need * severity
        has_it = generator.random() < _logistic(odds + panel.unit_need.get(patient.unit, 0.0))
        mask = np.zeros(hours, dtype=np.bool_)
        if has_it:
            every_h = max(1.0, panel.every_h / math.exp(panel.hurry * severity))
            if every_h < 4.0:  # noted down with the hour, where at all
                mask = generator.random(hours) < 1.0 / every_h
            else:
                # Rounds and orders: more regular than chance, the first one soon after admission.
                gaps = generator.gamma(4.0, every_h / 4.0, 2 + int(3.0 * hours / every_h))
                times = np.cumsum(gaps) - gaps[0] * generator.uniform(0.5, 1.0)
                mask[times[times < hours].astype(np.intp)] = True
        masks[name] = mask & ~away
    return masks


def _away(hours: int, generator: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Hours [hours] in which nothing is measured: before arrival on the unit, at a scanner, after leaving early."""
    hour = np.arange(hours)
    away = hour < generator.geometric(0.6) - 1
    if generator.random() < 0.25:
        start = generator.integers(hours)
        away |= (hour >= start) & (hour < start + generator.integers(2, 6))
    if generator.random() < 0.08:
        away |= hour >= generator.integers(hours // 2, hours)
    return away


def _wander(courses: int, hours: int, generator: np.random.Generator) -> _Floats:
    """Unit-variance curves [courses, hours] that forget themselves within half a day."""
    white = generator.standard_normal((courses, hours))
    first = _PERSISTENCE * generator.standard_normal((courses, 1))
    curves, _ = lfilter([math.sqrt(1.0 - _PERSISTENCE**2)], [1.0, -_PERSISTENCE], white, axis=1, zi=first)
    return np.asarray(curves, dtype=np.float64)


def _logistic(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))
