"""How near a generator comes to a given record in many samples: the loss an attacker reads where no gradient flows.

Full black-box attack of GAN-Leaks (Chen et al., CCS 2020, arXiv 1909.03935), for rows and series whose numbers are
rounded and whose categories are chosen.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from ..figure import FloatArray

Sample = Callable[[npt.NDArray[np.float32], int], npt.NDArray[np.float32]]
"""Samples [n, *shape] for condition vectors [n, c] from noise that begins at an index."""

_SMALLEST = 1e-9


def sampling_loss(
    sample: Sample,
    condition: npt.NDArray[np.float32],
    vectors: FloatArray,
    embed: Callable[[npt.NDArray[np.float32]], FloatArray],
    *,
    samples: int,
) -> FloatArray:
    """Squared distance [n] of each record to the nearest of its own samples, in the judge's feature space.

    Args:
        sample: The generator.
        condition: [n, c], each record's own.
        vectors: The records in feature space [n, d].
        embed: Samples to feature space.
        samples: How many are drawn for each record, the same noise for all of them.
    """
    nearest = np.empty(len(vectors))
    kinds, kind = np.unique(condition, axis=0, return_inverse=True)
    for number, asked in enumerate(kinds):
        # Every record gets the noise of the same indices, so that luck is shared, and so are the samples of its like.
        made = embed(sample(np.repeat(asked[None], samples, axis=0), 0))
        mine = kind.reshape(-1) == number
        nearest[mine] = cdist(vectors[mine], made, "sqeuclidean").min(axis=1)
    return nearest + _SMALLEST
