"""The output of a model made elsewhere: what its user says takes it to physical units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...runtime.schema import CategoryColumn, ImageSchema, Schema, TableSchema
from .codec import Codec


class OwnUnitsCodec(Codec):
    """`output * scale + offset`, in steps where a table's column has them, clamped to the ranges; nothing is fitted.

    Args:
        schema: The data's schema.
        scale: One for all, or one for each channel or column.
        offset: In physical units, likewise.
    """

    scale: Tensor
    offset: Tensor
    minimum: Tensor
    maximum: Tensor
    step: Tensor

    def __init__(self, schema: Schema, scale: Sequence[float] = (1.0,), offset: Sequence[float] = (0.0,)) -> None:
        super().__init__()
        self.shape, self.numbers, self.choices = schema.shape, schema.shape[0], ()
        self._stepped = isinstance(schema, TableSchema)
        parts, ranges = schema.shape[0], _ranges(schema)
        for name, values in (
            ("scale", list(scale) * (parts if len(scale) == 1 else 1)),
            ("offset", list(offset) * (parts if len(offset) == 1 else 1)),
            ("minimum", [low for low, _, _ in ranges]),
            ("maximum", [high for _, high, _ in ranges]),
            ("step", [step for _, _, step in ranges]),
        ):
            column = torch.tensor(values, dtype=torch.float32).reshape(-1, *[1] * (len(self.shape) - 1))
            self.register_buffer(name, column)

    def fit(self, samples: npt.NDArray[np.float32]) -> None:
        """Nothing to take."""

    def fit_public(self) -> None:
        """Nothing to take."""

    def encode(self, samples: Tensor) -> Tensor:
        """Physical units [n, *schema.shape] to the model's own."""
        return (samples - self.offset) / self.scale

    def physical(self, encoded: Tensor) -> Tensor:
        """The model's own units to physical ones, not clamped: what shows whether scale and offset are right."""
        return encoded * self.scale + self.offset

    def decode(self, encoded: Tensor) -> Tensor:
        """The model's own units to physical ones within the ranges, [n, *schema.shape]."""
        values = self.physical(encoded)
        if self._stepped:
            divisor = torch.where(self.step > 0, self.step, torch.ones_like(self.step))
            values = torch.where(self.step > 0, torch.round(values / divisor) * divisor, values)
        return torch.minimum(torch.maximum(values, self.minimum), self.maximum)


def _ranges(schema: Schema) -> list[tuple[float, float, float]]:
    """Smallest value, largest value and step of each channel or column; a category is its index."""
    if isinstance(schema, ImageSchema):
        return [(0.0, 1.0, 0.0) for _ in schema.channels]
    if isinstance(schema, TableSchema):
        return [
            (0.0, len(c.values) - 1.0, 1.0) if isinstance(c, CategoryColumn) else (c.minimum, c.maximum, c.step)
            for c in schema.columns
        ]
    return [(c.minimum, c.maximum, 0.0) for c in schema.channels]
