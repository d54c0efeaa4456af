"""JSON lines: one object a sample, every line marked, provenance in a file beside. Of signals and tables.

A signal's line holds `index`, `synthetic`, `conditions` and `signals`: the numbers of each channel by name. A row of a
table is flat: `index`, its columns, its conditions, `synthetic`; categories by name. A missing entry is null. Numbers
have six significant digits.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import atomic_file
from ..batch import Batch
from ..errors import GateError
from ..generator import Series
from ..provenance import MARK, provenance_text
from ..schema import CategoryColumn, NumberColumn, SignalSchema, TableSchema
from ..violations import Tally, tally_of
from .base import FileFormat, Progress, named_columns
from .csv import provenance_path

_BYTES_PER_NUMBER = 10
_BYTES_PER_LINE = 60


def _bytes(series: Series) -> int:
    schema = series.generator.source.schema
    names = sum(len(name) + 6 for name, _, _ in schema.parts()) + sum(len(c.name) + 18 for c in schema.conditions)
    return series.n * (_BYTES_PER_LINE + names + _BYTES_PER_NUMBER * math.prod(schema.shape))


def _write(series: Series, path: Path, on_progress: Progress) -> Tally:
    # The file beside is finished first: data never stand without their provenance.
    with atomic_file(path) as file, atomic_file(provenance_path(path)) as side_file:
        done, tally = 0, Tally()
        for batch in series.batches():
            for sample in _samples(batch):
                file.write(json.dumps(sample, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            done, tally = done + len(batch), tally.plus(tally_of(batch.violations))
            on_progress(done)
        side_file.write(provenance_text(series.provenance_with(tally)).encode() + b"\n")
        # A full disk must show before the file beside gets its name.
        file.flush()
        os.fsync(file.fileno())
    return tally


def _samples(batch: Batch) -> Iterator[dict[str, Any]]:
    schema = batch.schema
    if np.isinf(batch.samples).any():
        last = batch.first + len(batch) - 1
        raise GateError(f"samples {batch.first} to {last}: a value is infinite, which JSON has no word for")
    conditions = {name: values.tolist() for name, values in batch.conditions.items()}
    for position, values in enumerate(batch.samples):
        index = batch.first + position
        mine = {name: column[position] for name, column in conditions.items()}
        if isinstance(schema, SignalSchema):
            channels = zip(schema.channels, values.tolist(), strict=True)
            signals = {channel.name: [_number(value) for value in row] for channel, row in channels}
            yield {"index": index, "synthetic": MARK, "conditions": mine, "signals": signals}
        elif isinstance(schema, TableSchema):
            row = {c.name: _entry(c, v) for c, v in zip(schema.columns, values.tolist(), strict=True)}
            yield {"index": index, **row, **mine, "synthetic": MARK}


def _entry(column: NumberColumn | CategoryColumn, value: float) -> str | int | float | None:
    if math.isnan(value):
        return None
    if isinstance(column, CategoryColumn):
        return column.value_of(value)
    return round(value) if column.whole else _number(value)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(f"{value:.6g}")


JSONL = FileFormat("jsonl", ".jsonl", named_columns, _write, _bytes)
