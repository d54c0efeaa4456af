"""Scores from confusion counts are scikit-learn's, and a draw of patients is what scoring those patients gives."""

import numpy as np
import pytest
from edgeward.benchmarks.quality.utility.f1 import confusion_by_patient, f1_scores, recalls, resampled
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score, recall_score

CLASSES = 4
RECORDS = st.lists(
    st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1), st.integers(0, 4)), min_size=1, max_size=60
)


def columns(records: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    truth, predicted, owner = (np.array(column, np.intp) for column in zip(*records, strict=True))
    return truth, predicted, np.unique(owner, return_inverse=True)[1].astype(np.intp)


@given(RECORDS)
@settings(max_examples=60, deadline=None)
def test_f1_and_recall_are_scikit_learns(records: list[tuple[int, int, int]]) -> None:
    truth, predicted, patient = columns(records)
    confusion = confusion_by_patient(truth, predicted, patient, CLASSES).sum(axis=0)
    labels = np.arange(CLASSES)
    np.testing.assert_array_equal(confusion, confusion_matrix(truth, predicted, labels=labels))
    expected = f1_score(truth, predicted, labels=labels, average=None, zero_division=0.0)
    np.testing.assert_allclose(f1_scores(confusion), expected)
    occur = np.isin(labels, truth)
    np.testing.assert_array_equal(np.isnan(recalls(confusion)), ~occur)
    expected = recall_score(truth, predicted, labels=labels[occur], average=None, zero_division=0.0)
    np.testing.assert_allclose(recalls(confusion)[occur], expected)


@given(RECORDS, st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_a_draw_scores_the_records_of_the_patients_drawn(records: list[tuple[int, int, int]], seed: int) -> None:
    truth, predicted, patient = columns(records)
    people = int(patient.max()) + 1
    confusion = confusion_by_patient(truth, predicted, patient, CLASSES)
    drawn = np.random.default_rng(seed).integers(0, people, people)
    weights = np.bincount(drawn, minlength=people).astype(np.float64)[None]
    rows = np.concatenate([np.flatnonzero(patient == one) for one in drawn])
    found = resampled(confusion[None], weights)[0, 0]
    np.testing.assert_array_equal(found, confusion_matrix(truth[rows], predicted[rows], labels=np.arange(CLASSES)))


def test_classifiers_are_drawn_anew_and_alike_for_rows_of_equally_many() -> None:
    # Classifier k counts k: what is drawn can be read off.
    confusions = np.arange(5.0)[:, None, None, None] * np.ones((5, 3, 2, 2))
    drawn = resampled(confusions, np.ones((400, 3)))[:, :, 0, 0] / 3
    assert set(np.unique(drawn)) == {0.0, 1.0, 2.0, 3.0, 4.0}
    assert (np.sort(drawn, axis=1) != np.arange(5)).any(axis=1).mean() > 0.9
    np.testing.assert_array_equal(resampled(10 * confusions, np.ones((400, 3)))[:, :, 0, 0] / 3, 10 * drawn)
    assert drawn.mean() == pytest.approx(2.0, abs=0.15)
