"""Numbers as people read them: sizes, times, counts and ratios, in words that never flatter."""

from __future__ import annotations

import math

_SPACE = "\N{NO-BREAK SPACE}"  # a number and its unit stay on one line

ABSENT = "\N{EN DASH}"
"""Stands where there is no number."""

_SAME = 0.05
"""Ratios this close to 1 count as the same: repeated timings of one model differ by as much."""


def significant(value: float, digits: int = 3) -> str:
    """A number with that many significant digits and thousands separators, never in exponent form."""
    if not math.isfinite(value):
        return ABSENT
    if value == 0:
        return "0"
    value = float(f"{value:.{digits - 1}e}")  # first, or 0.9996 would keep the digits of a number below 1
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"


def bytes_text(size: int) -> str:
    """A size in B, kB or MB, where 1 kB is 1000 bytes."""
    if size < 1000:
        return f"{size}{_SPACE}B"
    if size < 999_500:
        return f"{significant(size / 1e3)}{_SPACE}kB"
    return f"{significant(size / 1e6)}{_SPACE}MB"


def count_text(count: int) -> str:
    """A count: exact below a million, then in millions (M) or thousands of millions (G)."""
    if count < 1_000_000:
        return f"{count:,}"
    if count < 999_500_000:
        return f"{significant(count / 1e6)}{_SPACE}M"
    return f"{significant(count / 1e9)}{_SPACE}G"


def time_text(microseconds: float) -> str:
    """A latency in µs below one millisecond, in ms above."""
    if microseconds < 999.5:
        return f"{significant(microseconds)}{_SPACE}µs"
    return f"{significant(microseconds / 1e3)}{_SPACE}ms"


def duration_text(seconds: float) -> str:
    """A waiting time as one says it: `48 s`, `3 min 12 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{significant(seconds, 2)}{_SPACE}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}{_SPACE}min {rest}{_SPACE}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}{_SPACE}h {minutes}{_SPACE}min"


def is_same(ratio: float) -> bool:
    """Whether a ratio is too close to 1 to be called a difference."""
    return abs(ratio - 1) <= _SAME


def ratio_text(ratio: float) -> str:
    """A ratio as a factor of two digits or more and a multiplication sign."""
    return (f"{ratio:,.0f}" if ratio >= 9.95 else significant(ratio, 2)) + "\N{MULTIPLICATION SIGN}"


def span_text(low: str, high: str) -> str:
    """From one quantity to another, both as text."""
    return f"{low}{_SPACE}\N{EN DASH}{_SPACE}{high}"


def estimate_text(value: float, low: float, high: float) -> str:
    """An estimate between 0 and 1 with its interval in brackets."""
    # A line may break after a dash, but not in an interval.
    return f"{value:.2f}{_SPACE}({low:.2f}\N{EN DASH}\N{WORD JOINER}{high:.2f})"


def interval_text(value: float, low: float | None, high: float | None, decimals: int = 2) -> str:
    """An estimate with its interval in brackets where it has one; never a minus before a zero."""
    text = signed_text(value, decimals)
    if low is None or high is None:
        return text
    span = _SPACE.join((signed_text(low, decimals), "to", signed_text(high, decimals)))
    return f"{text}{_SPACE}({span})"


def signed_text(value: float, decimals: int = 2) -> str:
    """A number with thousands separators and a true minus sign."""
    return f"{round(value, decimals) + 0.0:,.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def comparison(ratio: float, *, above: str, below: str, same: str) -> str:
    """A ratio in words that fit its side of 1.

    Args:
        ratio: Reference divided by the thing described, positive.
        above: The word for a ratio above 1, e.g. `smaller`.
        below: The word for a ratio below 1, e.g. `larger`; the factor given is then 1 / ratio.
        same: What to say when the two are about equal, e.g. `about the same size`.
    """
    if is_same(ratio):
        return same
    return f"{ratio_text(ratio)}{_SPACE}{above}" if ratio > 1 else f"{ratio_text(1 / ratio)}{_SPACE}{below}"
