"""Uncertainty of a figure that compares real with generated records: patients of both sides are drawn anew."""

from __future__ import annotations

import numpy as np

from ..figure import Figure, FloatArray, PatientBootstrap
from .features import Embedded

_DRAWS = 200
_SEED = 20180117


class TwoSidedBootstrap:
    """Draws patients of either side with replacement, each side on its own.

    Args:
        real: Real records.
        synthetic: Generated ones, or the real ones they are measured against.
    """

    def __init__(self, real: Embedded, synthetic: Embedded) -> None:
        self.real = PatientBootstrap(real.patients, _DRAWS)
        self.synthetic = PatientBootstrap(synthetic.patients, _DRAWS)

    def weights(self) -> tuple[FloatArray, FloatArray]:
        """How often each patient is drawn, [draws, patients] of either side."""
        # Sides of equally many patients have the same draws; reversed, none meets its own copy.
        return self.real.weights(), self.synthetic.weights()[::-1]

    def figure(self, value: float, drawn: FloatArray, *, note: str = "") -> Figure:
        """The figure whose value was `value` on the data and `drawn` [draws] on the draws.

        Without an interval where either side is one patient.
        """
        known = drawn if self.synthetic.patients > 1 else np.full_like(drawn, np.nan)
        return self.real.figure(value, known, note=note)


def subsample(records: Embedded, n: int, seed: int = 0) -> Embedded:
    """At most n of the records, drawn without replacement; the same ones every time."""
    if len(records) <= n:
        return records
    rng = np.random.Generator(np.random.Philox(key=[_SEED, seed]))
    return records.take(np.sort(rng.choice(len(records), n, replace=False)))
