"""From the conditions of records to the condition vectors of a generator, whose schema may name fewer classes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ...benchmarks.quality.records import Records
from ...runtime.condition import ConditionColumns, draw_columns, encode_columns
from ...runtime.errors import DataError
from ...runtime.schema import ClassCondition, Schema


def vectors_for(maker: Schema, schema: Schema, columns: ConditionColumns, n: int) -> npt.NDArray[np.float32]:
    """The condition vectors [n, c] of a generator for `n` records described in the terms of their data.

    Args:
        maker: Of the generator.
        schema: Of the data.
        columns: Per condition of the data [n]: class index, or number. A condition of the generator that is none of the
            data's is drawn; a number beyond the generator's range becomes the range's end.
        n: How many.

    Raises:
        DataError: A record is of a class that the generator does not know.
    """
    known = {condition.name: condition for condition in schema.conditions}
    wanted = dict(draw_columns(maker.conditions, {}, 0, 0, n))
    for condition in maker.conditions:
        of_data = known.get(condition.name)
        if of_data is None or condition.name not in columns:
            continue
        values = columns[condition.name]
        if isinstance(condition, ClassCondition):
            if not isinstance(of_data, ClassCondition):
                raise DataError(f"{condition.name} is a class for the generator, and a number in the data")
            wanted[condition.name] = _index_in(condition, of_data)[values.astype(np.intp)]
            if (wanted[condition.name] < 0).any():
                raise DataError(f"the generator does not know every value of {condition.name} that the data hold")
        else:
            wanted[condition.name] = np.clip(values, condition.minimum, condition.maximum)
    return encode_columns(maker.conditions, wanted, n)


def _index_in(condition: ClassCondition, of_data: ClassCondition) -> npt.NDArray[np.float64]:
    """Per value of the data's class its index in the generator's; -1 where it has none."""
    return np.array([condition.values.index(v) if v in condition.values else -1 for v in of_data.values], np.float64)


def like_records(records: Records, per_class: int, classes: int, seed: int) -> Mapping[str, npt.NDArray[np.float64]]:
    """Conditions [classes * per_class] to ask a generator for, class after class, each those of a real record.

    So conditions occur together as they do in real records of the class.
    """
    rng = np.random.Generator(np.random.Philox(key=[seed, 20200923]))
    chosen = []
    for label in range(classes):
        members = np.flatnonzero(records.labels == label)
        chosen.append(members[rng.integers(0, len(members), per_class)])
    rows = np.concatenate(chosen)
    return {name: column[rows] for name, column in records.columns.items()}
