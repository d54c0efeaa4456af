"""What the annotations of a signal say, for every format that has annotations.

First that the data are synthetic; then each condition: a rhythm from the first sample on, the label of a window that is
cut around an event at that event, all others as notes at the first sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..provenance import STATEMENT
from ..schema import ClassCondition, Condition, Schema, SignalSchema
from .records import Record
from .text import condition_text

RHYTHM = "rhythm"
"""Name of the condition that is annotated as a rhythm."""


@dataclass(frozen=True)
class Event:
    """One annotation."""

    sample: int
    """Where, counted from 0."""
    kind: Literal["note", "rhythm", "event"]
    value: str
    """The class alone, e.g. `V` or `AFIB`; of a note its text."""
    text: str
    """For people: `beat_class=V`."""


def events(record: Record, schema: SignalSchema) -> list[Event]:
    """The annotations in the order of their samples."""
    found = [Event(0, "note", STATEMENT, STATEMENT)]
    for condition in schema.conditions:
        value = record.conditions[condition.name]
        text = condition_text(condition, value)
        if isinstance(condition, ClassCondition) and condition.name == RHYTHM:
            found.append(Event(0, "rhythm", str(value), text))
        elif (place := place_of(condition, schema)) is not None:
            found.append(Event(place, "event", str(value), text))
        else:
            found.append(Event(0, "note", text, text))
    return sorted(found, key=lambda event: event.sample)


def place_of(condition: Condition, schema: Schema) -> int | None:
    """The sample of the event that a condition is about; None of one that is about the whole."""
    label = next((c for c in schema.conditions if isinstance(c, ClassCondition)), None)
    if condition is not label or condition.name == RHYTHM or not isinstance(schema, SignalSchema):
        return None
    return schema.event_sample
