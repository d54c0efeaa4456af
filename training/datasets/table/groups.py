"""Groups of patients that fairness is judged by: a column's categories, or bands of its numbers."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from .decisions import round_step
from .description import CategorySource, TableDescription

_BANDS = 3


def group_names(
    description: TableDescription, values: npt.NDArray[np.float64], in_train: npt.NDArray[np.bool_]
) -> dict[str, npt.NDArray[np.str_]]:
    """By column, the name of each row's group [n]; '' where it is not known.

    Args:
        description: Says which columns.
        values: [n, columns], as encoded.
        in_train: [n]; bands are cut so that they hold about a third of these rows each.
    """
    groups = {}
    for source, entries in zip(description.columns, values.T, strict=True):
        if source.column not in description.groups:
            continue
        if isinstance(source, CategorySource):
            names, index = [*source.categories(), ""], np.where(np.isnan(entries), -1, entries).astype(np.intp)
        else:
            edges = _edges(entries[in_train])
            names = [*_band_names(edges), ""]
            index = np.where(np.isnan(entries), -1, np.searchsorted(edges, entries, side="right"))
        groups[source.name] = np.array(names)[index]
    return groups


def _edges(entries: npt.NDArray[np.float64]) -> list[float]:
    """Round numbers near the thirds, none at or below the smallest entry."""
    known = entries[~np.isnan(entries)]
    if not len(known) or known.min() == known.max():
        return []
    grid = round_step(float(known.max() - known.min()) / 10)
    thirds = np.quantile(known, np.arange(1, _BANDS) / _BANDS)
    return sorted({float(edge) for edge in np.rint(thirds / grid) * grid if edge > known.min()})


def _band_names(edges: list[float]) -> list[str]:
    if not edges:
        return ["all"]
    between = [f"{low:g} to below {high:g}" for low, high in itertools.pairwise(edges)]
    return [f"below {edges[0]:g}", *between, f"{edges[-1]:g} and over"]
