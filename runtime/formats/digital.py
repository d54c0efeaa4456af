"""Physical values as the 16-bit integers that signal formats hold: scales, and a refusal where one would clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import GateError
from ..schema import SignalSchema
from .records import Record

LOW, HIGH = -32767, 32767
"""What a channel's range is spread over; the integer below is left for missing values."""
MISSING = -32768


@dataclass(frozen=True)
class Scale:
    """physical = offset + step * digital."""

    step: float
    offset: float

    def digital(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The nearest whole numbers, NaN where values are: within half a step, but for a float's rounding."""
        return np.asarray(np.rint((values - self.offset) / self.step))


def digital_channels(record: Record, schema: SignalSchema, scales: Sequence[Scale]) -> npt.NDArray[np.int16]:
    """The samples [channels, length] of a record on one scale a channel, `MISSING` where there is none.

    Raises:
        GateError: A value lies outside its channel's range, which the bundle promised; it is not clipped.
    """
    digital = np.empty(record.values.shape, np.int16)
    channels = zip(record.values.astype(np.float64), scales, schema.channels, strict=True)
    for row, (values, scale, channel) in enumerate(channels):
        absent = np.isnan(values)
        numbers = scale.digital(values)
        outside = ~absent & ~((numbers >= LOW) & (numbers <= HIGH))
        wrong = outside if channel.may_be_missing else outside | absent
        if wrong.any():
            raise GateError(
                f"sample {record.index}: {channel.name} is {values[wrong][0]:g}, and the bundle promises "
                f"{channel.minimum:g} to {channel.maximum:g} {channel.unit}; "
                "npz and csv hold such values, this format has none"
            )
        digital[row] = np.where(absent, MISSING, numbers)
    return digital
