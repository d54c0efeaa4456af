"""Deal patients out to train, validation and test, each class in its share; no patient can come to be in two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SPLITS = ("train", "validation", "test")
MINIMUM_TRAIN_ROWS = 20
"""A class with fewer rows to train on is not learnt."""
_SEED = 20010219


def split_patients(
    patients: npt.NDArray[np.intp], labels: npt.NDArray[np.intp], shares: Sequence[float], seed: int
) -> npt.NDArray[np.intp]:
    """In which of `SPLITS` each row [n] is.

    A patient counts as one of the rarest class among the patient's rows, so that it is found in every split. The
    patients of each class are dealt out by themselves: leaving out a class leaves the others where they are.

    Args:
        patients: [n], whose row it is, counted from 0.
        labels: [n], class of the row.
        shares: Of train, validation and test, summing to 1.
        seed: Not negative.
    """
    if not len(patients):
        return np.empty(0, dtype=np.intp)
    counts = np.bincount(labels)
    rarity = np.argsort(np.argsort(counts, kind="stable"), kind="stable")
    of_patient = np.full(patients.max() + 1, len(counts), dtype=np.intp)
    np.minimum.at(of_patient, patients, rarity[labels])
    split = np.zeros(len(of_patient), dtype=np.intp)
    for label, rank in enumerate(rarity):
        members = np.flatnonzero(of_patient == rank)
        rng = np.random.Generator(np.random.Philox(key=[seed, _SEED + label]))
        split[rng.permutation(members)] = np.repeat(np.arange(len(SPLITS)), _sizes(len(members), shares))
    return split[patients]


def _sizes(n: int, shares: Sequence[float]) -> list[int]:
    """How many of `n` each split gets: its share, rounded, and one at least where there is one for each."""
    ends = np.rint(np.cumsum(shares) * n).astype(int)
    ends[-1] = n
    sizes: list[int] = np.diff(ends, prepend=0).tolist()
    while n >= len(shares) and min(sizes) == 0:
        sizes[sizes.index(max(sizes))] -= 1
        sizes[sizes.index(0)] += 1
    return sizes
