"""What one entry of a table can be: a number as it is written down, a date, an interval."""

from __future__ import annotations

import re

MAX_DECIMALS = 3
"""With more, entries were computed rather than written down, and have no step."""
_LARGEST, _SMALLEST = 1e30, 1e-30
"""Of a number; well within a 32-bit float. What is smaller is nothing."""

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_DATE = re.compile(
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})|\d{1,2}[- ][A-Za-z]{3,9}[- ]\d{2,4})"
    r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z| ?[+-]\d{2}:?\d{2})?)?"
    r"|\d{1,2}:\d{2}(?::\d{2})?",
    re.ASCII,
)
_INTERVAL = re.compile(
    r"[\[(]?\s*([<>≤≥]?=?)\s*(\d+(?:\.\d+)?)\s*(?:(?:-|–|to)\s*\d+(?:\.\d+)?)?\s*[\])+]?",  # noqa: RUF001 - a dash is one
    re.ASCII,
)


def as_number(text: str, decimal: str = ".") -> float | None:
    """The number that a text is, or None: no infinity, no NaN, nothing beyond 1e30, no separators of thousands.

    Args:
        text: As written down.
        decimal: What stands between the whole and the fraction.
    """
    plain = text if decimal == "." else _swapped(text, decimal)
    if not _NUMBER.fullmatch(plain):
        return None
    number = float(plain)
    if abs(number) < _SMALLEST:
        return 0.0
    return number if abs(number) <= _LARGEST else None


def decimals_of(text: str, decimal: str = ".") -> int:
    """Decimals a number is written with, but for trailing zeros; more than the most if with an exponent."""
    plain = text if decimal == "." else _swapped(text, decimal)
    if "e" in plain.lower():
        return MAX_DECIMALS + 1
    return len(plain.partition(".")[2].rstrip("0"))


def is_date(text: str) -> bool:
    """Whether it looks like a date or a time of day."""
    return bool(_DATE.fullmatch(text))


def interval_start(text: str) -> tuple[float, int] | None:
    """Where an interval such as `[50-60)`, `30-39`, `<30` or `>8` begins, to sort by; None for any other text."""
    found = _INTERVAL.fullmatch(text)
    if not found:
        return None
    # Below a number comes before it, above it after.
    return float(found[2]), {"<": -1, "≤": -1, ">": 1, "≥": 1}.get(found[1][:1], 0)


def natural_key(text: str, decimal: str = ".") -> tuple[int, float, str]:
    """To sort numbers by size, and texts after them by letters."""
    number = as_number(text, decimal)
    return (0, number, text) if number is not None else (1, 0.0, text)


def _swapped(text: str, decimal: str) -> str:
    # A point is no decimal mark where a comma is: 1.234 may be a thousand.
    return "" if "." in text else text.replace(decimal, ".")
