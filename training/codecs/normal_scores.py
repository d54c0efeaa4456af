"""A monotone map between quantities of any distribution and standard normal ones, column by column.

A value's normal score (van der Waerden) is the normal quantile of the share of values below it, half of the ties
counted. The way back is piecewise linear between knots; a value that many records share is a flat piece as wide as its
share, so that heaps keep their height and columns of few distinct values keep those.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import ndtr, ndtri
from torch import Tensor, nn

_CHOSEN = 31
"""Distinct values of a column that become knots, beside its heaps."""
_HEAP = 2 / _CHOSEN
"""Share of a column's values above which one of them is a heap."""
_KNOTS = 2 * _CHOSEN + 2
_END = 3.5
"""Normal score of a column's smallest and largest possible value."""
_JUMP = 1e-3
"""Width in scores of the steep piece between two flat ones."""

_Floats = npt.NDArray[np.float64]


class NormalScores(nn.Module):
    """Quantities of columns to normal scores and back.

    Args:
        minimum: Smallest possible value of each column.
        maximum: Largest possible value of each.
    """

    there: Tensor
    """[2, columns, knots], rising: values, and the scores they become."""
    back: Tensor
    """[2, columns, knots], rising: scores, and the values they become."""

    def __init__(self, minimum: npt.ArrayLike, maximum: npt.ArrayLike) -> None:
        super().__init__()
        self._ends = np.stack([np.asarray(minimum, np.float64), np.asarray(maximum, np.float64)], axis=1)
        self.register_buffer("there", torch.zeros(2, len(self._ends), _KNOTS))
        self.register_buffer("back", torch.zeros(2, len(self._ends), _KNOTS))
        self.fit_public()

    def fit_public(self) -> None:
        """Take every value of a column's range to be equally likely, but for the ends: a straight line."""
        for column, ends in enumerate(self._ends):
            scores = np.array([-_END, _END])
            self._set(column, (ends, scores), (scores, ends))

    def fit(self, columns: list[_Floats]) -> None:
        """Take the knots from each column's known values."""
        for column, known in enumerate(columns):
            if len(known):
                self._set(column, *_knots(known, *self._ends[column]))

    def _set(self, column: int, there: tuple[_Floats, _Floats], back: tuple[_Floats, _Floats]) -> None:
        for way, knots in ((self.there, there), (self.back, back)):
            for place, coordinates in enumerate(knots):
                padded = np.pad(coordinates, (0, _KNOTS - len(coordinates)), mode="edge")
                way[place, column] = torch.from_numpy(padded).float()

    def to_scores(self, values: Tensor) -> Tensor:
        """[n, columns, ...] in the columns' units to normal scores; values beyond the ends get the ends' scores."""
        return _along(values, self.there)

    def to_values(self, scores: Tensor) -> Tensor:
        """[n, columns, ...] normal scores to the columns' units, within the ends."""
        return _along(scores, self.back)


def _knots(known: _Floats, minimum: float, maximum: float) -> tuple[tuple[_Floats, _Floats], tuple[_Floats, _Floats]]:
    """The knots of one column: (values, scores) of the way there, (scores, values) of the way back."""
    # The ends as float32 holds them, like the values: a smallest value of 0.1 is then the minimum 0.1, not above it.
    minimum, maximum = float(np.float32(minimum)), float(np.float32(maximum))
    distinct, counts = np.unique(known, return_counts=True)
    share = counts / len(known)
    below = np.cumsum(share) - share
    middle = below + share / 2
    heap = share > _HEAP
    inside = _END - 0.1
    chosen = np.arange(len(distinct))
    if len(distinct) <= _CHOSEN:
        heap[:] = True
    else:
        # Evenly in scores, not in shares, or the tails would be a straight line from the 97th percentile on.
        lowest, highest = ndtri(middle[[0, -1]]).clip(-inside, inside).tolist()
        wanted = ndtr(np.linspace(lowest, highest, _CHOSEN - 2 * int(heap.sum())))
        chosen = np.union1d(np.searchsorted(middle, wanted).clip(0, len(distinct) - 1), np.flatnonzero(heap))
    there = [(minimum, -_END)] if minimum < distinct[0] else []
    back = [(-_END, minimum)] if minimum < distinct[0] else []
    for k in chosen.tolist():
        there.append((distinct[k], float(ndtri(middle[k]).clip(-inside, inside))))
        if heap[k]:
            first, last = ndtri([below[k], min(1.0, below[k] + share[k])]).clip(-inside, inside).tolist()
            back += [(first + _JUMP / 2, distinct[k]), (max(last - _JUMP / 2, first + _JUMP / 2), distinct[k])]
        else:
            back.append((there[-1][1], distinct[k]))
    if maximum > distinct[-1]:
        there.append((maximum, _END))
        back.append((_END, maximum))
    return _rising(there), _rising(back)


def _rising(knots: list[tuple[float, float]]) -> tuple[_Floats, _Floats]:
    """The knots as two rows, those left out whose first coordinate hardly rises."""
    table = np.array(knots).T
    # Closer than float32 tells apart across the column's range, two knots would make a wall.
    least = 1e-6 * float(np.ptp(table[0]))
    keep = np.concatenate([[True], np.diff(np.maximum.accumulate(table[0])) > least])
    return table[0, keep], np.maximum.accumulate(table[1, keep])


def _along(x: Tensor, knots: Tensor) -> Tensor:
    """Linear interpolation along knots [2, columns, knots], as a sum of ramps: that exports to standard operators."""
    start, end = knots
    spread = (start.shape[0], *(1,) * (x.ndim - 2), -1)
    run = start.diff(dim=1)
    # Knots repeated to fill a shorter column's row add nothing.
    slope = torch.where(run > 0, end.diff(dim=1) / torch.where(run > 0, run, torch.ones_like(run)), 0.0)
    ramps = (x.unsqueeze(-1) - start[:, :-1].view(spread)).clamp(min=0.0)
    # The first knot's place is a part of the sum and not added to it: OpenVINO 2026.4 joins such an addition to the sum
    # of a table's [n, columns, ramps], and takes its rows for the columns.
    base = torch.cat([end[:, :1], torch.zeros_like(slope[:, 1:])], dim=1)
    ramps = torch.minimum(ramps, run.view(spread)) * slope.view(spread) + base.view(spread)
    along: Tensor = ramps.sum(dim=-1)
    return along
