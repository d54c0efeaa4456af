"""Linear scales that begin and end at round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ...runtime.errors import RequestError


@dataclass(frozen=True)
class Scale:
    """From `first` to `last`, with round numbers between them."""

    first: float
    last: float
    ticks: tuple[float, ...]
    decimals: int
    """That tell one tick from the next."""

    def fraction(self, value: float) -> float:
        """Where a value lies, 0 at the first end and 1 at the last."""
        return (value - self.first) / (self.last - self.first)

    def text(self, value: float) -> str:
        """A tick as written beside the axis."""
        return f"{round(value, self.decimals) + 0.0:,.{self.decimals}f}".replace("-", "\N{MINUS SIGN}")


def round_scale(values: Iterable[float], *, steps: int = 4) -> Scale:
    """The scale that holds all values, in about that many steps of 1, 2 or 5 times a power of ten.

    Raises:
        RequestError: There is no value, or one is not finite.
    """
    known = list(values)
    if not known or not all(math.isfinite(value) for value in known):
        raise RequestError(f"a scale needs finite values, not {known}")
    low, high = min(known), max(known)
    if high - low < 1e-9 * max(1.0, abs(low), abs(high)):
        low, high = (low, low + 1.0) if low == 0 else (low - 0.5, high + 0.5)
    rough = (high - low) / steps
    power = math.floor(math.log10(rough))
    step = min((factor * 10.0**power for factor in (1, 2, 5, 10)), key=lambda s: abs(math.log(s / rough)))
    start, end = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(number * step for number in range(start, end + 1))
    return Scale(ticks[0], ticks[-1], ticks, max(0, -math.floor(math.log10(step) + 1e-9)))
