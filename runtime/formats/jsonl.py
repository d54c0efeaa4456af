"""JSON lines: one object a sample, every line marked, provenance in a file beside. Of signals and tables.

A signal's line holds `index`, `synthetic`, `conditions` and `signals`: the numbers of each channel by name. A table's row
is flat: `index`, its columns, its conditions, `synthetic`; categories by name. A missing entry is null. Numbers have six
significant digits.
"""

from __future__ import annotations

import json
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
from ..schema import CategoryColumn, NumberColumn, Schema, SignalSchema, TableSchema
from .base import FileFormat, Progress, no_images
from .csv import provenance_path

_BYTES_PER_NUMBER = 10
_BYTES_PER_LINE = 60
_OWN_NAMES = ("index", "synthetic")


def _bytes(series: Series) -> int:
    schema = series.generator.source.schema
    names = sum(len(name) + 6 for name, _, _ in schema.parts()) + sum(len(c.name) + 18 for c in schema.conditions)
    return series.n * (_BYTES_PER_LINE + names + _BYTES_PER_NUMBER * int(np.prod(schema.shape)))


def _write(series: Series, path: Path, on_progress: Progress) -> None:
    # The file beside is finished first: data never stand without their provenance.
    with atomic_file(path) as file, atomic_file(provenance_path(path)) as side_file:
        side_file.write(provenance_text(series.provenance).encode() + b"\n")
        done = 0
        for batch in series.batches():
            for sample in _samples(batch):
                file.write(json.dumps(sample, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            done += len(batch)
            on_progress(done)
        # A full disk must show before the file beside gets its name.
        file.flush()
        os.fsync(file.fileno())


def _samples(batch: Batch) -> Iterator[dict[str, Any]]:
    schema = batch.schema
    if np.isinf(batch.samples).any():
        raise GateError(f"samples {batch.first} to {batch.first + len(batch) - 1}: a value is infinite, which JSON has no word for")
    conditions = {name: values.tolist() for name, values in batch.conditions.items()}
    for position, values in enumerate(batch.samples):
        index = batch.first + position
        mine = {name: column[position] for name, column in conditions.items()}
        if isinstance(schema, SignalSchema):
            signals = {c.name: [_number(v) for v in row.tolist()] for c, row in zip(schema.channels, values, strict=True)}
            yield {"index": index, "synthetic": MARK, "conditions": mine, "signals": signals}
        elif isinstance(schema, TableSchema):
            row = {c.name: _entry(c, v) for c, v in zip(schema.columns, values.tolist(), strict=True)}
            yield {"index": index, **row, **mine, "synthetic": MARK}


def _entry(column: NumberColumn | CategoryColumn, value: float) -> str | int | float | None:
    if value != value:
        return None
    if isinstance(column, CategoryColumn):
        return column.values[int(value)]
    return round(value) if column.whole else _number(value)


def _number(value: float) -> float | None:
    return None if value != value else float(f"{value:.6g}")


def _refusal(schema: Schema) -> str:
    if isinstance(schema, TableSchema):
        for column in schema.columns:
            if column.name in _OWN_NAMES:
                return f"a column is called {column.name!r}, as one of its own"
    return no_images(schema)


JSONL = FileFormat("jsonl", ".jsonl", _refusal, _write, _bytes)
