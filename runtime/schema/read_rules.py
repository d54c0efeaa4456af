"""Read rules from untrusted JSON, refusing those that speak of what is not there, say nothing, or cannot be kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import BundleError
from ..json_fields import Fields
from .condition import ClassCondition, Condition
from .image import ImageSchema
from .rules import MAX_RULES, STATISTICS, Entry, Implies, Limit, Order, Rule
from .schema import Schema
from .signal import Channel, SignalSchema
from .table import CategoryColumn, Column, NumberColumn, TableSchema

_KINDS = {SignalSchema: ("order", "limit"), ImageSchema: ("limit",), TableSchema: ("order", "implies")}


def read_rules(items: Sequence[Fields], schema: Schema) -> tuple[Rule, ...]:
    """Read the rules of data whose schema is read but for them.

    Raises:
        BundleError: A rule is of no kind that suits such data, speaks of a channel, column or value that is not there,
            can never be kept or never broken, or there are two of a name, or too many.
    """
    if len(items) > MAX_RULES:
        raise BundleError(f"{schema.name}: there may be at most {MAX_RULES} rules, not {len(items)}")
    rules = tuple(_rule(fields, schema) for fields in items)
    for number, rule in enumerate(rules):
        if rule.name in {other.name for other in rules[:number]}:
            raise BundleError(f"{items[number].where}: two rules say {rule.name!r}; say it in one")
    return rules


def _rule(fields: Fields, schema: Schema) -> Rule:
    kind, suitable = fields.text("kind"), _KINDS[type(schema)]
    if kind not in suitable:
        raise BundleError(
            f"{fields.where}: rule kind {kind!r} does not suit these data; they may have {', '.join(suitable)}"
        )
    readers: dict[str, Callable[[Fields, Schema], Rule]] = {"order": _order, "limit": _limit, "implies": _implies}
    rule = readers[kind](fields, schema)
    fields.end()
    return rule


def _order(fields: Fields, schema: Schema) -> Order:
    names = fields.names()
    rule = Order(fields.text("lower"), fields.text("upper"), fields.number("apart") if "apart" in names else 0.0)
    quantities = _quantities(schema)
    for name in (rule.lower, rule.upper):
        if name not in quantities:
            raise BundleError(f"{fields.where}: there is no channel or number column {name!r}")
    lower, upper = quantities[rule.lower], quantities[rule.upper]
    if lower is upper:
        raise BundleError(f"{fields.where}: lower and upper are both {rule.lower!r}")
    if lower.unit != upper.unit:
        raise BundleError(
            f"{fields.where}: {rule.lower!r} in {lower.unit} and {rule.upper!r} in {upper.unit} cannot be compared"
        )
    if rule.apart < 0:
        raise BundleError(f"{fields.where}: apart must be 0 or more, not {rule.apart:g}")
    if lower.minimum + rule.apart > upper.maximum:
        raise BundleError(f"{fields.where}: the ranges of {rule.lower!r} and {rule.upper!r} let no sample keep it")
    return rule


def _quantities(schema: Schema) -> dict[str, Channel | NumberColumn]:
    """What is measured in units, by name."""
    if isinstance(schema, TableSchema):
        return {column.name: column for column in schema.columns if isinstance(column, NumberColumn)}
    return {channel.name: channel for channel in schema.channels} if isinstance(schema, SignalSchema) else {}


def _limit(fields: Fields, schema: Schema) -> Limit:
    names = fields.names()
    rule = Limit(
        fields.text("of"),
        fields.text("channel"),
        fields.number("least") if "least" in names else None,
        fields.number("most") if "most" in names else None,
    )
    channels = schema.channels if isinstance(schema, ImageSchema) else tuple(_quantities(schema))
    if rule.channel not in channels:
        raise BundleError(f"{fields.where}: there is no channel {rule.channel!r}")
    # Pixels have no order in time, and one point changes by nothing.
    statistics = STATISTICS if isinstance(schema, SignalSchema) and schema.length > 1 else STATISTICS[:2]
    if rule.of not in statistics:
        raise BundleError(f"{fields.where}: of must be one of {', '.join(statistics)}, not {rule.of!r}")
    if rule.least is None and rule.most is None:
        raise BundleError(f"{fields.where}: a limit needs least, most or both")
    if rule.least is not None and rule.most is not None and rule.least > rule.most:
        raise BundleError(f"{fields.where}: least must not be above most, {rule.least:g} above {rule.most:g}")
    if rule.of != "mean" and rule.most is not None and rule.most < 0:
        raise BundleError(f"{fields.where}: {rule.of} is never below 0, so most cannot be {rule.most:g}")
    return rule


def _implies(fields: Fields, schema: Schema) -> Implies:
    columns = schema.columns if isinstance(schema, TableSchema) else ()
    given = _entry(fields.fields("if"), (*columns, *schema.conditions))
    then = _entry(fields.fields("then"), columns)
    if given.name == then.name:
        raise BundleError(f"{fields.where}: both halves are about {given.name!r}; what it may be is said by its column")
    return Implies(given, then)


def _entry(fields: Fields, known: Sequence[Column | Condition]) -> Entry:
    name = fields.text("name")
    said = fields.names()
    if len(said) != 1 or said[0] not in ("is", "is_not", "range", "missing"):
        raise BundleError(f"{fields.where}: say of {name!r} one of is, is_not, range, missing")
    about = next((one for one in known if one.name == name), None)
    if about is None:
        raise BundleError(f"{fields.where}: there is no column {name!r} that could be spoken of here")
    entry = Entry(
        name,
        fields.texts("is") if said == ("is",) else None,
        fields.texts("is_not") if said == ("is_not",) else None,
        _ends(fields) if said == ("range",) else None,
        fields.flag("missing") if said == ("missing",) else None,
    )
    _check_said(fields, entry, about)
    fields.end()
    return entry


def _ends(fields: Fields) -> tuple[float, float]:
    ends = fields.numbers("range")
    if len(ends) != 2 or ends[0] > ends[1]:
        raise BundleError(f"{fields.where}: range must be [smallest, largest]")
    return ends[0], ends[1]


def _check_said(fields: Fields, entry: Entry, about: Column | Condition) -> None:
    values = entry.one_of if entry.one_of is not None else entry.none_of
    if entry.missing is not None:
        if not (isinstance(about, NumberColumn | CategoryColumn) and about.may_be_missing):
            raise BundleError(f"{fields.where}: {entry.name!r} is never missing")
    elif isinstance(about, CategoryColumn | ClassCondition):
        if values is None:
            raise BundleError(f"{fields.where}: what {entry.name!r} is, is said by is or is_not, not by range")
        unknown = [value for value in values if value not in about.values]
        if unknown:
            raise BundleError(f"{fields.where}: {unknown[0]!r} is no value of {entry.name!r}")
        if not values:
            raise BundleError(f"{fields.where}: name at least one of the values of {entry.name!r}")
    elif entry.within is None:
        raise BundleError(f"{fields.where}: what {entry.name!r} is, is said by range, not by is or is_not")
    elif entry.within[0] > about.maximum or entry.within[1] < about.minimum:
        raise BundleError(f"{fields.where}: {entry.name!r} is never {entry.within[0]:g} to {entry.within[1]:g}")
