"""Read a schema from untrusted JSON, refusing what makes no sense."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..errors import BundleError
from ..json_fields import Fields
from .condition import ClassCondition, Condition, NumberCondition
from .image import ImageSchema
from .read_rules import read_rules
from .schema import Schema
from .signal import Channel, SignalSchema
from .table import CategoryColumn, Column, NumberColumn, TableSchema

_CONDITION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
TAKEN_NAMES = {
    "samples",
    "index",
    "time_s",
    "synthetic",
    "provenance",
    "channels",
    "units",
    "sampling_rate_hz",
    "schema",
}
"""What file formats call their own columns and members; a condition of that name would stand in their place."""

MAX_NUMBERS = 2**26
"""Of one sample."""
_MAX_LENGTH = 2**24
_SHARES_TOLERANCE = 1e-3


def schema_from_json(value: object, where: str) -> Schema:
    """Read a schema from untrusted JSON.

    Args:
        value: The parsed JSON value.
        where: How to name this place in an error, e.g. `manifest.json: data`.

    Raises:
        BundleError: A field is missing, unknown, of a wrong type, or makes no sense.
    """
    fields = Fields(value, where)
    kind = fields.text("kind")
    if kind not in _READERS:
        known = ", ".join(repr(name) for name in _READERS)
        raise BundleError(f"{where}: kind {kind!r} is not known to this version; it knows {known}")
    schema: Schema = _READERS[kind](fields)
    if "rules" in fields.names():
        schema = replace(schema, rules=read_rules(fields.objects("rules"), schema))
    fields.end()
    _check_distinct(where, "condition", [condition.name for condition in schema.conditions])
    if math.prod(schema.shape) > MAX_NUMBERS:
        raise BundleError(f"{where}: a sample may hold at most {MAX_NUMBERS} numbers, not {math.prod(schema.shape)}")
    return schema


def _signal(fields: Fields) -> SignalSchema:
    event = fields.integer("event_sample", maximum=_MAX_LENGTH) if "event_sample" in fields.names() else None
    schema = SignalSchema(
        name=fields.text("name"),
        description=fields.text("description"),
        channels=tuple(_channel(channel) for channel in fields.objects("channels")),
        sampling_rate_hz=fields.number("sampling_rate_hz"),
        length=fields.integer("length", minimum=1, maximum=_MAX_LENGTH),
        conditions=_conditions(fields),
        event_sample=event,
    )
    if not schema.channels:
        raise BundleError(f"{fields.where}: a signal needs at least one channel")
    if schema.sampling_rate_hz <= 0:
        raise BundleError(f"{fields.where}: sampling_rate_hz must be positive, not {schema.sampling_rate_hz:g}")
    if event is not None and event >= schema.length:
        raise BundleError(f"{fields.where}: event_sample must be below the length {schema.length}, not {event}")
    _check_distinct(fields.where, "channel", [channel.name for channel in schema.channels])
    return schema


def _channel(fields: Fields) -> Channel:
    minimum, maximum = _range(fields)
    channel = Channel(fields.text("name"), fields.text("unit"), minimum, maximum, fields.flag("may_be_missing"))
    fields.end()
    return channel


def _image(fields: Fields) -> ImageSchema:
    schema = ImageSchema(
        name=fields.text("name"),
        description=fields.text("description"),
        channels=fields.texts("channels"),
        height=fields.integer("height", minimum=1, maximum=2**14),
        width=fields.integer("width", minimum=1, maximum=2**14),
        conditions=_conditions(fields),
    )
    if not schema.channels:
        raise BundleError(f"{fields.where}: an image needs at least one channel")
    _check_distinct(fields.where, "channel", schema.channels)
    return schema


def _table(fields: Fields) -> TableSchema:
    schema = TableSchema(
        name=fields.text("name"),
        description=fields.text("description"),
        columns=tuple(_column(column) for column in fields.objects("columns")),
        conditions=_conditions(fields),
    )
    if not schema.columns:
        raise BundleError(f"{fields.where}: a table needs at least one column")
    names = [column.name for column in schema.columns] + [condition.name for condition in schema.conditions]
    _check_distinct(fields.where, "column or condition", names)
    return schema


def _column(fields: Fields) -> Column:
    kind, name, missing = fields.text("kind"), fields.text("name"), fields.flag("may_be_missing")
    column: Column
    if not name:
        raise BundleError(f"{fields.where}: a column needs a name")
    if kind == "number":
        minimum, maximum = _range(fields)
        step = fields.number("step")
        if step < 0:
            raise BundleError(f"{fields.where}: step must be 0 or more, not {step:g}")
        column = NumberColumn(name, fields.text("unit"), minimum, maximum, step, missing)
    elif kind == "category":
        values = fields.texts("values")
        if not values or len(set(values)) != len(values):
            raise BundleError(f"{fields.where}: values must be distinct, at least one")
        column = CategoryColumn(name, values, fields.flag("ordered"), missing)
    else:
        raise BundleError(f"{fields.where}: column kind {kind!r} is not known; it is 'number' or 'category'")
    fields.end()
    return column


_READERS: dict[str, Callable[[Fields], Schema]] = {"signal": _signal, "image": _image, "table": _table}


def _conditions(fields: Fields) -> tuple[Condition, ...]:
    return tuple(_condition(condition) for condition in fields.objects("conditions"))


def _condition(fields: Fields) -> Condition:
    kind = fields.text("kind")
    name = fields.text("name")
    if not _CONDITION_NAME.fullmatch(name) or name in TAKEN_NAMES:
        raise BundleError(f"{fields.where}: a condition cannot be called {name!r}")
    condition: Condition
    if kind == "class":
        values, meanings = fields.texts("values"), fields.texts("meanings")
        if not values or len(set(values)) != len(values) or len(meanings) != len(values):
            raise BundleError(f"{fields.where}: values must be distinct, at least one, each with a meaning")
        shares = fields.numbers("shares") if "shares" in fields.names() else ()
        if shares and (len(shares) != len(values) or min(shares) < 0 or abs(sum(shares) - 1.0) > _SHARES_TOLERANCE):
            raise BundleError(f"{fields.where}: shares must be one per value, none negative, summing to 1")
        condition = ClassCondition(name, values, meanings, shares)
    elif kind == "number":
        minimum, maximum = _range(fields)
        quantiles = fields.numbers("quantiles") if "quantiles" in fields.names() else ()
        if quantiles and (
            len(quantiles) < 2
            or (quantiles[0], quantiles[-1]) != (minimum, maximum)
            or any(b < a for a, b in itertools.pairwise(quantiles))
        ):
            raise BundleError(f"{fields.where}: quantiles must rise from the range's minimum to its maximum")
        condition = NumberCondition(name, fields.text("unit"), minimum, maximum, quantiles)
    else:
        raise BundleError(f"{fields.where}: condition kind {kind!r} is not known; it is 'class' or 'number'")
    fields.end()
    return condition


def _check_distinct(where: str, kind: str, names: Sequence[str]) -> None:
    if len(set(names)) != len(names):
        raise BundleError(f"{where}: two {kind}s have the same name")


def _range(fields: Fields) -> tuple[float, float]:
    values = fields.numbers("range")
    if len(values) != 2 or not all(math.isfinite(v) for v in values) or not values[0] < values[1]:
        raise BundleError(f"{fields.where}: range must be [minimum, maximum], finite and increasing")
    return values[0], values[1]
