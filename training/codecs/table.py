"""Tables: numbers as normal scores, categories as one feature each, a missing entry as one choice more."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...runtime.schema import CategoryColumn, NumberColumn, TableSchema
from .codec import Codec
from .normal_scores import NormalScores


class TableCodec(Codec):
    """Rows of mixed columns to features and back.

    Features: the number columns' normal scores in the order of the schema, then in that order the groups of choices:
    the values of a category column, with "missing" as the last where that may be, and for a number column that may
    be missing, known against missing.
    """

    def __init__(self, schema: TableSchema) -> None:
        super().__init__()
        self._columns = schema.columns
        numbers = [column for column in schema.columns if isinstance(column, NumberColumn)]
        self._number_places = [k for k, column in enumerate(schema.columns) if isinstance(column, NumberColumn)]
        self._choice_places, choices = [], []
        for place, column in enumerate(schema.columns):
            if isinstance(column, CategoryColumn):
                self._choice_places.append(place)
                choices.append(len(column.values) + column.may_be_missing)
            elif column.may_be_missing:
                self._choice_places.append(place)
                choices.append(2)
        self.numbers, self.choices = len(numbers), tuple(choices)
        self.shape = (self.numbers + sum(choices),)
        self.scores = NormalScores([c.minimum for c in numbers], [c.maximum for c in numbers]) if numbers else None

    def fit(self, samples: npt.NDArray[np.float32]) -> None:
        """Take the knots of the number columns from rows [n, columns]."""
        if self.scores:
            columns = samples[:, self._number_places].T.astype(np.float64)
            self.scores.fit([column[~np.isnan(column)] for column in columns])

    def fit_public(self) -> None:
        """Take the knots from the columns' ranges."""
        if self.scores:
            self.scores.fit_public()

    def encode(self, samples: Tensor) -> Tensor:
        """Rows [n, columns] to features [n, features]; an unknown number counts as the middle one."""
        parts = []
        if self.scores:
            numbers = samples[:, self._number_places]
            parts.append(torch.where(numbers.isnan(), torch.zeros_like(numbers), self.scores.to_scores(numbers)))
        for place, size in zip(self._choice_places, self.choices, strict=True):
            entries, column = samples[:, place], self._columns[place]
            missing = entries.isnan()
            known = (
                entries.nan_to_num(0.0).long()
                if isinstance(column, CategoryColumn)
                else torch.zeros_like(entries).long()
            )
            chosen = torch.where(missing, torch.full_like(known, size - 1), known)
            # Not F.one_hot, which looks at its values, as no record's gradient alone (torch.func) can be.
            is_it = chosen[:, None] == torch.arange(size, device=chosen.device)
            parts.append(2.0 * is_it.to(samples.dtype) - 1.0)
        return torch.cat(parts, dim=1)

    def known(self, encoded: Tensor) -> Tensor:
        """1 where a number of a row is known, else 0, [n, numbers]."""
        known = super().known(encoded)
        for place, group in zip(self._choice_places, self.groups(), strict=True):
            if place in self._number_places:
                known[:, self._number_places.index(place)] = (encoded[:, group.start] > 0).to(encoded.dtype)
        return known

    def decode(self, encoded: Tensor) -> Tensor:
        """Features [n, features] to rows [n, columns]: the largest feature of a group is the choice."""
        columns: list[Tensor | None] = [None] * len(self._columns)
        if self.scores:
            numbers = self.scores.to_values(encoded[:, : self.numbers])
            for position, place in enumerate(self._number_places):
                columns[place] = _stepped(numbers[:, position], self._columns[place])
        for place, size, group in zip(self._choice_places, self.choices, self.groups(), strict=True):
            chosen = encoded[:, group].argmax(dim=1).to(encoded.dtype)
            column, known = self._columns[place], columns[place]
            value = chosen if known is None else known
            if column.may_be_missing:
                value = torch.where(chosen == size - 1, torch.full_like(value, torch.nan), value)
            columns[place] = value
        return torch.stack([column for column in columns if column is not None], dim=1)


def _stepped(values: Tensor, column: NumberColumn | CategoryColumn) -> Tensor:
    """To the nearest multiple of the column's step, within its range."""
    assert isinstance(column, NumberColumn)  # noqa: S101 - for the type checker
    if column.step:
        values = torch.round(values / column.step) * column.step
    return values.clamp(column.minimum, column.maximum)
