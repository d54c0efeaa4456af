"""The likelihood-ratio attack against scipy's normal densities, and against a leak of known size."""

import numpy as np
import pytest
from edgeward.benchmarks.quality.privacy.lira import complementary_splits, lira_scores
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score


@given(patients=st.integers(1, 60), pairs=st.integers(1, 8), seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_every_patient_is_in_exactly_half_of_the_shadows(patients: int, pairs: int, seed: int) -> None:
    names = np.arange(patients).astype(np.str_)
    masks = np.stack(complementary_splits(names, 2 * pairs, seed))
    assert masks.shape == (2 * pairs, patients)
    assert (masks.sum(axis=0) == pairs).all()
    assert (masks[0::2] == ~masks[1::2]).all()
    assert (masks[0::2].sum(axis=1) == patients // 2).all()
    assert (masks == np.stack(complementary_splits(names, 2 * pairs, seed))).all()


@pytest.mark.parametrize("shadows", [0, 1, 3, -2])
def test_shadows_come_in_pairs(shadows: int) -> None:
    with pytest.raises(ValueError, match="pairs"):
        complementary_splits(np.array(["a", "b"]), shadows, 0)


def losses(n: int, shadows: int, seed: int, leak: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of the attacked model and its shadows; each record as hard as it is, members easier by exp(-leak)."""
    rng = np.random.default_rng(seed)
    hardness, inside = rng.normal(0.0, 2.0, n), np.arange(n) < n // 2
    members = np.stack(complementary_splits(np.arange(n).astype(np.str_), shadows, seed))
    logs = hardness - leak * members + rng.normal(0.0, 0.3, (shadows, n))
    target = np.exp(hardness - leak * inside + rng.normal(0.0, 0.3, n))
    return target, np.exp(logs), members, inside


def test_the_score_is_the_ratio_of_scipys_densities() -> None:
    target, shadows, members, _ = losses(40, 8, seed=1, leak=0.5)
    observed = np.log(target) - np.median(np.log(target)) + np.median(np.log(shadows))
    logs, densities = np.log(shadows), []
    for of in (members, ~members):
        parts = [logs[of[:, i], i] for i in range(40)]
        variance = sum(((part - part.mean()) ** 2).sum() for part in parts) / sum(len(part) - 1 for part in parts)
        densities.append([norm.pdf(o, p.mean(), variance**0.5) for o, p in zip(observed, parts, strict=True)])
    expected = np.log(densities[0]) - np.log(densities[1])
    assert lira_scores(target, shadows, members) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_a_leak_that_hardness_hides_is_found() -> None:
    target, shadows, members, inside = losses(600, 8, seed=2, leak=0.6)
    assert roc_auc_score(inside, -target) < 0.65  # what a record's loss alone tells
    assert roc_auc_score(inside, lira_scores(target, shadows, members)) > 0.85


def test_without_a_leak_nothing_is_found() -> None:
    for seed in range(4):
        target, shadows, members, inside = losses(600, 8, seed, leak=0.0)
        assert roc_auc_score(inside, lira_scores(target, shadows, members)) == pytest.approx(0.5, abs=0.07)


def test_a_model_worse_than_its_shadows_on_all_records_alike_changes_nothing() -> None:
    target, shadows, members, _ = losses(100, 4, seed=3, leak=0.5)
    assert lira_scores(7.0 * target, shadows, members) == pytest.approx(lira_scores(target, shadows, members), rel=1e-6)


def test_a_record_that_all_or_no_shadows_saw_tells_nothing() -> None:
    target, shadows, members, _ = losses(40, 4, seed=5, leak=0.5)
    members[:, 0], members[:, 1] = True, False
    scores = lira_scores(target, shadows, members)
    assert (scores[:2] == 0).all()
    assert (scores[2:] != 0).all()


def test_two_shadows_are_enough_to_score() -> None:
    target, shadows, members, inside = losses(600, 2, seed=4, leak=1.5)
    scores = lira_scores(target, shadows, members)
    assert np.isfinite(scores).all()
    assert roc_auc_score(inside, scores) > 0.85
