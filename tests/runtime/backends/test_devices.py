"""What was asked for is what runs: a device that is absent, or that an engine would leave for the CPU, is an error."""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from edgeward.runtime import BackendError, Bundle, RequestError, load
from edgeward.runtime.backends import BACKENDS, Options, backend_named
from edgeward.runtime.manifest import ENGINES, engine_of


@pytest.mark.parametrize(
    ("backend", "device", "offered"),
    [
        ("onnxruntime", "gpu", "cpu, cuda, coreml, directml"),
        ("onnxruntime", "CPU", "cpu, cuda, coreml, directml"),
        ("onnxruntime", "cpu.0", "cpu, cuda, coreml, directml"),
        ("openvino", "cuda", "cpu, gpu, gpu.N"),
        ("openvino", "cpu.0", "cpu, gpu, gpu.N"),
        ("openvino", "gpu.N", "cpu, gpu, gpu.N"),
        ("openvino", "gpu.", "cpu, gpu, gpu.N"),
        ("openvino", "gpu.0 MULTI:CPU", "cpu, gpu, gpu.N"),
        ("openvino", "auto", "cpu, gpu, gpu.N"),
    ],
)
def test_an_unknown_device_is_refused_with_those_there_are(
    backend: str, device: str, offered: str, small_graph: Callable[..., bytes]
) -> None:
    with pytest.raises(RequestError, match=f"{backend} has no device '{device}'; it has {offered}"):
        backend_named(backend).open(small_graph(), Options(device=device))


@pytest.mark.parametrize("device", [None, "cpu"])
def test_the_cpu_is_the_usual_device(device: str | None, backend: str, small_bundle: Bundle) -> None:
    with load(small_bundle, backend=backend, device=device) as generator:
        assert generator.describe()["device"] == "CPU"


@pytest.mark.parametrize(
    ("device", "provider", "command"),
    [
        ("cuda", "CUDAExecutionProvider", "pip install 'onnxruntime-gpu>=1.20,<2'"),
        ("coreml", "CoreMLExecutionProvider", "on a Mac"),
        ("directml", "DmlExecutionProvider", "pip install onnxruntime-directml"),
    ],
)
def test_onnxruntime_without_the_provider_is_an_error_with_the_command_that_installs_it(
    device: str, provider: str, command: str, small_graph: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(BackendError) as caught:
        backend_named("onnxruntime").open(small_graph(), Options(device=device))
    told = str(caught.value)
    assert f"has no {provider} for device '{device}' (it has CPUExecutionProvider)" in told
    assert command in told


@pytest.fixture
def claims_cuda(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make the CPU's onnxruntime claim to have CUDA, and say what its sessions say of themselves."""
    import onnxruntime

    cpu = onnxruntime.InferenceSession

    def claim(providers: list[str], nodes: dict[str, int] | None) -> None:
        class Part:
            def __init__(self, name: str, count: int) -> None:
                self.ep_name, self._count = name, count

            def get_nodes(self) -> list[int]:
                return list(range(self._count))

        class CopiedWhenBound(onnxruntime.IOBinding):  # type: ignore[misc]
            """As `IOBinding::BindInput` does where another device will take the input."""

            def bind_input(
                self, name: str, device: str, number: int, kind: type, shape: tuple[int, ...], place: int
            ) -> None:
                bound = np.frombuffer(ctypes.string_at(place, 4 * int(np.prod(shape))), np.float32).copy()
                self.kept = [*getattr(self, "kept", []), bound]
                super().bind_input(name, device, number, kind, shape, bound.ctypes.data)

        class Session(cpu):  # type: ignore[misc]
            fallback_off = False

            def __init__(self, model: bytes, settings: Any, asked: Any, enable_fallback: int) -> None:
                assert asked == [("CUDAExecutionProvider", {"use_tf32": "0"})]
                assert enable_fallback == 0
                super().__init__(model, settings, ["CPUExecutionProvider"])

            def io_binding(self) -> Any:
                return CopiedWhenBound(self)

            def get_providers(self) -> list[str]:
                return providers

            def get_provider_options(self) -> dict[str, dict[str, str]]:
                return {"CUDAExecutionProvider": {"use_tf32": "0", "device_id": "0"}}

            def disable_fallback(self) -> None:
                type(self).fallback_off = True

            if nodes is None:
                get_provider_graph_assignment_info = property()  # type: ignore[assignment] # as in versions without it
            else:

                def get_provider_graph_assignment_info(self) -> list[Part]:
                    return [Part(*item) for item in nodes.items() for _ in range(2)]

        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
        monkeypatch.setattr(onnxruntime, "InferenceSession", Session)

    return claim


def test_onnxruntime_that_fell_back_to_the_cpu_is_an_error(
    claims_cuda: Callable[..., None], small_graph: Callable[..., bytes]
) -> None:
    claims_cuda(["CPUExecutionProvider"], {"CPUExecutionProvider": 3})
    with pytest.raises(BackendError, match="would run on CPUExecutionProvider, not on CUDAExecutionProvider"):
        backend_named("onnxruntime").open(small_graph(), Options(device="cuda"))


def test_onnxruntime_that_leaves_every_operator_to_the_cpu_is_an_error(
    claims_cuda: Callable[..., None], small_graph: Callable[..., bytes]
) -> None:
    claims_cuda(["CUDAExecutionProvider", "CPUExecutionProvider"], {"CPUExecutionProvider": 3})
    with pytest.raises(BackendError, match="all 6 operators of the graph on the CPU"):
        backend_named("onnxruntime").open(small_graph(), Options(device="cuda"))


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ({"CUDAExecutionProvider": 4, "CPUExecutionProvider": 1}, "8 on CUDAExecutionProvider, 2 on CPUExecution"),
        (None, "not told by this version"),
    ],
)
def test_onnxruntime_tells_which_operators_run_where(
    nodes: dict[str, int] | None, told: str, claims_cuda: Callable[..., None], small_graph: Callable[..., bytes]
) -> None:
    import onnxruntime

    claims_cuda(["CUDAExecutionProvider", "CPUExecutionProvider"], nodes)
    with backend_named("onnxruntime").open(small_graph(), Options(device="cuda")) as session:
        description = session.describe()
    assert description.device == "CUDA"
    assert description.details["operators"].startswith(told)
    assert description.details["settings"] == "device_id=0,use_tf32=0"
    assert onnxruntime.InferenceSession.fallback_off


