"""Fréchet distance between real and generated records' features: are mean and spread those of real records?

Heusel et al. 2017 (arXiv 1706.08500).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..figure import Figure, FloatArray, PatientBootstrap, omitted
from .features import Embedded
from .resampling import TwoSidedBootstrap

_WORKING_NUMBERS = 2**25
"""About how many numbers may be held at a time."""
_FEW_RECORDS = 4
"""Records of both sides for each feature up to which their own products are the smaller matrix."""
_KEPT_NUMBERS = 2**22
"""How many may be kept between rows: 32 MiB for each class."""


def frechet_distance(real: Embedded, synthetic: Embedded) -> Figure:
    """Squared Fréchet distance of the Gaussians with both sides' moments; 0 is ideal.

    It is above 0 for equal laws too, the more the fewer records; judge it beside the same distance between two real
    sets of that size. Drawn records are fewer still, so draws are moved to have the value as their median.
    """
    return RealGaussians(real).distance(synthetic)


def frechet_value(real: Embedded, synthetic: Embedded) -> float:
    """The same distance alone, without an interval: a thousandth of the work, for choosing among models in training."""
    sides = PatientBootstrap(real.patients), PatientBootstrap(synthetic.patients)
    mine = _rooted(*_moments(real, sides[0], np.ones((1, sides[0].patients))))
    return float(_distances(mine, *_moments(synthetic, sides[1], np.ones((1, sides[1].patients))))[0])


class RealGaussians:
    """The Gaussians of real records and of their bootstrap draws, worked out once for all that is held against them.

    Args:
        real: Real records.
    """

    def __init__(self, real: Embedded) -> None:
        self._real = real
        self._kept: dict[int, _Gaussians] = {}

    def distance(self, synthetic: Embedded) -> Figure:
        """As `frechet_distance`."""
        n, d = min(len(self._real), len(synthetic)), self._real.vectors.shape[1]
        if n < 2:
            return omitted("a covariance needs two records of either side", n)
        bootstrap = TwoSidedBootstrap(self._real, synthetic)
        real_draws, synthetic_draws = (
            np.concatenate([np.ones((1, weights.shape[1])), weights]) for weights in bootstrap.weights()
        )
        if len(self._real) + len(synthetic) <= _FEW_RECORDS * d:
            weights = real_draws[:, bootstrap.real.index], synthetic_draws[:, bootstrap.synthetic.index]
            distances = _distances_of_few(self._real, weights[0], synthetic, weights[1])
        else:
            distances = self._distances_of_many(bootstrap, real_draws, synthetic, synthetic_draws)
        value, drawn = float(distances[0]), distances[1:]
        centred = np.maximum(drawn - np.median(drawn) + value, 0.0)
        note = f"{n} records span fewer than the {d} features; the distance is biased upwards" if n <= d else ""
        return bootstrap.figure(value, centred, note=note)

    def _distances_of_many(
        self, bootstrap: TwoSidedBootstrap, draws: FloatArray, synthetic: Embedded, synthetic_draws: FloatArray
    ) -> FloatArray:
        step = max(1, _WORKING_NUMBERS // self._real.vectors.shape[1] ** 2)
        return np.concatenate(
            [
                _distances(
                    self._gaussians(bootstrap.real, draws, slice(first, first + step)),
                    *_moments(synthetic, bootstrap.synthetic, synthetic_draws[first : first + step]),
                )
                for first in range(0, len(draws), step)
            ]
        )

    def _gaussians(self, bootstrap: PatientBootstrap, draws: FloatArray, block: slice) -> _Gaussians:
        found = self._kept.get(block.start)
        if found is None:
            found = _rooted(*_moments(self._real, bootstrap, draws[block]))
            if len(draws) * found.root[0].size <= _KEPT_NUMBERS:
                self._kept[block.start] = found
        return found


@dataclass(frozen=True)
class _Gaussians:
    mean: FloatArray
    """[draws, d]"""
    trace: FloatArray
    """[draws], of the covariance."""
    root: FloatArray
    """[draws, d, d]: times its transpose, the covariance."""


def _rooted(mean: FloatArray, covariance: FloatArray) -> _Gaussians:
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(values.clip(min=0.0))[:, None, :]
    return _Gaussians(mean, np.trace(covariance, axis1=1, axis2=2), root)


def _moments(side: Embedded, bootstrap: PatientBootstrap, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean [draws, d] and covariance [draws, d, d] with each patient counted as often as drawn.

    Args:
        side: The records.
        bootstrap: Of their patients.
        weights: [draws, patients].
    """
    d = side.vectors.shape[1]
    centre = side.vectors.mean(axis=0)  # sums of squares about it lose no digits
    vectors = side.vectors - centre
    counts = (weights @ bootstrap.totals(np.ones(len(side))))[:, None]
    means = weights @ bootstrap.totals(vectors) / counts
    squares = np.zeros((len(weights), d * d))
    order = np.argsort(bootstrap.index, kind="stable")
    starts = np.searchsorted(bootstrap.index[order], np.arange(bootstrap.patients + 1))
    step = max(1, _WORKING_NUMBERS // (8 * d**2))
    for first in range(0, bootstrap.patients, step):
        block = range(first, min(first + step, bootstrap.patients))
        rows = [vectors[order[starts[patient] : starts[patient + 1]]] for patient in block]
        outer = np.stack([(of_patient.T @ of_patient).ravel() for of_patient in rows])
        squares += weights[:, block.start : block.stop] @ outer
    scatter = squares.reshape(-1, d, d) - counts[:, :, None] * means[:, :, None] * means[:, None, :]
    return means + centre, scatter / (counts - 1.0)[:, :, None]


def _distances(one: _Gaussians, mean: FloatArray, covariance: FloatArray) -> FloatArray:
    """Squared Fréchet distance of each pair of Gaussians; mean [draws, d], covariance [draws, d, d]."""
    # tr (A B)^1/2 is the sum of roots of the eigenvalues of R'BR for any R with RR' = A: symmetric, so never complex.
    shared = np.linalg.eigvalsh(one.root.transpose(0, 2, 1) @ covariance @ one.root).clip(min=0.0)
    traces = one.trace + np.trace(covariance, axis1=1, axis2=2)
    apart = ((one.mean - mean) ** 2).sum(axis=1)
    distances: FloatArray = apart + traces - 2.0 * np.sqrt(shared).sum(axis=1)
    return distances.clip(min=0.0)


def _distances_of_few(real: Embedded, real_draws: FloatArray, synthetic: Embedded, draws: FloatArray) -> FloatArray:
    """The same from the records [n, d] and how often each is drawn [draws, n], without a covariance.

    With X'X and Y'Y the covariances, tr (X'X Y'Y)^1/2 is the sum of the singular values of XY', which has as many rows
    and columns as there are records: fewer than features, where there are many categories.
    """
    distances = np.empty(len(draws))
    for number, weights in enumerate(zip(real_draws, draws, strict=True)):
        (mean, x), (other, y) = (
            _spread(*side) for side in zip((real.vectors, synthetic.vectors), weights, strict=True)
        )
        shared = np.linalg.svd(x @ y.T, compute_uv=False).sum()
        distances[number] = ((mean - other) ** 2).sum() + (x**2).sum() + (y**2).sum() - 2.0 * shared
    clipped: FloatArray = distances.clip(min=0.0)
    return clipped


def _spread(vectors: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean [d], and records about it [drawn, d], scaled so that their products sum to the covariance."""
    drawn = weights > 0
    vectors, weights = vectors[drawn], weights[drawn]
    mean = weights @ vectors / weights.sum()
    return mean, (vectors - mean) * np.sqrt(weights / (weights.sum() - 1.0))[:, None]
