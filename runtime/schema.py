"""What a generator's data are: channels, units, ranges, rates, and the conditions that steer them.

One description serves datasets, networks, bundles and files. No engine and no file access enters here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from .errors import BundleError
from .json_fields import Fields

_CONDITION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_TAKEN_NAMES = {"samples", "index", "time_s", "synthetic", "provenance", "channels", "units", "sampling_rate_hz"}
"""What file formats call their own columns and members; a condition of that name would stand in their place."""


@dataclass(frozen=True)
class Channel:
    """One measured quantity of a sample, in physical units."""

    name: str
    """The field's name for it, e.g. `MLII`."""
    unit: str
    """UCUM unit, e.g. `mV`, `mm[Hg]`, `/min`."""
    minimum: float
    """Smallest value the generator may give, in `unit`."""
    maximum: float
    """Largest value the generator may give, in `unit`."""


@dataclass(frozen=True)
class ClassCondition:
    """A choice among named classes; takes one one-hot column per class in the condition vector."""

    name: str
    values: tuple[str, ...]
    meanings: tuple[str, ...]
    """For people: what each value stands for, in the order of `values`."""

    @property
    def columns(self) -> int:
        """How many columns of the condition vector it takes."""
        return len(self.values)

    def describe(self) -> str:
        """The domain in words, as used in help and error messages."""
        return "one of " + ", ".join(self.values)


@dataclass(frozen=True)
class NumberCondition:
    """A quantity in physical units; takes one column, not normalised (the graph does that)."""

    name: str
    unit: str
    minimum: float
    maximum: float

    @property
    def columns(self) -> int:
        """How many columns of the condition vector it takes."""
        return 1

    def describe(self) -> str:
        """The domain in words, as used in help and error messages."""
        return f"a number from {self.minimum:g} to {self.maximum:g} {self.unit}"


Condition = ClassCondition | NumberCondition


@dataclass(frozen=True)
class SignalSchema:
    """A fixed-length multichannel signal, `[channels, length]` samples at one rate."""

    name: str
    """Short name of the kind of data, e.g. `ecg-beats`."""
    description: str
    """For people: one sentence, with the alignment of the window where there is one."""
    channels: tuple[Channel, ...]
    sampling_rate_hz: float
    length: int
    """Samples per channel."""
    conditions: tuple[Condition, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of one sample: (channels, length)."""
        return len(self.channels), self.length

    @property
    def condition_size(self) -> int:
        """Number of columns of the condition vector."""
        return sum(condition.columns for condition in self.conditions)

    @property
    def duration_s(self) -> float:
        """Length of one sample in seconds."""
        return self.length / self.sampling_rate_hz

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `signal_schema_from_json` reads them back to an equal schema."""
        return {
            "kind": "signal",
            "name": self.name,
            "description": self.description,
            "channels": [{"name": c.name, "unit": c.unit, "range": [c.minimum, c.maximum]} for c in self.channels],
            "sampling_rate_hz": self.sampling_rate_hz,
            "length": self.length,
            "conditions": [_condition_to_json(condition) for condition in self.conditions],
        }


def _condition_to_json(condition: Condition) -> dict[str, Any]:
    if isinstance(condition, ClassCondition):
        return {
            "kind": "class",
            "name": condition.name,
            "values": list(condition.values),
            "meanings": list(condition.meanings),
        }
    return {
        "kind": "number",
        "name": condition.name,
        "unit": condition.unit,
        "range": [condition.minimum, condition.maximum],
    }


def signal_schema_from_json(value: object, where: str) -> SignalSchema:
    """Read a schema from untrusted JSON.

    Args:
        value: The parsed JSON value.
        where: How to name this place in an error, e.g. `manifest.json: data`.

    Raises:
        BundleError: A field is missing, unknown, of a wrong type, or makes no sense.
    """
    fields = Fields(value, where)
    kind = fields.text("kind")
    if kind != "signal":
        raise BundleError(f"{where}: kind {kind!r} is not known to this version; it knows 'signal'")
    schema = SignalSchema(
        name=fields.text("name"),
        description=fields.text("description"),
        channels=tuple(_channel_from_json(f) for f in fields.objects("channels")),
        sampling_rate_hz=fields.number("sampling_rate_hz"),
        length=fields.integer("length", minimum=1, maximum=2**24),
        conditions=tuple(_condition_from_json(f) for f in fields.objects("conditions")),
    )
    fields.end()
    if not schema.channels:
        raise BundleError(f"{where}: a signal needs at least one channel")
    if schema.sampling_rate_hz <= 0:
        raise BundleError(f"{where}: sampling_rate_hz must be positive, not {schema.sampling_rate_hz:g}")
    for kind_of_name, names in (
        ("channel", [channel.name for channel in schema.channels]),
        ("condition", [condition.name for condition in schema.conditions]),
    ):
        if len(set(names)) != len(names):
            raise BundleError(f"{where}: two {kind_of_name}s have the same name")
    return schema


def _channel_from_json(fields: Fields) -> Channel:
    minimum, maximum = _range(fields)
    channel = Channel(fields.text("name"), fields.text("unit"), minimum, maximum)
    fields.end()
    return channel


def _condition_from_json(fields: Fields) -> Condition:
    kind = fields.text("kind")
    name = fields.text("name")
    if not _CONDITION_NAME.fullmatch(name) or name in _TAKEN_NAMES:
        raise BundleError(f"{fields.where}: a condition cannot be called {name!r}")
    condition: Condition
    if kind == "class":
        values, meanings = fields.texts("values"), fields.texts("meanings")
        if not values or len(set(values)) != len(values) or len(meanings) != len(values):
            raise BundleError(f"{fields.where}: values must be distinct, at least one, each with a meaning")
        condition = ClassCondition(name, values, meanings)
    elif kind == "number":
        minimum, maximum = _range(fields)
        condition = NumberCondition(name, fields.text("unit"), minimum, maximum)
    else:
        raise BundleError(f"{fields.where}: condition kind {kind!r} is not known; it is 'class' or 'number'")
    fields.end()
    return condition


def _range(fields: Fields) -> tuple[float, float]:
    values = fields.numbers("range")
    if len(values) != 2 or not all(math.isfinite(v) for v in values) or not values[0] < values[1]:
        raise BundleError(f"{fields.where}: range must be [minimum, maximum], finite and increasing")
    return values[0], values[1]
