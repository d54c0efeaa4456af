"""Names and texts of bundles, which may hold anything, as formats with small fields can hold them."""

from __future__ import annotations

import uuid
from decimal import Decimal

from ..schema import Condition, NumberCondition
from .records import Record

CUT = "..."
"""At the end of what was shortened."""


def ascii_text(text: str, limit: int) -> str:
    """Printable ASCII of at most `limit` characters: the rest escaped as in Python, what is too long visibly cut."""
    escaped = text.encode("unicode_escape").decode("ascii")
    return cut(escaped, limit)


def unicode_text(text: str, limit: int) -> str:
    """Printable characters, others escaped as in Python; what is too long is visibly cut."""
    return cut("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text), limit)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters of the text, ending in `CUT` where some are missing."""
    return text if len(text) <= limit else text[: limit - len(CUT)] + CUT


def plain(number: Decimal) -> str:
    """A number without an exponent and without what says nothing."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def condition_text(condition: Condition, value: str | float) -> str:
    """A condition and its value: `rhythm=AFIB`, `heart_rate=72.5 /min`."""
    if isinstance(condition, NumberCondition):
        return f"{condition.name}={value:.6g} {condition.unit}".rstrip()
    return f"{condition.name}={value}"


def uuid_of(record: Record, role: str) -> uuid.UUID:
    """The same for the same sample (`Record.identity`) and role, another for any other.

    Args:
        record: The sample.
        role: What of it is to be called so.
    """
    return uuid.uuid5(record.identity, role)


def patient_id(record: Record) -> str:
    """What formats with patients call the patient there is none of."""
    return f"SYNTHETIC-{uuid_of(record, 'patient').hex[:12].upper()}"
