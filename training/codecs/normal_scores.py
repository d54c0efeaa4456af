"""A monotone map between quantities of any distribution and standard normal ones, column by column.

Piecewise linear between knots: a value and its normal score (van der Waerden), the normal quantile of the share of
values below it, half of the ties counted. A column of few distinct values has a knot on each, so that ties and heaps
at one value survive the way there and back.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import ndtri
from torch import Tensor, nn

_KNOTS = 33
_END = 3.5
"""Normal score of a column's smallest and largest possible value."""


class NormalScores(nn.Module):
    """Quantities of `columns` columns to normal scores and back.

    Args:
        minimum: Smallest possible value of each column.
        maximum: Largest possible value of each.
    """

    value: Tensor
    """[columns, knots], rising; equal where there are fewer knots."""
    score: Tensor
    """[columns, knots], rising; equal where there are fewer knots."""

    def __init__(self, minimum: npt.ArrayLike, maximum: npt.ArrayLike) -> None:
        super().__init__()
        self._ends = np.stack([np.asarray(minimum, np.float64), np.asarray(maximum, np.float64)], axis=1)
        self.register_buffer("value", torch.zeros(len(self._ends), _KNOTS))
        self.register_buffer("score", torch.zeros(len(self._ends), _KNOTS))
        self.fit_public()

    def fit_public(self) -> None:
        """Take every value of a column's range to be equally likely, but for the ends: a straight line."""
        for column, ends in enumerate(self._ends):
            self._set(column, ends, np.array([-_END, _END]))

    def fit(self, columns: list[npt.NDArray[np.float64]]) -> None:
        """Take the knots from each column's known values."""
        for column, known in enumerate(columns):
            if len(known):
                self._set(column, *_knots(known, *self._ends[column]))

    def _set(self, column: int, values: npt.NDArray[np.float64], scores: npt.NDArray[np.float64]) -> None:
        missing = _KNOTS - len(values)
        self.value[column] = torch.from_numpy(np.pad(values, (0, missing), mode="edge")).float()
        self.score[column] = torch.from_numpy(np.pad(scores, (0, missing), mode="edge")).float()

    def to_scores(self, values: Tensor) -> Tensor:
        """[n, columns, ...] in the columns' units to normal scores; values beyond the ends get the ends' scores."""
        return _along(values, self.value, self.score)

    def to_values(self, scores: Tensor) -> Tensor:
        """[n, columns, ...] normal scores to the columns' units, within the ends."""
        return _along(scores, self.score, self.value)


def _knots(
    known: npt.NDArray[np.float64], minimum: float, maximum: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Values and scores of the knots of one column."""
    distinct, counts = np.unique(known, return_counts=True)
    shares = (np.cumsum(counts) - counts / 2) / len(known)
    if len(distinct) > _KNOTS - 2:  # room for the ends
        wanted = np.linspace(0.0, 1.0, _KNOTS - 2) * (shares[-1] - shares[0]) + shares[0]
        chosen = np.unique(np.searchsorted(shares, wanted).clip(0, len(distinct) - 1))
        distinct, shares = distinct[chosen], shares[chosen]
    scores = ndtri(shares).clip(-_END + 0.1, _END - 0.1)
    # Scores of rare ends can meet after clipping; knots must rise to be read both ways.
    keep = np.concatenate([[True], np.diff(scores) > 1e-3])
    values, scores = distinct[keep], scores[keep]
    if minimum < values[0]:
        values, scores = np.append(minimum, values), np.append(-_END, scores)
    if maximum > values[-1]:
        values, scores = np.append(values, maximum), np.append(scores, _END)
    return values, scores


def _along(x: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Linear interpolation from knots `start` to knots `end` [columns, knots], as a sum of ramps: that exports."""
    ones = (1,) * (x.ndim - 2)
    rise = start.diff(dim=1)
    slope = end.diff(dim=1) / torch.where(rise > 0, rise, torch.ones_like(rise))
    # Zero out what follows the last knot of a column with fewer.
    slope = torch.where(rise > 0, slope, torch.zeros_like(slope))
    from_here = x.unsqueeze(-1) - start[:, :-1].view(start.shape[0], *ones, -1)
    ramps = torch.minimum(from_here.clamp(min=0.0), rise.view(rise.shape[0], *ones, -1))
    first = end[:, 0].view(-1, *ones)
    return first + (ramps * slope.view(slope.shape[0], *ones, -1)).sum(dim=-1)
