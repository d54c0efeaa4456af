"""Simulated stays run as severity, age and unit say, and are measured when they need to be."""

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.training.datasets.stays.courses import COURSES, PANELS
from edgeward.training.datasets.stays.patient import (
    UNITS,
    VARIABLES,
    StayPatient,
    draw_stay_patient,
    record_stay,
)
from sklearn.metrics import roc_auc_score

HOURS = 48
Stay = tuple[StayPatient, dict[str, npt.NDArray[np.float64]]]


@pytest.fixture(scope="module")
def stays() -> list[Stay]:
    made = []
    for k in range(1500):
        generator = np.random.default_rng([7, k])
        patient = draw_stay_patient(generator, HOURS)
        made.append((patient, record_stay(patient, generator)))
    return made


def means(stays: list[Stay], name: str) -> npt.NDArray[np.float64]:
    """[stays], NaN where never measured."""
    return np.array([np.nanmean(r[name]) if not np.isnan(r[name]).all() else np.nan for _, r in stays])


def counts(stays: list[Stay], name: str) -> npt.NDArray[np.int64]:
    return np.array([np.sum(~np.isnan(r[name])) for _, r in stays])


def severity(stays: list[Stay]) -> npt.NDArray[np.float64]:
    return np.array([patient.severity.mean() for patient, _ in stays])


def correlation(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    both = ~np.isnan(a) & ~np.isnan(b)
    return float(np.corrcoef(a[both], b[both])[0, 1])


def test_every_variable_of_the_challenge_that_changes_during_a_stay_is_simulated() -> None:
    """Silva I et al. 2012, table 1; so a schema may name any of them."""
    challenge = (
        "Albumin ALP ALT AST Bilirubin BUN Cholesterol Creatinine DiasABP FiO2 GCS Glucose HCO3 HCT HR K Lactate Mg "
        "MAP MechVent Na NIDiasABP NIMAP NISysABP PaCO2 PaO2 pH Platelets RespRate SaO2 SysABP Temp TroponinI "
        "TroponinT Urine WBC Weight"
    )
    assert set(VARIABLES) == set(challenge.split())


def test_about_one_in_eight_dies_and_the_severely_ill_most(stays: list[Stay]) -> None:
    died = np.array([patient.died for patient, _ in stays])
    assert 0.09 < died.mean() < 0.18
    assert 0.75 < roc_auc_score(died, severity(stays)) < 0.92
    by_unit = {unit: died[[p.unit == unit for p, _ in stays]].mean() for unit in UNITS}
    assert by_unit["cardiac_surgery"] < by_unit["medical"]


def test_units_and_sexes_occur_in_their_shares(stays: list[Stay]) -> None:
    for unit, share in UNITS.items():
        assert np.mean([p.unit == unit for p, _ in stays]) == pytest.approx(share, abs=0.04)
    assert {p.sex for p, _ in stays} == {"F", "M"}
    assert all(18.0 <= p.age_years <= 90.0 for p, _ in stays)


@pytest.mark.parametrize(
    ("name", "sign"),
    [("HR", 1), ("MAP", -1), ("GCS", -1), ("Urine", -1), ("Lactate", 1), ("Creatinine", 1), ("BUN", 1), ("pH", -1)],
)
def test_levels_follow_severity(stays: list[Stay], name: str, sign: int) -> None:
    assert sign * correlation(means(stays, name), severity(stays)) > 0.2


def test_levels_follow_age(stays: list[Stay]) -> None:
    age = np.array([p.age_years for p, _ in stays])
    assert correlation(means(stays, "SysABP") - means(stays, "DiasABP"), age) > 0.2
    assert correlation(means(stays, "BUN"), age) > 0.1


def test_trends_follow_the_trend_of_severity(stays: list[Stay]) -> None:
    trend = np.array([p.severity[-12:].mean() - p.severity[:12].mean() for p, _ in stays])
    for name, sign in (("HR", 1), ("MAP", -1)):
        halves = [
            [np.nan if np.isnan(r[name][part]).all() else np.nanmean(r[name][part]) for _, r in stays]
            for part in (slice(36, 48), slice(0, 12))
        ]
        assert sign * correlation(np.subtract(*halves), trend) > 0.2, name


def test_the_severely_ill_are_measured_more(stays: list[Stay]) -> None:
    for name in ("pH", "Lactate", "Creatinine", "Temp"):
        assert correlation(counts(stays, name).astype(float), severity(stays)) > 0.1, name
    line = counts(stays, "MAP") > 0
    assert severity(stays)[line].mean() > severity(stays)[~line].mean() - 0.05
    surgery = np.array([p.unit == "cardiac_surgery" for p, _ in stays])
    assert line[surgery].mean() > 0.9 > line[~surgery].mean() + 0.1


def test_monitors_write_each_hour_and_laboratories_a_few_times(stays: list[Stay]) -> None:
    assert 38 < np.median(counts(stays, "HR")) < 48
    assert 2 <= np.median(counts(stays, "Creatinine")) <= 6
    assert np.mean(counts(stays, "Lactate") == 0) > 0.3


def test_what_belongs_to_one_sample_is_measured_together(stays: list[Stay]) -> None:
    both = sum(int(np.sum(~np.isnan(r["Na"]) & ~np.isnan(r["K"]))) for _, r in stays)
    assert both > 0.9 * counts(stays, "Na").sum()


def test_systolic_mean_and_diastolic_pressure_are_in_order(stays: list[Stay]) -> None:
    for high, middle, low in (("SysABP", "MAP", "DiasABP"), ("NISysABP", "NIMAP", "NIDiasABP")):
        for _, r in stays[:300]:
            known = ~np.isnan(r[high]) & ~np.isnan(r[middle]) & ~np.isnan(r[low])
            assert (r[high][known] >= r[middle][known]).all()
            assert (r[middle][known] >= r[low][known]).all()


def test_after_heart_surgery_patients_are_ventilated_and_warm_up(stays: list[Stay]) -> None:
    surgery = [(p, r) for p, r in stays if p.unit == "cardiac_surgery"]
    assert np.mean([p.ventilated[0] for p, _ in surgery]) > 0.8
    assert np.mean([p.ventilated[-1] for p, _ in surgery]) < 0.3
    early = np.nanmean([r["Temp"][:2] for _, r in surgery])
    late = np.nanmean([r["Temp"][20:] for _, r in surgery])
    assert late - early > 0.7


def test_values_are_finite_in_range_and_on_their_steps(stays: list[Stay]) -> None:
    assert set(COURSES) < set(VARIABLES)
    for name, course in COURSES.items():
        assert course.panel in PANELS
        known = np.concatenate([r[name][~np.isnan(r[name])] for _, r in stays])
        assert course.lowest - 2.0 <= known.min() < known.max() <= course.highest, name
        steps = known / course.step
        off = np.abs(steps - np.rint(steps))
        assert ((off < 1e-6) | (known == course.lowest) | (known == course.highest)).all(), name
