"""Latency in the units of a generator: records a second, seconds of signal a second, beds, deadlines. No guesses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...runtime.schema import Schema, SignalSchema


@dataclass(frozen=True)
class Units:
    """What one core makes, by the mean of its calls."""

    ms_a_record: float
    records_a_second: float
    signal_seconds_a_record: float | None
    """Length of one record; None of what is no signal."""
    real_time_factor: float | None
    """Seconds of signal a second."""
    beds_in_real_time: int | None
    """Signals that one core keeps up with, each as fast as it is played."""
    reason: str | None = None
    """Why the last three are not told."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def units_of(schema: Schema, mean_call_us: float, batch: int = 1) -> Units:
    """Units of calls that make `batch` records each."""
    record_s = mean_call_us * 1e-6 / batch
    if not isinstance(schema, SignalSchema):
        return Units(record_s * 1e3, 1 / record_s, None, None, None, f"{schema.name} are no signals")
    factor = schema.duration_s / record_s
    return Units(record_s * 1e3, 1 / record_s, schema.duration_s, factor, math.floor(factor))


@dataclass(frozen=True)
class Deadline:
    """How many responses came later than they may."""

    name: str
    """`period`: before the next call is due; `tick`: before the next sample of the waveform; `record`: before the
    record before it has been played."""
    deadline_ms: float
    missed_share: float
    missed: int
    n: int

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def deadlines(schema: Schema, response_ns: npt.NDArray[np.int64], rate_hz: float) -> list[Deadline]:
    """Misses of responses at a rate of calls."""
    limits = {"period": 1e3 / rate_hz}
    if isinstance(schema, SignalSchema):
        limits |= {"tick": 1e3 / schema.sampling_rate_hz, "record": 1e3 * schema.duration_s}
    found = []
    for name, limit_ms in limits.items():
        missed = int((response_ns > limit_ms * 1e6).sum())
        found.append(Deadline(name, limit_ms, missed / len(response_ns), missed, len(response_ns)))
    return found


def network_calls(lineage: Mapping[str, Any]) -> int | None:
    """How often a record runs the network inside the graph, as the record of its making tells it; else None."""
    compression, teacher = lineage.get("compression"), lineage.get("teacher")
    steps = compression.get("steps") if isinstance(compression, dict) else None
    for step in reversed(steps if isinstance(steps, list) else []):
        if isinstance(step, dict) and step.get("do") == "few_steps":
            options = step.get("options")
            calls = options.get("network_calls") if isinstance(options, dict) else None
            return calls if isinstance(calls, int) else None
    recipe = teacher.get("recipe") if isinstance(teacher, dict) else None
    family = recipe.get("family") if isinstance(recipe, dict) else None
    return 1 if family in ("vae", "gan") else None
