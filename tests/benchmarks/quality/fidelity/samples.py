"""Records of known law for the tests of this folder."""

import numpy as np
from edgeward.benchmarks.quality.fidelity.features import Embedded


def gaussian(
    n: int, d: int, *, seed: int = 0, patients: int | None = None, shift: float = 0.0, spread: float = 1.0
) -> Embedded:
    """Independent records, in turn of each patient; each of its own unless told."""
    vectors = np.random.default_rng(seed).normal(shift, spread, (n, d))
    return Embedded(vectors, (np.arange(n) % (patients or max(n, 1))).astype(np.str_))
