"""Small schemas of every kind of data, and samples for them: what tests of families are run on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from edgeward.runtime.schema import (
    CategoryColumn,
    Channel,
    ClassCondition,
    ImageSchema,
    NumberColumn,
    NumberCondition,
    Schema,
    SignalSchema,
    TableSchema,
)

CONDITIONS = (
    ClassCondition("kind", ("a", "b", "c"), ("first", "second", "third")),
    NumberCondition("age", "a", 20.0, 80.0),
)


def signal(channels: int, length: int, *, gappy: int = 0) -> SignalSchema:
    """A signal of which the last `gappy` channels may be missing."""
    return SignalSchema(
        name="toy-signal",
        description="Channels of very different range.",
        channels=tuple(
            Channel(f"c{k}", "mV", -(2.0 ** (k % 5)), 2.0 ** (k % 5), k >= channels - gappy) for k in range(channels)
        ),
        sampling_rate_hz=100.0,
        length=length,
        conditions=CONDITIONS,
    )


def image(channels: int, size: int) -> ImageSchema:
    names = ("grey",) if channels == 1 else ("red", "green", "blue")
    return ImageSchema("toy-image", "Squares.", names, size, size, CONDITIONS)


TABLE = TableSchema(
    "toy-table",
    "Columns of each kind.",
    (
        NumberColumn("age_at_onset", "a", 0.0, 100.0, step=1.0),
        CategoryColumn("stage", ("I", "II", "III"), ordered=True),
        NumberColumn("troponin", "ng/L", 0.0, 1000.0, may_be_missing=True),
        CategoryColumn("smoker", ("no", "yes"), may_be_missing=True),
    ),
    CONDITIONS,
)


def samples_of(schema: Schema, n: int, seed: int = 3) -> npt.NDArray[np.float32]:
    """Samples [n, *schema.shape] within the ranges, missing here and there where they may be."""
    rng = np.random.default_rng(seed)
    if isinstance(schema, ImageSchema):
        return rng.random((n, *schema.shape), np.float32)
    parts = schema.channels if isinstance(schema, SignalSchema) else schema.columns
    axes = schema.shape[1:]
    filled = []
    for part in parts:
        if isinstance(part, CategoryColumn):
            entries = rng.integers(len(part.values), size=n).astype(np.float64)
        else:
            middle, half = (part.maximum + part.minimum) / 2, (part.maximum - part.minimum) / 2
            entries = (middle + half * 0.3 * rng.standard_normal((n, *axes))).clip(part.minimum, part.maximum)
        if part.may_be_missing:
            entries = np.where(rng.random(entries.shape) < 0.3, np.nan, entries)
        filled.append(entries)
    return np.stack(filled, axis=1).astype(np.float32)


def conditions_of(n: int) -> torch.Tensor:
    """Condition vectors [n, 4] of `CONDITIONS`."""
    classes = torch.nn.functional.one_hot(torch.arange(n) % 3, 3).float()
    return torch.cat([classes, torch.linspace(20.0, 80.0, n)[:, None]], dim=1)
