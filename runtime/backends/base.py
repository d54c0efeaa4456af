"""What an engine must offer to run a generator. One file per engine implements it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..errors import RequestError

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Availability:
    """Whether an engine can be used here, and if not, why and what to do."""

    available: bool
    reason: str
    """Version of the engine, or what is missing with the command that installs it."""


@dataclass(frozen=True)
class Options:
    """What a session is asked for. What was asked for is what runs, or opening fails."""

    threads: int = 1
    """Threads of the processor that an operator may use. Small nets are fastest with one."""
    device: str | None = None
    """One of the engine's own, such as `cpu`, `cuda` or `gpu.1`. None: the engine's usual one, its first."""


@dataclass(frozen=True)
class Description:
    """What really runs, read back from the engine rather than repeated from the request."""

    backend: str
    version: str
    device: str
    """As the engine names it, e.g. `CPU`."""
    precision: str
    """In which type the engine computes what the graph leaves in float, e.g. `f32`."""
    threads: int
    """Of the processor; 0 where the engine uses none of them."""
    details: Mapping[str, str]
    """Engine-specific settings, for reports."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


class Session(Protocol):
    """A graph ready to run. Not for several threads at once, unless the engine's file says so."""

    input_shapes: Mapping[str, tuple[int | None, ...]]
    """Shape per graph input in the graph's order; None for a free dimension."""
    output_shapes: Mapping[str, tuple[int | None, ...]]

    def run(self, inputs: Sequence[FloatArray], outputs: Sequence[FloatArray] | None = None) -> list[FloatArray]:
        """Run the graph once.

        Args:
            inputs: One array per graph input, in the graph's order, float32 and C-contiguous.
            outputs: Arrays to write the results to. None: new arrays, which the caller owns.

        Returns:
            One array per graph output; those given in `outputs`, if they were.
        """
        ...

    def describe(self) -> Description:
        """What really runs."""
        ...

    def close(self) -> None:
        """Give the engine's memory back; the session cannot be used afterwards."""
        ...

    def __enter__(self) -> Session: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Backend(Protocol):
    """An engine. Nothing of it is imported before `probe` or `open` is called."""

    name: str
    devices: tuple[str, ...]
    """What it may be asked to run on; the first where nothing is asked for."""

    def probe(self) -> Availability:
        """Whether the engine can be used here; never raises."""
        ...

    def open(self, model: bytes, options: Options, weights: bytes | None = None) -> Session:
        """Load a graph.

        Args:
            model: An ONNX graph, or with `weights` the description (.xml) of an OpenVINO IR.
            options: What is asked for.
            weights: The weights (.bin) of an OpenVINO IR.

        Raises:
            RequestError: The engine has no device of that name.
            BackendError: The engine or the device is absent, the engine refuses the graph, or would not do what the
                options ask for.
        """
        ...


def device_for(backend: Backend, options: Options) -> str:
    """The device that was asked for, or the engine's usual one.

    Raises:
        RequestError: The engine has no device of that name; `gpu.1` is one where `gpu` is.
    """
    device = backend.devices[0] if options.device is None else options.device
    kind, dot, number = device.partition(".")
    numbered = dot and f"{kind}.N" in backend.devices and number.isascii() and number.isdigit()
    if (device not in backend.devices and not numbered) or number == "N":
        raise RequestError(f"{backend.name} has no device {device!r}; it has {', '.join(backend.devices)}")
    return device


def check_no_threads(backend: Backend, options: Options) -> None:
    """Refuse threads of the processor where another device computes.

    Raises:
        RequestError: More than the one that is asked for when nothing is said.
    """
    if options.threads != 1:
        raise RequestError(
            f"{backend.name} on {device_for(backend, options)} uses no threads of the processor; leave threads at 1"
        )


class ClosingSession:
    """The `with` half of a session, shared by the engines' sessions."""

    def close(self) -> None:
        """Give the engine's memory back."""
        raise NotImplementedError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
