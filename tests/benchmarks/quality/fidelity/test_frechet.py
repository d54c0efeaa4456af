"""The Fréchet distance against its closed form, against scipy's matrix root, and in the cases that must show."""

import numpy as np
import pytest
import scipy.linalg
from edgeward.benchmarks.quality.fidelity import frechet
from edgeward.benchmarks.quality.fidelity.features import Embedded
from edgeward.benchmarks.quality.fidelity.frechet import RealGaussians, frechet_distance, frechet_value
from hypothesis import given, settings
from hypothesis import strategies as st

from .samples import gaussian


def by_matrix_root(real: Embedded, synthetic: Embedded) -> float:
    x, y = real.vectors, synthetic.vectors
    a, b = np.cov(x.T), np.cov(y.T)
    root = scipy.linalg.sqrtm(a @ b).real
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2.0 * root))


def exactly(mean: np.ndarray, covariance: np.ndarray, n: int = 50) -> Embedded:
    """Records whose sample moments are these."""
    vectors = gaussian(n, len(mean)).vectors
    vectors -= vectors.mean(axis=0)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(vectors.T)), vectors.T).T
    return Embedded(white @ np.linalg.cholesky(covariance).T + mean, np.arange(n).astype(np.str_))


def test_it_is_the_closed_form_for_known_moments() -> None:
    # Variances that commute: sum of (difference of means)² + (difference of standard deviations)².
    real = exactly(np.array([0.0, 1.0, 2.0]), np.diag([1.0, 4.0, 9.0]))
    synthetic = exactly(np.array([3.0, 1.0, 0.0]), np.diag([4.0, 4.0, 1.0]))
    assert frechet_distance(real, synthetic).value == pytest.approx(9 + 0 + 4 + 1 + 0 + 4)


@pytest.mark.parametrize("patients", [300, 7])
def test_it_is_what_scipys_matrix_root_gives(patients: int) -> None:
    mix = np.random.default_rng(3).normal(size=(8, 8))
    real = gaussian(300, 8, patients=patients, shift=1000.0)
    synthetic = gaussian(200, 8, seed=1, shift=1000.5)
    synthetic = Embedded((synthetic.vectors - 1000.5) @ mix + 1000.5, synthetic.patients)
    assert frechet_distance(real, synthetic).value == pytest.approx(by_matrix_root(real, synthetic), rel=1e-6)


@pytest.mark.parametrize(("working", "kept"), [(2**25, 2**22), (1000, 2**22), (2**25, 0)])
def test_what_is_kept_of_the_real_side_changes_no_figure(
    monkeypatch: pytest.MonkeyPatch, working: int, kept: int
) -> None:
    real, others = gaussian(60, 5, patients=9), [gaussian(40, 5, seed=seed) for seed in (1, 2)]
    expected = [frechet_distance(real, other) for other in others]
    monkeypatch.setattr(frechet, "_WORKING_NUMBERS", working)
    monkeypatch.setattr(frechet, "_KEPT_NUMBERS", kept)
    gaussians = RealGaussians(real)
    for other, before in [*zip(others, expected, strict=True), (others[0], expected[0])]:
        figure = gaussians.distance(other)
        assert [figure.value, figure.low, figure.high] == pytest.approx([before.value, before.low, before.high])


