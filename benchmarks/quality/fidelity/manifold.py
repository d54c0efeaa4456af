"""Do generated records lie where real ones do, and everywhere they do? Precision, recall, density and coverage.

Kynkäänniemi et al. 2019 (arXiv 1904.06991) and Naeem et al. 2020 (arXiv 2002.09797).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from ....runtime.errors import DataError
from ..figure import Figure, FloatArray, PatientBootstrap, omitted
from .features import Embedded

_BLOCK_NUMBERS = 2**23
"""Distances held at a time."""


def manifold_figures(real: Embedded, synthetic: Embedded, k: int = 5) -> dict[str, Figure]:
    """Precision, recall, density and coverage, each 1 for equal laws and many records.

    A side's manifold is the union of balls about its records, each as wide as it takes to meet k other patients of
    that side: records of one patient may be so alike that balls of k records would hold no other patient's, not even
    a real one's. Where each record is a patient of its own, these are the usual k nearest neighbours. Intervals draw
    the counted records' patients anew, with the manifolds as they are.

    Args:
        real: Real records.
        synthetic: Generated ones, or the real ones they are measured against.
        k: Neighbours; at most a tenth of a side's patients.
    """
    n = min(len(real), len(synthetic))
    if n < 2:
        return {
            name: omitted("neighbours need two records of either side", n)
            for name in ("precision", "recall", "density", "coverage")
        }
    (real_reach, neighbours), (synthetic_reach, others) = _reach(real, k), _reach(synthetic, k)
    recalled, reached = np.zeros(len(real)), np.zeros(len(real))
    balls = np.zeros(len(synthetic))
    # A patient's balls together count as one patient's, however many records there are of them.
    _, patient, counts = np.unique(_neighbours_of(real), return_inverse=True, return_counts=True)
    weight = 1.0 / counts[patient]
    for rows, distances in _blocks(real.vectors, synthetic.vectors):
        inside = distances <= real_reach[rows, None]
        reached[rows] = inside.any(axis=1)
        recalled[rows] = (distances <= synthetic_reach).any(axis=1)
        balls += weight[rows] @ inside
    note = f"with {min(neighbours, others)} neighbours" if min(neighbours, others) < k else ""
    of_real, of_synthetic = PatientBootstrap(real.patients), PatientBootstrap(synthetic.patients)
    return {
        "precision": of_synthetic.mean((balls > 0).astype(np.float64), note=note),
        "recall": of_real.mean(recalled, note=note),
        "density": of_synthetic.mean(balls / neighbours, note=note),
        "coverage": of_real.mean(reached, note=note),
    }


def covered(real: Embedded, synthetic: Embedded, k: int = 5) -> npt.NDArray[np.bool_]:
    """Whether a generated record lies within each real one's k-th nearest real neighbour [n real].

    Raises:
        DataError: There are fewer than two real records.
    """
    if len(real) < 2:
        raise DataError("coverage needs two real records; this group has fewer")
    nearest = np.full(len(real), np.inf)
    for rows, distances in _blocks(real.vectors, synthetic.vectors):
        nearest[rows] = distances.min(axis=1, initial=np.inf)
    inside: npt.NDArray[np.bool_] = nearest <= _reach(real, k)[0]
    return inside


def _reach(side: Embedded, k: int) -> tuple[FloatArray, int]:
    """Squared distance within which each record meets k other patients [n], and k, made possible."""
    patients = _neighbours_of(side)
    order = np.argsort(patients, kind="stable")
    _, starts = np.unique(patients[order], return_index=True)
    # Of a few patients, five are the whole ward: then everything would be covered.
    k = min(k, max(1, len(starts) // 10), len(starts) - 1)
    reach = np.empty(len(side))
    for rows, distances in _blocks(side.vectors, side.vectors[order]):
        nearest = np.minimum.reduceat(distances, starts, axis=1)  # of each patient; its own is 0 away
        reach[rows] = np.partition(nearest, k, axis=1)[:, k]
    return reach, k


def _neighbours_of(side: Embedded) -> npt.NDArray[np.str_]:
    """The patients that count as each other's neighbours: where there is but one, its records."""
    alone = len(np.unique(side.patients)) == 1
    return np.arange(len(side)).astype(np.str_) if alone else side.patients


def _blocks(first: FloatArray, second: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
    """Squared distances [rows of first, all of second], some rows at a time.

    Taken from differences, not from dot products: equal vectors are 0 apart to the last bit, and ties stay ties.
    """
    step = max(1, _BLOCK_NUMBERS // max(1, len(second)))
    for start in range(0, len(first), step):
        rows = slice(start, start + step)
        yield rows, cdist(first[rows], second, "sqeuclidean")
