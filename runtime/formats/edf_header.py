"""What the header of an EDF+ file says of a signal, in fields of eight characters: ranges, block lengths, labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from ..schema import Channel, SignalSchema
from .digital import HIGH, LOW, MISSING, Scale
from .text import ascii_text, plain

_WIDTH = 8
_MOST = 10**_WIDTH
_LABEL_WIDTH = 16
_USUAL_BLOCK_BYTES = 61_440
_LARGEST_BLOCK_BYTES = 10_000_000  # what EDFlib reads
_TOLERATED_WIDENING = Decimal("1.01")


@dataclass(frozen=True)
class Range:
    """The physical values of a channel's smallest and largest integer, as the header says them."""

    minimum: Decimal
    maximum: Decimal
    lowest: int
    """The smallest integer: that of the range's end, or where samples may be missing the one that says so."""

    @property
    def scale(self) -> Scale:
        """Physical from digital, computed as readers do."""
        step = float(self.maximum - self.minimum) / (HIGH - self.lowest)
        return Scale(step, float(self.minimum) - step * self.lowest)


def edf_range(channel: Channel) -> Range | None:
    """The narrowest range that the header can say and that holds the channel's; None: there is none near."""
    low, high = Decimal(repr(channel.minimum)), Decimal(repr(channel.maximum))
    span = high - low
    if channel.may_be_missing:
        low -= 2 * span / (HIGH - LOW)  # room for the value of the integer below the range
    minimum, maximum = _short(low, ROUND_FLOOR), _short(high, ROUND_CEILING)
    if minimum is None or maximum is None or maximum - minimum > span * _TOLERATED_WIDENING:
        return None
    return Range(minimum, maximum, MISSING if channel.may_be_missing else LOW)


def _short(value: Decimal, rounding: str) -> Decimal | None:
    """The nearest number, up or down, that eight characters hold."""
    if abs(value) < _MOST:
        for decimals in range(_WIDTH - 2, -1, -1):
            rounded = value.quantize(Decimal(1).scaleb(-decimals), rounding=rounding)
            if len(plain(rounded)) <= _WIDTH:
                return rounded
    return None


@dataclass(frozen=True)
class Blocks:
    """How a signal is cut into EDF's data records, all of one duration."""

    count: int
    length: int
    """Samples of a channel in one."""
    duration_s: Decimal
    """Of one, in at most eight characters."""


def edf_blocks(schema: SignalSchema) -> Blocks | None:
    """Few blocks, of a duration that eight characters hold exactly where there is one; None: they cannot be said.

    Without such a duration, the rate that a reader computes is off in its seventh digit.
    """
    bytes_a_sample = 2 * len(schema.channels)
    divisors = _divisors(schema.length)
    usual = max(part for part in divisors if part == 1 or part * bytes_a_sample <= _USUAL_BLOCK_BYTES)
    if usual * bytes_a_sample * 8 < _USUAL_BLOCK_BYTES:  # a length with few divisors: better too large than a thousand
        usual = schema.length
    if usual * bytes_a_sample > _LARGEST_BLOCK_BYTES:
        return None
    found = []
    for length in (part for part in divisors if usual / 4 <= part <= usual):
        exact = Fraction(length) / Fraction(Decimal(repr(schema.sampling_rate_hz)))
        duration = _short(Decimal(exact.numerator) / exact.denominator, ROUND_HALF_EVEN)
        if duration:
            error = abs(Fraction(duration) / exact - 1)
            found.append((error, -length, Blocks(schema.length // length, length, duration)))
    return min(found)[2] if found and min(found)[0] < Fraction(1, 10**4) else None


def _divisors(number: int) -> list[int]:
    small = [part for part in range(1, int(number**0.5) + 1) if number % part == 0]
    return sorted({*small, *(number // part for part in small)})


def edf_labels(names: Sequence[str]) -> list[str]:
    """Names in sixteen characters of ASCII, told apart by a number at the end where they would be equal."""
    labels: list[str] = []
    for name in names:
        label, number = ascii_text(name, _LABEL_WIDTH), 2
        while label in labels:
            ending = f"~{number}"
            label, number = ascii_text(name, _LABEL_WIDTH - len(ending)) + ending, number + 1
        labels.append(label)
    return labels
