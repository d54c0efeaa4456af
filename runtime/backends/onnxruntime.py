"""ONNX Runtime on the CPU: part of the core install, the reference every other engine is compared with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import BackendError
from ..installed_version import version_of
from .base import Availability, ClosingSession, Description, FloatArray, Options

_PROVIDER = "CPUExecutionProvider"
_INSTALL = "pip install 'onnxruntime>=1.20,<2'"


def import_engine() -> Any:
    """The package itself, told first to send nothing.

    Raises:
        BackendError: It is absent.
    """
    # From 1.29 on, importing the engine sends telemetry unless this is set before.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise BackendError(f"onnxruntime cannot be imported ({error}); install it with: {_INSTALL}") from error
    return onnxruntime


class OnnxRuntimeBackend:
    """ONNX Runtime's CPU provider."""

    name = "onnxruntime"

    def probe(self) -> Availability:
        """Whether the package is installed; does not import it."""
        version = version_of("onnxruntime")
        if version is None:
            return Availability(False, f"not installed; install it with: {_INSTALL}")
        return Availability(True, f"onnxruntime {version}")

    def open(self, model: bytes, options: Options, weights: bytes | None = None) -> OnnxRuntimeSession:
        """Load an ONNX graph.

        Raises:
            BackendError: The engine is absent or refuses the graph, or the graph is not ONNX.
        """
        if weights is not None:
            raise BackendError("onnxruntime runs ONNX graphs, and this is an OpenVINO IR; use the openvino backend")
        return OnnxRuntimeSession(inference_session(model, options))


def inference_session(model: bytes, options: Options) -> Any:
    """The engine's own `InferenceSession`, set up as this backend uses it.

    Raises:
        BackendError: The engine is absent or refuses the graph.
    """
    engine = import_engine()
    settings = engine.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    # Threads that spin between calls would burn a third of a core in a paced feed and gain nothing.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    settings.log_severity_level = 3
    try:
        session = engine.InferenceSession(model, settings, providers=[_PROVIDER])
    except Exception as error:  # the engine's exception types are many and not public
        raise BackendError(f"onnxruntime {engine.__version__} refuses the graph: {error}") from error
    if session.get_providers() != [_PROVIDER]:
        raise BackendError(f"onnxruntime would run on {session.get_providers()}, not on {_PROVIDER}")
    return session


class OnnxRuntimeSession(ClosingSession):
    """A graph in ONNX Runtime. Single samples go through memory that the engine was told of once."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._input_names = [value.name for value in session.get_inputs()]
        self._output_names = [value.name for value in session.get_outputs()]
        self.input_shapes: Mapping[str, tuple[int | None, ...]] = _shapes(session.get_inputs())
        self.output_shapes: Mapping[str, tuple[int | None, ...]] = _shapes(session.get_outputs())
        self._single = _SingleSample(session, self.input_shapes, self.output_shapes) if self._is_plain() else None

    def _is_plain(self) -> bool:
        """Whether nothing but the number of samples is free."""
        shapes = (*self.input_shapes.values(), *self.output_shapes.values())
        return all(shape[:1] == (None,) and None not in shape[1:] for shape in shapes)

    def run(self, inputs: Sequence[FloatArray], outputs: Sequence[FloatArray] | None = None) -> list[FloatArray]:
        """Run the graph once; see `Session.run`."""
        results: list[FloatArray]
        try:
            if self._single is not None and len(inputs[0]) == 1:
                results = self._single.run(inputs)
            else:
                results = self._session.run(self._output_names, dict(zip(self._input_names, inputs, strict=True)))
        except Exception as error:  # the engine's exception types are many and not public
            raise BackendError(f"onnxruntime cannot run the graph: {error}") from error
        if outputs is None:
            return results
        for given, result in zip(outputs, results, strict=True):
            given[...] = result
        return list(outputs)

    def describe(self) -> Description:
        """What really runs."""
        options = self._session.get_session_options()
        return Description(
            backend="onnxruntime",
            version=import_engine().__version__,
            device="CPU",
            precision="f32",
            threads=options.intra_op_num_threads,
            details={"providers": ",".join(self._session.get_providers())},
        )

    def close(self) -> None:
        """Give the engine's memory back."""
        self._session = self._single = None

    def __enter__(self) -> OnnxRuntimeSession:
        return self


class _SingleSample:
    """One sample a call, in memory bound once: 2 to 3 µs less than handing arrays over at each call."""

    def __init__(
        self,
        session: Any,
        inputs: Mapping[str, tuple[int | None, ...]],
        outputs: Mapping[str, tuple[int | None, ...]],
    ) -> None:
        self._session = session
        self._binding = session.io_binding()
        self._inputs = [self._bound(self._binding.bind_input, name, shape) for name, shape in inputs.items()]
        self._outputs = [self._bound(self._binding.bind_output, name, shape) for name, shape in outputs.items()]

    @staticmethod
    def _bound(bind: Callable[..., None], name: str, shape: tuple[int | None, ...]) -> FloatArray:
        memory = np.zeros([size or 1 for size in shape], dtype=np.float32)
        bind(name, "cpu", 0, np.float32, memory.shape, memory.ctypes.data)
        return memory

    def run(self, inputs: Sequence[FloatArray]) -> list[FloatArray]:
        for memory, value in zip(self._inputs, inputs, strict=True):
            memory[...] = value
        self._session.run_with_iobinding(self._binding)
        return [memory.copy() for memory in self._outputs]


def _shapes(values: Sequence[Any]) -> dict[str, tuple[int | None, ...]]:
    for value in values:
        if value.type != "tensor(float)":
            raise BackendError(f"{value.name!r} of the graph is a {value.type}; a generator's must be tensor(float)")
    return {value.name: tuple(size if isinstance(size, int) else None for size in value.shape) for value in values}
