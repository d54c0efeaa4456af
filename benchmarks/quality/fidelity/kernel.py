"""Kernel distance between real and generated records' features: unbiased at any number of records.

Bińkowski et al. 2018 (arXiv 1801.01401).
"""

from __future__ import annotations

import numpy as np

from ..figure import Figure, FloatArray, PatientBootstrap, omitted
from .features import Embedded
from .resampling import TwoSidedBootstrap, subsample


def kernel_distance(real: Embedded, synthetic: Embedded, *, at_most: int = 2000) -> Figure:
    """Squared maximum mean discrepancy under the kernel (x·y / d + 1)³; 0 is ideal, chance goes below.

    Within a side, only records of different patients are paired: two records of one patient are closer than chance,
    which would raise the distance between equal laws. Where each record is a patient of its own, as generated ones
    are, that is the usual estimate; where all are of one patient, there is no choice but to pair them.

    Args:
        real: Real records.
        synthetic: Generated ones, or the real ones they are measured against.
        at_most: Records of either side looked at.
    """
    if min(len(real), len(synthetic)) < 2:
        return omitted("the kernel distance needs two records of either side", min(len(real), len(synthetic)))
    real, synthetic = subsample(real, at_most), subsample(synthetic, at_most, seed=1)
    bootstrap = TwoSidedBootstrap(real, synthetic)
    x_groups, y_groups = _groups(bootstrap.real), _groups(bootstrap.synthetic)
    x_weights, y_weights = (
        _with_all(weights, groups.patients)
        for weights, groups in zip(bootstrap.weights(), (x_groups, y_groups), strict=True)
    )
    x_counts, y_counts = (groups.totals(np.ones(groups.n)) for groups in (x_groups, y_groups))
    x, y = real.vectors, synthetic.vectors
    between = np.einsum("dp,dp->d", x_weights @ _sums(x, y, x_groups, y_groups), y_weights)
    between /= (x_weights @ x_counts) * (y_weights @ y_counts)
    distances = (
        _within(_sums(x, x, x_groups, x_groups), x_counts, x_weights)
        + _within(_sums(y, y, y_groups, y_groups), y_counts, y_weights)
        - 2.0 * between
    )
    one = 1 in (bootstrap.real.patients, bootstrap.synthetic.patients)
    note = "one side is one patient, whose records were paired with each other" if one else ""
    return bootstrap.figure(float(distances[0]), distances[1:], note=note)


def _groups(bootstrap: PatientBootstrap) -> PatientBootstrap:
    """The patients, or the single patient's records."""
    return bootstrap if bootstrap.patients > 1 else PatientBootstrap(np.arange(bootstrap.n).astype(np.str_))


def _with_all(weights: FloatArray, groups: int) -> FloatArray:
    """The draws' weights below a row that counts every group once, [1 + draws, groups]."""
    spread = weights if weights.shape[1] == groups else np.ones((len(weights), groups))
    return np.concatenate([np.ones((1, groups)), spread])


def _sums(x: FloatArray, y: FloatArray, x_groups: PatientBootstrap, y_groups: PatientBootstrap) -> FloatArray:
    """The kernel summed over all pairs of records of each two groups, [groups of x, groups of y]."""
    base = x @ y.T / x.shape[1] + 1.0
    return y_groups.totals(x_groups.totals(base * base * base).T).T


def _within(sums: FloatArray, counts: FloatArray, weights: FloatArray) -> FloatArray:
    """Mean kernel over pairs of records of different groups [draws]; NaN where a draw holds one group only."""
    apart = 1.0 - np.eye(len(counts))
    total = np.einsum("dp,dp->d", weights @ (sums * apart), weights)
    pairs = np.einsum("dp,dp->d", weights @ (np.outer(counts, counts) * apart), weights)
    means: FloatArray = np.divide(total, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
    return means
