"""One measured quantity with its uncertainty, and how uncertainty over patients is found."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

DRAWS = 1000
"""Bootstrap draws."""
_SEED = 20170608


@dataclass(frozen=True)
class Figure:
    """A value, its 95 % interval, and what it rests on."""

    value: float | None
    """None where it could not be found; `note` says why."""
    low: float | None = None
    """Lower end of the 95 % interval; None where there is none, as with one patient."""
    high: float | None = None
    n: int = 0
    """Records it was read on."""
    patients: int = 0
    """Patients these are of: the number that decides how sure it is."""
    seeds: int = 1
    """Models or draws it was averaged over."""
    note: str = ""

    def text(self, digits: int, joint: str) -> str:
        """Value and interval for a table, e.g. `0.46 (0.33 to 0.57)`; nothing where it could not be found.

        Args:
            digits: After the point.
            joint: Between the interval's ends.
        """
        if self.value is None:
            return ""
        if self.low is None or self.high is None:
            return f"{self.value:.{digits}f}"
        return f"{self.value:.{digits}f} ({self.low:.{digits}f}{joint}{self.high:.{digits}f})"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def omitted(reason: str, n: int = 0) -> Figure:
    """The figure that could not be found, with the reason."""
    return Figure(None, n=n, note=reason)


class PatientBootstrap:
    """Draws patients with replacement; the same draws whatever is computed from them, so differences are paired.

    Cluster bootstrap, Davison & Hinkley 1997, 3.8.

    Args:
        patients: [n], whose each record is.
        draws: Bootstrap draws.
    """

    def __init__(self, patients: npt.NDArray[np.str_], draws: int = DRAWS) -> None:
        names, self.index = np.unique(patients, return_inverse=True)
        self.patients, self.n, self.draws = len(names), len(patients), draws

    def weights(self) -> FloatArray:
        """How often each patient is drawn, [draws, patients]; every row sums to the number of patients."""
        return _counts(self.patients, self.draws).astype(np.float64)

    def totals(self, values: FloatArray) -> FloatArray:
        """Sums over each patient's records: [n, ...] to [patients, ...]."""
        sums = np.zeros((self.patients, *values.shape[1:]))
        np.add.at(sums, self.index, values)
        return sums

    def mean(self, values: FloatArray, *, seeds: int = 1, note: str = "") -> Figure:
        """Mean over records [n] with its interval over patients."""
        totals, counts = self.totals(values), self.totals(np.ones(self.n))
        weights = self.weights()
        return self.figure(float(values.mean()), (weights @ totals) / (weights @ counts), seeds=seeds, note=note)

    def statistic(self, of: Callable[[FloatArray], float], *, draws: int = 200, note: str = "") -> Figure:
        """Any statistic of the records' weights [n]; `of` is called once with ones and once a draw."""
        drawn = np.array([of(weights[self.index]) for weights in self.weights()[:draws]])
        return self.figure(of(np.ones(self.n)), drawn, note=note)

    def figure(self, value: float, drawn: FloatArray, *, seeds: int = 1, note: str = "") -> Figure:
        """The figure whose value was `value` on the data and `drawn` [draws] on the bootstrap draws."""
        low, high = interval(drawn) if self.patients > 1 else (None, None)
        return Figure(value, low, high, self.n, self.patients, seeds, note)


@functools.lru_cache(maxsize=8)  # a judgement asks for the same few a hundred times, and drawing them takes long
def _counts(patients: int, draws: int) -> npt.NDArray[np.uint16]:
    rng = np.random.Generator(np.random.Philox(key=[_SEED, patients]))
    return rng.multinomial(patients, np.full(patients, 1.0 / patients), draws).astype(np.uint16)


def interval(drawn: FloatArray, level: float = 0.95) -> tuple[float | None, float | None]:
    """Percentile interval of bootstrap draws; draws without an answer (NaN) are left out."""
    known = drawn[~np.isnan(drawn)]
    if len(known) < 0.9 * len(drawn) or not len(known):
        return None, None
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(known, [tail, 1.0 - tail])
    return float(low), float(high)
