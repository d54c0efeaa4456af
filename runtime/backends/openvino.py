"""OpenVINO: an extra, often the fastest on Intel processors; also runs on their graphics units, when asked for."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import BackendError
from ..installed_version import version_of
from .base import Availability, ClosingSession, Description, FloatArray, Options, check_no_threads, device_for
from .openvino_ir import check_ir

_INSTALL = "pip install 'edgeward[openvino]'"
_GPU_DRIVER = (
    "the engine finds a GPU by Intel's OpenCL driver (Debian, Ubuntu: apt install intel-opencl-icd; then be in the "
    "group render); NVIDIA's and AMD's are not for it"
)
_LARGEST_STATIC = 256
"""Samples of the largest batch that is compiled for; larger ones gain little from it, and hold their memory."""
_ONNX_BEGINS = b"\x08"  # the field that holds the version of the format, which is the first


def import_engine() -> Any:
    """The package itself, with nothing beside it that would send anything.

    Raises:
        BackendError: It is absent.
    """
    # Importing the engine reports the import to Google Analytics and leaves an identifier in the home folder,
    # unless the package that does so cannot be imported; the engine does without it.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError as error:
        raise BackendError(f"openvino cannot be imported ({error}); install it with: {_INSTALL}") from error
    return openvino


class OpenVinoBackend:
    """OpenVINO with its CPU and its GPU plugin."""

    name = "openvino"
    devices: tuple[str, ...] = ("cpu", "gpu", "gpu.N")

    def probe(self) -> Availability:
        """Whether the package is installed; does not import it."""
        version = version_of("openvino")
        if version is None:
            return Availability(False, f"not installed; install it with: {_INSTALL}")
        return Availability(True, f"openvino {version}")

    def open(self, model: bytes, options: Options, weights: bytes | None = None) -> OpenVinoSession:
        """Load an ONNX graph, or with `weights` an IR, which is checked first as no hash can.

        Raises:
            RequestError: There is no such device.
            BundleError: The IR holds what none made here does.
            BackendError: The engine or the device is absent, the engine refuses the graph, or would compute it
                elsewhere, not in float32, or with other threads.
        """
        device = device_for(self, options).upper()
        if device != "CPU":
            check_no_threads(self, options)
        if weights is not None:
            check_ir(model, weights)
        engine = import_engine()
        try:
            core = engine.Core()
            _check_there(core, device)
            session = OpenVinoSession(core, _read(core, model, weights), device, options.threads, engine.__version__)
        except RuntimeError as error:
            raise BackendError(f"openvino {engine.__version__} refuses the graph: {error}") from error
        try:
            _check_used(session.describe(), device, options.threads)
        except BackendError:
            session.close()
            raise
        return session


def _numbered(device: str) -> str:
    """`GPU` is the engine's short name of `GPU.0`, and its only name of a GPU that is alone."""
    return f"{device}.0" if device == "GPU" else device


def _check_there(core: Any, device: str) -> None:
    found = core.available_devices
    if _numbered(device) not in map(_numbered, found):
        hint = "" if device == "CPU" else f"; {_GPU_DRIVER}"
        raise BackendError(f"openvino finds no {device} here (it finds {', '.join(found) or 'nothing'}){hint}")


def _check_used(used: Description, device: str, threads: int) -> None:
    """That what runs is what was asked for."""
    wanted = threads if device == "CPU" else 0
    if _numbered(used.device) != _numbered(device) or used.precision != "f32" or used.threads != wanted:
        raise BackendError(
            f"openvino would run on {used.device} with {used.precision} and {used.threads} threads, "
            f"not on {device} with f32 and {wanted}"
        )


def _settings(device: str, threads: int) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        # The default is bf16 or f16 where the device has it: other numbers, and on a CPU without AMX slower.
        "INFERENCE_PRECISION_HINT": "f32",
    }
    # No CACHE_DIR: compiling takes tens of milliseconds on a CPU, and what is read back from there has been wrong.
    return {**settings, "INFERENCE_NUM_THREADS": threads} if device == "CPU" else settings


def _read(core: Any, model: bytes, weights: bytes | None) -> Any:
    """From memory only: a name would let the engine look for files, and guess what they are by their endings."""
    if weights is not None:
        return core.read_model(model, weights)
    # Given the bytes alone, the engine guesses the format; an IR that says to be ONNX would be read unchecked.
    if model[:1] != _ONNX_BEGINS:
        raise RuntimeError("it does not begin as ONNX does")
    return core.read_model(model)


