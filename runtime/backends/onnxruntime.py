"""ONNX Runtime: part of the core install; on the CPU the reference that every other engine is compared with.

Other devices run only when they are asked for by name, and then nothing falls back to the CPU unsaid.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import BackendError
from ..installed_version import version_of
from .base import Availability, ClosingSession, Description, FloatArray, Options, device_for

_CPU = "CPUExecutionProvider"
_INSTALL = "pip install 'onnxruntime>=1.20,<2'"
_DISTRIBUTIONS = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml")
"""All are the same package to Python; only one of them can be installed."""


@dataclass(frozen=True)
class _Device:
    provider: str
    """The engine's own name for what computes."""
    install: str
    """How to get an onnxruntime that has it."""
    settings: Mapping[str, str] = field(default_factory=dict)


_DEVICES = {
    "cpu": _Device(_CPU, _INSTALL),
    # TF32 would keep 10 of 23 bits of what convolutions multiply.
    "cuda": _Device(
        "CUDAExecutionProvider",
        "pip uninstall -y onnxruntime && pip install 'onnxruntime-gpu>=1.20,<2' (a Jetson needs NVIDIA's own build)",
        {"use_tf32": "0"},
    ),
    # Apple's neural engine computes in 16 bits; the processor and the GPU take the graph's own type.
    "coreml": _Device(
        "CoreMLExecutionProvider",
        f"{_INSTALL} (on a Mac)",
        {"ModelFormat": "MLProgram", "MLComputeUnits": "CPUAndGPU"},
    ),
    "directml": _Device(
        "DmlExecutionProvider", "pip uninstall -y onnxruntime && pip install onnxruntime-directml (on Windows)"
    ),
}


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
    """ONNX Runtime, with its providers as devices."""

    name = "onnxruntime"
    devices: tuple[str, ...] = tuple(_DEVICES)

    def probe(self) -> Availability:
        """Whether the package is installed; does not import it."""
        for distribution in _DISTRIBUTIONS:
            if version := version_of(distribution):
                return Availability(True, f"onnxruntime {version}")
        return Availability(False, f"not installed; install it with: {_INSTALL}")

    def open(self, model: bytes, options: Options, weights: bytes | None = None) -> OnnxRuntimeSession:
        """Load an ONNX graph.

        Raises:
            RequestError: There is no such device.
            BackendError: The engine or the device is absent, the engine refuses the graph, or it is not ONNX.
        """
        if weights is not None:
            raise BackendError("onnxruntime runs ONNX graphs, and this is an OpenVINO IR; use the openvino backend")
        return OnnxRuntimeSession(inference_session(model, options))


def inference_session(model: bytes, options: Options) -> Any:
    """The engine's own `InferenceSession`, set up as this backend uses it.

    Raises:
        RequestError: There is no such device.
        BackendError: The engine or the device is absent, or the engine refuses the graph.
    """
    name = device_for(OnnxRuntimeBackend(), options)
    device = _DEVICES[name]
    engine = import_engine()
    available = engine.get_available_providers()
    if device.provider not in available:
        raise BackendError(
            f"onnxruntime {engine.__version__} as installed here has no {device.provider} for device {name!r} "
            f"(it has {', '.join(available)}); install one that has: {device.install}"
        )
    providers = [(device.provider, dict(device.settings))]
    try:
        # Without `enable_fallback=0` the engine would print what is wrong, and go on with the CPU.
        session = engine.InferenceSession(model, _settings(engine, options, name), providers, enable_fallback=0)
    except Exception as error:  # the engine's exception types are many and not public
        raise BackendError(f"onnxruntime {engine.__version__} refuses the graph: {error}") from error
    session.disable_fallback()  # nor when a call fails later
    _check_used(session, name, device.provider)
    return session


def _settings(engine: Any, options: Options, device: str) -> Any:
    settings = engine.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    # Threads that spin between calls would burn a third of a core in a paced feed and gain nothing.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    settings.log_severity_level = 3
    # The arena stays on: without it batches of 32 took 35 % longer, and it holds no more than the largest batch needs.
    if device == "directml":  # which refuses both
        settings.enable_mem_pattern = False
        settings.execution_mode = engine.ExecutionMode.ORT_SEQUENTIAL
    if device != "cpu":
        settings.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    return settings


def _check_used(session: Any, device: str, provider: str) -> None:
    used = session.get_providers()
    if used[0] != provider:
        raise BackendError(f"onnxruntime would run on {', '.join(used)}, not on {provider} as asked for by {device!r}")
    nodes = _nodes_by_provider(session) if device != "cpu" else Counter[str]()
    if nodes and provider not in nodes:
        raise BackendError(
            f"onnxruntime would run all {nodes.total()} operators of the graph on the CPU, none on {provider}"
        )


def _nodes_by_provider(session: Any) -> Counter[str]:
    """How many operators of the graph run where; empty where this version does not tell (before 1.24)."""
    if not hasattr(session, "get_provider_graph_assignment_info"):
        return Counter()
    nodes: Counter[str] = Counter()
    for part in session.get_provider_graph_assignment_info():
        nodes[part.ep_name] += len(part.get_nodes())
    return nodes


class OnnxRuntimeSession(ClosingSession):
    """A graph in ONNX Runtime. On the CPU single samples go through memory that the engine was told of once."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._input_names = [value.name for value in session.get_inputs()]
        self._output_names = [value.name for value in session.get_outputs()]
        self.input_shapes: Mapping[str, tuple[int | None, ...]] = _shapes(session.get_inputs())
        self.output_shapes: Mapping[str, tuple[int | None, ...]] = _shapes(session.get_outputs())
        self._single: _SingleSample | None = None
        # For any other device the engine copies what is bound when it is bound, and would not see what comes later.
        if session.get_providers()[0] == _CPU and self._is_plain():
            self._single = _SingleSample(session, self.input_shapes, self.output_shapes)

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
        providers = self._session.get_providers()
        device = next(name for name, device in _DEVICES.items() if device.provider == providers[0])
        details = {"providers": ",".join(providers), **_of_provider(self._session, providers[0])}
        return Description(
            backend="onnxruntime",
            version=import_engine().__version__,
            device=device.upper(),
            precision="f32",
            threads=options.intra_op_num_threads,
            details=details,
        )

    def close(self) -> None:
        """Give the engine's memory back."""
        self._session = self._single = None

    def __enter__(self) -> OnnxRuntimeSession:
        return self


def _of_provider(session: Any, provider: str) -> dict[str, str]:
    """Which settings another device than the CPU took, and which operators it left to the CPU."""
    if provider == _CPU:
        return {}
    settings = session.get_provider_options().get(provider, {})
    nodes = _nodes_by_provider(session)
    told = ", ".join(f"{count} on {name}" for name, count in nodes.items()) or "not told by this version"
    return {"operators": told, "settings": ",".join(f"{key}={value}" for key, value in sorted(settings.items()))}


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