def test_onnxruntime_binds_no_memory_for_another_device_which_would_copy_it_only_once(
    claims_cuda: Callable[..., None], small_graph: Callable[..., bytes]
) -> None:
    condition = np.ones((1, 3), np.float32)
    with backend_named("onnxruntime").open(small_graph(), Options()) as here:
        claims_cuda(["CUDAExecutionProvider", "CPUExecutionProvider"], {"CUDAExecutionProvider": 4})
        with backend_named("onnxruntime").open(small_graph(), Options(device="cuda")) as elsewhere:
            for value in (1.0, 2.0):
                inputs = np.full((1, 4), value, np.float32), condition
                np.testing.assert_array_equal(elsewhere.run(inputs)[0], here.run(inputs)[0])


def test_onnxruntime_prints_nothing_when_it_refuses_a_graph(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BackendError):
        backend_named("onnxruntime").open(b"no graph", Options())
    assert capfd.readouterr().out == ""


def test_openvino_without_a_gpu_is_an_error_that_names_the_driver(small_graph: Callable[..., bytes]) -> None:
    openvino = pytest.importorskip("openvino")
    if any(name.startswith("GPU") for name in openvino.Core().available_devices):
        pytest.skip("there is a GPU")
    for device in ("gpu", "gpu.1"):
        with pytest.raises(BackendError) as caught:
            backend_named("openvino").open(small_graph(), Options(device=device))
        assert f"finds no {device.upper()} here (it finds CPU); the engine finds a GPU by" in str(caught.value)
        assert "apt install intel-opencl-icd" in str(caught.value)


