"""Patients are dealt out in their shares, each class by itself, and none to two splits."""

import numpy as np
from edgeward.training.datasets.table.split import split_patients
from hypothesis import given
from hypothesis import strategies as st

SHARES = (0.6, 0.2, 0.2)
ROWS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), min_size=1, max_size=120)


def arrays(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    _, patients = np.unique([patient for patient, _ in rows], return_inverse=True)
    return patients.astype(np.intp), np.array([label for _, label in rows], dtype=np.intp)


@given(ROWS, st.integers(0, 2**32))
def test_no_patient_is_in_two_splits(rows: list[tuple[int, int]], seed: int) -> None:
    patients, labels = arrays(rows)
    split = split_patients(patients, labels, SHARES, seed)
    for patient in np.unique(patients):
        assert len(np.unique(split[patients == patient])) == 1


@given(st.lists(st.integers(0, 3), min_size=1, max_size=300), st.integers(0, 2**32))
def test_each_class_has_its_share_in_every_split(labels_listed: list[int], seed: int) -> None:
    labels = np.array(labels_listed, dtype=np.intp)
    split = split_patients(np.arange(len(labels)), labels, SHARES, seed)
    for label in np.unique(labels):
        n = int((labels == label).sum())
        sizes = np.bincount(split[labels == label], minlength=3)
        assert np.abs(sizes - n * np.array(SHARES)).max() < 1.5
        assert n < 3 or sizes.min() >= 1


def test_a_class_few_patients_have_is_found_in_every_split() -> None:
    patients = np.repeat(np.arange(60), 4)
    labels = ((np.arange(240) % 4 == 0) & (patients < 6)).astype(np.intp)
    split = split_patients(patients, labels, SHARES, 1)
    assert (np.bincount(split[labels == 1], minlength=3) >= 1).all()


def test_the_seed_decides_and_the_same_seed_decides_the_same() -> None:
    labels = np.arange(300) % 2
    one, again, other = (split_patients(np.arange(300), labels, SHARES, seed) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()
