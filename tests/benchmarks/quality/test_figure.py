"""Intervals hold the truth as often as they say, over patients; draws are the same for whatever is compared."""

import json

import numpy as np
import pytest
from edgeward.benchmarks.quality.figure import DRAWS, Figure, PatientBootstrap, interval, omitted
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

pytestmark = pytest.mark.filterwarnings("error")


def each_its_own(n: int) -> np.ndarray:
    return np.arange(n).astype(np.str_)


def clustered(seed: int, patients: int = 40, records: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Records about each patient's own mean; the mean of all is 0."""
    rng = np.random.default_rng(seed)
    own = np.repeat(rng.normal(0.0, 1.0, patients), records)
    return own + rng.normal(0.0, 0.5, len(own)), np.repeat(each_its_own(patients), records)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    runs = 300
    figures = [PatientBootstrap(patients).mean(values) for values, patients in map(clustered, range(runs))]
    held = sum(figure.low <= 0.0 <= figure.high for figure in figures)
    # Percentile intervals of 40 patients hold a mean in 0.93 of cases; fewer than this, once in ten thousand.
    assert binom.ppf(1e-4, runs, 0.93) <= held <= binom.ppf(1 - 1e-4, runs, 0.96)


def test_taken_for_patients_of_their_own_records_would_be_far_too_sure() -> None:
    figures = [PatientBootstrap(each_its_own(400)).mean(values) for values, _ in map(clustered, range(100))]
    assert sum(figure.low <= 0.0 <= figure.high for figure in figures) < 60


def test_patients_of_unequal_size_count_by_their_records() -> None:
    values, patients = np.array([0.0] * 30 + [1.0] * 10), np.repeat(["a", "b"], [30, 10])
    figure = PatientBootstrap(patients).mean(values)
    assert (figure.value, figure.n, figure.patients) == (0.25, 40, 2)
    assert (figure.low, figure.high) == (0.0, 1.0)  # either patient twice


@given(st.lists(st.integers(0, 6), min_size=2, max_size=30), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_a_draw_is_the_mean_of_the_records_of_the_patients_drawn(owners: list[int], seed: int) -> None:
    patients, values = np.array(owners).astype(np.str_), np.random.default_rng(seed).normal(size=len(owners))
    bootstrap = PatientBootstrap(patients, draws=5)
    weights, names = bootstrap.weights(), np.unique(patients)
    drawn = (weights @ bootstrap.totals(values)) / (weights @ bootstrap.totals(np.ones(len(values))))
    for mean, times in zip(drawn, weights.astype(int), strict=True):
        chosen = [values[patients == name] for name in np.repeat(names, times)]
        assert mean == pytest.approx(np.concatenate(chosen).mean())


def test_every_draw_has_as_many_patients_as_there_are() -> None:
    weights = PatientBootstrap(each_its_own(17)).weights()
    assert weights.shape == (DRAWS, 17)
    assert (weights.sum(axis=1) == 17).all()
    assert (weights == weights.round()).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(17), abs=0.15)
    before = weights.copy()
    weights[:] = 0.0  # what one caller does to them is of no matter to the next
    np.testing.assert_array_equal(PatientBootstrap(each_its_own(17)).weights(), before)


def test_two_rows_read_on_the_same_patients_have_the_same_draws() -> None:
    values, patients = clustered(1)
    better = values + 0.1 + np.random.default_rng(2).normal(0.0, 0.01, len(values))
    bootstrap, other = PatientBootstrap(patients), PatientBootstrap(patients.copy())
    np.testing.assert_array_equal(bootstrap.weights(), other.weights())
    paired = bootstrap.mean(better - values)
    alone = [bootstrap.mean(values), other.mean(better)]
    # The rows' own intervals overlap all along; what one has over the other is sure all the same.
    assert alone[0].high > alone[1].low
    assert paired.low > 0.09
    assert paired.high - paired.low < 0.1 * (alone[0].high - alone[0].low)


def test_the_order_of_records_is_of_no_matter() -> None:
    values, patients = clustered(3)
    order = np.random.default_rng(4).permutation(len(values))
    first, second = PatientBootstrap(patients).mean(values), PatientBootstrap(patients[order]).mean(values[order])
    assert [second.value, second.low, second.high] == pytest.approx([first.value, first.low, first.high])


def test_any_statistic_is_drawn_as_the_mean_is() -> None:
    values, patients = clustered(5)
    bootstrap = PatientBootstrap(patients)
    found = bootstrap.statistic(lambda weights: float(np.average(values, weights=weights)), draws=DRAWS)
    mean = bootstrap.mean(values)
    assert [found.value, found.low, found.high] == pytest.approx([mean.value, mean.low, mean.high])


def test_totals_are_sums_over_each_patient_of_whatever_shape() -> None:
    bootstrap = PatientBootstrap(np.array(["b", "a", "b"]))
    assert bootstrap.totals(np.array([1.0, 2.0, 4.0])).tolist() == [2.0, 5.0]
    assert bootstrap.totals(np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])).tolist() == [[2.0, 20.0], [5.0, 50.0]]


def test_one_patient_has_a_value_and_no_interval() -> None:
    figure = PatientBootstrap(np.full(9, "a")).mean(np.arange(9.0), note="alone")
    assert figure == Figure(4.0, None, None, 9, 1, note="alone")


def test_draws_without_an_answer_are_left_out_as_long_as_they_are_few() -> None:
    drawn = np.linspace(0.0, 1.0, 1000)
    assert interval(drawn) == pytest.approx((0.025, 0.975))
    few, many = drawn.copy(), drawn.copy()
    few[:100], many[:101] = np.nan, np.nan
    assert interval(few) == pytest.approx((0.1 + 0.9 * 0.025, 1.0 - 0.9 * 0.025), abs=1e-3)
    assert interval(many) == (None, None)
    assert interval(np.array([])) == (None, None)


def test_what_could_not_be_found_says_why_in_plain_json() -> None:
    figure = omitted("no record", 7)
    assert json.loads(json.dumps(figure.to_json())) == {
        **{"value": None, "low": None, "high": None, "n": 7},
        **{"patients": 0, "seeds": 1, "note": "no record"},
    }
