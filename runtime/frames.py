"""Samples as pandas and xarray hold them; each library is imported when it is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import BackendError, RequestError
from .provenance import MARK, provenance_text
from .schema import CategoryColumn, ClassCondition, Column, ImageSchema, NumberCondition, Schema, SignalSchema

Conditions = Mapping[str, npt.NDArray[np.str_] | npt.NDArray[np.float64]]


def dataframe(
    schema: Schema, samples: npt.NDArray[np.float32], conditions: Conditions, provenance: Mapping[str, Any]
) -> Any:
    """A `pandas.DataFrame`; see `Batch.to_dataframe`."""
    if isinstance(schema, ImageSchema):
        raise RequestError(f"{schema.name} are images, which have no place in a data frame; use Batch.to_xarray()")
    pandas = _pandas()
    parts = [part[0] for part in schema.parts()]
    _check_names([*parts, *conditions, "synthetic"])
    index = pandas.RangeIndex(provenance["first"], provenance["first"] + len(samples), name="index")
    columns: dict[str, Any] = {}
    repeats = 1
    if isinstance(schema, SignalSchema):
        repeats = schema.length
        index = pandas.MultiIndex.from_product([index, _times(schema)], names=["index", "time_s"])
        columns = {name: samples[:, number].ravel() for number, name in enumerate(parts)}
    else:
        columns = {c.name: _entries(pandas, c, samples[:, number]) for number, c in enumerate(schema.columns)}
    for condition in schema.conditions:
        values: Any = conditions[condition.name].repeat(repeats)
        if isinstance(condition, ClassCondition):
            values = pandas.Categorical(values, condition.values)
        columns[condition.name] = values
    columns["synthetic"] = pandas.Categorical([MARK] * len(index))
    frame = pandas.DataFrame(columns, index=index)
    frame.attrs = {"synthetic": MARK, "units": units(schema), "provenance": dict(provenance)}
    return frame


def dataset(
    schema: Schema, samples: npt.NDArray[np.float32], conditions: Conditions, provenance: Mapping[str, Any]
) -> Any:
    """An `xarray.Dataset`; see `Batch.to_xarray`."""
    xarray = _xarray()
    described = units(schema)
    first = provenance["first"]
    coordinates: dict[str, Any] = {"sample": np.arange(first, first + len(samples))}
    variables: dict[str, Any]
    if isinstance(schema, SignalSchema):
        coordinates["time"] = ("time", _times(schema), {"units": "s"})
        variables = {
            channel.name: (("sample", "time"), samples[:, number], _attributes(described[channel.name]))
            for number, channel in enumerate(schema.channels)
        }
    elif isinstance(schema, ImageSchema):
        coordinates["channel"] = list(schema.channels)
        pixel = {"units": "1", "long_name": "pixel, 0 dark to 1 bright"}
        variables = {"image": (("sample", "channel", "y", "x"), samples, pixel)}
    else:
        readable = schema.readable(samples)
        variables = {
            column.name: (
                "sample",
                np.array(readable[column.name]) if isinstance(column, CategoryColumn) else samples[:, number],
                _attributes(described.get(column.name)),
            )
            for number, column in enumerate(schema.columns)
        }
    _check_names([*variables, *coordinates, *conditions])
    for name, values in conditions.items():
        coordinates[name] = ("sample", values, _attributes(described.get(name)))
    # Texts only, so that the file formats of xarray keep them.
    attributes = {
        "synthetic": MARK,
        "statement": provenance["statement"],
        "provenance": provenance_text(provenance),
        "schema": json.dumps(schema.to_json(), ensure_ascii=False),
    }
    return xarray.Dataset(variables, coordinates, attributes)


def units(schema: Schema) -> dict[str, str]:
    """UCUM unit by name of every channel, column and condition that has one."""
    found = {name: unit for name, unit, _ in schema.parts() if unit}
    return found | {c.name: c.unit for c in schema.conditions if isinstance(c, NumberCondition)}


def _times(schema: SignalSchema) -> npt.NDArray[np.float64]:
    return np.arange(schema.length) / schema.sampling_rate_hz


def _attributes(unit: str | None) -> dict[str, str]:
    return {} if unit is None else {"units": unit}


def _entries(pandas: Any, column: Column, entries: npt.NDArray[np.float32]) -> Any:
    missing = np.isnan(entries)
    if isinstance(column, CategoryColumn):
        for entry in np.unique(entries[~missing]).tolist():
            column.value_of(entry)
        codes = np.where(missing, -1, entries).astype(np.intp)
        return pandas.Categorical.from_codes(codes, list(column.values), ordered=column.ordered)
    if column.whole:
        return pandas.arrays.IntegerArray(np.where(missing, 0, np.rint(entries)).astype(np.int64), missing)
    return entries


def _check_names(names: list[str]) -> None:
    twice = next((name for number, name in enumerate(names) if name in names[:number]), None)
    if twice is not None:
        raise RequestError(f"two things are called {twice!r}, and each needs a name of its own here; see Batch.samples")


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise BackendError(
            f"pandas cannot be imported ({error}); install it with: pip install 'edgeward[frames]'"
        ) from error
    return pandas


def _xarray() -> Any:
    try:
        import xarray
    except ImportError as error:
        raise BackendError(
            f"xarray cannot be imported ({error}); install it with: pip install 'edgeward[frames]'"
        ) from error
    return xarray
