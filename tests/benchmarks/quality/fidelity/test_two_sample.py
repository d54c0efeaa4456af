"""The classifier two-sample test: blind for equal laws, sharp for what moments miss, honest about patients."""

import numpy as np
import pytest
from edgeward.benchmarks.quality.fidelity.features import Embedded
from edgeward.benchmarks.quality.fidelity.two_sample import _within_folds, two_sample_auc
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from .samples import gaussian


def correlated(n: int, seed: int) -> Embedded:
    """Two columns that go together."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=n)
    return Embedded(np.stack([shared, shared + 0.3 * rng.normal(size=n)], axis=1), np.arange(n).astype(np.str_))


def test_the_weighted_area_is_scikit_learns_within_each_fold_also_with_ties() -> None:
    rng = np.random.default_rng(8)
    generated, scores = rng.random(60) < 0.5, rng.integers(0, 7, 60).astype(np.float64)
    weights = rng.integers(0, 3, (4, 60)).astype(np.float64)
    one = [roc_auc_score(generated, scores, sample_weight=w) for w in weights]
    np.testing.assert_allclose(_within_folds(generated, scores, np.zeros(60, np.intp), weights), one)
    fold = np.repeat([0, 1], 30)
    in_both = [roc_auc_score(generated[part], scores[part]) for part in (slice(0, 30), slice(30, 60))]
    pairs = [generated[p].sum() * (~generated[p]).sum() for p in (slice(0, 30), slice(30, 60))]
    found = _within_folds(generated, scores, fold, np.ones((1, 60)))
    np.testing.assert_allclose(found, np.average(in_both, weights=pairs))
    assert np.isnan(_within_folds(generated, scores, fold, np.zeros((1, 60)))).all()


def test_equal_laws_cannot_be_told_apart() -> None:
    figure = two_sample_auc(gaussian(600, 3), gaussian(600, 3, seed=1))
    assert figure.value == pytest.approx(0.5, abs=0.05)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < figure.value < figure.high


@pytest.mark.parametrize("shift", [0.5, 1.0, 2.0])
def test_it_comes_near_to_what_the_best_classifier_of_two_known_laws_reaches(shift: float) -> None:
    # Of normal laws whose means are `shift` apart, no classifier has a larger area than this.
    best = norm.cdf(shift / np.sqrt(2))
    figure = two_sample_auc(gaussian(2000, 1), gaussian(2000, 1, seed=1, shift=shift))
    assert best - 0.04 < figure.value < best + 0.02


def test_columns_shuffled_on_their_own_are_found_out() -> None:
    real, other = correlated(500, 0), correlated(500, 1)
    shuffled = Embedded(
        np.stack([other.vectors[:, 0], np.random.default_rng(2).permutation(other.vectors[:, 1])], axis=1),
        other.patients,
    )
    equal, broken = two_sample_auc(real, other), two_sample_auc(real, shuffled)
    assert equal.high is not None
    assert equal.high < 0.6
    assert broken.low is not None
    assert broken.low > 0.75


def test_copies_of_the_training_set_look_as_good_as_new_patients() -> None:
    train, test = gaussian(400, 3), gaussian(400, 3, seed=1)
    copies = Embedded(train.vectors, np.arange(400).astype(np.str_))
    assert two_sample_auc(test, copies).value == pytest.approx(0.5, abs=0.06)


def test_copies_of_the_very_records_they_are_held_against_fall_below_half() -> None:
    real = gaussian(400, 3)
    figure = two_sample_auc(real, Embedded(np.random.default_rng(3).permutation(real.vectors), real.patients))
    assert figure.high is not None
    assert figure.high < 0.45


def test_patients_are_tested_by_classifiers_that_have_not_seen_them() -> None:
    # What tells a patient tells nothing about who is real, if the patient is new.
    rng = np.random.default_rng(6)
    values = []
    for seed in range(6):
        sides = []
        for _ in range(2):
            patient = np.arange(200) % 10
            own = rng.normal(size=(10, 3))[patient] + rng.normal(0.0, 0.01, (200, 3))
            sides.append(Embedded(own, patient.astype(np.str_)))
        values.append(two_sample_auc(*sides, seed).value)
    assert np.mean(np.array(values, np.float64)) == pytest.approx(0.5, abs=0.1)


def test_patients_of_very_different_size_do_not_bias_it() -> None:
    rng = np.random.default_rng(7)
    values = []
    for seed in range(6):
        patient = np.repeat(np.arange(5), [240, 20, 15, 15, 10])
        real = Embedded(rng.normal(size=(300, 2)), patient.astype(np.str_))
        values.append(two_sample_auc(real, gaussian(300, 2, seed=seed)).value)
    assert np.mean(np.array(values, np.float64)) == pytest.approx(0.5, abs=0.04)


def test_the_larger_side_is_cut_to_the_smaller() -> None:
    figure = two_sample_auc(gaussian(100, 2), gaussian(500, 2, seed=1))
    assert figure.n == 100
    assert two_sample_auc(gaussian(500, 2), gaussian(500, 2, seed=1), at_most=60).n == 60


def test_coarse_bins_find_in_smooth_columns_what_fine_ones_find() -> None:
    found = {False: [], True: []}
    for seed in range(3):
        real, other = correlated(300, 2 * seed), correlated(300, 2 * seed + 1)
        broken = Embedded(np.stack([other.vectors[:, 0], other.vectors[::-1, 1]], axis=1), other.patients)
        for smooth, values in found.items():
            values.append(two_sample_auc(real, broken, smooth=smooth).value)
    assert np.mean(found[True]) == pytest.approx(np.mean(found[False]), abs=0.02)
    assert np.mean(found[True]) > 0.8


def test_fine_bins_tell_whole_numbers_from_broken_ones_in_a_table() -> None:
    whole = Embedded(gaussian(500, 3, spread=10.0).vectors.round(), np.arange(500).astype(np.str_))
    broken = gaussian(500, 3, seed=1, spread=10.0)
    figure = two_sample_auc(whole, broken)
    assert figure.low is not None
    assert figure.low > 0.8


def test_it_is_the_same_every_time() -> None:
    real, synthetic = gaussian(80, 2), gaussian(200, 2, seed=1)
    assert two_sample_auc(real, synthetic) == two_sample_auc(real, synthetic)


def test_few_records_still_tell_a_plain_difference_and_make_a_wide_interval() -> None:
    tiny = two_sample_auc(gaussian(12, 2), gaussian(12, 2, seed=1))
    many = two_sample_auc(gaussian(600, 2), gaussian(600, 2, seed=1))
    assert tiny.high - tiny.low > 3 * (many.high - many.low)  # type: ignore[operator]
    assert two_sample_auc(gaussian(12, 2), gaussian(12, 2, seed=1, shift=9.0)).value == pytest.approx(1.0)


def test_one_patient_or_too_few_records_are_omitted_and_two_patients_are_not() -> None:
    assert two_sample_auc(gaussian(40, 2, patients=1), gaussian(40, 2, seed=1)).value is None
    assert two_sample_auc(gaussian(4, 2), gaussian(40, 2, seed=1)).value is None
    assert two_sample_auc(gaussian(40, 2, patients=2), gaussian(40, 2, seed=1)).value is not None