class Core:
    """OpenVINO with one GPU, for which the CPU computes; what a compiled model says of itself can be set."""

    found: tuple[str, ...] = ("CPU", "GPU")
    said: dict[str, Any] = {"EXECUTION_DEVICES": ["GPU.0"]}  # noqa: RUF012 - set by tests
    asked: list[tuple[str, dict[str, Any]]] = []  # noqa: RUF012

    def __init__(self) -> None:
        import openvino

        self._core = openvino.Core()

    @property
    def available_devices(self) -> tuple[str, ...]:
        return self.found

    def read_model(self, *arguments: Any) -> Any:
        return self._core.read_model(*arguments)

    def get_property(self, device: str, name: str) -> str:
        assert name == "FULL_DEVICE_NAME"
        return f"the GPU called {device}"

    def compile_model(self, model: Any, device: str, settings: dict[str, Any]) -> Any:
        self.asked.append((device, settings))
        return _Compiled(self._core.compile_model(model, "CPU", settings), self.said)


class _Compiled:
    def __init__(self, compiled: Any, said: dict[str, Any]) -> None:
        self._compiled, self._said = compiled, said

    def create_infer_request(self) -> Any:
        return _Request(self._compiled.create_infer_request(), self)

    def get_property(self, name: str) -> Any:
        return self._said[name] if name in self._said else self._compiled.get_property(name)


class _Request:
    def __init__(self, request: Any, compiled: _Compiled) -> None:
        self._request, self._compiled = request, compiled

    def get_compiled_model(self) -> _Compiled:
        return self._compiled

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> type[Core]:
    openvino = pytest.importorskip("openvino")

    class Own(Core):
        asked: list[tuple[str, dict[str, Any]]] = []  # noqa: RUF012

    # Bound before the engine's own name is replaced.
    real = openvino.Core
    monkeypatch.setattr(Own, "__init__", lambda self: setattr(self, "_core", real()))
    monkeypatch.setattr(openvino, "Core", Own)
    return Own


@pytest.mark.parametrize(
    ("device", "found", "runs_on"),
    [
        ("gpu", ("CPU", "GPU"), "GPU.0"),
        ("gpu", ("CPU", "GPU.0", "GPU.1"), "GPU.0"),
        ("gpu.0", ("CPU", "GPU"), "GPU.0"),
        ("gpu.0", ("CPU", "GPU"), "GPU"),
        ("gpu.1", ("CPU", "GPU.0", "GPU.1"), "GPU.1"),
    ],
)
def test_openvino_on_a_gpu_reads_back_which(
    device: str, found: tuple[str, ...], runs_on: str, gpu: type[Core], small_graph: Callable[..., bytes]
) -> None:
    gpu.found, gpu.said = found, {"EXECUTION_DEVICES": [runs_on]}
    with backend_named("openvino").open(small_graph(), Options(device=device)) as session:
        description = session.describe()
        (samples,) = session.run((np.ones((3, 4), np.float32), np.ones((3, 3), np.float32)))
    assert samples.shape == (3, 2, 8)
    assert (description.device, description.precision, description.threads) == (runs_on, "f32", 0)
    assert description.details["name"] == f"the GPU called {runs_on}"
    for asked, settings in gpu.asked:
        assert asked == device.upper()
        assert settings["INFERENCE_PRECISION_HINT"] == "f32"
        assert "INFERENCE_NUM_THREADS" not in settings


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ("gpu", {"EXECUTION_DEVICES": ["CPU"]}),
        ("gpu.1", {"EXECUTION_DEVICES": ["GPU.0"]}),
        ("gpu", {"EXECUTION_DEVICES": ["GPU.0", "CPU"]}),
    ],
)
def test_openvino_that_runs_elsewhere_is_an_error(
    device: str, said: dict[str, Any], gpu: type[Core], small_graph: Callable[..., bytes]
) -> None:
    gpu.found, gpu.said = ("CPU", "GPU.0", "GPU.1"), said
    gpu_name = ",".join(said["EXECUTION_DEVICES"])
    with pytest.raises(BackendError, match=f"would run on {gpu_name} with f32 .*, not on {device.upper()} with f32"):
        backend_named("openvino").open(small_graph(), Options(device=device))


def test_threads_of_the_processor_are_refused_where_a_gpu_computes(small_graph: Callable[..., bytes]) -> None:
    with pytest.raises(RequestError, match="openvino on gpu uses no threads of the processor; leave threads at 1"):
        backend_named("openvino").open(small_graph(), Options(threads=2, device="gpu"))


def test_every_backend_is_given_variants_that_a_manifest_can_have() -> None:
    assert {engine_of(name) for name in BACKENDS} == set(ENGINES)
