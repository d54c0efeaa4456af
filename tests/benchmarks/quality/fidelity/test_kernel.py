"""The kernel distance against its double sum, and in the cases that must show."""

import numpy as np
import pytest
from edgeward.benchmarks.quality.fidelity.features import Embedded
from edgeward.benchmarks.quality.fidelity.kernel import kernel_distance
from hypothesis import given, settings
from hypothesis import strategies as st

from .samples import gaussian


def double_sum(real: Embedded, synthetic: Embedded) -> float:
    """Over pairs of records of different patients within a side, all pairs across."""

    def mean(first: Embedded, second: Embedded, apart: bool) -> float:
        kernels = [
            (float(x @ y) / len(x) + 1.0) ** 3
            for x, p in zip(first.vectors, first.patients, strict=True)
            for y, q in zip(second.vectors, second.patients, strict=True)
            if not (apart and p == q)
        ]
        return sum(kernels) / len(kernels)

    return mean(real, real, True) + mean(synthetic, synthetic, True) - 2.0 * mean(real, synthetic, False)


@pytest.mark.parametrize("patients", [30, 4])
def test_it_is_the_double_sum(patients: int) -> None:
    real, synthetic = gaussian(30, 5, patients=patients), gaussian(20, 5, seed=1, shift=0.3)
    assert kernel_distance(real, synthetic).value == pytest.approx(double_sum(real, synthetic))


def test_it_is_unbiased_for_equal_laws_at_few_records() -> None:
    values = [kernel_distance(gaussian(15, 4, seed=2 * s), gaussian(15, 4, seed=2 * s + 1)).value for s in range(200)]
    found = np.array(values, np.float64)
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(len(found))


def test_it_is_unbiased_for_equal_laws_where_records_of_a_patient_resemble_each_other() -> None:
    values = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        patient = np.arange(40) % 8
        clustered = rng.normal(size=(8, 4))[patient] + rng.normal(0.0, 0.1, (40, 4))
        real = Embedded(clustered, patient.astype(np.str_))
        synthetic = gaussian(40, 4, seed=seed + 1000, spread=np.sqrt(1.01))
        values.append(kernel_distance(real, synthetic).value)
    found = np.array(values, np.float64)
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(len(found))


def test_a_shift_and_a_collapse_each_raise_it_above_chance() -> None:
    real, half = gaussian(400, 8), gaussian(400, 8, seed=1)
    chance = kernel_distance(real, half)
    assert chance.low is not None
    assert chance.high is not None
    assert chance.low < 0.0 < chance.high
    for other in (half.vectors + 0.5, half.vectors * 0.5):
        figure = kernel_distance(real, Embedded(other, half.patients))
        assert figure.low is not None
        assert figure.low > chance.high


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(24)))
def test_the_order_of_records_is_of_no_matter(order: list[int]) -> None:
    real, synthetic = gaussian(24, 3, patients=6), gaussian(24, 3, seed=1)
    first = kernel_distance(real, synthetic)
    second = kernel_distance(real.take(np.array(order)), synthetic.take(np.array(order)))
    assert second.value == pytest.approx(first.value)
    assert second.high == pytest.approx(first.high)


def test_a_subsample_is_the_same_every_time_and_said_so() -> None:
    real, synthetic = gaussian(300, 4), gaussian(300, 4, seed=1)
    first, second = (kernel_distance(real, synthetic, at_most=100) for _ in range(2))
    assert first == second
    assert first.n == 100
    assert kernel_distance(real, synthetic).n == 300


def test_few_records_make_a_wide_interval() -> None:
    few, many = (kernel_distance(gaussian(n, 4), gaussian(n, 4, seed=1)) for n in (10, 500))
    assert few.high - few.low > 5 * (many.high - many.low)  # type: ignore[operator]


def test_one_record_is_omitted_and_one_patient_has_a_value_without_interval() -> None:
    assert kernel_distance(gaussian(1, 3), gaussian(9, 3)).value is None
    for real, synthetic in ((1, 40), (40, 1)):
        figure = kernel_distance(gaussian(40, 3, patients=real), gaussian(40, 3, seed=1, patients=synthetic))
        assert figure.value == pytest.approx(double_sum(gaussian(40, 3), gaussian(40, 3, seed=1)))
        assert figure.low is None
        assert "one patient" in figure.note
