"""Engines that compute something else, take their time, or refuse: onnxruntime, with one thing changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter, sleep

import numpy as np
from edgeward.runtime import BackendError
from edgeward.runtime.backends import Availability, Description, Options, Session
from edgeward.runtime.backends.base import ClosingSession, FloatArray
from edgeward.runtime.backends.onnxruntime import OnnxRuntimeBackend

Change = Callable[[FloatArray, Sequence[FloatArray]], FloatArray]
"""From an engine's right samples, and the inputs they were made from, to what it gives instead."""


def unchanged(samples: FloatArray, inputs: Sequence[FloatArray]) -> FloatArray:
    return samples


@dataclass
class FakeEngine:
    """What is asked of it is counted in `opened` and `calls`."""

    name: str
    change: Change = unchanged
    call_s: float = 0.0
    asleep: bool = False
    """Whether it waits for `call_s` instead of working, as a process does that has to share its processor."""
    refusal: str = ""
    version: str = "1.0.0"
    absent: str = ""
    opened: int = 0
    calls: int = field(default=0)

    def probe(self) -> Availability:
        return Availability(not self.absent, self.absent or f"{self.name} {self.version}")

    def open(self, model: bytes, options: Options, weights: bytes | None = None) -> Session:
        if self.absent or self.refusal:
            raise BackendError(self.absent or self.refusal)
        self.opened += 1
        return FakeSession(self, OnnxRuntimeBackend().open(model, Options(options.threads), weights))


class FakeSession(ClosingSession):
    def __init__(self, engine: FakeEngine, session: Session) -> None:
        self._engine, self._session = engine, session
        self.input_shapes: Mapping[str, tuple[int | None, ...]] = session.input_shapes
        self.output_shapes: Mapping[str, tuple[int | None, ...]] = session.output_shapes

    def run(self, inputs: Sequence[FloatArray], outputs: Sequence[FloatArray] | None = None) -> list[FloatArray]:
        self._engine.calls += 1
        until = perf_counter() + self._engine.call_s
        (samples,) = self._session.run(inputs)
        changed = self._engine.change(samples, inputs).astype(np.float32)
        while perf_counter() < until:  # asleep, a loaded machine would wake it up late
            if self._engine.asleep:
                sleep(self._engine.call_s)
        if outputs is None:
            return [changed]
        outputs[0][...] = changed
        return list(outputs)

    def describe(self) -> Description:
        return Description(self._engine.name, self._engine.version, "CPU", "f32", 1, {})

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> "FakeSession":
        return self
