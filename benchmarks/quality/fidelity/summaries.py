"""Signals with gaps as rows of summaries: what a series comes to, for judges that need a table.

First, last, lowest, highest and mean value of each channel and how much of it is known: the usual features of entries
to the PhysioNet/CinC Challenge 2012 (Silva I et al., Comput Cardiol 39:245-248, 2012).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ....runtime.schema import NumberColumn, SignalSchema, TableSchema

_OF_VALUES = ("first", "last", "minimum", "maximum", "mean")


def summarise(values: npt.NDArray[np.floating], schema: SignalSchema) -> tuple[npt.NDArray[np.float32], TableSchema]:
    """Rows of summaries, and what their columns are.

    Args:
        values: [n, channels, length] in the channels' units, NaN where not known.
        schema: Of the signals. Its conditions are the table's.

    Returns:
        Rows [n, columns], and their schema. By channel, in order: `<channel>_first`, `_last`, `_minimum`, `_maximum`
        and `_mean` in the channel's unit, NaN where it is never known; of a channel that may be missing also `_known`,
        the share of the moments at which it is known, from 0 to 1.
    """
    known = ~np.isnan(values)
    count = known.sum(axis=2)
    first = known.argmax(axis=2)
    last = schema.length - 1 - known[:, :, ::-1].argmax(axis=2)
    total = np.where(known, values, 0.0).sum(axis=2, dtype=np.float64)
    never = count == 0
    by_summary = {
        # Where nothing is known, the entry found first and last is NaN itself.
        "first": np.take_along_axis(values, first[:, :, None], axis=2)[:, :, 0],
        "last": np.take_along_axis(values, last[:, :, None], axis=2)[:, :, 0],
        "minimum": np.where(never, np.nan, np.where(known, values, np.inf).min(axis=2)),
        "maximum": np.where(never, np.nan, np.where(known, values, -np.inf).max(axis=2)),
        "mean": np.where(never, np.nan, total / np.maximum(count, 1)),
        "known": count / schema.length,
    }
    columns: list[NumberColumn] = []
    rows: list[npt.NDArray[np.floating]] = []
    for place, channel in enumerate(schema.channels):
        for summary in _OF_VALUES:
            columns.append(
                NumberColumn(
                    f"{channel.name}_{summary}",
                    channel.unit,
                    channel.minimum,
                    channel.maximum,
                    may_be_missing=channel.may_be_missing,
                )
            )
            rows.append(by_summary[summary][:, place])
        if channel.may_be_missing:
            columns.append(NumberColumn(f"{channel.name}_known", "1", 0.0, 1.0, step=1.0 / schema.length))
            rows.append(by_summary["known"][:, place])
    table = TableSchema(
        name=f"{schema.name}-summaries",
        description=f"Summaries of each channel over {schema.describe()}.",
        columns=tuple(columns),
        conditions=schema.conditions,
    )
    return np.stack(rows, axis=1).astype(np.float32), table
