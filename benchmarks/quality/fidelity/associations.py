"""How strongly the columns of a table hang together, pair by pair, with records weighted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.stats import rankdata

from ....runtime.schema import CategoryColumn, Column
from ..figure import FloatArray


class Associations:
    """The association of every pair of a table's columns, each over the rows where both are known.

    Spearman's rho of two numbers, Cramér's V of two categories (Cramér, Mathematical Methods of Statistics, 1946,
    21.9), correlation ratio of a number over a category's values (Fisher, Statistical Methods for Research Workers,
    1925, 45). Ranks are those among the column's known entries.

    Args:
        values: [n, columns], a category as its index, NaN where missing.
        columns: What they are.
    """

    def __init__(self, values: npt.NDArray[np.floating], columns: tuple[Column, ...]) -> None:
        known = ~np.isnan(values)
        self._numbers = np.array([i for i, c in enumerate(columns) if not isinstance(c, CategoryColumn)], dtype=int)
        self._choices = np.array([i for i, c in enumerate(columns) if isinstance(c, CategoryColumn)], dtype=int)
        self._size = len(columns)
        self._known = known[:, self._numbers].astype(np.float64)
        self._ranks, self._standard = np.zeros(self._known.shape), np.zeros(self._known.shape)
        for position, index in enumerate(self._numbers):
            rows = known[:, index]
            entries = values[rows, index].astype(np.float64)
            if len(entries):
                # About 0 and of size 1, so that sums of squares lose no digits.
                ranks = rankdata(entries)
                self._ranks[rows, position] = (ranks - ranks.mean()) / len(entries)
                self._standard[rows, position] = (entries - entries.mean()) / (entries.std() or 1.0)
        sizes = [len(c.values) for c in columns if isinstance(c, CategoryColumn)]
        self._first = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
        self._owner = np.repeat(np.arange(len(sizes)), sizes)
        """Of each category of all columns, which of the category columns it is of."""
        self._chosen = known[:, self._choices].astype(np.float64)
        rows, owners = np.nonzero(self._chosen)
        categories = self._first[owners] + values[rows, self._choices[owners]].astype(int)
        shape = (len(values), int(self._first[-1]))
        self._one_hot = csr_array((np.ones(len(rows)), (rows, categories)), shape=shape)

    def matrix(self, weights: FloatArray) -> FloatArray:
        """Associations [columns, columns] with each row counted `weights` [n] times; NaN where there is none.

        A pair has none where one of its columns is constant among the rows where both are known.
        """
        matrix = np.full((self._size, self._size), np.nan)
        ratios = self._correlation_ratios(weights)
        matrix[np.ix_(self._numbers, self._numbers)] = self._rank_correlations(weights)
        matrix[np.ix_(self._choices, self._numbers)] = ratios
        matrix[np.ix_(self._numbers, self._choices)] = ratios.T
        matrix[np.ix_(self._choices, self._choices)] = self._cramers_v(weights)
        return matrix

    def _rank_correlations(self, weights: FloatArray) -> FloatArray:
        known, ranks = self._known * weights[:, None], self._ranks * weights[:, None]
        counts, sums, squares = known.T @ self._known, ranks.T @ self._known, (ranks * self._ranks).T @ self._known
        products = ranks.T @ self._ranks
        spread = squares - _divided(sums**2, counts)
        scale = np.sqrt((spread * spread.T).clip(min=0.0))
        constant = spread < 1e-12 * counts
        return _divided(products - _divided(sums * sums.T, counts), np.where(constant | constant.T, 0.0, scale), np.nan)

    def _correlation_ratios(self, weights: FloatArray) -> FloatArray:
        """Of each category column with each number column."""
        weighted = self._standard * weights[:, None]
        groups = [self._one_hot.T @ of for of in (self._known * weights[:, None], weighted, weighted * self._standard)]
        counts, sums, squares = (self._by_column(of) for of in groups)
        between = self._by_column(_divided(groups[1] ** 2, groups[0])) - _divided(sums**2, counts)
        total = squares - _divided(sums**2, counts)
        one_group = self._by_column((groups[0] > 0).astype(np.float64)) < 2
        total = np.where(one_group | (total < 1e-12 * counts), 0.0, total)
        ratios: FloatArray = np.sqrt(_divided(between, total, np.nan).clip(0.0, 1.0))
        return ratios

    def _cramers_v(self, weights: FloatArray) -> FloatArray:
        weighted = self._one_hot.multiply(weights[:, None])
        table = (weighted.T @ self._one_hot).tocoo()
        margins = weighted.T @ self._chosen  # [categories, category columns]: rows of it where the other is known
        one, other = self._owner[table.row], self._owner[table.col]
        expected = margins[table.row, other] * margins[table.col, one]
        size = len(self._choices)
        shares = np.bincount(one * size + other, _divided(table.data**2, expected), minlength=size**2)
        phi_squared = shares.astype(np.float64).reshape(size, size) - 1.0
        kinds = self._by_column((margins > 0).astype(np.float64))
        strengths: FloatArray = np.sqrt(_divided(phi_squared, np.minimum(kinds, kinds.T) - 1.0, np.nan).clip(0.0, 1.0))
        return strengths

    def _by_column(self, of: FloatArray) -> FloatArray:
        """Sums over each column's categories: [categories, ...] to [category columns, ...]."""
        if not len(self._choices):
            return np.zeros((0, *of.shape[1:]))
        sums: FloatArray = np.add.reduceat(of, self._first[:-1], axis=0)
        return sums


def _divided(numerator: FloatArray, denominator: FloatArray, otherwise: float = 0.0) -> FloatArray:
    quotient = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), otherwise)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient
