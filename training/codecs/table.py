"""Tables: numbers as normal scores, categories as one feature each, a missing entry as one choice more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...runtime.schema import CategoryColumn, NumberColumn, TableSchema
from .choices import NEVER, Choices
from .codec import Codec
from .normal_scores import NormalScores


class TableCodec(Codec):
    """Rows of mixed columns to features and back.

    Features: the number columns' normal scores in the order of the schema, then in that order the groups of choices:
    the values of a category column, with "missing" as the last where that may be, and for a number column that may
    be missing, known against missing.
    """

    _stepped: Tensor
    """[numbers], which columns have a step; then the steps, 1 where there is none, and the ends of the ranges."""
    _step: Tensor
    _minimum: Tensor
    _maximum: Tensor
    _absent: Tensor
    """[choices], in the order of their rows, which feature stands for missing; -1: none does."""
    _gap_rows: Tensor
    """[gappy], rows of the choices that tell whether a number is missing."""
    _gappy: Tensor
    """[gappy], whose numbers these are."""
    _places: Tensor
    """[columns], where each stands among what was decoded."""

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
        self.of_choices = Choices(self.numbers, self.choices)
        self._plan_decoding(numbers)

    def _plan_decoding(self, numbers: Sequence[NumberColumn]) -> None:
        """Constants of `decode`, which treats all columns at once."""
        steps = torch.tensor([column.step or 0.0 for column in numbers])
        self.register_buffer("_stepped", steps > 0, persistent=False)
        self.register_buffer("_step", torch.where(steps > 0, steps, 1.0), persistent=False)
        self.register_buffer("_minimum", torch.tensor([column.minimum for column in numbers]), persistent=False)
        self.register_buffer("_maximum", torch.tensor([column.maximum for column in numbers]), persistent=False)
        places = [self._choice_places[choice] for choice in self.of_choices.order]
        absent = [
            self.choices[choice] - 1 if self._columns[place].may_be_missing else -1
            for choice, place in zip(self.of_choices.order, places, strict=True)
        ]
        self.register_buffer("_absent", torch.tensor(absent), persistent=False)
        rows = [row for row, place in enumerate(places) if place in self._number_places]
        gappy = [self._number_places.index(places[row]) for row in rows]
        self.register_buffer("_gap_rows", torch.tensor(rows, dtype=torch.long), persistent=False)
        self.register_buffer("_gappy", torch.tensor(gappy, dtype=torch.long), persistent=False)
        # Decoded stand side by side: numbers, what was chosen, numbers with gaps. The last of a column is what it is.
        stand = [*self._number_places, *places, *(places[row] for row in rows)]
        where = {place: position for position, place in enumerate(stand)}
        columns = [where[place] for place in range(len(self._columns))]
        self.register_buffer("_places", torch.tensor(columns, dtype=torch.long), persistent=False)

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
        parts = []
        if self.scores:
            values = self.scores.to_values(encoded[:, : self.numbers])
            if any(column.step for column in self._columns if isinstance(column, NumberColumn)):
                values = torch.where(self._stepped, torch.round(values / self._step) * self._step, values)
            parts.append(torch.minimum(torch.maximum(values, self._minimum), self._maximum))
        if self.choices:
            rows = self.of_choices.rows(encoded, pad=NEVER)
            chosen = torch.cat([part.argmax(dim=2) for part in rows], dim=1)
            absent = torch.eq(chosen, self._absent)
            parts.append(torch.where(absent, torch.nan, chosen.to(encoded.dtype)))
            if len(self._gappy):
                gaps = absent.index_select(1, self._gap_rows)
                parts.append(torch.where(gaps, torch.nan, parts[0].index_select(1, self._gappy)))
        return torch.cat(parts, dim=1).index_select(1, self._places)
