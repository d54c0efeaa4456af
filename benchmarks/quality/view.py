"""How records are looked at by the judge: as they are, but signals with gaps as rows of summaries."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeGuard

import numpy as np
import numpy.typing as npt

from ...runtime.schema import Schema, SignalSchema
from .fidelity.summaries import summarise
from .records import Records, Task


def as_judged(task: Task) -> Task:
    """The task in the view of the judge; its conditions, labels and patients are the same."""
    if not _summarised(task.schema):
        return task
    _, schema = summarise(task.train.values[:1], task.schema)
    train, validation, test = (_viewed(records, task.schema) for records in (task.train, task.validation, task.test))
    return Task(schema, task.classes, train, validation, test)


def values_as_judged(values: npt.NDArray[np.float32], schema: Schema) -> npt.NDArray[np.float32]:
    """Generated samples [n, *shape] of this schema in the view of the judge."""
    return summarise(values, schema)[0] if _summarised(schema) else values


def _viewed(records: Records, schema: Schema) -> Records:
    return replace(records, values=values_as_judged(records.values, schema))


def _summarised(schema: Schema) -> TypeGuard[SignalSchema]:
    return isinstance(schema, SignalSchema) and schema.has_gaps
