"""What the records alone give away: do they lie closer to training records than to others' records?

Black-box: whoever has the records can do this. It misses leaks that the weights show (attack those too).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from ..fidelity.features import Embedded
from ..figure import Figure, FloatArray, PatientBootstrap, omitted
from .attack import membership_figures

_BLOCK_NUMBERS = 2**23
_WIDE, _CANDIDATES = 128, 8
"""From so many numbers a vector, the nearest are looked for among so many found by a matrix product."""


def nearest_record_figures(train: Embedded, holdout: Embedded, synthetic: Embedded) -> dict[str, Figure]:
    """How near generated records come to training records, beside held-out ones.

    All training records are looked at, however few are held out: among a part of them, most copies would have no
    original.

    Args:
        train: Records the generator was trained on.
        holdout: Real records of other patients.
        synthetic: Generated records.

    Returns:
        `dcr_share`: share of generated records nearer to a training than to a held-out record, as it would be with as
        many of both; of records equally near, each counts alike;
        `nndr`: median over them of the distance to the nearest training record over that to the second nearest;
        `distance_auc` and `distance_tpr`: the attack that takes a real record for a member if a generated one is near.
    """
    n = min(len(train), len(holdout))
    if n < 2 or not len(synthetic):
        reason = "nearest records need two training, two held-out and one generated record"
        return dict.fromkeys(("dcr_share", "nndr", "distance_auc", "distance_tpr"), omitted(reason, n))
    to_train, second, in_train, tied_train = _nearest_two(synthetic.vectors, train.vectors)
    to_holdout, _, in_holdout, tied_holdout = _nearest_two(synthetic.vectors, holdout.vectors)
    bootstrap = PatientBootstrap(synthetic.patients)
    attack = membership_figures(
        -_nearest_two(train.vectors, synthetic.vectors)[0],
        -_nearest_two(holdout.vectors, synthetic.vectors)[0],
        train.patients,
        holdout.patients,
    )
    ratio = np.divide(to_train, second, out=np.ones_like(second), where=second > 0)
    # One real patient may draw many generated records to their side: it is real patients that make the share sure.
    whose = np.where(to_train < to_holdout, train.patients[in_train], holdout.patients[in_holdout])
    share = np.where(to_train == to_holdout, tied_train / (tied_train + tied_holdout), to_train < to_holdout)
    return {
        "dcr_share": _share(PatientBootstrap(whose), share, len(train) / len(holdout)),
        "nndr": _median(bootstrap, ratio),
        "distance_auc": attack["auc"],
        "distance_tpr": attack["tpr_at_1_fpr"],
    }


def copied(values: npt.NDArray[np.float32], train: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Which records [n] are a training record to the last bit."""
    known = {record.tobytes() for record in train}
    return np.array([record.tobytes() in known for record in values], dtype=np.bool_)


def _share(bootstrap: PatientBootstrap, share: FloatArray, ratio: float) -> Figure:
    """Mean share of the training side, brought to sides of one size; `ratio` is how much larger that side is.

    Where nothing was memorised, the nearest of all records is any of them alike, so that the odds are the ratio.
    """
    weights = bootstrap.weights()
    drawn = (weights @ bootstrap.totals(share)) / (weights @ bootstrap.totals(np.ones(len(share))))
    value = np.append(drawn, share.mean())
    value = value / (value + ratio * (1.0 - value))
    return bootstrap.figure(float(value[-1]), value[:-1])


def _median(bootstrap: PatientBootstrap, values: FloatArray) -> Figure:
    order = np.argsort(values)

    def weighted(weights: FloatArray) -> float:
        cumulated = np.cumsum(weights[order])
        return float(values[order][np.searchsorted(cumulated, cumulated[-1] / 2)])

    return bootstrap.statistic(weighted)


def _nearest_two(
    of: FloatArray, among: FloatArray
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Distance of each vector to its nearest and second nearest one of `among`, which is nearest, and how many are.

    All [n].
    """
    first, second = np.empty(len(of)), np.empty(len(of))
    which, tied = np.empty(len(of), dtype=np.intp), np.empty(len(of), dtype=np.intp)
    step = max(1, _BLOCK_NUMBERS // len(among))
    for start in range(0, len(of), step):
        rows = slice(start, start + step)
        if of.shape[1] < _WIDE or len(among) <= _CANDIDATES:
            distances = cdist(of[rows], among)
            places = np.broadcast_to(np.arange(len(among)), distances.shape)
        else:
            distances, places = _wide_candidates(of[rows], among)
        nearest = distances.argmin(axis=1)
        which[rows] = np.take_along_axis(places, nearest[:, None], axis=1)[:, 0]
        tied[rows] = _equally_near(distances)
        crowded = start + np.flatnonzero((tied[rows] == distances.shape[1]) & (distances.shape[1] < len(among)))
        if len(crowded):  # as near as all that were chosen, others may be too: blank images, say
            tied[crowded] = _equally_near(cdist(of[crowded], among))
        if len(among) == 1:
            first[rows] = second[rows] = distances[:, 0]
        else:
            first[rows], second[rows] = np.partition(distances, 1, axis=1)[:, :2].T
    return first, second, which, tied


def _equally_near(distances: FloatArray) -> npt.NDArray[np.intp]:
    """How many of each row [n, k] are as small as its smallest."""
    counts: npt.NDArray[np.intp] = (distances == distances.min(axis=1, keepdims=True)).sum(axis=1)
    return counts


def _wide_candidates(of: FloatArray, among: FloatArray) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Distances of each vector to the few of `among` that a matrix product finds nearest, and which these are, [n, k].

    The product is several times as fast as differences for images, but rounds the distance of a copy to some small
    number: it only chooses, and what it chose is measured.
    """
    rough = (among**2).sum(axis=1) - 2.0 * (of @ among.T)
    places = np.sort(np.argpartition(rough, _CANDIDATES - 1, axis=1)[:, :_CANDIDATES], axis=1)
    distances = np.empty(places.shape)
    for row, few in enumerate(places):
        distances[row] = np.sqrt(((among[few] - of[row]) ** 2).sum(axis=1))
    return distances, places
