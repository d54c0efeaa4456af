"""CSV for people and spreadsheets: every row marked, provenance in a file beside. Of signals and tables.

A signal has one row per point in time: `index` (sample), `time_s`, one column per channel with its unit (`MLII_mV`),
one per condition, `synthetic`. A table row is one row: `index`, its columns, the conditions, `synthetic`; categories
by name. A missing entry is empty.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..atomic import atomic_file
from ..batch import Batch
from ..errors import RequestError
from ..generator import Series
from ..provenance import MARK, provenance_text
from ..schema import ImageSchema, Schema, SignalSchema, TableSchema
from ..violations import Tally, tally_of
from .base import FileFormat, named_columns

_BYTES_PER_NUMBER = 11


def csv_bytes(series: Series) -> int:
    """About how large the file will be."""
    schema = _written(series)
    names, rows = (schema.columns, 1) if isinstance(schema, TableSchema) else (schema.channels, schema.length)
    row = _BYTES_PER_NUMBER * (2 + len(names) + len(schema.conditions)) + len(MARK) + 1
    return series.n * rows * row


def provenance_path(path: Path) -> Path:
    """Where the provenance of a CSV file stands, since CSV itself has no place for it."""
    return path.with_name(path.name + ".provenance.json")


def write_csv(series: Series, path: Path, on_progress: Callable[[int], None]) -> Tally:
    """Write the series to `path`, and its provenance beside; the same series gives the same bytes.

    Raises:
        RequestError: The samples are images.
        OutputError: The system refused to write; nothing is left behind.
    """
    schema = _written(series)
    # The file beside is finished first: data never stand without their provenance.
    with atomic_file(path) as file, atomic_file(provenance_path(path)) as side_file:
        file.write(_header(schema).encode())
        done, tally = 0, Tally()
        for batch in series.batches():
            text = _table_rows(batch, schema) if isinstance(schema, TableSchema) else _signal_rows(batch, schema)
            file.write(text.encode())
            done, tally = done + len(batch), tally.plus(tally_of(batch.violations))
            on_progress(done)
        side_file.write(provenance_text(series.provenance_with(tally)).encode() + b"\n")
        # A full disk must show before the file beside gets its name.
        file.flush()
        os.fsync(file.fileno())
    return tally


def _written(series: Series) -> SignalSchema | TableSchema:
    schema = series.generator.source.schema
    if isinstance(schema, ImageSchema):
        raise RequestError(f"{schema.name} are images, which CSV has no place for; use --format npz")
    return schema


def _csv_lines(rows: Iterable[Sequence[str]]) -> str:
    lines = io.StringIO()
    # Python's csv can neither write nor read a zero character before 3.11.
    csv.writer(lines, lineterminator="\n").writerows([value.replace("\0", "\\x00") for value in row] for row in rows)
    return lines.getvalue()


def _header(schema: SignalSchema | TableSchema) -> str:
    conditions = [condition.name for condition in schema.conditions]
    if isinstance(schema, TableSchema):
        return _csv_lines([["index", *(column.name for column in schema.columns), *conditions, "synthetic"]])
    channels = [f"{channel.name}_{channel.unit}" for channel in schema.channels]
    return _csv_lines([["index", "time_s", *channels, *conditions, "synthetic"]])


def _table_rows(batch: Batch, schema: TableSchema) -> str:
    readable = schema.readable(batch.samples)
    columns = [readable[column.name] for column in schema.columns]
    return _csv_lines(
        [str(batch.first + position), *(column[position] for column in columns), *conditions, MARK]
        for position, conditions in enumerate(_condition_values(batch, schema))
    )


def _condition_values(batch: Batch, schema: Schema) -> list[tuple[str, ...]]:
    """The conditions of every sample, in the schema's order."""
    conditions = batch.conditions
    columns = [[str(value) for value in conditions[condition.name]] for condition in schema.conditions]
    return list(zip(*columns, strict=True)) if columns else [()] * len(batch)


def _signal_rows(batch: Batch, schema: SignalSchema) -> str:
    # One template a batch, filled by a single formatting call a sample: ten times faster than row by row.
    numbers = ",".join(["%.6g"] * len(schema.channels))
    times = [f"{point / schema.sampling_rate_hz:.6g}" for point in range(schema.length)]
    rows = []
    for position, conditions in enumerate(_condition_values(batch, schema)):
        index, numbers_here = batch.first + position, batch.samples[position].T.ravel().tolist()
        tail = _csv_lines([[*conditions, MARK]]).replace("%", "%%")
        template = "".join(f"{index},{time},{numbers},{tail}" for time in times)
        if schema.has_gaps:
            template = template.replace("%.6g", "%s")
            numbers_here = ["" if math.isnan(number) else f"{number:.6g}" for number in numbers_here]
        rows.append(template % tuple(numbers_here))
    return "".join(rows)


CSV = FileFormat("csv", ".csv", named_columns, write_csv, csv_bytes)
