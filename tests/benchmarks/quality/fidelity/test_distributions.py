"""Distances of distributions agree with SciPy, and their intervals are over patients."""

import numpy as np
import pytest
from edgeward.benchmarks.quality.fidelity.distributions import ks_figure, ks_figures, rate_figure, widest_choice
from scipy.stats import beta, ks_2samp

pytestmark = pytest.mark.filterwarnings("error")


def each_its_own(n: int) -> np.ndarray:
    return np.arange(n).astype(np.str_)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("tied", [False, True])
def test_the_statistic_is_scipys(seed: int, tied: bool) -> None:
    rng = np.random.default_rng(seed)
    real, synthetic = rng.normal(size=83), rng.normal(0.3 * seed - 0.6, 1.2, size=141)
    if tied:
        real, synthetic = real.round(), synthetic.round()
    figure = ks_figure(real, each_its_own(83), synthetic)
    assert figure.value == pytest.approx(ks_2samp(real, synthetic).statistic, abs=1e-12)
    assert figure.low <= figure.value <= figure.high


def test_missing_numbers_are_left_out_and_counted() -> None:
    real, synthetic = np.array([1.0, np.nan, 2.0, 3.0]), np.array([np.nan, 2.0, 5.0])
    figure = ks_figure(real, each_its_own(4), synthetic)
    assert figure.value == pytest.approx(ks_2samp([1.0, 2.0, 3.0], [2.0, 5.0]).statistic)
    assert (figure.n, figure.patients) == (3, 3)
    assert "3 of 4 real and 2 of 3 synthetic" in figure.note


def test_the_interval_holds_the_truth_for_clustered_records() -> None:
    # Normal laws 1 apart: the largest difference of their distribution functions is 0.383.
    rng = np.random.default_rng(1)
    held = []
    for _ in range(60):
        centres = np.repeat(rng.normal(0.0, 0.8, 40), 10)
        figure = ks_figure(centres + rng.normal(0.0, 0.6, 400), np.repeat(each_its_own(40), 10), rng.normal(1, 1, 400))
        held.append(figure.low <= 0.3829 <= figure.high)
    assert np.mean(held) >= 0.85  # 0.95 nominal, less for so few patients


def test_records_of_few_patients_are_less_sure_than_as_many_of_many() -> None:
    rng = np.random.default_rng(2)
    real, synthetic = rng.normal(size=600), rng.normal(size=600)
    patients = np.repeat(each_its_own(6), 100)
    real += np.repeat(rng.normal(size=6), 100)
    few, many = ks_figure(real, patients, synthetic), ks_figure(real, each_its_own(600), synthetic)
    assert few.value == many.value
    assert few.high - few.low > 2 * (many.high - many.low)
    # So too where the other side is recorded: real against real.
    swapped = ks_figure(synthetic, each_its_own(600), real, patients)
    assert swapped.high - swapped.low > 2 * (many.high - many.low)


def test_columns_judged_together_are_judged_as_alone() -> None:
    rng = np.random.default_rng(3)
    real, synthetic = rng.normal(size=(50, 3)), rng.normal(size=(40, 3))
    real[:20, 1] = np.nan
    together = ks_figures(real, each_its_own(50), synthetic, each_its_own(40))
    assert [f.value for f in together] == [
        ks_figure(real[:, k], each_its_own(50), synthetic[:, k]).value for k in range(3)
    ]


@pytest.mark.parametrize(
    ("real", "synthetic"),
    [
        ([], [1.0, 2.0]),
        ([1.0], [1.0, 2.0]),
        ([1.0, 2.0], []),
        ([np.nan, np.nan], [1.0, 2.0]),
        ([1.0, 2.0], [np.nan] * 3),
    ],
)
def test_too_few_numbers_are_no_figure(real: list[float], synthetic: list[float]) -> None:
    figure = ks_figure(np.array(real), each_its_own(len(real)), np.array(synthetic))
    assert figure.value is None
    assert "2 of each are needed" in figure.note


def test_constant_numbers_are_equal_or_wholly_apart() -> None:
    real = np.ones(5)
    assert ks_figure(real, each_its_own(5), np.ones(4)).value == 0.0
    assert ks_figure(real, each_its_own(5), np.zeros(4)).value == 1.0


def test_one_patient_gives_no_interval() -> None:
    figure = ks_figure(np.arange(5.0), np.repeat("a", 5), np.arange(4.0))
    assert (figure.low, figure.high, figure.patients) == (None, None, 1)


def test_total_variation_is_the_excess_of_the_commoner_categories() -> None:
    here, there = widest_choice(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 3]), 4)
    assert here.mean() - there.mean() == pytest.approx(0.5 * (0.25 + 0.25 + 0.25 + 0.25))


def test_no_case_among_few_records_is_not_certain() -> None:
    figure = rate_figure(np.zeros(20, dtype=bool), each_its_own(20))
    assert (figure.value, figure.low) == (0.0, 0.0)
    assert figure.high == pytest.approx(beta.ppf(0.975, 1, 20))
    clustered = rate_figure(np.repeat([True, False, False, True], 5), np.repeat(each_its_own(4), 5))
    assert (clustered.value, clustered.patients) == (0.5, 4)
    assert clustered.high - clustered.low > 0.7
    assert rate_figure(np.zeros(0, dtype=bool), each_its_own(0)).value is None


def test_the_two_sides_are_drawn_independently() -> None:
    # The same records on both sides, as many patients: drawn alike they would never differ.
    same = np.arange(40.0)
    assert ks_figure(same, each_its_own(40), same, each_its_own(40)).high > 0.0
