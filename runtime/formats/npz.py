"""NumPy's `.npz`: one array per quantity, written member by member so that memory stays constant.

Members: `samples` [n, *shape] float32, one array [n] per condition, `index` [n], and the scalars or short lists
`synthetic`, `provenance` (JSON) and `schema` (JSON: what the axes and entries of a sample mean); of signals also
`channels`, `units` and `sampling_rate_hz`, of tables `columns`. Nothing is pickled.
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt

from ..atomic import atomic_file
from ..condition import readable_columns
from ..generator import Series
from ..provenance import MARK, provenance_text
from ..schema import ClassCondition, Schema, SignalSchema, TableSchema
from ..violations import Tally, tally_of
from .base import FileFormat, anything

_INDEX_PART = 2**16


def npz_bytes(series: Series) -> int:
    """About how large the file will be."""
    schema = series.generator.source.schema
    per_sample = 4 * math.prod(schema.shape) + 8
    for condition in schema.conditions:
        per_sample += _column_dtype(condition).itemsize
    return series.n * per_sample


def write_npz(series: Series, path: Path, on_progress: Callable[[int], None]) -> Tally:
    """Write the series to `path`; the same series gives the same bytes.

    Raises:
        OutputError: The system refused to write; nothing is left behind.
    """
    schema = series.generator.source.schema
    with atomic_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        tally = Tally()

        def samples() -> Iterator[npt.NDArray[np.float32]]:
            nonlocal tally
            done = 0
            for batch in series.batches():
                yield batch.samples
                done, tally = done + len(batch), tally.plus(tally_of(batch.violations))
                on_progress(done)

        _write_member(archive, "samples", np.dtype(np.float32), (series.n, *schema.shape), samples())
        for condition in schema.conditions:
            dtype = _column_dtype(condition)
            values = (
                readable_columns([condition], columns)[condition.name].astype(dtype) for columns in series.columns()
            )
            _write_member(archive, condition.name, dtype, (series.n,), values)
        _write_member(archive, "index", np.dtype(np.int64), (series.n,), _indices(series))
        for name, value in {
            "synthetic": np.array(MARK),
            "provenance": np.array(provenance_text(series.provenance_with(tally))),
            "schema": np.array(json.dumps(schema.to_json(), ensure_ascii=False)),
            **_names(schema),
        }.items():
            _write_member(archive, name, value.dtype, value.shape, iter([value]))
    return tally


def _names(schema: Schema) -> dict[str, npt.NDArray[np.generic]]:
    """What people look for first in a file of this kind."""
    if isinstance(schema, SignalSchema):
        return {
            "channels": np.array([channel.name for channel in schema.channels]),
            "units": np.array([channel.unit for channel in schema.channels]),
            "sampling_rate_hz": np.array(schema.sampling_rate_hz),
        }
    if isinstance(schema, TableSchema):
        return {"columns": np.array([column.name for column in schema.columns])}
    return {"channels": np.array(schema.channels)}


def _column_dtype(condition: object) -> np.dtype[np.generic]:
    if isinstance(condition, ClassCondition):
        return np.array(condition.values).dtype
    return np.dtype(np.float64)


def _indices(series: Series) -> Iterator[npt.NDArray[np.int64]]:
    end = series.first + series.n
    for first in range(series.first, end, _INDEX_PART):
        yield np.arange(first, min(first + _INDEX_PART, end), dtype=np.int64)


def _write_member(
    archive: zipfile.ZipFile,
    name: str,
    dtype: np.dtype[np.generic],
    shape: tuple[int, ...],
    parts: Iterator[npt.NDArray[np.generic]],
) -> None:
    # A ZipInfo of our own has a fixed date, so that equal content gives equal bytes.
    with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(cast(BinaryIO, member), header)
        for part in parts:
            member.write(np.ascontiguousarray(part).tobytes())


NPZ = FileFormat("npz", ".npz", anything, write_npz, npz_bytes)
