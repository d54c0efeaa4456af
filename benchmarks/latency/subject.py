"""What one process measures: a way to make records, and what it must offer to be measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

GENERATE, BARE = "generate", "bare engine"
TEACHER, COMPILED_TEACHER = "teacher", "compiled teacher"

BUNDLE_WORKER = "edgeward.benchmarks.latency.worker"


@dataclass(frozen=True)
class Subject:
    """One contender, as a process is told of it."""

    what: str
    """`generate` of Edgeward, the `bare engine` with inputs made beforehand, or the `teacher` in PyTorch."""
    precision: str
    backend: str
    threads: int
    bundle: str
    """Folder of the bundle; its conditions and noise are what the teacher is fed, too."""
    checkpoint: str | None = None
    """Of a teacher."""
    worker: str = BUNDLE_WORKER
    """Module whose `main` serves the process."""
    device: str | None = None
    """Where the engine shall compute; None: on its usual device."""

    @property
    def name(self) -> str:
        """For people, unique within a bundle."""
        threads = "" if self.threads == 1 else f", {self.threads} threads"
        device = "" if self.device is None else f" {self.device}"
        return f"{self.what} {self.precision} {self.backend}{device}{threads}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `Subject(**values)` reads them back."""
        return asdict(self)


@dataclass(frozen=True)
class Parity:
    """How far the outputs are from the golden ones, made the way they are timed."""

    error: float
    """Relative error, see `runtime.golden`; NaN is wrong."""
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether they are right."""
        return self.error <= self.tolerance


class Work(Protocol):
    """A subject, opened: everything that a process of it is asked for."""

    described: Mapping[str, Any]
    """Read back from the engine: backend, version, device, precision, threads."""

    def call(self, batch: int) -> Callable[[int], object]:
        """A call that makes `batch` new records, told its number: another number, other inputs."""
        ...

    def parity(self, *, at_once: bool) -> Parity | None:
        """Compare with the golden outputs; None where there are none for it.

        Args:
            at_once: Whether they are made in one call, or one a call.
        """
        ...

    def stages(self, first: int, calls: int) -> dict[str, npt.NDArray[np.int64]] | None:
        """Nanoseconds of each stage of each call of a single record; None where it has no stages."""
        ...