@pytest.mark.parametrize("patients", [None, 9])
def test_both_ways_to_find_it_agree_on_value_and_interval(
    patients: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, synthetic = gaussian(60, 25, patients=patients, shift=50.0), gaussian(40, 25, seed=1, shift=50.3)
    found = []
    for few_records in (0, 4):
        monkeypatch.setattr(frechet, "_FEW_RECORDS", few_records)
        found.append(frechet_distance(real, synthetic))
    by_covariances, by_records = found
    for end in ("value", "low", "high"):
        assert getattr(by_records, end) == pytest.approx(getattr(by_covariances, end), rel=1e-6)


def test_equal_records_are_no_distance_apart_even_where_features_are_constant() -> None:
    real = gaussian(100, 6)
    vectors = np.concatenate([real.vectors, np.ones((100, 2))], axis=1)
    flat = Embedded(vectors, real.patients)
    assert frechet_distance(flat, flat).value == pytest.approx(0.0, abs=1e-6)


def test_a_shift_and_a_collapse_each_raise_it_beyond_two_real_halves() -> None:
    real, half = gaussian(400, 8), gaussian(400, 8, seed=1)
    noise = frechet_distance(real, half)
    shifted = frechet_distance(real, Embedded(half.vectors + 0.5, half.patients))
    collapsed = frechet_distance(real, Embedded(half.vectors * 0.5, half.patients))
    assert noise.high is not None
    assert shifted.low is not None
    assert collapsed.low is not None
    assert max(noise.high, 0.5) < shifted.low
    assert noise.high < collapsed.low


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(24)))
def test_the_order_of_records_is_of_no_matter(order: list[int]) -> None:
    real, synthetic = gaussian(24, 3, patients=6), gaussian(24, 3, seed=1)
    first = frechet_distance(real, synthetic)
    second = frechet_distance(real.take(np.array(order)), synthetic.take(np.array(order)))
    assert second.value == pytest.approx(first.value)
    assert second.high == pytest.approx(first.high)


def test_the_interval_holds_the_value_and_is_wide_with_few_records() -> None:
    many = frechet_distance(gaussian(1000, 4), gaussian(1000, 4, seed=1, shift=1.0))
    few = frechet_distance(gaussian(12, 4), gaussian(12, 4, seed=1, shift=1.0))
    for figure in (many, few):
        assert figure.value is not None
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low <= figure.value <= figure.high
    assert few.high - few.low > 4 * (many.high - many.low)  # type: ignore[operator]


def test_the_interval_covers_a_known_distance_about_as_often_as_it_says() -> None:
    true = 2 * 1.0**2
    held = 0
    for seed in range(40):
        real, synthetic = gaussian(400, 2, seed=2 * seed), gaussian(400, 2, seed=2 * seed + 1, shift=1.0)
        figure = frechet_distance(real, synthetic)
        assert figure.low is not None
        assert figure.high is not None
        held += figure.low <= true <= figure.high
    assert held >= 34


def test_records_of_few_patients_make_a_wider_interval_than_as_many_patients() -> None:
    rng = np.random.default_rng(5)
    synthetic = gaussian(300, 3, seed=1)
    own = rng.normal(size=(6, 3))[np.arange(300) % 6]
    clustered = Embedded(own + rng.normal(0.0, 0.3, (300, 3)), (np.arange(300) % 6).astype(np.str_))
    apart = Embedded(clustered.vectors, np.arange(300).astype(np.str_))
    few, many = frechet_distance(clustered, synthetic), frechet_distance(apart, synthetic)
    assert few.value == pytest.approx(many.value)
    assert few.high - few.low > 2 * (many.high - many.low)  # type: ignore[operator]


def test_few_records_are_omitted_or_noted_and_one_patient_has_no_interval() -> None:
    assert frechet_distance(gaussian(1, 3), gaussian(9, 3)).value is None
    assert "9 records" in frechet_distance(gaussian(9, 12), gaussian(40, 12)).note
    assert frechet_distance(gaussian(90, 3), gaussian(40, 3)).note == ""
    for real, synthetic in ((1, 40), (40, 1)):
        figure = frechet_distance(gaussian(40, 3, patients=real), gaussian(40, 3, seed=1, patients=synthetic))
        assert figure.value is not None
        assert figure.low is None
        assert figure.high is None


def test_the_value_alone_is_that_of_the_figure() -> None:
    rng = np.random.default_rng(8)
    real, made = (Embedded(rng.normal(shift, 1.0, (200, 5)), np.arange(200).astype(np.str_)) for shift in (0.0, 0.3))
    assert frechet_value(real, made) == pytest.approx(frechet_distance(real, made).value)