class StaticRequest(NamedTuple):
    """For batches of one size. Tensors filled at each call cost a third of passing arrays to the engine's Python."""

    request: Any
    inputs: Sequence[FloatArray]
    outputs: Sequence[FloatArray]


class OpenVinoSession(ClosingSession):
    """A graph in OpenVINO: compiled for single samples, for batches of 2, 4, 8 … samples, and once for all others.

    With its shapes known beforehand a batch takes less time: heart beats in batches of 2 two fifths, of 16 a fifth, of
    256 a twentieth. Compiling takes about a tenth of a second and 10 MB each, so it is done when a batch first comes.
    Only its size decides, as the two give other bits.
    """

    def __init__(self, core: Any, model: Any, device: str, threads: int, version: str) -> None:
        self._core, self._model, self._version = core, model, version
        self._device, self._settings = device, _settings(device, threads)
        self.input_shapes: Mapping[str, tuple[int | None, ...]] = _shapes(model.inputs)
        self.output_shapes: Mapping[str, tuple[int | None, ...]] = _shapes(model.outputs)
        self._static: dict[int, StaticRequest] = {}
        self._any_batch: Any = None
        self.static_request(1)

    def _compile(self, model: Any) -> Any:
        return self._core.compile_model(model, self._device, dict(self._settings)).create_infer_request()

    def static_request(self, n: int) -> StaticRequest:
        """The engine's own request for batches of `n` samples, with its tensors, compiled when first asked for."""
        if n not in self._static:
            model = self._model.clone()
            model.reshape({name: (n, *shape[1:]) for name, shape in self.input_shapes.items()})
            request = self._compile(model)
            self._static[n] = StaticRequest(
                request,
                [request.get_input_tensor(i).data for i in range(len(self.input_shapes))],
                [request.get_output_tensor(i).data for i in range(len(self.output_shapes))],
            )
        return self._static[n]

    def run(self, inputs: Sequence[FloatArray], outputs: Sequence[FloatArray] | None = None) -> list[FloatArray]:
        """Run the graph once; see `Session.run`."""
        try:
            results = self._results(inputs)
        except RuntimeError as error:
            raise BackendError(f"openvino cannot run the graph: {error}") from error
        # The engine writes its next results to the same memory, so these are copied out.
        if outputs is None:
            return [result.copy() for result in results]
        for given, result in zip(outputs, results, strict=True):
            given[...] = result
        return list(outputs)

    def _results(self, inputs: Sequence[FloatArray]) -> Sequence[FloatArray]:
        n = len(inputs[0])
        if n <= _LARGEST_STATIC and n & (n - 1) == 0:
            static = self._static.get(n) or self.static_request(n)
            for tensor, value in zip(static.inputs, inputs, strict=True):
                tensor[...] = value
            static.request.infer(share_outputs=True)  # which are copied out below, not here too
            return static.outputs
        if self._any_batch is None:
            self._any_batch = self._compile(self._model)
        self._any_batch.infer(list(inputs), share_inputs=True)
        return [self._any_batch.get_output_tensor(i).data for i in range(len(self.output_shapes))]

    def describe(self) -> Description:
        """What really runs, as the compiled model reports it."""
        compiled = self._static[1].request.get_compiled_model()
        device = ",".join(compiled.get_property("EXECUTION_DEVICES"))
        details = {"streams": str(compiled.get_property("NUM_STREAMS"))}
        threads = 0
        if device == "CPU":
            threads = int(compiled.get_property("INFERENCE_NUM_THREADS"))
        else:
            details["name"] = str(self._core.get_property(device, "FULL_DEVICE_NAME"))
        return Description(
            backend="openvino",
            version=self._version.partition("-")[0],
            device=device,
            precision=compiled.get_property("INFERENCE_PRECISION_HINT").to_string(),
            threads=threads,
            details=details,
        )

    def close(self) -> None:
        """Give the engine's memory back."""
        self._static = {}
        self._any_batch = self._model = self._core = None

    def __enter__(self) -> OpenVinoSession:
        return self


def _shapes(ports: Sequence[Any]) -> dict[str, tuple[int | None, ...]]:
    for port in ports:
        element = port.get_element_type().to_string()
        if element != "f32":
            raise BackendError(f"{port.get_any_name()!r} of the graph is {element}; a generator's must be f32")
    return {
        port.get_any_name(): tuple(
            None if dimension.is_dynamic else dimension.get_length() for dimension in port.get_partial_shape()
        )
        for port in ports
    }
