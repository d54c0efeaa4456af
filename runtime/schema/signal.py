"""What a signal is: channels with units and ranges, sampled at one rate for a fixed time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .condition import Condition, Conditioned
from .rules import Rule, rules_to_json


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
    may_be_missing: bool = False
    """Whether it is not known at every moment; NaN where it is not."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = {"name": self.name, "unit": self.unit, "range": [self.minimum, self.maximum]}
        return plain | ({"may_be_missing": True} if self.may_be_missing else {})


@dataclass(frozen=True)
class SignalSchema(Conditioned):
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
    event_sample: int | None = None
    """The sample, from 0, of the event the first class is about, as a beat's R peak; None: there is no such event."""
    rules: tuple[Rule, ...] = ()
    """What samples keep to beyond the ranges."""

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of one sample: (channels, length)."""
        return len(self.channels), self.length

    @property
    def duration_s(self) -> float:
        """Length of one sample in seconds."""
        return self.length / self.sampling_rate_hz

    @property
    def has_gaps(self) -> bool:
        """Whether a channel may be missing at some moments."""
        return any(channel.may_be_missing for channel in self.channels)

    def describe(self) -> str:
        """Size and shape in words."""
        if self.sampling_rate_hz < 1:
            return f"{self.length} points, one every {1 / self.sampling_rate_hz:g} s"
        return f"{self.length} samples at {self.sampling_rate_hz:g} Hz ({self.duration_s:.3g} s)"

    def parts(self) -> list[tuple[str, str, str]]:
        """Name, unit and domain of each channel, for people."""
        return [
            (c.name, c.unit, f"{c.minimum:g} to {c.maximum:g}" + (", or missing" * c.may_be_missing))
            for c in self.channels
        ]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `schema_from_json` reads them back to an equal schema."""
        plain = {
            "kind": "signal",
            "name": self.name,
            "description": self.description,
            "channels": [channel.to_json() for channel in self.channels],
            "sampling_rate_hz": self.sampling_rate_hz,
            "length": self.length,
            "conditions": [condition.to_json() for condition in self.conditions],
        }
        plain |= {} if self.event_sample is None else {"event_sample": self.event_sample}
        return plain | rules_to_json(self.rules)
