"""Parquet: typed columns with units, of signals and tables; needs pyarrow. Read by pandas, DuckDB, Spark.

One row a sample. A signal's channel is a list of `length` numbers, a table's category a dictionary of its names, a
whole number an integer; conditions follow, then `synthetic`. A missing entry is null. The metadata of the file hold
`synthetic`, `provenance` and `schema` (JSON), those of a column its `unit`. Where samples were checked, the metadata of
the file, as `pyarrow.parquet.read_metadata` gives them, hold `violations` (JSON) besides.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..atomic import atomic_file
from ..batch import Batch
from ..generator import Series
from ..provenance import MARK, provenance_text
from ..schema import CategoryColumn, ClassCondition, Column, Condition, Schema, SignalSchema, TableSchema
from ..violations import Tally, tally_of
from .base import FileFormat, Progress, missing_library, named_columns

_GROUP_NUMBERS = 2**20
_MAX_GROUP_ROWS = 2**14


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise missing_library(error, "parquet") from error
    return pyarrow


def _refusal(schema: Schema) -> str:
    """Of a table no two columns share a name; of a signal a channel may have that of a condition."""
    if refusal := named_columns(schema):
        return refusal
    conditions = {condition.name for condition in schema.conditions}
    twice = next((part[0] for part in schema.parts() if part[0] in conditions), "")
    return f"{twice!r} is a channel and a condition, and columns need names of their own" if twice else ""


def _need_library() -> None:
    _pyarrow()


def _bytes(series: Series) -> int:
    schema = series.generator.source.schema
    return series.n * (4 * math.prod(schema.shape) + 8 + 4 * len(schema.conditions))


def _write(series: Series, path: Path, on_progress: Progress) -> Tally:
    arrow = _pyarrow()
    schema = series.generator.source.schema
    columns = _columns(arrow, schema).with_metadata(
        {
            "synthetic": MARK,
            "provenance": provenance_text(series.provenance),
            "schema": json.dumps(schema.to_json(), ensure_ascii=False),
        }
    )
    with atomic_file(path) as file, arrow.parquet.ParquetWriter(file, columns) as writer:
        done, tally = 0, Tally()
        for group in _groups(series):
            tables = [arrow.Table.from_arrays(_arrays(arrow, batch, columns), schema=columns) for batch in group]
            writer.write_table(arrow.concat_tables(tables).combine_chunks())
            for batch in group:
                done, tally = done + len(batch), tally.plus(tally_of(batch.violations))
            on_progress(done)
        if series.on_violation is not None:
            # The metadata of the columns stand from the beginning, those of the file are written at its end.
            writer.add_key_value_metadata({"violations": provenance_text(tally.to_json())})
    return tally


def _groups(series: Series) -> Iterator[list[Batch]]:
    """Batches enough for one of Parquet's row groups: few of them keep the file's footer small."""
    size = math.prod(series.generator.source.schema.shape)
    rows = max(1, min(_MAX_GROUP_ROWS, _GROUP_NUMBERS // size))
    group: list[Batch] = []
    for batch in series.batches():
        group.append(batch)
        if sum(map(len, group)) >= rows:
            yield group
            group = []
    if group:
        yield group


def _columns(arrow: Any, schema: Schema) -> Any:
    fields = [arrow.field("index", arrow.int64())]
    if isinstance(schema, SignalSchema):
        numbers = arrow.list_(arrow.float32(), schema.length)
        fields += [_field(arrow, channel.name, numbers, channel.unit) for channel in schema.channels]
    elif isinstance(schema, TableSchema):
        fields += [_table_field(arrow, column) for column in schema.columns]
    for condition in schema.conditions:
        if isinstance(condition, ClassCondition):
            fields.append(arrow.field(condition.name, _category(arrow)))
        else:
            fields.append(_field(arrow, condition.name, arrow.float64(), condition.unit))
    return arrow.schema([*fields, arrow.field("synthetic", _category(arrow))])


def _table_field(arrow: Any, column: Column) -> Any:
    if isinstance(column, CategoryColumn):
        return arrow.field(column.name, _category(arrow))
    return _field(arrow, column.name, arrow.int64() if column.whole else arrow.float32(), column.unit)


def _field(arrow: Any, name: str, kind: Any, unit: str) -> Any:
    return arrow.field(name, kind, metadata={"unit": unit})


def _category(arrow: Any) -> Any:
    return arrow.dictionary(arrow.int32(), arrow.string())


def _arrays(arrow: Any, batch: Batch, columns: Any) -> list[Any]:
    """The batch's arrays, in the order of the file's columns."""
    schema = batch.schema
    arrays = [arrow.array(np.arange(batch.first, batch.first + len(batch)), arrow.int64())]
    if isinstance(schema, SignalSchema):
        for row in np.moveaxis(batch.samples, 1, 0):
            numbers = arrow.array(np.ascontiguousarray(row).ravel(), from_pandas=True)
            arrays.append(arrow.FixedSizeListArray.from_arrays(numbers, schema.length))
    elif isinstance(schema, TableSchema):
        for column, entries in zip(schema.columns, batch.samples.T, strict=True):
            arrays.append(_table_array(arrow, column, entries))
    arrays += [_condition_array(arrow, condition, batch) for condition in schema.conditions]
    mark = arrow.DictionaryArray.from_arrays(arrow.array(np.zeros(len(batch), np.int32)), [MARK])
    return [array.cast(field.type) for array, field in zip([*arrays, mark], columns, strict=True)]


def _table_array(arrow: Any, column: Column, entries: npt.NDArray[np.float32]) -> Any:
    absent = np.isnan(entries)
    if isinstance(column, CategoryColumn):
        for entry in np.unique(entries[~absent]).tolist():
            column.value_of(entry)
        codes = arrow.array(np.where(absent, 0, entries).astype(np.int32), mask=absent)
        return arrow.DictionaryArray.from_arrays(codes, list(column.values))
    if column.whole:
        return arrow.array(np.rint(np.where(absent, 0, entries)).astype(np.int64), mask=absent)
    return arrow.array(entries, mask=absent)


def _condition_array(arrow: Any, condition: Condition, batch: Batch) -> Any:
    values = batch.columns[condition.name]
    if isinstance(condition, ClassCondition):
        return arrow.DictionaryArray.from_arrays(arrow.array(values.astype(np.int32)), list(condition.values))
    return arrow.array(values)


PARQUET = FileFormat("parquet", ".parquet", _refusal, _write, _bytes, _need_library)
